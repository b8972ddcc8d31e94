"""GIF: one frame is read exactly, as image and as mask; damage and animations are refused before it is decoded."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from mask_files import mapped, mapper
from photo_files import noise, refusal, rendered
from picture_bytes import saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.gif import check_gif
from converter.pixels.masks import ValueCounter, open_mask


def palette(indices: np.ndarray, *colors: tuple[int, int, int], **options: object) -> bytes:
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette([level for color in colors for level in color])
    return saved(picture, "GIF", optimize=False, **options)


INDICES = np.array([[0, 1, 2], [2, 1, 0]])
COLORS = [(0, 0, 0), (200, 10, 0), (0, 10, 200), (9, 9, 9)]


@pytest.mark.parametrize(
    "options", [{}, {"interlace": 1}, {"transparency": 1}, {"comment": b"drawn"}, {"background": 2}]
)
def test_the_indices_of_a_gif_are_the_values_of_a_mask(options):
    data = palette(INDICES, *COLORS, **options)
    assert mapped(data, mapper("a,0", "b,1", "c,2")).tolist() == INDICES.tolist()
    assert mapped(data, mapper("a,#000000", "b,#C80A00", "c,#000AC8")).tolist() == INDICES.tolist()
    assert {str(value): n for value, n in ValueCounter().count(open_mask(data, "a.gif")).items()} == {
        "p0": 2, "p1": 2, "p2": 2,
    }  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"transparency": 1}])
def test_a_gif_photograph_has_the_colours_of_its_palette(options):
    assert rendered(palette(INDICES, *COLORS, **options), (2, 3)).tolist() == np.array(COLORS)[INDICES].tolist()


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 61)])
def test_the_levels_of_a_grey_gif_are_those_that_were_saved(size, interlace):
    grey = noise(*size)
    picture = Image.fromarray(grey)
    data = saved(picture, "GIF", interlace=interlace, palette=bytes(level for level in range(256) for _ in range(3)))
    assert np.array_equal(rendered(data, size)[..., 0], grey)


def test_an_animation_is_refused_and_one_frame_of_it_is_not():
    frames = [Image.fromarray(noise(3, 5)), Image.fromarray(noise(3, 5)).rotate(180)]
    assert refusal(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])) == ("E_FORMAT")
    assert rendered(saved(frames[0], "GIF", save_all=True), (3, 5)).shape == (3, 5, 3)


def test_a_gif_cut_at_any_byte_is_refused():
    data = saved(noise(13, 17), "GIF")
    rendered(data, (13, 17))
    for cut in range(len(data)):
        with pytest.raises(DataError):
            rendered(data[:cut], (13, 17))


def test_a_gif_whose_codes_end_early_is_refused():
    data = palette(np.zeros((20, 20)), (0, 0, 0), (1, 1, 1))
    start = data.index(b",\0\0\0\0") + 10
    codes = bytes([2, 1, 0b00101100, 0])  # clear, end: no pixel at all
    with pytest.raises(DataError, match="truncated or damaged"):
        rendered(data[:start] + codes + b";", (20, 20))


def test_a_frame_that_does_not_cover_the_image_is_refused():
    data = bytearray(saved(noise(3, 5), "GIF"))
    data[6] = 6  # one column more than the frame has
    with pytest.raises(DataError, match="has a frame of 3x5 pixels, which does not cover its 3x6"):
        check_gif(bytes(data), "a.gif")


def test_what_is_told_of_a_gif_is_its_size():
    assert check_gif(saved(noise(3, 5), "GIF"), "a.gif") == (3, 5)
    assert refusal(saved(noise(3, 5), "GIF"), max_pixels=14) == "E_TOO_LARGE"


def test_a_flipped_bit_in_a_gif_gives_a_picture_of_its_size_or_a_refusal():
    data = saved(noise(5, 7), "GIF")
    for position in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with contextlib.suppress(DataError):
            mask = open_mask(bytes(damaged), "a.gif", 4096)
            assert sum(ValueCounter().count(mask).values()) == mask.size[0] * mask.size[1]
