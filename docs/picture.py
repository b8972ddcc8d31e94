"""Draws docs/picture.jpg: a photograph, its mask, and what the model of `make demo` makes of the photograph.

`python docs/picture.py build/demo docs/picture.jpg`, after `make demo`, which has never shown this tile to the model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from converter.pixels.overlays import contact_sheet

TILE = "tile_0004"
QUALITY = 75  # some 80 kB


def picture(demo: Path) -> Image.Image:
    """Returns the three side by side, from the folder of the demo."""
    new, predictions = demo / "new", demo / "predictions"
    paths = (new / f"jpg/{TILE}.jpg", new / f"png/{TILE}.png", predictions / f"color/{TILE}.png")
    cells = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    return contact_sheet([cells], captions=["photograph", "mask", "prediction"])


if __name__ == "__main__":
    picture(Path(sys.argv[1])).save(sys.argv[2], quality=QUALITY)
