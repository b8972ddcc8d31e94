"""Colours: the wheel, the colour map of VOC, and luminance."""

from __future__ import annotations

import pytest
from PIL import Image

from converter.pixels.colors import luminance, voc_color, wheel_color


def test_the_wheel_gives_every_class_a_colour_of_its_own():
    assert len({wheel_color(index) for index in range(255)}) > 240
    assert wheel_color(0) == (242, 12, 12)  # hue 0, saturation 0.95, value 0.95


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (255, 255, 255), (22, 0, 255), (1, 2, 3), (60, 40, 222)])
def test_luminance_is_what_pillow_makes_grey_of_a_colour(color):
    assert luminance(color) == Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))


def test_the_colour_map_of_voc():
    # The first 21 and the last, as printed by the development kit.
    assert [voc_color(index) for index in range(21)] == [
        *((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)),
        *((128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128)),
        *((64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128)),
    ]
    assert voc_color(255) == (224, 224, 192)
    assert len({voc_color(index) for index in range(256)}) == 256
