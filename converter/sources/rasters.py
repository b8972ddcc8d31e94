"""Rasters: TIFF and JPEG 2000 files of any size, read by windows through rasterio, the extra segconv[geo]."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from converter.config import SourceConfig
from converter.errors import DataError
from converter.limits import MAX_BLOCK_BYTES, MAX_FILE_BYTES, MAX_PIXELS, MAX_RASTER_BYTES
from converter.pixels.decode import ORIENTATION
from converter.pixels.geometry import Box
from converter.pixels.masks import OpenMask, step_of
from converter.pixels.pillow import DECODER_ERRORS, without_warnings
from converter.pixels.samples import FIX_RANGE, as_picture, bands_fix, chosen_bands, described, whole_numbers
from converter.sources.ground import (
    GDAL_OPTIONS,
    georeference_in,
    is_tiff,
    metres_of,
    own_bands,
    rasterio_of,
    tags_of,
    valid_in,
)
from converter.sources.refs import ExampleRef
from converter.system.files import Stamp, opened_inside

_JPEG2000 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xffO\xffQ")
_REWRITE = (
    "Write it again in tiles: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE -co BIGTIFF=IF_SAFER IN.tif OUT.tif"
)


def is_raster(ref: ExampleRef, source: SourceConfig) -> bool:
    """Returns whether a pair must be read by windows: one of its files is a TIFF beyond the limits, or JPEG 2000.

    Raises:
      DataError: a file cannot be read.
      MachineError: the disk failed.
    """
    return any(is_beyond(name, source) for name in ref.files if name)


def is_beyond(name: str, source: SourceConfig) -> bool:
    """Returns whether a file must be read by windows: a TIFF beyond the limits, or JPEG 2000.

    Raises:
      DataError: it cannot be read.
      MachineError: the disk failed.
    """
    with opened_inside(source.src, name, follow_links=source.follow_links, most=MAX_RASTER_BYTES) as (file, info):
        head = file.read(16)
        if head.startswith(_JPEG2000):
            return True
        if not is_tiff(head):
            return False
        tags = tags_of(head, file)
        pixels = tags.get(256, 0) * tags.get(257, 0)
        return info.st_size > MAX_FILE_BYTES or pixels > source.max_pixels


class Raster:
    """An open raster file, whose windows are read one by one. Nothing of the file is trusted.

    Attributes:
      name: for messages.
      size: (height, width) in pixels.
      georeference: None where it has none.
      stamp: of the file when it was opened.
    """

    def __init__(self, name: str, source: SourceConfig) -> None:
        """Opens a file.

        Raises:
          UsageError: rasterio is not installed.
          DataError: it is no TIFF or JPEG 2000 file, damaged, rotated by a tag, or in blocks that are too large.
        """
        self.name = name
        self._samples = source.samples
        with opened_inside(source.src, name, follow_links=source.follow_links, most=MAX_RASTER_BYTES) as (file, info):
            self.stamp = Stamp.of(info)
            head = file.read(16)
            if tags_of(head, file).get(ORIENTATION, 1) != 1:
                raise DataError(name, "is rotated by its orientation tag", "Save it upright.", "E_FORMAT")
        rasterio = rasterio_of(name)
        driver = "JP2OpenJPEG" if head.startswith(_JPEG2000) else "GTiff"  # no other: some formats name further files
        path = os.path.abspath(source.src / name)  # noqa: PTH100 - links are not resolved
        with self._guarded():
            self._file = rasterio.open(path, driver=driver)
        try:
            self._check()
            self.size = self._file.height, self._file.width
            self.georeference = georeference_in(self._file)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def metres_a_pixel(self) -> float:
        """Returns the side of a pixel on the ground, in metres: its height, where it is not square.

        Raises:
          DataError: the file does not say.
        """
        metres = metres_of(self.georeference)
        if metres is None:
            what = "has no projected coordinate reference system, so the size of its pixels is not known"
            raise DataError(
                self.name, what, "Pass --scale instead of --gsd, or reproject it with gdalwarp.", "E_FORMAT"
            )
        return metres

    def image(self, box: Box) -> Image.Image:
        """Returns a part of a photograph as an RGB image, by the bands and levels of the source.

        Raises:
          DataError: it is damaged, or holds bands or levels for which the source says nothing.
        """
        file = self._file
        colors = self._colors()
        is_plain = file.count in (3, 4) or (file.count <= 2 and not self._is_cmyk())
        is_deep = file.dtypes[0] != "uint8"
        text = described(file.count, np.dtype(file.dtypes[0]).itemsize * 8)
        if self._is_cmyk() or not (is_plain or self._samples.bands):
            fix = bands_fix(file.count, lacks_range=is_deep and not self._samples.levels)
            raise DataError(self.name, f"has {text}, where 1, 3 or 4 bands are read", fix, "E_IMAGE_MODE")
        if is_deep and not self._samples.levels:
            raise DataError(self.name, f"has {text}, where 8-bit unsigned integers are read", FIX_RANGE, "E_IMAGE_MODE")
        array = self._read(box, chosen_bands(self._samples, file.count, own_bands(file), self.name))
        if colors is not None and not is_deep and array.shape[2] == 1:
            return Image.fromarray(colors[array[..., 0]])
        picture = as_picture(array, self._samples, "TIFF", self.name)
        return picture if picture.mode == "RGB" else picture.convert("RGB")

    def scaled_image(self, box: Box, scaled: tuple[int, int]) -> Image.Image:
        """Returns a part of a photograph as `image` does, resized as the whole photograph would be.

        Args:
          box: in pixels after scaling.
          scaled: (height, width) of the whole photograph after scaling.

        Raises:
          DataError: as `image`.
        """
        if scaled == self.size:
            return self.image(box)
        edges = []
        for axis in (0, 1):
            factor = self.size[axis] / scaled[axis]
            start, end = box[axis] * factor, (box[axis] + box[axis + 2]) * factor
            first = max(0, int(start - factor) - 1)  # the filter reaches half a target pixel beyond, at least one pixel
            edges.append((start, end, first, min(self.size[axis], int(end + factor) + 2)))
        (top, bottom, first_row, end_row), (left, right, first_column, end_column) = edges
        region = Box(first_row, first_column, end_row - first_row, end_column - first_column)
        area = (left - first_column, top - first_row, right - first_column, bottom - first_row)
        return self.image(region).resize((box.width, box.height), Image.Resampling.BILINEAR, box=area)

    def valid(self, box: Box) -> np.ndarray | None:
        """Returns which pixels of a part of a photograph have data, bool [height, width]; None where all of them do.

        Raises:
          DataError: it is damaged.
        """
        with self._guarded():
            return valid_in(self._file, self._samples, box, self.name)

    def mask(self, box: Box) -> OpenMask:
        """Returns a part of a mask with exactly the numbers of the file.

        Raises:
          DataError: it is damaged, or holds numbers that no mask has.
        """
        file = self._file
        kind = file.dtypes[0]
        if file.count not in (1, 3, 4) or (file.count > 1 and kind != "uint8"):
            text = described(file.count, np.dtype(kind).itemsize * 8)
            fix = "Save the band with the classes as a TIFF of one band."
            raise DataError(self.name, f"has {text}, where a mask has 1 or 3", fix, "E_MASK_MODE")
        if file.compression is not None and file.compression.name.lower() in ("jpeg", "webp", "lerc"):
            what = f"is compressed as {file.compression.name.upper()}, which changes values at every edge"
            raise DataError(self.name, what, "Save it with DEFLATE compression.", "E_FORMAT")
        array = self._read(box, tuple(range(1, file.count + 1)))
        depth = int(file.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", 8))
        if file.count > 1:
            return OpenMask(Image.fromarray(array), 8, self.name, 1)
        numbers = array[..., 0]
        if kind != "uint8":
            return OpenMask(whole_numbers(numbers, self.name), 16, self.name, 1)
        colors = self._colors()
        if colors is None or depth < 8:
            scaled = numbers if depth == 8 else numbers * np.uint8(step_of(depth))  # as Pillow has them
            return OpenMask(Image.fromarray(scaled), depth, self.name, 1)
        picture = Image.fromarray(numbers)
        picture.putpalette(colors.tobytes())
        return OpenMask(picture, depth, self.name, 1)

    def _read(self, box: Box, bands: tuple[int, ...]) -> np.ndarray:
        """Returns [height, width, bands] of a part of the file."""
        if box.height * box.width > MAX_PIXELS:
            what = f"a tile needs {box.height}x{box.width} of its pixels at once"
            raise DataError(self.name, what, "Use a smaller --size or a larger --scale.", "E_TOO_LARGE")
        with self._guarded():
            window = ((box.top, box.top + box.height), (box.left, box.left + box.width))
            array: np.ndarray = self._file.read(list(bands), window=window)
        return np.ascontiguousarray(array.transpose(1, 2, 0))

    def _colors(self) -> np.ndarray | None:
        """Returns the palette, uint8 [256, 3]; None where there is none."""
        try:
            table = self._file.colormap(1)
        except ValueError:
            return None
        colors = np.zeros((256, 3), np.uint8)
        for index, color in table.items():
            if index < len(colors):
                colors[index] = color[:3]
        return colors

    def _is_cmyk(self) -> bool:
        return any(kind.name in ("cyan", "magenta", "yellow", "black") for kind in self._file.colorinterp)

    def _check(self) -> None:
        """Raises DataError where a block is too large to be decoded at once."""
        for (height, width), kind in zip(self._file.block_shapes, self._file.dtypes, strict=True):
            bands = (
                self._file.count if self._file.interleaving is None or self._file.interleaving.name == "pixel" else 1
            )
            size = height * width * np.dtype(kind).itemsize * bands
            if size > MAX_BLOCK_BYTES:
                what = f"is stored in blocks of {height}x{width} pixels, {size / 2**20:,.0f} MiB each"
                raise DataError(self.name, what, _REWRITE, "E_TOO_LARGE")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turns what rasterio raises into a DataError."""
        import rasterio
        from rasterio.errors import RasterioError

        try:
            with without_warnings(), rasterio.Env(**GDAL_OPTIONS):
                yield
        except (RasterioError, *DECODER_ERRORS) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            what = f"cannot be read as TIFF or JPEG 2000, or is damaged ({said})"
            raise DataError(self.name, what, "Restore the original file.", "E_DAMAGED") from None
