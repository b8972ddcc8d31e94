"""Geometry: which part of an image goes where, for each fit and orientation."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from photo_files import ORIENTATION, as_stored, noise, rendered, smooth
from picture_bytes import saved
from PIL import Image

from converter.pixels.geometry import Box, overlap_of, place, tile_boxes


@pytest.mark.parametrize(
    ("source", "size", "box"),
    [
        ((100, 200), (100, 200), Box(0, 0, 100, 200)),
        ((100, 200), (50, 50), Box(12, 0, 25, 50)),  # half of 25 rows of padding, rounded down, is above
        ((200, 100), (50, 50), Box(0, 12, 50, 25)),
        ((10, 10), (40, 60), Box(0, 10, 40, 40)),  # small images are enlarged
        ((288, 384), (512, 512), Box(64, 0, 384, 512)),
        ((720, 960), (360, 480), Box(0, 0, 360, 480)),
        ((1, 1000), (10, 10), Box(4, 0, 1, 10)),  # 0.01 of a row is still one
        ((3, 2), (5, 5), Box(0, 1, 5, 3)),  # 3.33 columns
        ((3, 3), (1, 2), Box(0, 0, 1, 1)),
    ],
)
def test_pad_places_the_largest_box_of_the_same_shape_in_the_middle(source, size, box):
    assert place(source, size, "pad") == (Box(0, 0, *source), box)


def test_stretch_takes_all_of_the_size():
    assert place((3, 200), (50, 70), "stretch") == (Box(0, 0, 3, 200), Box(0, 0, 50, 70))


def test_a_placed_box_always_lies_within_the_size_and_touches_two_sides():
    rng = np.random.default_rng(0)
    for source, size in rng.integers(1, 2000, (1000, 2, 2)):
        box = place(tuple(source), tuple(size), "pad").box
        assert min(box.top, box.left) >= 0
        assert min(box.height, box.width) >= 1
        assert box.top + box.height <= size[0]
        assert box.left + box.width <= size[1]
        assert box.height == size[0] or box.width == size[1]


@pytest.mark.parametrize(
    ("source", "size", "crop"),
    [
        ((100, 200), (50, 50), Box(0, 50, 100, 100)),
        ((200, 101), (50, 50), Box(49, 0, 101, 101)),  # of 99 cropped rows, 49 are above
        ((720, 960), (512, 512), Box(0, 120, 720, 720)),
        ((10, 10), (40, 60), Box(1, 0, 7, 10)),  # 6.67 rows
        ((1, 1000), (10, 10), Box(0, 499, 1, 1)),
        ((360, 480), (720, 960), Box(0, 0, 360, 480)),
    ],
)
def test_crop_takes_the_largest_box_of_the_stored_shape_from_the_middle(source, size, crop):
    assert place(source, size, "crop") == (crop, Box(0, 0, *size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crop_takes_the_same_box_of_the_upright_photograph_however_it_lies_in_the_file(orientation):
    upright = noise(9, 14, 3)
    turns = as_stored(upright)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(np.ascontiguousarray(turns[orientation]), exif=exif)
    crop = place((9, 14), (9, 9), "crop").crop
    assert crop == Box(0, 2, 9, 9)
    assert np.array_equal(rendered(data, (9, 9), "crop"), upright[:, 2:11])
    assert np.array_equal(rendered(data, (5, 14), "crop"), upright[2:7])


@pytest.mark.parametrize("size", [(125, 125), (250, 100), (60, 180), (700, 900)])
def test_decoding_at_reduced_scale_does_not_shift_what_is_cropped(size):
    data = saved(smooth(1001, 1503), "JPEG", quality=95)
    top, left, height, width = place((1001, 1503), size, "crop").crop
    area = (left, top, left + width, top + height)
    whole = Image.open(io.BytesIO(data)).convert("RGB")
    reference = np.asarray(whole.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=area)).astype(int)
    ours = rendered(data, size, "crop").astype(int)
    assert np.abs(ours - reference).mean() < 1.0
    for axis in (0, 1):
        slope = np.gradient(reference.astype(float), axis=axis)
        assert abs(((ours - reference) * slope).sum() / (slope**2).sum()) < 0.05


@pytest.mark.parametrize("edge", ["shift", "pad"])
@pytest.mark.parametrize("side", [1, 7, 8, 9, 15, 16, 20, 63, 64, 65])
@pytest.mark.parametrize("overlap", [0, 1, 7])
def test_tiles_cover_every_pixel_and_no_more_than_they_must(edge, side, overlap):
    seen = np.zeros(side, int)
    boxes = tile_boxes(Box(3, 5, side, 10), (8, 10), overlap, edge)
    starts = [box.top - 3 for box in boxes]
    assert starts == sorted(set(starts))
    for start in starts:
        seen[start : start + 8] += 1
    assert seen.all()
    assert len(starts) == 1 or (starts[-2] + 8 < side)  # without the last one something would be missing
    assert {b - a for a, b in itertools.pairwise(starts[:-1])} <= {8 - overlap}
    if edge == "shift" and side >= 8:
        assert starts[-1] + 8 == side
    assert {box.left for box in boxes} == {5}


def test_the_part_of_a_window_within_an_image():
    assert overlap_of(Box(2, 3, 4, 5), (100, 100)) == Box(0, 0, 4, 5)
    assert overlap_of(Box(97, 98, 4, 5), (100, 100)) == Box(0, 0, 3, 2)
    assert overlap_of(Box(-1, -2, 4, 5), (100, 100)) == Box(1, 2, 3, 3)
    assert overlap_of(Box(100, 0, 4, 5), (100, 100)) == Box(0, 0, 0, 5)
