"""A dataset of photographs of odd sizes and orientations, and the build that cuts them into tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import CLASSES, COLORS, EXPECTED, draw_pair
from photo_files import ORIENTATION, as_stored
from PIL import Image

from converter.config import BuildConfig, PairConfig, SourceConfig, TileConfig

# By name: (height, width) of the upright photograph, its EXIF orientation, whether the mask is drawn as it is stored.
PHOTOS = {
    "odd": ((71, 95), 1, False),
    "exact": ((64, 40), 1, False),
    "small": ((20, 13), 1, False),
    "low": ((20, 90), 1, False),
    "turned": ((75, 50), 6, False),
    "mirrored": ((50, 75), 7, False),
    "unturned": ((61, 47), 8, True),
}


def write_photos(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Writes the photographs as PNG; returns (pixels, class indices) by name, as they are to be stored."""
    folder.mkdir(parents=True)
    (folder / "classes.csv").write_text(CLASSES)
    found = {}
    lines = {"train": [], "val": []}
    for number, (name, (size, orientation, is_raw)) in enumerate(PHOTOS.items()):
        image, mask = draw_pair(number, size)
        raw = np.ascontiguousarray(as_stored(image)[orientation])
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        Image.fromarray(raw).save(folder / f"{name}.png", exif=exif)
        drawn = draw_pair(number, raw.shape[:2])[1] if is_raw else mask
        Image.fromarray(COLORS[drawn]).save(folder / f"{name}_mask.png")
        found[name] = (raw if is_raw else image, EXPECTED[drawn])
        lines["val" if number % 3 == 2 else "train"].append(f"{name}.png;{name}_mask.png\n")
    for split, own in lines.items():
        (folder / f"{split}.txt").write_text("".join(own))
    return found


def cutting(src: Path, out: Path, tile: TileConfig | None = None, **options: object) -> BuildConfig:
    """Returns a build into tiles of 32 x 40 pixels, as PNG."""
    pair = PairConfig((32, 40), "tile", image_format="png", tile=tile or TileConfig(overlap=7))
    return BuildConfig(SourceConfig(src), out, pair=pair, **({"workers": 1} | options))
