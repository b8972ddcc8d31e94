"""Images: photograph bytes <-> uint8 [H, W, 3].

A photograph leaves this module upright, RGB, 8 bit, at the stored size, and its bytes carry no metadata.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.errors import DataError
from converter.limits import MAX_PIXELS
from converter.pixels.decode import TRANSPOSE, decoded, load, open_image_file, orientation_of
from converter.pixels.geometry import Box, place
from converter.pixels.jpeg import strip_jpeg
from converter.pixels.png import strip_png
from converter.pixels.signatures import JPEG_SIGNATURE, PNG_SIGNATURE

# Photographs in these modes become RGB without a guess. An alpha channel is dropped, never composited: in tiles from
# orthophotos it marks missing ground, or holds infrared.
IMAGE_MODES = frozenset({"RGB", "L", "P", "RGBA", "LA", "CMYK", "1"})
PNG_LEVEL = 1  # zlib level of a stored photograph: 4 % larger than the default level, at a third of its cost
_SWAPS_SIDES = frozenset({5, 6, 7, 8})  # EXIF orientations that lay the photograph on its side
_MIRRORS_COLUMNS = frozenset({2, 3, 6, 7})  # whose columns run from right to left once it is upright
_MIRRORS_ROWS = frozenset({3, 4, 7, 8})


@dataclass(frozen=True)
class OpenImage:
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


def open_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> OpenImage:
    """Opens a photograph and reads its orientation.

    Raises:
      DataError: as `open_image_file`; or a mode that does not become RGB without a guess, such as 16 bit; or a PNG that
        is cut off or damaged.
    """
    source = open_image_file(data, name, max_pixels)
    picture: Image.Image = source.picture
    # Pillow opens 16-bit RGB as RGB and drops the low bytes; only the header tells.
    if source.depth == 16 or picture.mode not in IMAGE_MODES:
        what = f"has {'16 bits a channel' if source.depth == 16 else f'mode {picture.mode}'}"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.mode == "CMYK" and source.is_lossy and "adobe" not in picture.info:
        what = "has four inks, and no mark of Adobe's to tell whether they are inverted"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.format == "PNG":
        picture = decoded(source.picture, name)
    orientation = source.orientation or orientation_of(picture)
    return OpenImage(picture, orientation, name, orientation, data)


def render(photo: OpenImage, size: tuple[int, int], fit: str) -> Image.Image:
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
        upright = upright.transpose(TRANSPOSE[photo.orientation])
    if (box.height, box.width) == size:
        return upright
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(upright, (box.left, box.top))
    return padded


def _as_it_lies(box: Box, photo: OpenImage) -> Box:
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


def unmodified_bytes(photo: OpenImage) -> bytes | None:
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
    photo = open_image(data, name)
    return np.asarray(render(photo, photo.size, "stretch"))
