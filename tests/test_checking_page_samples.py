"""Page samples: classes are overlaid on their images in their colours."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from check_pages import BLUE, GREEN, REPORT, ROWS, Page, halves, near, page_of, write_pair
from picture_bytes import png
from PIL import Image

from converter.checking.page_samples import UNLISTED_STRIPES
from converter.checking.report import SplitFacts, ValueRow
from converter.sources.refs import ExampleRef


def test_classes_are_laid_over_the_photographs_in_their_colours(tmp_path):
    samples = (write_pair(tmp_path, halves(BLUE, (0, 0, 0))),)
    page = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path))
    (picture,) = page.pictures()
    assert picture.shape == (64, 64, 3)
    assert near(picture[32, 8], (61, 50, 177.5))  # half of 100, 100, 100 and half of the class's colour
    assert near(picture[32, 56], (50, 50, 50))
    (image,) = page.all("img")
    assert (image["width"], image["height"]) == ("64", "64")
    assert "a.png" in str(image["alt"])
    assert "train.txt:7" in page.text


def test_values_that_no_class_lists_are_striped_and_the_mask_is_shown(tmp_path):
    samples = (write_pair(tmp_path, halves((0, 0, 0), (1, 2, 3))),)
    picture, mask = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path)).pictures()
    assert near(picture[32, 8], (50, 50, 50))
    middle = (UNLISTED_STRIPES[0][0] + UNLISTED_STRIPES[1][0]) / 2
    reds = picture[:, 40:, 0]
    assert reds.min() < middle - 60  # both stripes are there, though JPEG blurs their colours
    assert reds.max() > middle + 60
    assert near(mask[32, 56], (1, 2, 3))


def test_without_a_class_map_the_values_stand_beside_the_photograph(tmp_path):
    mask = Image.fromarray(np.repeat(np.array([[0] * 32 + [1] * 32], np.uint8), 64, axis=0))
    rows = (
        ValueRow(None, "", "0", (10, 20, 30), 1, 0.5, 1),
        ValueRow(None, "", "1", (200, 100, 0), 1, 0.5, 1),
    )
    splits = {"train": SplitFacts(1)}
    samples = (write_pair(tmp_path, mask),)
    report = dataclasses.replace(REPORT, classes="", rows=rows, splits=splits, samples=samples)
    page = Page(page_of(report, tmp_path))
    photograph, values = page.pictures()
    assert near(photograph[32, 8], (100, 100, 100))
    assert near(values[32, 8], (10, 20, 30))
    assert near(values[32, 56], (200, 100, 0))
    assert "no class map" in page.text


def test_masks_are_shown_as_they_are_drawn_where_the_values_contradict_each_other(tmp_path):
    rows = (
        ValueRow(0, "a", "7", (9, 9, 9), 1, 0.5, 1),
        ValueRow(1, "b", "#070707", (8, 8, 8), 1, 0.5, 1),
    )
    samples = (write_pair(tmp_path, halves(GREEN, BLUE)),)
    _, mask = Page(page_of(dataclasses.replace(REPORT, rows=rows, samples=samples), tmp_path)).pictures()
    assert near(mask[32, 8], GREEN)


def test_255_classes_are_drawn_in_their_colours(tmp_path):
    rows = tuple(ValueRow(i, f"c{i}", str(i), (i, 255 - i, 0), 1, 1 / 255, 1) for i in range(255))
    mask = Image.fromarray(np.full((64, 64), 254, np.uint8))
    samples = (write_pair(tmp_path, mask),)
    (picture,) = Page(page_of(dataclasses.replace(REPORT, rows=rows, samples=samples), tmp_path)).pictures()
    assert near(picture[32, 32], (177, 50.5, 50))


def test_a_large_photograph_becomes_a_thumbnail_of_its_shape(tmp_path):
    samples = (write_pair(tmp_path, Image.new("RGB", (800, 400))),)
    (picture,) = Page(page_of(dataclasses.replace(REPORT, samples=samples), tmp_path)).pictures()
    assert picture.shape == (160, 320, 3)


def test_a_sample_that_cannot_be_read_is_left_out(tmp_path):
    good = write_pair(tmp_path, halves(BLUE, BLUE), "good")
    gone = ExampleRef("train", "gone.png", "gone_mask.png")
    cut = write_pair(tmp_path, halves(BLUE, BLUE), "cut")
    (tmp_path / "cut_mask.png").write_bytes((tmp_path / "cut_mask.png").read_bytes()[:60])
    page = Page(page_of(dataclasses.replace(REPORT, samples=(gone, cut, good)), tmp_path))
    assert len(page.pictures()) == 1
    assert "good.png" in page.text
    assert len(Page(page_of(dataclasses.replace(REPORT, samples=(gone,)), tmp_path)).pictures()) == 0


@pytest.mark.parametrize("rows", [ROWS, (ROWS[0], dataclasses.replace(ROWS[1], value="no value"))])
@pytest.mark.parametrize("size", [(64, 64), (64, 70)])  # the second announces rows that are not there
def test_a_mask_whose_pixels_are_damaged_is_left_out(tmp_path, rows, size):
    ref = write_pair(tmp_path, Image.new("RGB", (64, size[1])))
    body = b"" if size == (64, 64) else bytes(64 * (1 + 64 * 3))
    (tmp_path / ref.mask).write_bytes(png((size[1], 64), 8, 2, body))
    report = dataclasses.replace(REPORT, rows=rows, samples=(ref,))
    assert Page(page_of(report, tmp_path)).pictures() == []


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_masks_of_every_mode_are_shown_where_no_value_is_listed(tmp_path, mode):
    mask = Image.fromarray(np.full((64, 64), 3, np.uint16)) if mode == "I;16" else Image.new(mode, (64, 64))
    ref = write_pair(tmp_path, mask)
    rows = (ValueRow(0, "a", "#102030", (9, 9, 9), 1, 1.0, 1), ROWS[1])
    report = dataclasses.replace(REPORT, rows=rows, samples=(ref,))
    assert len(Page(page_of(report, tmp_path)).pictures()) == 2
