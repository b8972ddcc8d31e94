"""Facts about overlays: classes in their colours, ignored pixels in stripes, and every cell on the sheet."""

from __future__ import annotations

import numpy as np
import pytest

from converter.pixels.overlays import GAP, SWATCH, colorize, contact_sheet, overlay

COLORS = [(0, 0, 0), (22, 0, 255), (255, 255, 255)]
DARK, LIGHT = (60, 60, 66), (128, 128, 136)


def test_each_class_has_its_colour():
    mask = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    picture = colorize(mask, COLORS)
    assert picture.dtype == np.uint8
    assert picture.tolist() == np.array(COLORS)[mask].tolist()


def test_ignored_pixels_are_diagonal_stripes_three_wide():
    picture = colorize(np.full((2, 7), 255, np.uint8), COLORS)
    assert [tuple(pixel) for pixel in picture[0].tolist()] == [LIGHT] * 3 + [DARK] * 3 + [LIGHT]
    assert [tuple(pixel) for pixel in picture[1].tolist()] == [LIGHT] * 2 + [DARK] * 3 + [LIGHT] * 2


def test_ignored_is_told_from_a_class_of_the_same_grey():
    picture = colorize(np.array([[0, 255]], np.uint8), [LIGHT])
    assert picture[0, 0].tolist() == list(LIGHT)
    assert colorize(np.full((6, 6), 255, np.uint8), [LIGHT]).std() > 0


def test_an_index_beyond_the_classes_is_drawn_as_ignored():
    assert np.array_equal(colorize(np.full((4, 9), 3, np.uint8), COLORS), colorize(np.full((4, 9), 255), COLORS))


def test_255_classes_leave_only_255_ignored():
    colors = [(level, level, level) for level in range(255)]
    picture = colorize(np.array([[254, 255]], np.uint8), colors)
    assert picture.tolist() == [[[254, 254, 254], list(LIGHT)]]


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, 100), (1.0, 200), (0.5, 150), (0.25, 125)])
def test_an_overlay_blends_by_its_share(alpha, expected):
    image = np.full((2, 3, 3), 100, np.uint8)
    blended = overlay(image, np.zeros((2, 3), np.uint8), [(200, 200, 200)], alpha)
    assert blended.tolist() == np.full((2, 3, 3), expected).tolist()


def test_an_overlay_leaves_the_photograph_as_it_was():
    image = np.full((2, 3, 3), 100, np.uint8)
    overlay(image, np.zeros((2, 3), np.uint8), COLORS)
    assert (image == 100).all()


def cell(level: int, height: int = 50, width: int = 120) -> np.ndarray:
    return np.random.default_rng(level).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_every_cell_stands_on_the_sheet_as_it_is():
    rows = [[cell(0), cell(1), cell(2)], [cell(3)]]
    sheet = contact_sheet(rows)
    assert sheet.mode == "RGB"
    assert sheet.size == (GAP + 3 * (120 + GAP), GAP + 2 * (50 + GAP))
    pixels = np.asarray(sheet)
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            top, left = GAP + number * (50 + GAP), GAP + column * (120 + GAP)
            assert np.array_equal(pixels[top : top + 50, left : left + 120], picture)
    assert (pixels[GAP + 50 + GAP :, GAP + 120 :] == 255).all()  # the place of the missing cells is white


def test_title_captions_and_legend_take_room_but_none_from_the_cells():
    rows = [[cell(0), cell(1), cell(2)], [cell(3), cell(4), cell(5)]]
    plain = contact_sheet(rows)
    sheet = contact_sheet(rows, captions=["one", "two"], legend=[("roof", (1, 200, 3))], title="Town")
    assert sheet.width == plain.width
    assert sheet.height > plain.height
    pixels = np.asarray(sheet)
    for picture in (picture for row in rows for picture in row):
        assert any(
            np.array_equal(pixels[top : top + 50, left : left + 120], picture)
            for top in range(sheet.height - 49)
            for left in (GAP + column * (120 + GAP) for column in range(3))
        )


def test_a_caption_is_written_below_its_row():
    pixels = np.asarray(contact_sheet([[cell(0)], [cell(1)]], captions=["a.jpg", ""]))
    step = (pixels.shape[0] - GAP) // 2
    first, second = (pixels[GAP + row * step + 50 : GAP + row * step + step] for row in (0, 1))
    assert first.min() < 200
    assert second.min() == 255


