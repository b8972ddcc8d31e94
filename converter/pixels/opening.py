"""Opening: the bytes of an image file -> an opened image, by the decoder that its first bytes select.

Bytes from a file are not trusted. The modules of the formats check for damage before a decoder sees it, because
decoders do not: 4 % of damaged PNG masks were decoded to wrong pixels without an error. A header that declares too many
pixels is refused before memory is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from converter.errors import DataError
from converter.limits import MAX_PIXELS
from converter.pixels.bands import AS_STORED, Samples
from converter.pixels.bmp import bmp_header
from converter.pixels.decode import ORIENTATION, TRANSPOSE, decoded, load, orientation_of
from converter.pixels.gif import check_gif
from converter.pixels.jpeg import check_jpeg
from converter.pixels.pillow import opened, refuse_large, without_warnings
from converter.pixels.png import PNG_SAMPLES, check_png
from converter.pixels.pnm import read_pnm, scaled_to_white
from converter.pixels.samples import (
    FIX_RANGE,
    as_picture,
    bands_fix,
    chosen_bands,
    described,
    whole_numbers,
)
from converter.pixels.signatures import (
    BMP_SIGNATURE,
    FORMATS,
    GIF_SIGNATURES,
    JPEG_SIGNATURE,
    PNG_SIGNATURE,
    TIFF_SIGNATURES,
    is_pnm,
    is_webp,
    other_kind,
)
from converter.pixels.tiff import Tag, TiffHeader, check_tiff
from converter.pixels.tiff_samples import tiff_samples
from converter.pixels.webp import check_webp

_FIX_IMAGE = "Convert it to JPEG or PNG, or restore the original file."
_FIX_MASK = "Save it as an 8-bit PNG, or restore the original file."
_FIX_MASK_BANDS = "Save the band with the classes as an 8-bit PNG."


@dataclass(frozen=True)
class OpenedFile:
    """An image file that is opened but not decoded.

    Attributes:
      picture: Pillow's lazy image, as stored in the file; decoded already where Pillow cannot read the file's numbers.
      depth: bits per sample; of a palette, bits per index.
      orientation: EXIF orientation 1..8 of the file; None where it is only known after decoding.
      is_lossy: whether the file has lossy compression.
      described: what the file holds where that is not what `picture` holds: "8 bands, 16 bits per channel"; else "".
    """

    picture: Image.Image
    depth: int = 8
    orientation: int | None = None
    is_lossy: bool = False
    described: str = ""


class _Reading(NamedTuple):
    """How a file is opened; the attributes are the arguments of `open_image_file`, and where samples are kept."""

    name: str
    max_pixels: int
    as_numbers: bool
    samples: Samples
    kept: list[np.ndarray] | None = None

    def open(self, data: bytes, kind: str) -> ImageFile:
        """Returns Pillow's lazy image of a file of this format."""
        return opened(data, kind, self.name, self.max_pixels, _FIX_MASK if self.as_numbers else _FIX_IMAGE)

    def picture(self, array: np.ndarray, kind: str) -> Image.Image:
        """Returns the 8-bit image of bands [H, W, bands]; where samples are kept, one pixel in its place."""
        if self.kept is None:
            return as_picture(array, self.samples, kind, self.name)
        self.kept.append(array)
        return Image.new("RGB" if array.shape[2] == 3 else "L", (1, 1))


def open_image_file(
    data: bytes, name: str, max_pixels: int = MAX_PIXELS, *, as_numbers: bool = False, samples: Samples = AS_STORED
) -> OpenedFile:
    """Opens the bytes of an image file without decoding the pixels, except where Pillow cannot decode them.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.
      as_numbers: keeps the samples of a TIFF or PNM as they are in the file, where white may be 0, and does not drop a
        sample of unspecified meaning.
      samples: bands and range of an image; without effect on a mask.

    Raises:
      DataError: another format, damaged, an animation, several pages, or too large; or an image of many bands, or of
        more than 8 bits, for which `samples` says nothing.
    """
    return _open(data, _Reading(name, max_pixels, as_numbers, samples))


def deep_samples(data: bytes, name: str, max_pixels: int, bands: tuple[int, ...]) -> np.ndarray | None:
    """Returns the bands of an image [H, W, bands] that a range brings to 8 bits; None where it has 8 bits.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.
      bands: as in Samples.

    Raises:
      DataError: as `open_image_file`.
    """
    kept: list[np.ndarray] = []
    _open(data, _Reading(name, max_pixels, False, Samples(bands, ((0, 1),)), kept))
    return kept[0] if kept and kept[0].dtype != np.uint8 else None


