"""GeoJSON: a class map -> a polygon for each connected component of a class, along the edges of its pixels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from converter.schema import IGNORE_INDEX
from converter.sources.ground import georeference_of, rasterio_of, square_metres_of
from trainer.prediction.pictures import Drawing

GEOJSON = "geojson"  # of what can be saved
NEEDS = "geojson needs rasterio, which is not installed"
WGS84 = "EPSG:4326"
DECIMALS = 9  # of a degree: a tenth of a millimetre


def geojson(drawing: Drawing) -> bytes:
    """Returns a feature collection; each feature has its class, its pixels and, of a map in metres, its area.

    Pixels are connected by their sides. Coordinates are longitude and latitude in WGS 84, as RFC 7946 demands, where
    the photograph has a coordinate reference system; else those of its transform, or x and y in pixels, from the upper
    left corner.

    Raises:
      UsageError: rasterio is not installed.
    """
    rasterio = rasterio_of("--save", NEEDS)
    place = georeference_of(drawing.data, drawing.name)
    transform = place.transform if place and place.transform else (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    crs = rasterio.crs.CRS.from_user_input(place.crs) if place and place.crs else None
    square_metres = square_metres_of(place)
    features = []
    for index, rings in _polygons(drawing.found.mask):
        pixels = round(sum(map(_signed_area, _oriented(rings))))
        properties: dict[str, Any] = {"class": drawing.classes[index].name, "id": index, "pixels": pixels}
        if square_metres is not None:
            properties["square_metres"] = round(pixels * square_metres, 4)
        placed = _oriented([_placed(ring, transform, crs) for ring in rings])
        geometry = {"type": "Polygon", "coordinates": [ring.tolist() for ring in placed]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return (json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False) + "\n").encode()


def _polygons(mask: np.ndarray) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Yields (class index, rings), float64 [N, 2] each: corners of pixels, the outer ring first, then holes."""
    from rasterio.features import shapes

    for geometry, index in shapes(np.ascontiguousarray(mask), mask != IGNORE_INDEX, connectivity=4):
        yield int(index), [np.array(ring, np.float64) for ring in geometry["coordinates"]]


def _placed(ring: np.ndarray, transform: tuple[float, ...], crs: Any) -> np.ndarray:
    """Returns the points of a ring, (column, row), as coordinates on the earth where there is a CRS."""
    a, b, c, d, e, f = transform
    x, y = a * ring[:, 0] + b * ring[:, 1] + c, d * ring[:, 0] + e * ring[:, 1] + f
    if crs is None:
        return np.stack([x, y], axis=1)
    from rasterio.warp import transform as reproject

    longitude, latitude = reproject(crs, WGS84, x, y)
    return np.round(np.stack([longitude, latitude], axis=1), DECIMALS)


def _oriented(rings: list[np.ndarray]) -> list[np.ndarray]:
    """Returns the outer ring counterclockwise and those of holes clockwise, as RFC 7946 demands."""
    return [ring if (_signed_area(ring) > 0) == (place == 0) else ring[::-1] for place, ring in enumerate(rings)]


def _signed_area(ring: np.ndarray) -> float:
    """Returns the area in a closed ring, above 0 where it runs counterclockwise with y upwards (shoelace formula)."""
    moved = ring - ring[0]  # or the products of large coordinates would lose a small area
    (x, y), (next_x, next_y) = moved[:-1].T, moved[1:].T
    return float((x * next_y - next_x * y).sum()) / 2
