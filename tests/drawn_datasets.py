"""Small source folders: random images next to masks that are given as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from converter.checking.check import check
from converter.checking.report import CheckReport
from converter.config import BuildConfig, PairConfig, SourceConfig

COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0)], np.uint8)


def rows(*values: object, height: int = 48, width: int = 64) -> np.ndarray:
    """Returns a mask of horizontal bands, one per value; of the values' own dtype, uint8 where they are integers."""
    levels = np.asarray(values)
    levels = levels.astype(np.uint8) if levels.dtype == np.int64 else levels
    return levels[np.arange(height) * len(levels) // height][:, None].repeat(width, 1)


def draw(folder: Path, masks: Sequence[np.ndarray], texts: dict[str, str] | None = None, **save: object) -> Path:
    """Draws images/0.png and masks/0.png for each mask, and writes the texts; returns the folder.

    Args:
      folder: is created.
      masks: [H, W] or [H, W, 3].
      texts: path below the folder -> text.
      save: `suffix` of the masks, such as ".jpg", and options of Pillow.
    """
    suffix = str(save.pop("suffix", ".png"))
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(masks):
        pixels = rng.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels).resize(mask.shape[1::-1]).save(folder / f"images/{number}.png")
        Image.fromarray(mask).save(folder / f"masks/{number}{suffix}", **save)  # type: ignore[arg-type]
    for name, text in (texts or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def report_on(folder: Path, tolerance: int = 0, **source: object) -> CheckReport:
    """Returns the report of a check."""
    pair = PairConfig(size=(24, 32), tolerance=tolerance)
    config = BuildConfig(SourceConfig(folder, **source), pair=pair, workers=1)  # type: ignore[arg-type]
    return check(config, on_progress=lambda done: None)
