"""GeoTIFF: the class map of an orthophoto -> a file that lies where the orthophoto lies."""

from __future__ import annotations

import numpy as np

from converter.pixels.pillow import without_warnings
from converter.schema import IGNORE_INDEX
from converter.sources.rasters import georeference_of, rasterio_of
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
    height, width = mask.shape
    options = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "compress": "deflate"}
    options |= {"nodata": IGNORE_INDEX, "BIGTIFF": "IF_SAFER"}
    if min(mask.shape) >= BLOCK:
        options |= {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
    if place := georeference_of(drawing.data, drawing.name):
        options |= {"transform": rasterio.Affine(*place.transform)} | ({"crs": place.crs} if place.crs else {})
    colors = {info.id: (*info.color, 255) for info in drawing.classes}
    with without_warnings(), rasterio.MemoryFile() as memory:  # it warns of a file that has no place
        with memory.open(**options) as file:
            file.write(np.ascontiguousarray(mask)[None])
            file.write_colormap(1, colors)
        data: bytes = memory.read()
    return data
