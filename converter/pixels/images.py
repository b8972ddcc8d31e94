"""Images: image bytes <-> uint8 [H, W, 3].

An image leaves this module upright, RGB, 8 bit, at the stored size, and its bytes have no metadata.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from converter.errors import DataError
from converter.limits import MAX_PIXELS
from converter.pixels.bands import AS_STORED, Samples
from converter.pixels.decode import TRANSPOSE, decoded, load, orientation_of
from converter.pixels.geometry import Box, place
from converter.pixels.jpeg import strip_jpeg
from converter.pixels.opening import open_image_file
from converter.pixels.png import strip_png
from converter.pixels.signatures import JPEG_SIGNATURE, PNG_SIGNATURE

# Images in these modes convert to RGB unambiguously. An alpha channel is dropped, never composited: in tiles of
# orthophotos it marks missing ground, or holds infrared.
IMAGE_MODES = frozenset({"RGB", "L", "P", "RGBA", "LA", "CMYK", "1"})
PNG_LEVEL = 1  # zlib level of a stored image: 4 % larger than the default level, at a third of its cost
_REDUCTIONS = (1, 2, 4, 8)  # factors by which a JPEG can be reduced while it is decoded
_SWAPS_SIDES = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_MIRRORS_COLUMNS = frozenset({2, 3, 6, 7})  # whose columns run from right to left in the upright image
_MIRRORS_ROWS = frozenset({3, 4, 7, 8})


@dataclass(frozen=True)
class OpenImage:
    """An opened image; decoded already are a PNG, as its orientation may come after its pixels, and chosen samples.

    Attributes:
      picture: Pillow's image as stored in the file, lazy where it is not decoded; of chosen samples, their 8-bit image.
      orientation: EXIF orientation 1..8 to undo.
      name: for messages.
      exif_orientation: EXIF orientation of the file; differs from `orientation` where the mask was drawn over the
        image as stored in the file.
      data: content of the file; b"" where only some of its samples are read, or not as they are.
      described: what the file holds where that is not what `picture` holds; else "".
      raw_size: (height, width) as stored in the file, before rotation. `picture` has another one once `render` has
        decoded it at a reduced size.
    """

    picture: Image.Image
    orientation: int
    name: str
    exif_orientation: int
    data: bytes
    described: str = ""
    raw_size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        """Keeps the size."""
        object.__setattr__(self, "raw_size", (self.picture.height, self.picture.width))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright image."""
        height, width = self.raw_size
        return (width, height) if self.orientation in _SWAPS_SIDES else (height, width)


