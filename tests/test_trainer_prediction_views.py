"""Views: where a photograph lies before the model."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.pixels.images import open_image, render
from trainer.choices.augments import GREY
from trainer.config import TrainConfig
from trainer.prediction.views import paint, view_of
from trainer.run.info import RunInfo

INFO = RunInfo(TrainConfig(data=Path("records")), "x", (64, 96), ("a", "b"), "", fit="pad", records_size=(64, 96))


def test_as_records_were_made():
    assert view_of(INFO, (128, 128))[1:] == ((64, 64), (0, 16), (64, 96), (64, 96))
    stretched = dataclasses.replace(INFO, fit="stretch")
    assert view_of(stretched, (128, 128))[1:] == ((64, 96), (0, 0), (64, 96), (64, 96))


def test_what_a_crop_would_lose_is_kept_for_windows():
    cropped = dataclasses.replace(INFO, fit="crop")
    assert view_of(cropped, (192, 192))[1:] == ((96, 96), (0, 0), (96, 96), (96, 96))
    assert view_of(cropped, (128, 192)).canvas == (64, 96)


def test_photographs_of_records_that_keep_their_size_keep_theirs():
    kept = dataclasses.replace(INFO, records_size=None)
    assert view_of(kept, (50, 200))[1:] == ((50, 200), (0, 0), (50, 200), (64, 200))


def test_a_large_photograph_is_looked_at_in_the_scale_of_training():
    known = dataclasses.replace(INFO, photo_size=(128, 192), largest_photo=(150, 192))
    assert view_of(known, (300, 384)).canvas == (64, 96)  # twice as large: still as a whole
    assert view_of(known, (1000, 384)).scaled == (500, 192)
    assert view_of(known, (1000, 384), "fit").canvas == (64, 96)
    assert view_of(known, (1000, 384), 0.25).scaled == (250, 96)
    assert view_of(INFO, (1000, 1000)).canvas == (64, 96)  # nothing is known of its photographs


@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_the_canvas_is_the_image_that_build_stores(fit):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 55, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    view = view_of(dataclasses.replace(INFO, fit=fit), (70, 55))
    expected = np.asarray(render(open_image(buffer.getvalue(), "a"), (64, 96), fit))
    np.testing.assert_array_equal(paint(open_image(buffer.getvalue(), "a"), view), expected)


def test_beyond_a_small_photograph_windows_are_grey():
    buffer = io.BytesIO()
    Image.new("RGB", (20, 10), (1, 2, 3)).save(buffer, "PNG")
    view = view_of(dataclasses.replace(INFO, records_size=None), (10, 20))
    canvas = paint(open_image(buffer.getvalue(), "a"), view)
    assert canvas.shape == (64, 96, 3)
    assert canvas[9, 19].tolist() == [1, 2, 3]
    assert canvas[10, 0].tolist() == canvas[0, 20].tolist() == [GREY] * 3


def test_of_tiles_a_photograph_has_the_scale_at_which_it_was_cut():
    tiles = dataclasses.replace(INFO, fit="tile", tile_scale=0.5, photo_size=(400, 400), largest_photo=(400, 400))
    for size in ((300, 384), (3000, 5001)):
        scaled = size[0] // 2, size[1] // 2
        for scale in ("auto", "fit"):
            assert view_of(tiles, size, scale)[1:] == (scaled, (0, 0), scaled, scaled)
    assert view_of(tiles, (300, 384), 1.0).scaled == (300, 384)
    # A photograph smaller than a tile is padded as build does, with 0.
    assert view_of(tiles, (60, 400))[1:] == ((30, 200), (0, 0), (64, 200), (64, 200))
