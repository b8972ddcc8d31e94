"""Images: photograph bytes <-> uint8 [H, W, 3].

A photograph leaves this module upright, RGB, 8 bit, at the stored size, and its bytes carry no metadata. Bytes from a
file are not trusted: only the decoders of JPEG, PNG, TIFF and BMP are tried, the one that the first bytes name; what
`containers` can tell of damage is told before a decoder sees it (decoders do not look: 4 % of damaged PNG masks came
out with other pixels and no error); and a header that announces too many pixels is refused before memory is spent.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # without segconv[fast]
    decode_image_png_u8 = None

from converter.config import MAX_PIXELS
from converter.containers import (
    BMP_SIGNATURE,
    JPEG_SIGNATURE,
    PNG_SIGNATURE,
    TIFF_SIGNATURES,
    Tag,
    bmp_header,
    check_jpeg,
    check_png,
    check_png_rows,
    check_tiff,
    other_kind,
    png_is_interlaced,
    png_is_plain,
    strip_jpeg,
    strip_png,
)
from converter.errors import DataError

# Photographs in these modes become RGB without a guess. An alpha channel is dropped, never composited: in tiles from
# orthophotos it marks missing ground, or holds infrared.
PHOTO_MODES = frozenset({"RGB", "L", "P", "RGBA", "LA", "CMYK", "1"})
PNG_LEVEL = 1  # zlib level of a stored photograph: 4 % larger than the default level, at a third of its cost
_ORIENTATION = 0x0112  # EXIF tag
_SWAPS_SIDES = frozenset({5, 6, 7, 8})  # EXIF orientations that lay the photograph on its side
_MIRRORS_COLUMNS = frozenset({2, 3, 6, 7})  # whose columns run from right to left once it is upright
_MIRRORS_ROWS = frozenset({3, 4, 7, 8})
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_IGNORE_ALL = ("ignore", None, Warning, None, 0)  # the filter that `warnings.simplefilter("ignore")` puts first
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


class Box(NamedTuple):
    """A part of a picture: rows top..top+height, columns left..left+width, in whole pixels."""

    top: int
    left: int
    height: int
    width: int


class Placement(NamedTuple):
    """Which part of a source goes where.

    Attributes:
      crop: of the upright source, in its pixels.
      box: of the stored picture, in its pixels; around it is padding.
    """

    crop: Box
    box: Box


@dataclass(frozen=True)
class PictureFile:
    """A picture file that is opened but not decoded.

    Attributes:
      picture: Pillow's lazy image, as it lies in the file.
      depth: bits a sample; of a palette, bits an index.
      orientation: 1..8 as the file has it; None where only the decoded picture can tell.
      is_lossy: whether its pixels were blended when it was saved.
    """

    picture: ImageFile
    depth: int = 8
    orientation: int | None = None
    is_lossy: bool = False


@dataclass(frozen=True)
class Photo:
    """A photograph that is opened; only a PNG is decoded already, as its orientation may stand behind its pixels.

    Attributes:
      picture: as it lies in the file; Pillow's lazy image, but of a PNG.
      orientation: EXIF orientation 1..8 that is undone.
      name: for messages.
      exif_orientation: the one that the file has; it differs from `orientation` where the mask was drawn over the
        photograph as it lies in the file.
      data: content of the file.
    """

    picture: Image.Image
    orientation: int
    name: str
    exif_orientation: int
    data: bytes

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright photograph."""
        height, width = self.raw_size
        return (width, height) if self.orientation in _SWAPS_SIDES else (height, width)

    @property
    def raw_size(self) -> tuple[int, int]:
        """(height, width) as it lies in the file, orientation left alone."""
        return self.picture.size[1], self.picture.size[0]