def open_image(data: bytes, name: str, max_pixels: int = MAX_PIXELS, samples: Samples = AS_STORED) -> OpenImage:
    """Opens an image and reads its orientation.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.
      samples: bands and range, for images of many bands or of more than 8 bits.

    Raises:
      DataError: as `open_image_file`; or a mode that does not convert to RGB unambiguously, such as LAB; or a PNG that
        is truncated or damaged.
    """
    source = open_image_file(data, name, max_pixels, samples=samples)
    picture = source.picture
    if picture.mode not in IMAGE_MODES:
        raise DataError(name, f"has mode {picture.mode}", "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.mode == "CMYK" and source.is_lossy and "adobe" not in picture.info:
        what = "is CMYK without an Adobe marker, which says whether its inks are inverted"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    if picture.format == "PNG":
        picture = decoded(picture, name)
    orientation = source.orientation or orientation_of(picture)
    kept = b"" if source.described else data
    return OpenImage(picture, orientation, name, orientation, kept, source.described)


def render(image: OpenImage, size: tuple[int, int], fit: str) -> Image.Image:
    """Decodes an image, resizes it to the stored size and rotates it upright.

    Returns:
      RGB image of size (height, width) in pixels; 0 in the padding.

    Raises:
      DataError: the pixels are truncated or damaged.
    """
    crop, box = place(image.size, size, fit)
    crop = _raw_box(crop, image)
    swap = image.orientation in _SWAPS_SIDES
    target = (box.height, box.width) if swap else (box.width, box.height)  # (width, height), as stored in the file
    picture = image.picture
    scale = _draft(image, crop, target)
    load(image.picture, image.name)
    picture.info.pop("transparency", None)  # alpha is dropped; Pillow would warn about transparency in a palette
    upright: Image.Image = picture if picture.mode == "RGB" else picture.convert("RGB")
    # The crop in reduced pixels; fractional where the sides are not divisible.
    right, bottom = crop.left + crop.width, crop.top + crop.height
    area = (crop.left / scale, crop.top / scale, right / scale, bottom / scale)
    if upright.size != target or area != (0, 0, *upright.size):
        upright = upright.resize(target, Image.Resampling.BILINEAR, box=area)
    if image.orientation != 1:
        upright = upright.transpose(TRANSPOSE[image.orientation])
    if (box.height, box.width) == size:
        return upright
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(upright, (box.left, box.top))
    return padded


def _raw_box(box: Box, image: OpenImage) -> Box:
    """Returns where a box of the upright image is in the image as stored in the file."""
    height, width = image.size
    top = height - box.top - box.height if image.orientation in _MIRRORS_ROWS else box.top
    left = width - box.left - box.width if image.orientation in _MIRRORS_COLUMNS else box.left
    swap = image.orientation in _SWAPS_SIDES
    return Box(left, top, box.width, box.height) if swap else Box(top, left, box.height, box.width)


def _draft(image: OpenImage, crop: Box, target: tuple[int, int]) -> int:
    """Sets a JPEG to be decoded at 1/2, 1/4 or 1/8 size, which is faster, where that is at least the target size.

    Args:
      image: whose picture keeps its size where it is decoded already.
      crop: the part to decode, as stored in the file.
      target: its target size (width, height).

    Returns:
      the factor by which the sides of the picture are divided.
    """
    picture, (height, width) = image.picture, image.raw_size
    scale = min(crop.width // target[0], crop.height // target[1])
    if picture.format == "JPEG" and scale >= 2:
        factor = max(step for step in _REDUCTIONS if step <= scale)
        picture.draft(None, (width // factor, height // factor))
    return next(step for step in _REDUCTIONS if (-(-width // step), -(-height // step)) == picture.size)


def encode_image(image: Image.Image, image_format: str, quality: int) -> bytes:
    """Returns the bytes of an RGB image without metadata: 8-bit PNG for "png", else baseline JPEG, 4:2:0."""
    if image_format != "png":
        return encode_jpeg(image, quality)
    image.info.clear()
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()


def encode_jpeg(image: Image.Image, quality: int) -> bytes:
    """Returns baseline JPEG bytes, 4:2:0, without metadata."""
    image.info.clear()  # or Pillow would copy the source's comment, EXIF and colour profile
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def unmodified_bytes(image: OpenImage) -> bytes | None:
    """Returns the encoded bytes of an image without metadata; they decode to exactly the pixels of the file.

    Call it before `render`, which may decode a JPEG at a reduced size.

    Returns:
      None where they cannot be stored unmodified: the image has to be rotated, or is neither a JPEG that every reader
      decodes to the same RGB nor an opaque 8-bit RGB PNG.

    Raises:
      DataError: the pixels are truncated or damaged.
    """
    if image.orientation != 1 or image.picture.mode != "RGB":
        return None
    load(image.picture, image.name)
    if image.data.startswith(PNG_SIGNATURE):
        return strip_png(image.data)
    return strip_jpeg(image.data) if image.data.startswith(JPEG_SIGNATURE) else None


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Returns the pixels of a stored image, uint8 [H, W, 3].

    Raises:
      DataError: the bytes are not a complete image.
    """
    image = open_image(data, name)
    return np.asarray(render(image, image.size, "stretch"))
