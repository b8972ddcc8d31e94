"""Looks: whether the files of a folder look like masks, by a few of them.

Only used where names leave it open which of two folders holds the masks; a file that cannot be read shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from converter.errors import DataError
from converter.limits import MAX_LOOK_PIXELS
from converter.pixels.masks import MaskValue, ValueCounter, open_mask
from converter.sources.layouts.words import MASK_WORDS
from converter.sources.names import stem_of
from converter.sources.tree import Tree, join
from converter.system.files import read_inside

FEW_VALUES = "few values in each file"
_LOOKED_AT = 3  # files of a folder: the first, one in the middle, the last
FEW = 32  # values in one mask; photographs have hundreds, and an image rarely shows as many classes
_LOSSY = (".jpg", ".jpeg")
FLAT = "a few values in most of their pixels"
_FLAT_SHARE, _TEXTURED_SHARE = 0.6, 0.3  # of the pixels that have one of the FEW most frequent values, in JPEG files


def num_values(tree: Tree, folder: str) -> int | None:
    """Returns the maximum number of values in a few files of a folder, up to one more than masks have; else None."""
    most = None
    for name in _chosen(tree, folder):
        number = values_in(tree, join(folder, name))
        if number is None:
            return None
        most = max(most or 0, number)
    return most


def values_in(tree: Tree, path: str) -> int | None:
    """Returns the number of values in a file, up to one more than masks have; None where that cannot be seen."""
    if path.lower().endswith(_LOSSY):
        return None  # JPEG changes the values of a mask, too
    try:
        return len(_counted(tree, path, FEW + 1)[0])
    except DataError:
        return None


def _chosen(tree: Tree, folder: str) -> list[str]:
    """Returns the names of the few files of a folder that are looked at."""
    names = tree.image_files.get(folder, [])
    return sorted({names[0], names[len(names) // 2], names[-1]} if len(names) > _LOOKED_AT else set(names))


def _counted(tree: Tree, path: str, limit: int) -> tuple[dict[MaskValue, int], int]:
    """Returns (pixels of the `limit` most frequent values of a file, pixels of the others); JPEG is counted as well."""
    data = read_inside(tree.src, path, follow_links=True)  # links out of the folder are in the tree only if followed
    source = open_mask(data, path, MAX_LOOK_PIXELS)
    values, _, others = ValueCounter(int(source.is_lossy)).count_most_frequent(source, limit)
    return values, others


def _flat_share(tree: Tree, folder: str) -> float | None:
    """Returns the share of the pixels of a few files that have one of the most frequent values; None if unreadable."""
    flat = total = 0
    for name in _chosen(tree, folder):
        try:
            values, others = _counted(tree, join(folder, name), FEW)
        except DataError:
            return None
        flat += sum(values.values())
        total += sum(values.values()) + others
    return flat / total if total else None


def looks_like_masks(tree: Tree, folders: Sequence[str]) -> bool | None:
    """Returns whether the files of folders have few values; None where that cannot be seen."""
    number = num_values(tree, folders[0])
    return None if number is None else number <= FEW


class Evidence(NamedTuple):
    """Which of two lists of folders holds the masks: 0, 1, or None if nothing shows it; and what shows it."""

    masks: int | None
    text: str = ""


def masks_by_evidence(tree: Tree, left: Sequence[str], right: Sequence[str]) -> Evidence | None:
    """Returns which of two lists of folders holds the masks; None where they are no images with masks.

    The content decides, then the names of the folders, then PNG next to JPEG.
    """
    looks = [looks_like_masks(tree, folders) for folders in (left, right)]
    if None not in looks and looks[0] != looks[1]:
        return Evidence(looks.index(True), FEW_VALUES)
    kinds = [_extensions(tree, folders) for folders in (left, right)]
    is_lossy = [bool(kind) and kind <= set(_LOSSY) for kind in kinds]
    if True in looks and is_lossy[1 - looks.index(True)]:
        return Evidence(looks.index(True), FEW_VALUES)
    names = [_by_name(left, right), _by_name(right, left)]
    if names[0] != names[1] and (None not in looks or looks[names.index(True)] is not False):
        return Evidence(names.index(True), "by the names of the folders")
    if all(is_lossy):
        shares = [_flat_share(tree, folders[0]) for folders in (left, right)]
        is_flat = [share is not None and share >= _FLAT_SHARE for share in shares]
        is_textured = [share is not None and share <= _TEXTURED_SHARE for share in shares]
        return Evidence(is_flat.index(True), FLAT) if True in is_flat and True in is_textured else None
    if None not in looks:
        return None
    if is_lossy[0] != is_lossy[1] and looks[is_lossy.index(False)] is None:
        return Evidence(is_lossy.index(False), "PNG next to JPEG")
    return None if False in looks else Evidence(None)


def are_images(tree: Tree, folder: str) -> bool:
    """Returns whether a folder evidently holds images, not masks: JPEG files, or files with many values."""
    looks = looks_like_masks(tree, [folder])
    return not looks if looks is not None else _extensions(tree, [folder]) <= set(_LOSSY)


def _by_name(folders: Sequence[str], others: Sequence[str]) -> bool:
    """Returns whether the name of a folder says that it holds masks, where those of the others do not."""
    own, other = ({part.lower() for part in each[0].split("/")} for each in (folders, others))
    is_mask = any(_has(part, _MASK_WORDS) for part in own - other)
    return is_mask and not any(_has(part, _MASK_WORDS) for part in other - own)


# Words of three letters and more that are as clear within a name.
_MASK_WORDS = (*MASK_WORDS, "semantic", "semseg", "sem_seg", "trimap", "segment", "manual", "annot", "target", "truth")


def _has(part: str, words: Sequence[str]) -> bool:
    return any(part == word or (len(word) > 3 and word in part) for word in words)


def _extensions(tree: Tree, folders: Sequence[str]) -> set[str]:
    return {name[len(stem_of(name)) :].lower() for folder in folders for name in tree.image_files.get(folder, ())}