def open_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS, *, as_numbers: bool = False) -> PictureFile:
    """Opens the bytes of a JPEG, PNG, TIFF or BMP file without decoding the pixels.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: a picture whose header announces more is refused.
      as_numbers: leaves the samples of a TIFF as they stand in the file, where white may be 0, and does not drop one
        whose meaning it does not tell.

    Raises:
      DataError: another format, damaged, an animation, several pages, or too large.
    """
    if data.startswith(PNG_SIGNATURE):
        depth, _ = check_png(data, name)
        return PictureFile(_opened(data, "PNG", name, max_pixels), depth)
    if data.startswith(TIFF_SIGNATURES):
        return _open_tiff(data, name, max_pixels, as_numbers=as_numbers)
    if data.startswith(BMP_SIGNATURE):
        return _open_bmp(data, name, max_pixels)
    if data.startswith(JPEG_SIGNATURE):
        check_jpeg(data, name)
        return PictureFile(_opened(data, "JPEG", name, max_pixels), is_lossy=True)
    kind = other_kind(data)
    what = f"is no JPEG, PNG, TIFF or BMP file{kind and f', but {kind}'}"
    raise DataError(name, what, "Convert it to JPEG or PNG, or restore it from its origin.", "E_FORMAT")


def _opened(data: bytes, kind: str, name: str, max_pixels: int) -> ImageFile:
    """Returns Pillow's lazy image of bytes that begin as a file of this kind does."""
    try:
        with without_warnings():  # of size; max_pixels below is the limit that counts
            picture: ImageFile = Image.open(io.BytesIO(data), formats=[kind])
    except Image.DecompressionBombError:
        raise DataError(name, f"has more than {max_pixels} pixels", "Cut it into tiles.", "E_TOO_LARGE") from None
    except _DECODER_ERRORS as error:
        what = f"begins as a {kind} file, but cannot be opened as one"
        mend = "Convert it to JPEG or PNG, or restore it from its origin."
        raise DataError(name, what, mend, "E_FORMAT") from error
    width, height = picture.size
    if width * height > max_pixels:
        what = f"has {height}x{width} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles.", "E_TOO_LARGE")
    if kind == "PNG" and getattr(picture, "n_frames", 1) > 1:
        raise DataError(name, "is an animation", "Save one frame of it.", "E_FORMAT")
    return picture


def _open_tiff(data: bytes, name: str, max_pixels: int, *, as_numbers: bool) -> PictureFile:
    header = check_tiff(data, name, max_pixels)
    changed = data
    if header.orientation != 1:  # Pillow would turn the picture as it decodes it
        changed = header.replaced(changed, Tag.ORIENTATION, 1)
    if as_numbers and header.photometric == 0:  # Pillow would invert the samples
        changed = header.replaced(changed, Tag.PHOTOMETRIC, 1)
    if as_numbers and len(header.extra) > 1:
        raise DataError(name, f"has {header.samples} channels", "Save it as 8-bit grey, palette or RGB.", "E_MASK_MODE")
    if as_numbers and header.extra == (0,):  # Pillow would drop it; as an alpha channel it is looked at
        changed = header.replaced(changed, Tag.EXTRA_SAMPLES, 2)
    picture = _opened(changed, "TIFF", name, max_pixels)
    with without_warnings():
        picture.getexif()[_ORIENTATION] = 1  # or Pillow would turn it by what XMP says
    orientation = header.orientation if header.orientation in _TRANSPOSE else 1
    return PictureFile(picture, header.bits, orientation, header.is_lossy)


def _open_bmp(data: bytes, name: str, max_pixels: int) -> PictureFile:
    header = bmp_header(data, name)
    picture = _opened(data, "BMP", name, max_pixels)
    # Pillow takes any palette of greys for grey samples of 8 bits, or for black and white; and it decodes run lengths
    # in Python, leniently.
    is_misread = picture.mode in {"1": "1", "L": "L"} and header.bits != {"1": 1, "L": 8}[picture.mode]
    if header.compression not in (0, 3) or is_misread:
        what = f"is a BMP file of a rare kind ({header.bits} bits, compression {header.compression})"
        raise DataError(name, what, "Save it as PNG.", "E_FORMAT")
    depth = {16: 5, 24: 8, 32: 8}.get(header.bits, header.bits)
    return PictureFile(picture, depth, 1)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Keeps Pillow's word on what a file says of itself from the user; costs little where another block of it is open.

    A warning is no error here: what is wrong with a file is told by what it raises, and by `containers`.
    """
    if warnings.filters[:1] == [_IGNORE_ALL]:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decoded(picture: ImageFile, name: str) -> Image.Image:
    """Returns the pixels of an opened picture, by the fastest decoder that yields them.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    pixels = decoded_fast(picture)
    if pixels is None:
        load(picture, name)
        return picture
    fast = Image.fromarray(pixels)
    fast.format = "PNG"
    return fast


