"""Page samples: the sample pairs of a check -> images for its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.checking.report import CheckReport, ValueRow
from converter.classes.class_map import IGNORE_NAME, ClassMapBuilder
from converter.classes.mapper import MaskMapper
from converter.config import SourceConfig
from converter.errors import DataError, SegconvError, shown
from converter.limits import MAX_CLASSES, MAX_PAGE_IMAGE_BYTES, MAX_PAGE_SAMPLES
from converter.pixels.colors import Color
from converter.pixels.decode import load
from converter.pixels.images import OpenImage, encode_jpeg, render
from converter.pixels.masks import OpenMask
from converter.pixels.overlays import hatch, overlay
from converter.schema import IGNORE_INDEX
from converter.sources.pairs import open_pair
from converter.sources.refs import ExampleRef

THUMBNAIL = 320  # pixels of the longer side
JPEG_QUALITY = 80
UNLISTED_STRIPES: tuple[Color, Color] = ((40, 0, 24), (255, 64, 160))  # not in photographs, and in hardly any palette


@dataclass(frozen=True)
class SampleImage:
    """An image of a sample: its alternative text, JPEG bytes, and (height, width) in pixels."""

    alt: str
    jpeg: bytes
    size: tuple[int, int]


class SamplePainter:
    """Draws the samples of a report: the classes of its rows, in their colours, over the images.

    The class map is made from the rows of the report, not read from a class file again: the page shows what the report
    says. Without a class map each value is its own class.

    Attributes:
      has_map: whether the dataset has a class map.
      colors: of the drawn classes.
      drew_ignored: whether a sample drawn so far has ignored pixels; drew_unlisted: unlisted values.
    """

    def __init__(self, rows: Sequence[ValueRow], *, has_map: bool) -> None:
        self.has_map = has_map
        self.drew_ignored = self.drew_unlisted = False
        drawn = [row for row in rows if row.id is not None and row.value] if has_map else rows[: MAX_CLASSES - 1]
        # Each colour is a class here, whatever its name: only colours are drawn.
        self.colors = list(dict.fromkeys(row.color for row in drawn if row.id != IGNORE_INDEX))
        self._unlisted = len(self.colors)  # index of all other values; with 255 colours none is left
        self._mapper: MaskMapper | None = None
        builder = ClassMapBuilder()
        try:
            for row in drawn:
                builder.add(IGNORE_NAME if row.id == IGNORE_INDEX else str(row.color), row.value)
            if all(row.value != "*" for row in drawn):
                builder.add(IGNORE_NAME if self._unlisted >= MAX_CLASSES else "unlisted", "*")
            self._mapper = MaskMapper(builder.finish())
        except ValueError:
            pass  # two rows contradict each other: the masks are shown as stored

    def draw(self, ref: ExampleRef, source: SourceConfig) -> list[SampleImage]:
        """Returns the images of a sample.

        Raises:
          SegconvError: a file of it cannot be read.
        """
        opened, mask = open_pair(ref, source)
        size = _thumbnail_size(opened)
        image = render(opened, size, "stretch")
        name = shown(ref.image)
        plain = _sample_image(f"Image {name}", image)
        if mask is None:
            return [plain]
        indices = self._indices(mask, size)
        if indices is None:
            return [plain, _sample_image(f"Mask {shown(ref.mask)} as stored", _raw(mask, size))]
        unlisted = (indices == self._unlisted) & (indices != IGNORE_INDEX)
        self.drew_ignored |= bool((indices == IGNORE_INDEX).any())
        self.drew_unlisted |= bool(unlisted.any())
        if not self.has_map:
            return [plain, self._overlaid(f"Values of mask {shown(ref.mask)}", image, indices, unlisted, alpha=1.0)]
        drawn = self._overlaid(f"Image {name} with its classes overlaid", image, indices, unlisted, alpha=0.5)
        if not unlisted.any():
            return [drawn]
        return [drawn, _sample_image(f"Mask {shown(ref.mask)} as stored", _raw(mask, size))]

    def _indices(self, mask: OpenMask, size: tuple[int, int]) -> np.ndarray | None:
        """Returns the class indices of a mask, uint8 [H, W]; None where its values are ambiguous.

        Raises:
          DataError: the pixels are cut off or damaged.
        """
        if self._mapper is None:
            return None
        try:
            return self._mapper.map_mask(mask, size)
        except DataError as error:
            if error.code == "E_DAMAGED":  # Pillow would show the part that is there, without a sign that it is not all
                raise
            return None

    def _overlaid(
        self, alt: str, image: Image.Image, indices: np.ndarray, unlisted: np.ndarray, *, alpha: float
    ) -> SampleImage:
        pixels = overlay(np.asarray(image), indices, self.colors, alpha).copy()
        hatch(pixels, unlisted, UNLISTED_STRIPES)
        return _sample_image(alt, Image.fromarray(pixels))


def _thumbnail_size(image: OpenImage) -> tuple[int, int]:
    height, width = image.size
    scale = min(1.0, THUMBNAIL / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _raw(mask: OpenMask, size: tuple[int, int]) -> Image.Image:
    """Returns a mask in the colours in which any viewer shows it; of 16-bit values the low 8 bits.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    load(mask.picture, mask.name)
    small = mask.picture.resize((size[1], size[0]), Image.Resampling.NEAREST)
    if small.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(small) & 0xFF).astype(np.uint8)).convert("RGB")
    return small.convert("RGB")


def _sample_image(alt: str, image: Image.Image) -> SampleImage:
    return SampleImage(alt, encode_jpeg(image, JPEG_QUALITY), (image.size[1], image.size[0]))


def drawn_samples(
    painter: SamplePainter, report: CheckReport, source: SourceConfig
) -> Iterator[tuple[ExampleRef, list[SampleImage]]]:
    """Yields the samples that can be drawn, up to MAX_PAGE_IMAGE_BYTES in total."""
    bytes_left = MAX_PAGE_IMAGE_BYTES
    for ref in report.samples[:MAX_PAGE_SAMPLES]:
        try:
            images = painter.draw(ref, source)
        except SegconvError:
            continue  # the report already names it
        bytes_left -= sum(len(image.jpeg) for image in images)
        if bytes_left < 0:
            return
        yield ref, images
