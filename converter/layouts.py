"""Layouts: from a source folder to its splits: which list, which image folder, which mask folder.

One layout so far, the tutorial's: train.txt with jpg/ and png/, and val.txt (test.txt) with val_jpg/ and val_png/
where they exist, else with jpg/ and png/ too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError

SPLITS = ("train", "val", "test")
EXPECTED = "Expected train.txt and val.txt beside jpg/ and png/ (val.txt may have val_jpg/ and val_png/ of its own)."


@dataclass(frozen=True)
class SplitSource:
    """Where a split comes from: its name, its list, and its two folders relative to the source folder."""

    name: str
    list_path: Path
    image_dir: str
    mask_dir: str


def find_splits(src: Path) -> list[SplitSource]:
    """Returns the splits of a source folder, train first.

    Raises:
      UsageError: the folder, train.txt, or an image or mask folder is missing.
    """
    if not src.is_dir():
        raise UsageError(src, "is no folder", "Name the dataset folder: segconv build --src dataset/", "E_SRC")
    sources = [_split_source(src, name) for name in SPLITS if (src / f"{name}.txt").is_file()]
    if not sources or sources[0].name != "train":
        raise UsageError(src / "train.txt", "does not exist", EXPECTED, "E_LIST")
    return sources


def _split_source(src: Path, name: str) -> SplitSource:
    image_dir, mask_dir = (_folder(src, name, kind) for kind in ("jpg", "png"))
    return SplitSource(name, src / f"{name}.txt", image_dir, mask_dir)


def _folder(src: Path, split: str, kind: str) -> str:
    """Returns the split's own folder where it has one, else the one that all splits share."""
    names = [kind] if split == "train" else [f"{split}_{kind}", kind]
    for name in names:
        if (src / name).is_dir():
            return name
    raise UsageError(src / names[-1], "is no folder", EXPECTED, "E_LAYOUT")
