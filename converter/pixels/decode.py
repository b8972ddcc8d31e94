"""Decode: the bytes of an image file -> an opened image, by the decoder that its first bytes select, and its pixels.

Bytes from a file are not trusted. The modules of the formats check for damage before a decoder sees it, because
decoders do not: 4 % of damaged PNG masks were decoded to wrong pixels without an error. A header that declares too many
pixels is refused before memory is allocated.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from converter.errors import DataError
from converter.limits import MAX_PIXELS
from converter.pixels.bmp import bmp_header
from converter.pixels.jpeg import check_jpeg
from converter.pixels.png import check_png, check_png_rows, png_is_interlaced, png_is_plain
from converter.pixels.signatures import BMP_SIGNATURE, JPEG_SIGNATURE, PNG_SIGNATURE, TIFF_SIGNATURES, other_kind
from converter.pixels.tiff import Tag, check_tiff

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # without segconv[fast]
    decode_image_png_u8 = None

_ORIENTATION = 0x0112  # EXIF tag
TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_IGNORE_ALL = ("ignore", None, Warning, None, 0)  # the filter that `warnings.simplefilter("ignore")` adds first

# What Pillow's decoders raise on hostile bytes.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    zlib.error,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
)


@dataclass(frozen=True)
class OpenedFile:
    """An image file that is opened but not decoded.

    Attributes:
      picture: Pillow's lazy image, as stored in the file.
      depth: bits per sample; of a palette, bits per index.
      orientation: EXIF orientation 1..8 of the file; None where it is only known after decoding.
      is_lossy: whether the file has lossy compression.
    """

    picture: ImageFile
    depth: int = 8
    orientation: int | None = None
    is_lossy: bool = False


def open_image_file(data: bytes, name: str, max_pixels: int = MAX_PIXELS, *, as_numbers: bool = False) -> OpenedFile:
    """Opens the bytes of a JPEG, PNG, TIFF or BMP file without decoding the pixels.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.
      as_numbers: keeps the samples of a TIFF as they are in the file, where white may be 0, and does not drop a sample
        of unspecified meaning.

    Raises:
      DataError: another format, damaged, an animation, several pages, or too large.
    """
    if data.startswith(PNG_SIGNATURE):
        depth, _ = check_png(data, name)
        return OpenedFile(_opened(data, "PNG", name, max_pixels), depth)
    if data.startswith(TIFF_SIGNATURES):
        return _open_tiff(data, name, max_pixels, as_numbers=as_numbers)
    if data.startswith(BMP_SIGNATURE):
        return _open_bmp(data, name, max_pixels)
    if data.startswith(JPEG_SIGNATURE):
        check_jpeg(data, name)
        return OpenedFile(_opened(data, "JPEG", name, max_pixels), is_lossy=True)
    kind = other_kind(data)
    what = f"is not a JPEG, PNG, TIFF or BMP file{kind and f', but {kind}'}"
    raise DataError(name, what, "Convert it to JPEG or PNG, or restore the original file.", "E_FORMAT")


def _opened(data: bytes, kind: str, name: str, max_pixels: int) -> ImageFile:
    """Returns Pillow's lazy image of bytes that begin with the signature of this format."""
    try:
        with without_warnings():  # about the size; max_pixels below is the limit that applies
            picture: ImageFile = Image.open(io.BytesIO(data), formats=[kind])
    except Image.DecompressionBombError:
        raise DataError(name, f"has more than {max_pixels} pixels", "Cut it into tiles.", "E_TOO_LARGE") from None
    except _DECODER_ERRORS as error:
        what = f"begins like a {kind} file, but cannot be opened as one"
        fix = "Convert it to JPEG or PNG, or restore the original file."
        raise DataError(name, what, fix, "E_FORMAT") from error
    width, height = picture.size
    if width * height > max_pixels:
        what = f"has {height}x{width} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles.", "E_TOO_LARGE")
    if kind == "PNG" and getattr(picture, "n_frames", 1) > 1:
        raise DataError(name, "is an animation", "Save one frame of it.", "E_FORMAT")
    return picture


def _open_tiff(data: bytes, name: str, max_pixels: int, *, as_numbers: bool) -> OpenedFile:
    header = check_tiff(data, name, max_pixels)
    changed = data
    if header.orientation != 1:  # Pillow would rotate the image while decoding it
        changed = header.replaced(changed, Tag.ORIENTATION, 1)
    if as_numbers and header.photometric == 0:  # Pillow would invert the samples
        changed = header.replaced(changed, Tag.PHOTOMETRIC, 1)
    if as_numbers and len(header.extra) > 1:
        raise DataError(name, f"has {header.samples} channels", "Save it as 8-bit grey, palette or RGB.", "E_MASK_MODE")
    if as_numbers and header.extra == (0,):  # Pillow would drop it; an alpha channel is checked
        changed = header.replaced(changed, Tag.EXTRA_SAMPLES, 2)
    picture = _opened(changed, "TIFF", name, max_pixels)
    with without_warnings():
        picture.getexif()[_ORIENTATION] = 1  # or Pillow would rotate it by the orientation in XMP
    orientation = header.orientation if header.orientation in TRANSPOSE else 1
    return OpenedFile(picture, header.bits, orientation, header.is_lossy)


def _open_bmp(data: bytes, name: str, max_pixels: int) -> OpenedFile:
    header = bmp_header(data, name)
    picture = _opened(data, "BMP", name, max_pixels)
    # Pillow reads any grey palette as 8-bit grey samples, or as black and white; and it decodes run lengths in Python,
    # leniently.
    is_misread = picture.mode in {"1": "1", "L": "L"} and header.bits != {"1": 1, "L": 8}[picture.mode]
    if header.compression not in (0, 3) or is_misread:
        what = f"is an unsupported BMP file ({header.bits} bits, compression {header.compression})"
        raise DataError(name, what, "Save it as PNG.", "E_FORMAT")
    depth = {16: 5, 24: 8, 32: 8}.get(header.bits, header.bits)
    return OpenedFile(picture, depth, 1)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Suppresses Pillow's warnings about a file; a nested block costs little.

    A warning is not an error here: problems of a file are reported by exceptions, and by the modules of the formats.
    """
    if warnings.filters[:1] == [_IGNORE_ALL]:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decoded(picture: ImageFile, name: str) -> Image.Image:
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


def decoded_fast(picture: ImageFile) -> np.ndarray | None:
    """Returns the pixels of a common PNG that is opened but not decoded, several times faster than Pillow.

    The decoder is that of segconv[fast]. It yields the same pixels and refuses damaged files, except for a wrong
    Adler-32 with correct CRC-32. Where it refuses a file, Pillow decodes it again and decides.

    Returns:
      uint8 [H, W, 3], or [H, W] if grey; None where Pillow has to decode it.
    """
    channels = {"RGB": "rgb", "L": "mono"}.get(picture.mode)
    file = picture.fp
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
    except (*_DECODER_ERRORS, Image.DecompressionBombError) as error:
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
            orientation = picture.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1  # damaged EXIF is no reason to refuse the pixels
    return orientation if orientation in TRANSPOSE else 1
