"""Samples: the bands of an image, of any depth -> the 8-bit picture that is stored, by the user's bands and range.

No band and no range is guessed: without them an image of many bands or of more than 8 bits is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from converter.errors import DataError
from converter.pixels.bands import Samples

_RANGE = "--range LOW:HIGH, or --range percentile:2:98, which brings them to 8 bits"
FIX_RANGE = f"Pass {_RANGE}."
LOOKED_UP_BITS = 16  # integers of up to this many bits are scaled by a table


def described(num_bands: int, bits: int, kind: str = "") -> str:
    """Returns what an image file holds, in words: "8 bands, 16 bits per channel, signed"."""
    bands = "1 band" if num_bands == 1 else f"{num_bands} bands"
    return f"{bands}, {bits} bits per channel" + (f", {kind}" if kind else "")


def bands_fix(num_bands: int, *, lacks_range: bool = False) -> str:
    """Returns the fix for an image whose bands the user has to choose, and for one of more than 8 bits its range."""
    bands = "--bands 3,2,1 with the numbers of its red, green and blue band"
    if num_bands < 3:
        bands = "--bands 1 with the number of the band to read as grey"
    return f"Pass {bands}, counted from 1{f', and {_RANGE}' if lacks_range else ''}."


def chosen_bands(samples: Samples, num_bands: int, own: Sequence[int], name: str) -> tuple[int, ...]:
    """Returns the numbers of the bands to read.

    Args:
      samples: the user's choice.
      num_bands: in the file.
      own: bands that the file says are its colours.
      name: of the file, for messages.

    Raises:
      DataError: the file has no such band.
    """
    if missing := [band for band in samples.bands if band > num_bands]:
        what = f"has {num_bands} band{'s' if num_bands > 1 else ''}, and --bands names band {missing[0]}"
        raise DataError(name, what, f"Pass --bands with numbers from 1 to {num_bands}.", "E_IMAGE_MODE")
    return samples.bands or tuple(own)


def as_picture(array: np.ndarray, samples: Samples, kind: str, name: str) -> Image.Image:
    """Returns the 8-bit picture of bands that were read; 8-bit ones stay as they are.

    Args:
      array: [H, W, 1] or [H, W, 3], integers or floats.
      samples: the user's choice; with levels unless the array is uint8.
      kind: Pillow's name of the file's format.
      name: of the file, for messages.

    Raises:
      DataError: there are levels for another number of bands.
    """
    if array.dtype != np.uint8:
        if len(samples.levels) not in (1, array.shape[2]):
            what = f"is read as {array.shape[2]} band{'s' if array.shape[2] > 1 else ''}"
            fix = "Pass one LOW:HIGH, or one for each band that is read."
            raise DataError(name, f"{what}, and --range has {len(samples.levels)} ranges", fix, "E_IMAGE_MODE")
        pairs = samples.levels * array.shape[2] if len(samples.levels) == 1 else samples.levels
        levels = np.empty(array.shape, np.uint8)
        for band, (low, high) in enumerate(pairs):
            levels[..., band] = to_8_bits(array[..., band], low, high)
        array = levels
    picture = Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))
    picture.format = kind
    return picture


def to_8_bits(band: np.ndarray, low: float, high: float) -> np.ndarray:
    """Returns uint8 [H, W]: 255 * (x - low) / (high - low), rounded to the nearest, halves up, clipped to 0..255.

    What is not a number becomes 0.
    """
    if band.dtype.kind in "iu" and band.dtype.itemsize * 8 <= LOOKED_UP_BITS:
        info = np.iinfo(band.dtype)
        table = _scaled(np.arange(info.min, info.max + 1, dtype=np.float64), low, high)
        return table[band.astype(np.int32) - info.min]
    return _scaled(as_doubles(band), low, high)


def as_doubles(array: np.ndarray) -> np.ndarray:
    """Returns numbers as float64; a NaN that signals is as good as any other."""
    with np.errstate(invalid="ignore"):
        return array.astype(np.float64)


def _scaled(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    scaled: np.ndarray = np.floor((np.clip(numbers, low, high) - low) * 255 / (high - low) + 0.5).astype(np.uint8)
    return scaled


def whole_numbers(array: np.ndarray, name: str) -> Image.Image:
    """Returns the mask of whole numbers of any type: mode I;16, with exactly these numbers.

    Args:
      array: [H, W], integers or floats.
      name: of the file, for messages.

    Raises:
      DataError: a number is not whole, or not within 0..65535.
    """
    if array.dtype.kind == "f":
        array = as_doubles(array)  # 65535 is beyond float16
    is_wrong = ~((array >= 0) & (array <= 65535))  # so that what is not a number is wrong
    if array.dtype.kind == "f":
        is_wrong |= array != np.floor(array)
    if is_wrong.any():
        row, column = np.argwhere(is_wrong)[0].tolist()
        what = f"holds {array[row, column].item()!r} at row {row}, column {column}"
        what += f", and {int(is_wrong.sum()) - 1} more such numbers" if is_wrong.sum() > 1 else ""
        fix = "Save it with whole numbers from 0 to 65535."
        raise DataError(name, f"{what}, where whole numbers from 0 to 65535 are read", fix, "E_MASK_MODE")
    return Image.fromarray(array.astype(np.uint16))
