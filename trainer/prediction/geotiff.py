"""GeoTIFF: the class map of an orthophoto -> a file that lies where the orthophoto lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.dataset.manifest import ClassInfo
from converter.errors import shown
from converter.pixels.pillow import without_warnings
from converter.schema import IGNORE_INDEX
from converter.sources.ground import GDAL_OPTIONS, Georeference, georeference_of, rasterio_of
from trainer.prediction.pictures import Drawing

GEOTIFF = "geotiff"  # of what can be saved
NEEDS = "geotiff needs rasterio, which is not installed"
BLOCK = 256  # side of its blocks, in pixels


def geotiff(drawing: Drawing) -> bytes:
    """Returns a GeoTIFF, 8 bit, of class indices with a palette of their colours, in blocks, Deflate.

    Coordinate reference system and transform are those of the photograph, if it has any; its nodata value is
    IGNORE_INDEX, which no class has.

    Raises:
      UsageError: rasterio is not installed.
    """
    rasterio = rasterio_of("--save", NEEDS)
    mask = drawing.found.mask
    place = georeference_of(drawing.data, drawing.name)
    height, width = mask.shape
    with without_warnings(), rasterio.MemoryFile() as memory:  # it warns of a file that has no place
        with memory.open(**_options((height, width), place)) as file:
            _fill(file, [(0, mask)], drawing.classes)
        data: bytes = memory.read()
    return data


def write_geotiff(
    path: Path,
    size: tuple[int, int],
    place: Georeference | None,
    rows: Callable[[], Iterable[tuple[int, np.ndarray]]],
    classes: Sequence[ClassInfo],
) -> None:
    """Writes the same file some rows at a time, and reads it again: on a full disk, GDAL may end without an error.

    Args:
      path: of the file.
      size: (height, width) in pixels.
      place: where it is on the earth.
      rows: returns (first row, uint8 [n, W]) from top to bottom; all but the last have a multiple of BLOCK rows.
      classes: with their colours.

    Raises:
      OSError: it cannot be written.
    """
    rasterio = rasterio_of("--save", NEEDS)
    try:
        with without_warnings(), rasterio.Env(**GDAL_OPTIONS):
            with rasterio.open(path, "w", **_options(size, place)) as file:
                _fill(file, rows(), classes)
            with rasterio.open(path, driver="GTiff") as file:
                is_whole = all(np.array_equal(file.read(1, window=_window(*each)), each[1]) for each in rows())
    except rasterio.errors.RasterioError as error:
        raise OSError(f"GDAL: {shown(error.__cause__ or error)}") from error
    if not is_whole:
        raise OSError("what was written is not what is read")


def _fill(file: Any, rows: Iterable[tuple[int, np.ndarray]], classes: Sequence[ClassInfo]) -> None:
    file.write_colormap(1, {info.id: (*info.color, 255) for info in classes})
    for top, part in rows:
        file.write(np.ascontiguousarray(part)[None], window=_window(top, part))


def _window(top: int, part: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    return (top, top + len(part)), (0, part.shape[1])


def _options(size: tuple[int, int], place: Georeference | None) -> dict[str, Any]:
    """Returns what rasterio creates the file by."""
    height, width = size
    options: dict[str, Any] = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8"}
    options |= {"compress": "deflate", "nodata": IGNORE_INDEX, "BIGTIFF": "IF_SAFER"}
    if min(size) >= BLOCK:
        options |= {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
    if place:
        transform = rasterio_of("--save", NEEDS).Affine(*place.transform)
        options |= {"transform": transform} | ({"crs": place.crs} if place.crs else {})
    return options
