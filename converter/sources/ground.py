"""Ground: where on the earth the picture in a TIFF file lies, how large its pixels are, and where it has data.

Asked through rasterio, the extra segconv[geo].
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from PIL import TiffImagePlugin

from converter.errors import UsageError
from converter.pixels.bands import Samples
from converter.pixels.decode import ORIENTATION
from converter.pixels.geometry import Box
from converter.pixels.pillow import DECODER_ERRORS, without_warnings
from converter.pixels.samples import chosen_bands
from converter.pixels.signatures import TIFF_SIGNATURES

INSTALL = "pip install 'segconv[geo]'"
Answer = TypeVar("Answer")
_BIG_TIFF = (b"II+\0", b"MM\0+")
_TIEPOINT, _TRANSFORM, _NO_DATA = 33922, 34264, 42113  # tags of GeoTIFF, and of GDAL
_CACHE_BYTES = 48 * 2**20  # of decoded blocks: two rows of 512x512 tiles, 30,000 pixels wide
GDAL_OPTIONS = {
    "GDAL_CACHEMAX": _CACHE_BYTES,
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # a file is what is in it: no side-car files
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_NUM_THREADS": 1,
}


class Georeference(NamedTuple):
    """Where on the earth a picture is.

    Attributes:
      crs: coordinate reference system: "EPSG:25832", or as WKT where it has no such number; "" where there is none.
      transform: (a, b, c, d, e, f): the pixel corner (column, row) is at x = a * column + b * row + c and
        y = d * column + e * row + f.
    """

    crs: str
    transform: tuple[float, float, float, float, float, float]

    def of(self, window: Box, factors: tuple[float, float]) -> Georeference:
        """Returns that of a window of the picture after scaling.

        Args:
          window: in pixels after scaling.
          factors: rows and columns of the picture for each one after scaling.
        """
        a, b, c, d, e, f = self.transform
        down, right = factors
        x, y = window.left * right, window.top * down
        return Georeference(self.crs, (a * right, b * down, a * x + b * y + c, d * right, e * down, d * x + e * y + f))


def georeference_of(data: bytes, name: str) -> Georeference | None:
    """Returns where on the earth the picture in a TIFF file is; None where the file does not say, or is no TIFF.

    Raises:
      UsageError: rasterio is not installed.
    """
    return _asked(data, name, georeference_in)


def valid_pixels_of(data: bytes, name: str, samples: Samples) -> np.ndarray | None:
    """Returns which pixels of the picture in a TIFF file have data, as `Raster.valid` does; None for any other file.

    Args:
      data: content of the file.
      name: of the file, for messages.
      samples: bands that are read from it.

    Raises:
      UsageError: rasterio is not installed.
    """
    return _asked(data, name, lambda file: valid_in(file, samples, Box(0, 0, file.height, file.width), name))


def square_metres_of(place: Georeference | None) -> float | None:
    """Returns the area of a pixel on the ground; None where its coordinates are not metres or feet of a map.

    Raises:
      UsageError: rasterio is not installed.
    """
    unit = _unit_of(place)
    if place is None or unit is None:
        return None
    a, b, _, d, e, _ = place.transform
    return abs(a * e - b * d) * unit**2


def metres_of(place: Georeference | None) -> float | None:
    """Returns the side of a pixel on the ground: its height, where it is not square; None as `square_metres_of`.

    Raises:
      UsageError: rasterio is not installed.
    """
    unit = _unit_of(place)
    if place is None or unit is None:
        return None
    _, b, _, _, e, _ = place.transform
    return math.hypot(b, e) * unit or None


def _unit_of(place: Georeference | None) -> float | None:
    """Returns the metres of a unit of a map; None of what is no map."""
    if place is None or not place.crs:
        return None
    crs = rasterio_of(place.crs).crs.CRS.from_user_input(place.crs)
    return float(crs.linear_units_factor[1]) if crs.is_projected else None


def is_tiff(data: bytes) -> bool:
    """Returns whether a file is a TIFF, by its first bytes."""
    return data.startswith((*TIFF_SIGNATURES, *_BIG_TIFF))


def is_geotiff(data: bytes) -> bool:
    """Returns whether a file is a TIFF that says where it lies, or which of its pixels have no data."""
    tags = _directory(data[:16], io.BytesIO(data)) if is_tiff(data) else {}
    return any(number in tags for number in (_TRANSFORM, _TIEPOINT, _NO_DATA))


def _asked(data: bytes, name: str, question: Callable[[Any], Answer]) -> Answer | None:
    """Returns what a function finds in a TIFF file; None for any other, and for one that is damaged or rotated.

    Its pixels were read by another decoder, and are what counts.
    """
    if not is_tiff(data):
        return None
    rasterio = rasterio_of(name)
    if tags_of(data[:16], io.BytesIO(data)).get(ORIENTATION, 1) != 1:  # its rows and columns are not those of the file
        return None
    try:
        with (
            without_warnings(),
            rasterio.Env(**GDAL_OPTIONS),
            rasterio.MemoryFile(data) as memory,
            memory.open(driver="GTiff") as file,
        ):
            return question(file)
    except (rasterio.errors.RasterioError, *DECODER_ERRORS):
        return None


def own_bands(file: Any) -> tuple[int, ...]:
    """Returns the bands of an open file that are read where the user chose none."""
    return (1,) if file.count < 3 else (1, 2, 3)


def valid_in(file: Any, samples: Samples, box: Box, name: str) -> np.ndarray | None:
    """Returns which pixels of a part of an open file have data; None where the file marks none that have not.

    Those have none whose bands all have the nodata value, or that a mask in the file leaves out. An alpha band is no
    such mask: as for build, it is dropped, since it may hold infrared.
    """
    bands = chosen_bands(samples, file.count, own_bands(file), name)
    flags = {flag.name for flag in file.mask_flag_enums[bands[0] - 1]}
    if "nodata" not in flags and not ("per_dataset" in flags and "alpha" not in flags):
        return None
    window = ((box.top, box.top + box.height), (box.left, box.left + box.width))
    valid: np.ndarray = file.read_masks(list(bands), window=window).any(axis=0)
    return valid


def georeference_in(file: Any) -> Georeference | None:
    """Returns where on the earth the picture in an open file is; None where the file does not say."""
    transform, crs = file.transform, file.crs
    if crs is None and transform.is_identity:
        return None
    text = "" if crs is None else crs.to_string()
    return Georeference(text, (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f))


def rasterio_of(name: str, what: str = "is read by windows, for which rasterio is missing") -> Any:
    """Returns the module rasterio, which writes nothing to stderr.

    Args:
      name: of the file or option that needs it, for the message.
      what: what is said of it where rasterio is not installed.

    Raises:
      UsageError: it is not installed.
    """
    try:
        import rasterio
    except ImportError:
        raise UsageError(name, what, f"Install it: {INSTALL}", "E_NO_RASTERIO") from None
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    logging.getLogger("rasterio").propagate = False
    return rasterio


def tags_of(head: bytes, file: Any) -> dict[int, int]:
    """Returns width, height and orientation of the first page of a TIFF file by their tags, as far as it has them."""
    directory = _directory(head, file)
    try:
        with without_warnings():  # it decodes a tag when it is asked for it
            found = {number: directory.get(number) for number in (256, 257, ORIENTATION)}
    except DECODER_ERRORS:
        return {}
    return {number: value for number, value in found.items() if isinstance(value, int)}


def _directory(head: bytes, file: Any) -> Mapping[int, Any]:
    """Returns the tags of the first page of a TIFF file by their numbers; none where they cannot be read."""
    try:
        with without_warnings():
            tags = TiffImagePlugin.ImageFileDirectory_v2(head[:16] if head.startswith(_BIG_TIFF) else head[:8])
            file.seek(tags.next)
            tags.load(file)
            return tags
    except DECODER_ERRORS:
        return {}