def _open(data: bytes, reading: _Reading) -> OpenedFile:
    name, max_pixels = reading.name, reading.max_pixels
    if data.startswith(PNG_SIGNATURE):
        return _open_png(data, reading)
    if data.startswith(TIFF_SIGNATURES):
        return _open_tiff(data, reading)
    if data.startswith(BMP_SIGNATURE):
        return _open_bmp(data, reading)
    if data.startswith(JPEG_SIGNATURE):
        check_jpeg(data, name)
        return _banded(OpenedFile(reading.open(data, "JPEG"), is_lossy=True), reading)
    if data.startswith(GIF_SIGNATURES):
        refuse_large(check_gif(data, name), name, max_pixels)
        return _banded(OpenedFile(reading.open(data, "GIF"), orientation=1), reading)
    if is_webp(data):
        header = check_webp(data, name)
        refuse_large(header.size, name, max_pixels)
        return _banded(OpenedFile(reading.open(data, "WEBP"), is_lossy=header.is_lossy), reading)
    if is_pnm(data):
        return _open_pnm(data, reading)
    kind = other_kind(data)
    what = f"is not a {FORMATS} file{kind and f', but {kind}'}"
    raise DataError(name, what, _FIX_MASK if reading.as_numbers else _FIX_IMAGE, "E_FORMAT")


def _open_png(data: bytes, reading: _Reading) -> OpenedFile:
    depth, color_type = check_png(data, reading.name)
    picture = reading.open(data, "PNG")
    if getattr(picture, "n_frames", 1) > 1:
        raise DataError(reading.name, "is an animation", "Save one frame of it.", "E_FORMAT")
    if depth < 16 or reading.as_numbers:
        return _banded(OpenedFile(picture, depth), reading)
    num_bands = PNG_SAMPLES[color_type]
    text = described(num_bands, depth)
    if not reading.samples.levels:
        raise DataError(reading.name, f"has {text}, where 8-bit unsigned integers are read", FIX_RANGE, "E_IMAGE_MODE")
    if num_bands == 2:  # Pillow can only be made to read the high bytes
        fix = "Convert it to grey without alpha."
        raise DataError(reading.name, f"has {text}, one of them alpha, which is not supported", fix, "E_IMAGE_MODE")
    if num_bands == 1:
        load(picture, reading.name)
        array = np.asarray(picture)[..., None]
    else:
        array = _wide_png(data, reading)
    return _sampled(array, num_bands, "PNG", orientation_of(picture), reading)


def _wide_png(data: bytes, reading: _Reading) -> np.ndarray:
    """Returns the samples of a 16-bit PNG in colour, uint16 [H, W, 3 or 4].

    Pillow keeps the first byte of each, which is the high one; told that the file is little-endian, it keeps the other.
    """
    halves = []
    for order in ("B", "L"):
        picture = reading.open(data, "PNG")
        picture.tile = [tile._replace(args=f"{picture.mode};16{order}") for tile in picture.tile]
        load(picture, reading.name)
        halves.append(np.asarray(picture).astype(np.uint16))
    return halves[0] << 8 | halves[1]


def _open_pnm(data: bytes, reading: _Reading) -> OpenedFile:
    name = reading.name
    file = read_pnm(data, name, reading.max_pixels)
    array, is_deep = file.samples, file.samples.dtype == np.uint16
    num_bands = 3 if array.ndim == 3 else 1
    text = described(num_bands, 16 if is_deep else 8)
    if reading.as_numbers:
        if is_deep and num_bands == 3:
            raise DataError(name, f"has {text}", _FIX_MASK, "E_MASK_MODE")
        bits = 1 if array.dtype == bool else 16 if is_deep else 8
        return OpenedFile(_named(Image.fromarray(array), "PPM"), bits, 1)
    if is_deep and not reading.samples.levels:
        raise DataError(name, f"has {text}, where 8-bit unsigned integers are read", FIX_RANGE, "E_IMAGE_MODE")
    array = array if is_deep else scaled_to_white(file)
    if is_deep or reading.samples.bands:
        return _sampled(array.reshape(*array.shape[:2], num_bands), num_bands, "PPM", 1, reading)
    return OpenedFile(_named(Image.fromarray(array), "PPM"), 8, 1)


def _banded(source: OpenedFile, reading: _Reading) -> OpenedFile:
    """Returns an 8-bit image with the bands that the user picks, where he does."""
    if reading.as_numbers or not reading.samples.bands:
        return source
    name, kind, mode = reading.name, source.picture.format or "", source.picture.mode
    if mode not in ("L", "LA", "RGB", "RGBA"):
        raise DataError(name, f"has mode {mode}, in which no bands can be picked", "Convert it to RGB.", "E_IMAGE_MODE")
    picture = decoded(source.picture, name)
    array = np.asarray(picture).reshape(picture.height, picture.width, -1)
    return _sampled(array, array.shape[2], kind, source.orientation or orientation_of(picture), reading)


def _sampled(array: np.ndarray, num_colors: int, kind: str, orientation: int, reading: _Reading) -> OpenedFile:
    """Returns an opened file with the picture of its samples [H, W, bands], of which the first ones are colours."""
    own = range(1, min(num_colors, 3) + 1)
    bands = chosen_bands(reading.samples, array.shape[2], own, reading.name)
    picture = reading.picture(array[..., [band - 1 for band in bands]], kind)
    text = described(array.shape[2], 8 * array.itemsize)
    return OpenedFile(picture, 8, orientation, described=text)


def _named(picture: Image.Image, kind: str) -> Image.Image:
    """Returns an image with the name of the format that it comes from."""
    picture.format = kind
    return picture


