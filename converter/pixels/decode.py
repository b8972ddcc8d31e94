"""Decode: an opened image -> its pixels, decoded completely or refused."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from converter.errors import DataError
from converter.pixels.pillow import DECODER_ERRORS, without_warnings
from converter.pixels.png import check_png_rows, png_is_interlaced, png_is_plain

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # no wheel for this machine: Pillow decodes
    decode_image_png_u8 = None

ORIENTATION = 0x0112  # EXIF tag
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decoded(picture: Image.Image, name: str) -> Image.Image:
    """Returns the pixels of an opened image, by the fastest decoder that can decode it.

    Raises:
      DataError: the pixels are truncated or damaged.
    """
    pixels = decoded_fast(picture)
    if pixels is None:
        load(picture, name)
        return picture
    fast = Image.fromarray(pixels)
    fast.format = "PNG"
    return fast


def decoded_fast(picture: Image.Image) -> np.ndarray | None:
    """Returns the pixels of a common PNG that is opened but not decoded, several times faster than Pillow.

    The decoder is that of kornia-rs. It yields the same pixels and refuses damaged files, except for a wrong
    Adler-32 with correct CRC-32. Where it refuses a file, Pillow decodes it again and decides.

    Returns:
      uint8 [H, W, 3], or [H, W] if grey; None where Pillow has to decode it.
    """
    channels = {"RGB": "rgb", "L": "mono"}.get(picture.mode)
    file = picture.fp if isinstance(picture, ImageFile) else None
    if decode_image_png_u8 is None or channels is None or picture.format != "PNG" or not isinstance(file, io.BytesIO):
        return None
    data = file.getvalue()
    if not png_is_plain(data):
        return None
    try:
        pixels: np.ndarray = decode_image_png_u8(data, (picture.height, picture.width), channels)
    except Exception:  # noqa: BLE001 - it raises no narrower type
        return None
    return pixels if channels == "rgb" else pixels[..., 0]


def load(picture: Image.Image, name: str) -> None:
    """Decodes the pixels of an opened image in place.

    Raises:
      DataError: the pixels are truncated or damaged.
    """
    file = picture.fp if isinstance(picture, ImageFile) else None
    try:
        with without_warnings():
            picture.load()
    except (*DECODER_ERRORS, Image.DecompressionBombError) as error:
        what = f"is truncated or damaged ({error})"
        raise DataError(name, what, "Restore the original file.", "E_DAMAGED") from None
    if picture.format == "PNG" and isinstance(file, io.BytesIO):
        data, (width, height) = file.getvalue(), picture.size
        # Rows are counted only if the last one is all zeros; otherwise it was present.
        last_row = picture.crop((0, height - 1, width, height)).tobytes()
        if png_is_interlaced(data) or not last_row.strip(b"\0"):
            check_png_rows(data, (height, width), name)


def orientation_of(picture: Image.Image) -> int:
    """Returns the EXIF orientation 1..8 of an image; that of a PNG is only known after decoding."""
    try:
        with without_warnings():
            orientation = picture.getexif().get(ORIENTATION, 1)
    except DECODER_ERRORS:
        return 1  # damaged EXIF is no reason to refuse the pixels
    return orientation if orientation in TRANSPOSE else 1
