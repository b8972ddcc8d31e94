"""Pairs: a pair of a source folder, or a block of one -> the image, opened, and the truth at any size.

A block is looked at alone, as build cuts tiles within it alone: what is around it may be of another split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.classes.background import missing_index
from converter.classes.mapper import MaskMapper
from converter.config import SourceConfig, source_options
from converter.errors import DataError, UsageError
from converter.pixels.geometry import Box, cut
from converter.pixels.images import OpenImage, render
from converter.pixels.masks import OpenMask
from converter.pixels.resample import resize_nearest, vote
from converter.schema import window_text
from converter.sources.leaks import place_of
from converter.sources.pairs import open_pair
from converter.sources.rasters import Raster, is_raster
from converter.sources.refs import ExampleRef

Size = tuple[int, int]


@dataclass(frozen=True)
class Opened:
    """A pair, or a block of one.

    Attributes:
      image: opened, upright.
      truth: (height, width) and a fit to the class indices of the dataset at that size, uint8 [height, width].
    """

    image: OpenImage
    truth: Callable[[Size, str], np.ndarray]


@dataclass(frozen=True)
class PairReader:
    """Opens pairs as build does.

    Attributes:
      source: where the dataset is.
      mapper: of its class map.
      resample: "nearest" or "vote", where a mask is reduced.
    """

    source: SourceConfig
    mapper: MaskMapper
    resample: str = "nearest"

    def open(self, ref: ExampleRef) -> Opened:
        """Opens a pair.

        Raises:
          UsageError: a block reaches over the edge of the photograph, or rasterio is needed and not installed.
          DataError: build would refuse it.
        """
        if ref.window is not None:
            return self._block(ref, ref.window)
        if is_raster(ref, self.source):
            what = "is beyond the limits of a photograph that is decoded as a whole, and is scored by blocks alone"
            raise DataError(ref.image, what, f"Make lists of blocks: {self._split_command()}", "E_TOO_LARGE")
        image, mask = open_pair(ref, self.source)
        if mask is None:
            index = missing_index(self.mapper.classes, self.source.missing_mask)
            return Opened(image, lambda size, fit: np.full(size, index, np.uint8))
        return Opened(image, lambda size, fit: self.mapper.map_mask(mask, size, fit, self.resample))

    def metres(self, ref: ExampleRef) -> float:
        """Returns the side of a pixel of a photograph on the ground.

        Raises:
          UsageError: rasterio is not installed.
          DataError: the file does not say.
        """
        with Raster(ref.image, self.source) as raster:
            return raster.metres_a_pixel()

    def _block(self, ref: ExampleRef, window: Box) -> Opened:
        picture, mask = self._raster_block(ref, window) if is_raster(ref, self.source) else self._cut(ref, window)

        def truth(size: Size, fit: str) -> np.ndarray:
            if self.resample == "vote":
                return vote(mask, size)
            return mask if mask.shape == size else np.asarray(resize_nearest(Image.fromarray(mask), size))

        return Opened(OpenImage(picture, 1, ref.image, 1, b""), truth)

    def _cut(self, ref: ExampleRef, window: Box) -> tuple[Image.Image, np.ndarray]:
        """Returns the pixels of a block and its classes, out of files that are decoded as a whole."""
        image, mask = open_pair(ref, self.source)
        self._check(ref, window, image.size)
        right, bottom = window.left + window.width, window.top + window.height
        picture = render(image, image.size, "stretch").crop((window.left, window.top, right, bottom))
        if mask is None:
            return picture, self._missing(window)
        return picture, np.ascontiguousarray(cut(self.mapper.map_mask(mask, image.size, "stretch"), window))

    def _raster_block(self, ref: ExampleRef, window: Box) -> tuple[Image.Image, np.ndarray]:
        """Returns the same out of files of which windows are read."""
        with Raster(ref.image, self.source) as raster:
            self._check(ref, window, raster.size)
            picture = raster.image(window)
            size = raster.size
        if not ref.mask:
            return picture, self._missing(window)
        with Raster(ref.mask, self.source) as raster:
            if raster.size != size:
                what = f"is {raster.size[0]}x{raster.size[1]} pixels, its image {size[0]}x{size[1]}"
                raise DataError(ref.mask, what, "Draw the mask at the size of its image.", "E_SIZE")
            opened: OpenMask = raster.mask(window)
        return picture, self.mapper.map_mask(opened, (window.height, window.width), "stretch")

    def _missing(self, window: Box) -> np.ndarray:
        index = missing_index(self.mapper.classes, self.source.missing_mask)
        return np.full((window.height, window.width), index, np.uint8)

    def _check(self, ref: ExampleRef, window: Box, size: Size) -> None:
        """Raises UsageError where a block is not within the photograph."""
        if window.top + window.height > size[0] or window.left + window.width > size[1]:
            what = f"names a block of {ref.image} that is not within its {size[0]}x{size[1]} pixels"
            raise UsageError(place_of(ref), what, f"Make the lists again: {self._split_command()}", "E_LINE")

    def _split_command(self) -> str:
        return f"segconv split {source_options(self.source)} --blocks 2048 --overwrite"


def name_of(ref: ExampleRef) -> str:
    """Returns the name of a pair among the scores: its image, and its block as lists name it."""
    return ref.image if ref.window is None else f"{ref.image}[{window_text(ref.window)}]"