def _open_tiff(data: bytes, reading: _Reading) -> OpenedFile:
    name = reading.name
    header = check_tiff(data, name, reading.max_pixels)
    orientation = header.orientation if header.orientation in TRANSPOSE else 1
    text = described(header.samples, header.bits, header.kind)
    if reading.as_numbers:
        if header.is_deep and header.samples == 1 and (header.lacks or header.bits != 16):
            numbers = whole_numbers(tiff_samples(data, header, (1,), name)[..., 0], name)
            return OpenedFile(_named(numbers, "TIFF"), 16, orientation)
        if len(header.extra) > 1 or header.samples > 4 or (header.is_deep and header.lacks):
            raise DataError(name, f"has {text}, where a mask has 1 or 3", _FIX_MASK_BANDS, "E_MASK_MODE")
    elif header.is_deep or (reading.samples.bands and not header.is_lossy):
        bands = _tiff_bands(header, text, reading)
        array = tiff_samples(data, header, bands, name)
        picture = reading.picture(array, "TIFF")
        if header.photometric == 0:  # white is 0
            picture = _named(picture.point([255 - level for level in range(256)] * len(bands)), "TIFF")
        return OpenedFile(picture, 8, orientation, described=text)
    if header.lacks:
        fix = _FIX_MASK if reading.as_numbers else _FIX_IMAGE
        raise DataError(name, f"is a TIFF file with {header.lacks}, which is not supported", fix, "E_FORMAT")
    source = OpenedFile(_tiff_by_pillow(data, header, text, reading), header.bits, orientation, header.is_lossy)
    return _banded(source, reading)


def _tiff_bands(header: TiffHeader, text: str, reading: _Reading) -> tuple[int, ...]:
    """Returns the numbers of the bands to read from a TIFF file of which Pillow would read others, or fewer bits."""
    name, samples = reading.name, reading.samples
    own = {0: (1,), 1: (1,), 2: (1, 2, 3)}.get(header.photometric, ())
    is_plain = len(own) == header.samples - len(header.extra)  # colours and extra samples, no further bands
    is_known = bool(own) and (is_plain or (header.photometric == 2 and header.samples in (3, 4)))
    lacks_range = header.is_deep and not samples.levels
    if header.photometric == 3:
        raise DataError(name, f"is a palette image with {text}", _FIX_IMAGE, "E_IMAGE_MODE")
    if not samples.bands and not is_known:
        fix = bands_fix(header.samples, lacks_range=lacks_range)
        more = " of 8 bits" if header.is_deep else ""
        raise DataError(name, f"has {text}, where 1, 3 or 4 bands{more} are read", fix, "E_IMAGE_MODE")
    if lacks_range:
        raise DataError(name, f"has {text}, where 8-bit unsigned integers are read", FIX_RANGE, "E_IMAGE_MODE")
    return chosen_bands(samples, header.samples, own, name)


def _tiff_by_pillow(data: bytes, header: TiffHeader, text: str, reading: _Reading) -> ImageFile:
    """Returns Pillow's lazy image of a TIFF file, with changes to its tags so that Pillow reads it as it is meant."""
    changed = data
    if header.orientation != 1:  # Pillow would rotate the image while decoding it
        changed = header.replaced(changed, Tag.ORIENTATION, 1)
    if reading.as_numbers and header.photometric == 0:  # Pillow would invert the samples
        changed = header.replaced(changed, Tag.PHOTOMETRIC, 1)
    if reading.as_numbers and header.extra == (0,):  # Pillow would drop it; an alpha channel is checked
        changed = header.replaced(changed, Tag.EXTRA_SAMPLES, 2)
    try:
        picture = reading.open(changed, "TIFF")
    except DataError as error:
        if error.code != "E_FORMAT" or header.samples < 2:
            raise
        fix, code = (
            (_FIX_MASK_BANDS, "E_MASK_MODE") if reading.as_numbers else (bands_fix(header.samples), "E_IMAGE_MODE")
        )
        counts = "a mask has 1 or 3" if reading.as_numbers else "1, 3 or 4 bands are read"
        raise DataError(reading.name, f"has {text}, where {counts}", fix, code) from None
    with without_warnings():
        picture.getexif()[ORIENTATION] = 1  # or Pillow would rotate it by the orientation in XMP
    return picture


def _open_bmp(data: bytes, reading: _Reading) -> OpenedFile:
    header = bmp_header(data, reading.name)
    picture = reading.open(data, "BMP")
    # Pillow reads any grey palette as 8-bit grey samples, or as black and white; and it decodes run lengths in Python,
    # leniently.
    is_misread = picture.mode in {"1": "1", "L": "L"} and header.bits != {"1": 1, "L": 8}[picture.mode]
    if header.compression not in (0, 3) or is_misread:
        what = f"is an unsupported BMP file ({header.bits} bits, compression {header.compression})"
        raise DataError(reading.name, what, "Save it as PNG.", "E_FORMAT")
    depth = {16: 5, 24: 8, 32: 8}.get(header.bits, header.bits)
    return _banded(OpenedFile(picture, depth, 1), reading)