def test_a_caption_for_each_cell_stays_below_its_cell():
    name = "photographs/of a long street/0001TP_006690.png"
    pixels = np.asarray(contact_sheet([[cell(0), cell(1)], [cell(2)]], captions=["a.jpg", name, name]))
    step = (pixels.shape[0] - GAP) // 2
    below = pixels[GAP + 50 : GAP + step - GAP]
    for column in (0, 1):
        left = GAP + column * (120 + GAP)
        assert below[:, left : left + 120].min() < 200
    assert (below[:, GAP + 120 : GAP + 120 + GAP] == 255).all()  # the gap between the cells
    assert (below[:, -GAP:] == 255).all()
    assert (pixels[GAP + step + 50 :, GAP + 120 :] == 255).all()  # the last row has one cell


def test_a_caption_for_each_row_may_be_as_wide_as_the_sheet():
    pixels = np.asarray(contact_sheet([[cell(0)] * 3, [cell(1)] * 3], captions=["x" * 200, "a"]))
    below = pixels[GAP + 50 : GAP + 50 + 16]
    assert below[:, GAP + 2 * (120 + GAP) : -GAP].min() < 200
    assert (below[:, -GAP:] == 255).all()


def test_text_that_is_too_long_keeps_its_two_ends():
    def below(caption: str) -> np.ndarray:
        return np.asarray(contact_sheet([[cell(0, 50, 304)]], captions=[caption]))[GAP + 50 :]

    long = below("begins here" + "-" * 100 + "001.png")
    assert np.array_equal(long[:, : GAP + 50], below("begins here")[:, : GAP + 50])
    assert (long[:, -GAP:] == 255).all()
    assert not np.array_equal(long, below("begins here" + "-" * 100 + "002.png"))


def test_cells_of_different_sizes_do_not_lie_upon_each_other():
    small, wide, tall = cell(0, 30, 40), cell(1, 20, 200), cell(2, 90, 60)
    pixels = np.asarray(contact_sheet([[small, wide], [tall]]))
    assert pixels.shape[:2] == (GAP + 30 + GAP + 90 + GAP, GAP + 2 * (200 + GAP))
    assert np.array_equal(pixels[GAP : GAP + 30, GAP : GAP + 40], small)
    assert np.array_equal(pixels[GAP : GAP + 20, 2 * GAP + 200 : 2 * GAP + 400], wide)
    assert np.array_equal(pixels[2 * GAP + 30 : 2 * GAP + 120, GAP : GAP + 60], tall)


def test_a_legend_stripes_what_has_no_colour():
    pixels = np.asarray(contact_sheet([[cell(0)]], legend=[("roof", (1, 200, 3)), ("ignore", None)]))
    legend = pixels[GAP + 50 + GAP :].reshape(-1, 3)
    assert all((legend == color).all(axis=1).sum() > 50 for color in (DARK, LIGHT))


def test_long_names_of_a_legend_are_cut_before_the_next_colour():
    legend = [("a very long name of a class " * 9, (200, 0, number)) for number in range(3)]
    sheet = np.asarray(contact_sheet([[cell(0, 50, 480)]], legend=legend))
    lines = sheet[GAP + 50 + GAP :]
    fields = (lines[:, :, 0] == 200) & (lines[:, :, 1] == 0)
    assert fields.sum() == 3 * SWATCH**2  # no letter overlaps a swatch
    assert (lines[:, -GAP:] == 255).all()


def test_the_legend_shows_each_colour_and_breaks_into_lines():
    legend = [(f"class number {index}", (index, 100, 200)) for index in range(12)]
    sheet = contact_sheet([[cell(0)]], legend=legend)
    pixels = np.asarray(sheet).reshape(-1, 3)
    for _, color in legend:
        assert (pixels == color).all(axis=1).sum() >= (SWATCH - 1) ** 2
    lines = (sheet.height - (GAP + 50 + GAP)) / (SWATCH + GAP)
    assert lines == int(lines)
    assert lines > 1


def test_a_sheet_of_tiny_cells_still_has_room_for_a_title():
    assert contact_sheet([[cell(0, 2, 2)]], title="A title").width == 320


@pytest.mark.parametrize("text", ["Straße", "日本", "", "two\nlines"])
def test_text_of_any_script_can_be_drawn(text):
    contact_sheet([[cell(0)]], captions=[text], legend=[(text, (0, 0, 0))], title=text)
