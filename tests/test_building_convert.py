"""Convert: a record and its counts are those of an independent computation."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from conftest import COLORS, EXPECTED
from made_pairs import KINDS, decoded, jpeg, make, png, sums, write_pair
from PIL import Image

from converter.building.convert import make_record
from converter.building.tally import Tally
from converter.classes.class_map import ClassMap
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.errors import DataError
from converter.sources.refs import ExampleRef


@pytest.mark.parametrize(("fit", "crop", "box"), [  # of 20 x 30: (left, top, right, bottom) of it, and where it goes
    ("pad", (0, 0, 30, 20), (0, 4, 24, 20)),
    ("stretch", (0, 0, 30, 20), (0, 0, 24, 24)),
    ("crop", (5, 0, 25, 20), (0, 0, 24, 24)),
])  # fmt: skip
@pytest.mark.parametrize("image_format", ["jpeg:95", "png", "keep"])
def test_a_record_and_its_counts_are_those_of_an_independent_computation(tmp_path, fit, crop, box, image_format):
    drawn = write_pair(tmp_path)
    record, tally = make(tmp_path, PairConfig((24, 24), fit, image_format=image_format))
    left, top, right, bottom = box
    picture = Image.open(tmp_path / "a.jpg").resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=crop)
    stored = Image.new("RGB", (24, 24))
    stored.paste(picture, (left, top))
    expected = io.BytesIO()
    stored.save(expected, "JPEG", quality=95, subsampling="4:2:0")
    if image_format == "png":
        np.testing.assert_array_equal(decoded(record.image_bytes), np.asarray(stored))
        assert Image.open(io.BytesIO(record.image_bytes)).format == "PNG"
    else:
        assert record.image_bytes == expected.getvalue()
    rows, columns = (
        np.floor((np.arange(new) + 0.5) * (end - start) / new).astype(int) + start
        for new, start, end in ((bottom - top, crop[1], crop[3]), (right - left, crop[0], crop[2]))
    )
    mask = np.full((24, 24), 255, np.uint8)
    mask[top:bottom, left:right] = drawn[rows][:, columns]
    np.testing.assert_array_equal(record.mask, mask)
    pixels = np.asarray(picture)
    assert tally == Tally(
        pixels=[int((mask == index).sum()) for index in range(3)],
        images=[int((mask == index).any()) for index in range(3)],
        ignored_pixels=int((mask == 255).sum()),
        padded_pixels=24 * 24 - pixels.shape[0] * pixels.shape[1],
        picture_pixels=pixels.shape[0] * pixels.shape[1],
        level_sums=sums(pixels, 1),
        level_squares=sums(pixels, 2),
        sizes=Counter({(20, 30): 1}),
    )


def test_keep_stores_the_coded_picture_itself_without_its_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "camera with a serial number"
    write_pair(tmp_path, quality=60, subsampling="4:4:4", progressive=True, exif=exif, comment=b"at home")
    record, tally = make(tmp_path, PairConfig((20, 30), image_format="keep"))
    kept = Image.open(io.BytesIO(record.image_bytes))
    original = Image.open(tmp_path / "a.jpg")
    assert tally.kept == 1
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(original))
    assert kept.info["progressive"] == 1
    assert not kept.getexif()
    assert "comment" not in kept.info
    assert b"camera" not in record.image_bytes
    assert tally.level_sums == sums(np.asarray(original), 1)


@pytest.mark.parametrize(("size", "orientation"), [((20, 30), 3), ((40, 60), 1)])
def test_keep_writes_what_it_has_to_turn_or_resize(tmp_path, size, orientation):
    (tmp_path / "a.jpg").write_bytes(jpeg(20, 30, orientation))
    (tmp_path / "a.png").write_bytes(png(20, 30))
    record, tally = make(tmp_path, PairConfig(size, image_format="keep"))
    assert (tally.kept, decoded(record.image_bytes).shape) == (0, (*size, 3))


@pytest.mark.parametrize(("orientation", "mask_size", "turned", "unturned"), [
    (1, (20, 30), 0, 0),
    (3, (20, 30), 1, 0),
    (6, (30, 20), 1, 0),
    (6, (20, 30), 0, 1),
])  # fmt: skip
def test_peers_row_10_photographs_that_exif_would_turn_are_counted(tmp_path, orientation, mask_size, turned, unturned):
    (tmp_path / "a.jpg").write_bytes(jpeg(20, 30, orientation))
    (tmp_path / "a.png").write_bytes(png(*mask_size))
    tally = make(tmp_path, PairConfig((24, 24)))[1]
    assert (tally.turned, tally.unturned) == (turned, unturned)
    assert tally.sizes == {mask_size: 1}


def test_without_a_size_every_record_has_that_of_its_photograph(tmp_path):
    drawn = write_pair(tmp_path, size=(21, 13))
    record, tally = make(tmp_path, PairConfig(None, image_format="png"))
    np.testing.assert_array_equal(record.mask, drawn)
    np.testing.assert_array_equal(decoded(record.image_bytes), np.asarray(Image.open(tmp_path / "a.jpg")))
    assert (tally.padded_pixels, tally.picture_pixels, record.original_size) == (0, 21 * 13, (21, 13))


def test_vote_stores_the_class_with_the_most_area_under_each_pixel(tmp_path):
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, 4, (10, 10))
    fine = np.zeros((20, 30), np.int64)
    fine[:, 5:25] = wanted.repeat(2, 0).repeat(2, 1)
    for row, column in np.ndindex(10, 10):  # one of the four pixels under each is of another class
        y, x = rng.integers(0, 2, 2)
        fine[2 * row + y, 5 + 2 * column + x] = rng.integers(0, 4)
    write_pair(tmp_path)
    Image.fromarray(COLORS[fine]).save(tmp_path / "a.png")
    record, _ = make(tmp_path, PairConfig((10, 10), "crop", "vote"))
    np.testing.assert_array_equal(record.mask, EXPECTED[wanted])


def test_colours_that_are_taken_for_listed_ones_are_counted_pair_by_pair(tmp_path):
    drawn = write_pair(tmp_path)
    mask = np.asarray(Image.open(tmp_path / "a.png")).copy()
    mask[3, 4:9, 0] ^= 3
    Image.fromarray(mask).save(tmp_path / "a.png")
    pair = PairConfig((20, 30), tolerance=3)
    mapper = MaskMapper(KINDS, pair.tolerance)
    for _ in range(2):
        record, tally = make_record(ExampleRef("train", "a.jpg", "a.png"), SourceConfig(tmp_path), mapper, pair)
        assert tally.corrected_pixels == 5
        np.testing.assert_array_equal(record.mask, drawn)
    with pytest.raises(DataError, match="unlisted"):
        make(tmp_path, PairConfig((20, 30)))


@pytest.mark.parametrize(("missing", "index"), [("background", 1), ("ignore", 255)])
def test_an_image_without_a_mask_is_all_background_or_all_ignored(tmp_path, missing, index):
    write_pair(tmp_path)
    classes = ClassMap(("road", "background"), {7: 0, 0: 1}, {}, {})
    source = SourceConfig(tmp_path, missing_mask=missing)
    record, tally = make_record(ExampleRef("train", "a.jpg", ""), source, MaskMapper(classes), PairConfig((24, 24)))
    expected = np.full((24, 24), 255, np.uint8)
    expected[4:20] = index  # 20 x 30 is 16 x 24 within 24 x 24; the rest is padding
    np.testing.assert_array_equal(record.mask, expected)
    assert (record.file_name, record.mask_name, record.original_size) == ("a.jpg", "", (20, 30))
    assert tally.pixels == ([0, 16 * 24] if missing == "background" else [0, 0])
    assert (tally.padded_pixels, tally.ignored_pixels) == (192, 192 if missing == "background" else 576)