def decoded_fast(picture: ImageFile) -> np.ndarray | None:
    """Returns the pixels of a common PNG, opened and not decoded yet, several times faster than Pillow does.

    The decoder is that of segconv[fast]. It yields the same pixels, and refuses damage, but for a wrong Adler-32 under
    right CRC-32; Pillow is asked again then, as its word counts.

    Returns:
      uint8 [H, W, 3], or [H, W] of a grey one; None where Pillow has to do it.
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
    except Exception:  # noqa: BLE001 - it raises nothing narrower
        return None
    return pixels if channels == "rgb" else pixels[..., 0]


def load(picture: Image.Image, name: str) -> None:
    """Decodes the pixels of an opened picture in place.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    file = picture.fp if isinstance(picture, ImageFile) else None
    try:
        with without_warnings():
            picture.load()
    except (*_DECODER_ERRORS, Image.DecompressionBombError) as error:
        what = f"is cut off or damaged ({error})"
        raise DataError(name, what, "Restore the file from its origin.", "E_DAMAGED") from None
    if picture.format == "PNG" and isinstance(file, io.BytesIO):
        data, (width, height) = file.getvalue(), picture.size
        # The rows are only counted where the last one is 0 throughout, since otherwise it was there.
        last_row = picture.crop((0, height - 1, width, height)).tobytes()
        if png_is_interlaced(data) or not last_row.strip(b"\0"):
            check_png_rows(data, (height, width), name)


def orientation_of(picture: Image.Image) -> int:
    """Returns the EXIF orientation 1..8 of a picture; that of a PNG is only known once it is decoded."""
    try:
        with without_warnings():
            orientation = picture.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1  # damaged EXIF is no reason to lose the pixels
    return orientation if orientation in _TRANSPOSE else 1


