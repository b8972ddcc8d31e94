"""Bitmaps: pictures inside of annotations: the pixels of an object as a PNG, and whole photographs."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from converter.annotations.found import invalid
from converter.errors import DataError
from converter.limits import MAX_EMBEDDED_BYTES
from converter.pixels.decode import decoded
from converter.pixels.opening import open_image_file
from converter.pixels.signatures import JPEG_SIGNATURE, PNG_SIGNATURE

_NAME = "the picture"


def png_pixels(data: bytes) -> NDArray[np.bool_]:
    """Returns the pixels of an object drawn in a PNG, bool [H, W]: those not transparent, or else not black.

    Raises:
      DataError: it is no PNG, or damaged.
    """
    if not data.startswith(PNG_SIGNATURE):
        raise invalid("holds a bitmap that is no PNG", code="E_FORMAT")
    try:
        picture = decoded(open_image_file(data, _NAME, as_numbers=True).picture, _NAME)
    except DataError as error:
        raise invalid(f"holds a bitmap that {error.what}", code=error.code) from None
    if picture.mode in ("RGBA", "LA"):
        return np.asarray(picture.getchannel("A")) > 0
    numbers = np.asarray(picture)
    pixels: NDArray[np.bool_] = (numbers if numbers.ndim == 2 else numbers.max(axis=2)) > 0
    return pixels


def inflated(data: bytes) -> bytes:
    """Returns what zlib data inflate to; DataError where they are damaged, or exceed MAX_EMBEDDED_BYTES."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(data, MAX_EMBEDDED_BYTES)
    except zlib.error:
        raise invalid("has a bitmap that zlib cannot inflate") from None
    if not inflater.eof:
        raise invalid(f"has a bitmap that is truncated, or inflates to more than {MAX_EMBEDDED_BYTES:,} bytes")
    return content


def photograph_suffix(data: bytes) -> str:
    """Returns the extension of a photograph in annotations: .jpg or .png.

    Raises:
      DataError: it is neither, or damaged.
    """
    suffix = ".jpg" if data.startswith(JPEG_SIGNATURE) else ".png" if data.startswith(PNG_SIGNATURE) else ""
    if not suffix:
        raise invalid("holds imageData that are no JPEG or PNG", code="E_FORMAT")
    try:
        open_image_file(data, _NAME)
    except DataError as error:
        raise invalid(f"holds imageData that {error.what.removeprefix('is ')}", code=error.code) from None
    return suffix
