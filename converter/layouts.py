"""Layouts: from a source folder to the pairs of its splits, told by what lies there.

One layout so far, the tutorial's: train.txt with jpg/ and png/, and val.txt (test.txt) with val_jpg/ and val_png/
where they exist, else with jpg/ and png/ too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.splits import ExampleRef, Reject, read_split_list
from converter.storage import resolve_inside

SPLITS = ("train", "val", "test")
EXPECTED = "Expected train.txt and val.txt beside jpg/ and png/ (val.txt may have val_jpg/ and val_png/ of its own)."


@dataclass(frozen=True)
class Layout:
    """What lies in a source folder.

    Attributes:
      name: of the layout, such as "list" or "voc".
      evidence: what it was told by, one clause each.
      refs: pairs of each split, by its name, train first.
      rejects: lines of lists that are no pair.
      unmatched: photographs and masks of the layout's folders that stand in no pair, relative to the source folder.
      preset: class map that goes with the layout where the source has none, such as "voc"; None for none.
    """

    name: str
    evidence: tuple[str, ...]
    refs: dict[str, tuple[ExampleRef, ...]]
    rejects: tuple[Reject, ...] = ()
    unmatched: tuple[str, ...] = ()
    preset: str | None = None


def find_layout(source: SourceConfig) -> Layout:
    """Returns the layout of a source folder and the pairs of its splits.

    Raises:
      UsageError: the folder, train.txt, or an image or mask folder is missing.
    """
    src = source.src
    if not src.is_dir():
        raise UsageError(src, "is no folder", "Name the dataset folder: segconv build --src dataset/", "E_SRC")
    names = [name for name in SPLITS if (src / f"{name}.txt").is_file()]
    if not names or names[0] != "train":
        raise UsageError(src / "train.txt", "does not exist", EXPECTED, "E_LIST")
    refs: dict[str, tuple[ExampleRef, ...]] = {}
    rejects: list[Reject] = []
    for name in names:
        image_dir, mask_dir = (_folder(src, name, kind) for kind in ("jpg", "png"))
        _check_inside(source, f"{name}.txt")
        pairs, bad_lines = read_split_list(name, src / f"{name}.txt", image_dir, mask_dir)
        refs[name] = tuple(pairs)
        rejects += bad_lines
    return Layout("list", tuple(f"{name}.txt" for name in names), refs, tuple(rejects))


def _check_inside(source: SourceConfig, name: str) -> None:
    """Raises UsageError where a file that was found in the source is a link out of it."""
    try:
        resolve_inside(source.src, name, follow_links=source.follow_links)
    except DataError as error:
        raise UsageError(source.src / name, error.what, error.mend, error.code) from None


def _folder(src: Path, split: str, kind: str) -> str:
    """Returns the split's own folder where it has one, else the one that all splits share."""
    names = [kind] if split == "train" else [f"{split}_{kind}", kind]
    for name in names:
        if (src / name).is_dir():
            return name
    raise UsageError(src / names[-1], "is no folder", EXPECTED, "E_LAYOUT")
