"""GeoTIFF files that the tests write through rasterio, an extra that is too large to be installed for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import draw_pair

try:
    import rasterio
except ImportError:
    rasterio = None

NEEDS_RASTERIO = pytest.mark.skipif(
    rasterio is None, reason="rasterio is not installed: 109 MB with GDAL (segconv[geo])"
)
LIMIT = 1000  # pixels, beyond which the tests' photographs are read by windows


def write_geotiff(path: Path, array: np.ndarray, *, metres: float = 0.2, **options: object) -> None:
    """Writes uint8 or uint16 [H, W] or [H, W, bands] as a TIFF in blocks of 16x16, in UTM zone 32."""
    bands = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    place = {"crs": "EPSG:25832", "transform": rasterio.Affine(metres, 0, 500_000, 0, -metres, 5_000_000)}
    kind = {"driver": "GTiff", "tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"}
    size = {"height": bands.shape[1], "width": bands.shape[2], "count": len(bands), "dtype": array.dtype.name}
    colors = options.pop("colors", None)
    chosen = {name: value for name, value in (kind | place | size | options).items() if value is not None}
    with rasterio.open(path, "w", **chosen) as file:
        file.write(bands)
        if colors is not None:
            file.write_colormap(1, colors)


def write_orthophotos(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Writes a train and a val photograph with masks; returns (pixels, class indices) by split."""
    folder.mkdir(parents=True)
    (folder / "classes.csv").write_text("name,value\nbackground,0\nbuilding,1\nroad,2\nignore,3\n")
    found = {}
    for number, (split, size) in enumerate({"train": (151, 203), "val": (70, 90)}.items()):
        image, mask = draw_pair(number, size)
        write_geotiff(folder / f"{split}.tif", image)
        write_geotiff(folder / f"{split}_mask.tif", mask)
        (folder / f"{split}.txt").write_text(f"{split}.tif;{split}_mask.tif\n")
        found[split] = image, np.where(mask == 3, 255, mask).astype(np.uint8)
    return found
