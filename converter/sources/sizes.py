"""Sizes: how large the photograph of a pair is, from the headers of its files, and so which tiles it is cut into."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Iterator
from functools import partial

from PIL import Image

from converter.config import PairConfig, SourceConfig, source_options
from converter.errors import DataError, UsageError
from converter.limits import MAX_TILES
from converter.pixels.decode import ORIENTATION
from converter.pixels.geometry import Box, scaled_size, tile_boxes
from converter.pixels.images import open_image
from converter.pixels.masks import open_mask
from converter.pixels.pillow import DECODER_ERRORS, silence_decoders, without_warnings
from converter.sources.leaks import place_of
from converter.sources.packed import PackedRefs
from converter.sources.rasters import Raster, is_raster
from converter.sources.refs import ExampleRef
from converter.system.files import opened_inside, read_inside

Sizes = tuple[tuple[int, int], tuple[int, int]]  # of a photograph, (height, width), before and after scaling
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM")  # that masks may have


def reads_windows(ref: ExampleRef, source: SourceConfig, pair: PairConfig) -> bool:
    """Returns whether the files of a pair are read by windows, through rasterio.

    Raises:
      DataError: a file cannot be read.
      MachineError: the disk failed.
    """
    return pair.tile is not None and (pair.tile.gsd is not None or is_raster(ref, source))


def raster_sizes(raster: Raster, pair: PairConfig) -> Sizes:
    """Returns (height, width) of a raster file, and those after scaling.

    Raises:
      DataError: they follow from the size of its pixels on the ground, which it does not say.
    """
    assert pair.tile is not None  # noqa: S101 - for mypy
    scale = pair.tile.scale if pair.tile.gsd is None else raster.metres_a_pixel() / pair.tile.gsd
    return raster.size, scaled_size(raster.size, scale)


def planned_sizes(ref: ExampleRef, source: SourceConfig, pair: PairConfig) -> Sizes | None:
    """Returns (height, width) of the photograph of a pair, upright unless its mask is not, and those after scaling.

    Read from the header of the mask, which must have that size; of an image without a mask, from the image itself. None
    where a file cannot be read: whoever makes the record says why.

    Raises:
      UsageError: rasterio is needed and not installed.
      MachineError: the disk failed.
    """
    assert pair.tile is not None  # noqa: S101 - for mypy
    try:
        if not reads_windows(ref, source, pair):
            size = photo_size(ref, source)
            is_large = size is None or size[0] * size[1] > source.max_pixels
            return None if size is None or is_large else (size, scaled_size(size, pair.tile.scale))
        with Raster(ref.image, source) as raster:
            return raster_sizes(raster, pair)
    except DataError:
        return None


def photo_size(ref: ExampleRef, source: SourceConfig) -> tuple[int, int] | None:
    """Returns (height, width) of a photograph that is decoded as a whole, as `planned_sizes` does.

    Raises:
      MachineError: the disk failed.
    """
    read = partial(read_inside, source.src, follow_links=source.follow_links)
    try:
        if not ref.mask:
            return open_image(read(ref.image), ref.image, source.max_pixels, source.samples).size
        size = _header_size(ref.mask, source)
        return size or open_mask(read(ref.mask), ref.mask, source.max_pixels).size
    except DataError:
        return None


def _header_size(name: str, source: SourceConfig) -> tuple[int, int] | None:
    """Returns (height, width) in the header of an image file; None where Pillow cannot read it."""
    silence_decoders()
    with opened_inside(source.src, name, follow_links=source.follow_links) as (file, _), without_warnings():
        try:
            with Image.open(io.BufferedReader(file), formats=_FORMATS) as picture:  # type: ignore[type-var]  # a FileIO
                tags = getattr(picture, "tag_v2", {})  # of a TIFF, whose sides Pillow swaps if it has an orientation
                return (picture.size[1], picture.size[0]) if tags.get(ORIENTATION, 1) == 1 else None
        except (*DECODER_ERRORS, Image.DecompressionBombError):
            return None


def tiled(refs: Iterable[ExampleRef], source: SourceConfig, pair: PairConfig) -> PackedRefs:
    """Returns the tiles of photographs, those of each one after the other, by row and column.

    A photograph whose size cannot be read, or that is too large, stays as it is: it is refused when its record is made.
    With any fit but "tile", all pairs stay as they are.

    Args:
      refs: pairs; one with a window, in pixels before scaling, has tiles within it alone.
      source: where the dataset is.
      pair: size and kind of the tiles.

    Raises:
      UsageError: a photograph has more than MAX_TILES tiles.
      MachineError: the disk failed.
    """
    return PackedRefs(tile for ref in refs for tile in _tiles_of(ref, source, pair)) if pair.tile else PackedRefs(refs)


def _tiles_of(ref: ExampleRef, source: SourceConfig, pair: PairConfig) -> Iterator[ExampleRef]:
    sizes = planned_sizes(ref, source, pair)
    if sizes is None or pair.tile is None or pair.size is None:
        yield ref
        return
    size, scaled = sizes
    step = [side - pair.tile.overlap for side in pair.size]
    if (scaled[0] // step[0] + 1) * (scaled[1] // step[1] + 1) > MAX_TILES:
        what = f"has {size[0]}x{size[1]} pixels, which are more than {MAX_TILES:,} tiles"
        raise UsageError(ref.image, what, "Use a larger --size or a smaller --scale.", "E_TOO_LARGE")
    area, edge = Box(0, 0, *scaled), pair.tile.edge
    if ref.window is not None:
        area, edge = _scaled_block(ref, source, size, scaled), "shift"  # what is padded would be that of another block
        if area.height < min(pair.size[0], scaled[0]) or area.width < min(pair.size[1], scaled[1]):
            what = f"has a block of {area.height}x{area.width} pixels, smaller than a tile"
            raise UsageError(place_of(ref), what, "Use a smaller --size, or split it into larger --blocks.", "E_SIZE")
    for box in tile_boxes(area, pair.size, pair.tile.overlap, edge):
        yield dataclasses.replace(ref, window=box, size=size, scaled=scaled)


def _scaled_block(ref: ExampleRef, source: SourceConfig, size: tuple[int, int], scaled: tuple[int, int]) -> Box:
    """Returns where the block of a photograph is after scaling; UsageError where it reaches over an edge."""
    assert ref.window is not None  # noqa: S101 - for mypy
    edges = []
    for axis in (0, 1):
        start, end = ref.window[axis], ref.window[axis] + ref.window[axis + 2]
        if not start < end <= size[axis]:
            what = f"names a block of {ref.image} that is not within its {size[0]}x{size[1]} pixels"
            fix = f"Make the lists again: segconv split {source_options(source)} --blocks 2048 --overwrite"
            raise UsageError(place_of(ref), what, fix, "E_LINE")
        edges.append((start * scaled[axis] // size[axis], end * scaled[axis] // size[axis]))
    (top, bottom), (left, right) = edges
    return Box(top, left, bottom - top, right - left)
