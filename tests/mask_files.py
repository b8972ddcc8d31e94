"""Masks that the tests of several modules draw, save and map."""

from __future__ import annotations

import numpy as np
import pytest
from picture_bytes import saved
from PIL import Image

from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.errors import DataError
from converter.pixels.masks import open_mask

TUTORIAL = ("background,*", "building,76", "vegetation,150", "road,255")
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
SIZES = [((4, 6), (2, 3)), ((4, 6), (3, 5)), ((7, 5), (3, 11)), ((5, 7), (10, 14)), ((3, 3), (7, 10)), ((9, 4), (1, 1))]


def mapper(*rows: str, tolerance: int = 0) -> MaskMapper:
    return MaskMapper(parse_class_map("\n".join(("name,value", *rows)), "classes.csv"), tolerance)


def palette_png(indices: np.ndarray, *colors: tuple[int, int, int]) -> bytes:
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette([level for color in colors for level in color])
    return saved(picture)


def mapped(data: bytes, classes: MaskMapper, size: tuple[int, int] | None = None) -> np.ndarray:
    source = open_mask(data, "a.png")
    mask = classes.map_mask(source, size or source.size, "stretch")
    assert mask.dtype == np.uint8
    assert mask.shape == (size or source.size)
    return mask


def refusal(data: bytes, classes: MaskMapper, size: tuple[int, int] | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        mapped(data, classes, size)
    assert caught.value.where == "a.png"
    return caught.value


def steps(old: int, new: int) -> np.ndarray:
    """Returns which of `old` rows each of `new` rows takes, computed as Pillow does: by adding up old / new.

    In exact numbers it is floor((i + 0.5) * old / new); where that is a whole number before the floor, rounding
    decides.
    """
    return np.cumsum([0.5 * (old / new), *[old / new] * (new - 1)]).astype(int)


def nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the array sampled to (height, width)."""
    return array[steps(array.shape[0], size[0])[:, None], steps(array.shape[1], size[1])]