def open_photo(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Photo:
    """Opens a photograph and reads its orientation.

    Raises:
      DataError: as `open_picture`; or a mode that does not become RGB without a guess, such as 16 bit; or a PNG that
        is cut off or damaged.
    """
    source = open_picture(data, name, max_pixels)
    picture: Image.Image = source.picture
    # Pillow opens 16-bit RGB as RGB and drops the low bytes; only the header tells.
    if source.depth == 16 or picture.mode not in PHOTO_MODES:
        what = f"has {'16 bits a channel' if source.depth == 16 else f'mode {picture.mode}'}"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.mode == "CMYK" and source.is_lossy and "adobe" not in picture.info:
        what = "has four inks, and no mark of Adobe's to tell whether they are inverted"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.format == "PNG":
        picture = decoded(source.picture, name)
    orientation = source.orientation or orientation_of(picture)
    return Photo(picture, orientation, name, orientation, data)


def place(source: tuple[int, int], size: tuple[int, int], fit: str) -> Placement:
    """Returns which part of a picture of size `source` goes where in a stored picture of `size`; both (height, width).

    "pad": all of it, into the largest box of its aspect ratio, centred. "stretch": all of it, everywhere. "crop": the
    largest box of the stored picture's aspect ratio, centred, everywhere.
    """
    all_of_it, everywhere = Box(0, 0, *source), Box(0, 0, *size)
    if fit == "stretch":
        return Placement(all_of_it, everywhere)
    if fit == "crop":
        return Placement(_largest_box(size, source), everywhere)
    return Placement(all_of_it, _largest_box(source, size))


def _largest_box(shape: tuple[int, int], size: tuple[int, int]) -> Box:
    """Returns the largest box of the aspect ratio of `shape` within `size`, centred, in whole pixels."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height = min(size[0], max(1, round(shape[0] * scale)))
    width = min(size[1], max(1, round(shape[1] * scale)))
    return Box((size[0] - height) // 2, (size[1] - width) // 2, height, width)


def render(photo: Photo, size: tuple[int, int], fit: str) -> Image.Image:
    """Decodes a photograph, brings it to the stored size and sets it upright.

    Returns:
      RGB picture of size (height, width) in pixels; 0 where it is padding.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    crop, box = place(photo.size, size, fit)
    crop = _as_it_lies(crop, photo)
    swap = photo.orientation in _SWAPS_SIDES
    target = (box.height, box.width) if swap else (box.width, box.height)  # (width, height), as it lies in the file
    picture = photo.picture
    scale = _draft(picture, crop, target)
    load(photo.picture, photo.name)
    picture.info.pop("transparency", None)  # alpha is dropped; Pillow would warn that a palette has some
    upright: Image.Image = picture if picture.mode == "RGB" else picture.convert("RGB")
    # What the reduced pixels cover, in fractions where the sides do not divide.
    right, bottom = crop.left + crop.width, crop.top + crop.height
    area = (crop.left / scale, crop.top / scale, right / scale, bottom / scale)
    if upright.size != target or area != (0, 0, *upright.size):
        upright = upright.resize(target, Image.Resampling.BILINEAR, box=area)
    if photo.orientation != 1:
        upright = upright.transpose(_TRANSPOSE[photo.orientation])
    if (box.height, box.width) == size:
        return upright
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(upright, (box.left, box.top))
    return padded


def _as_it_lies(box: Box, photo: Photo) -> Box:
    """Returns where a box of the upright photograph is in the photograph as it lies in the file."""
    height, width = photo.size
    top = height - box.top - box.height if photo.orientation in _MIRRORS_ROWS else box.top
    left = width - box.left - box.width if photo.orientation in _MIRRORS_COLUMNS else box.left
    swap = photo.orientation in _SWAPS_SIDES
    return Box(left, top, box.width, box.height) if swap else Box(top, left, box.height, box.width)


def _draft(picture: Image.Image, crop: Box, target: tuple[int, int]) -> float:
    """Has a JPEG decoded at 1/2, 1/4 or 1/8, for less than the full price, where that is still at least the target.

    Args:
      picture: not yet decoded.
      crop: the part that is wanted, as it lies in the file.
      target: (width, height) that it is wanted at.

    Returns:
      what the sides of the picture were divided by.
    """
    scale = min(crop.width // target[0], crop.height // target[1])
    if picture.format != "JPEG" or scale < 2:
        return 1
    factor = max(step for step in (2, 4, 8) if step <= scale)
    whole = picture.size
    drafted = picture.draft(None, (whole[0] // factor, whole[1] // factor))
    return whole[0] / drafted[1][2] if drafted else 1


def encode_image(image: Image.Image, image_format: str, quality: int) -> bytes:
    """Returns the bytes of an RGB picture without metadata: 8-bit PNG for "png", else baseline JPEG, 4:2:0."""
    if image_format != "png":
        return encode_jpeg(image, quality)
    image.info.clear()
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def encode_jpeg(image: Image.Image, quality: int) -> bytes:
    """Returns baseline JPEG bytes, 4:2:0, without metadata."""
    image.info.clear()  # or Pillow would carry the source's comment, EXIF and colour profile along
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def kept_bytes(photo: Photo) -> bytes | None:
    """Returns a photograph's own coded bytes without metadata; they decode to the very pixels of the file.

    Call it before `render`, which may have a JPEG decoded at a reduced size.

    Returns:
      None where they cannot be stored as they are: it is to be turned, or is neither a JPEG that every reader takes
      for RGB alike nor an opaque 8-bit RGB PNG.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    if photo.orientation != 1 or photo.picture.mode != "RGB":
        return None
    load(photo.picture, photo.name)
    if photo.data.startswith(PNG_SIGNATURE):
        return strip_png(photo.data)
    return strip_jpeg(photo.data) if photo.data.startswith(JPEG_SIGNATURE) else None


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Returns the pixels of a stored photograph, uint8 [H, W, 3].

    Raises:
      DataError: the bytes are no whole picture.
    """
    photo = open_photo(data, name)
    return np.asarray(render(photo, photo.size, "stretch"))
