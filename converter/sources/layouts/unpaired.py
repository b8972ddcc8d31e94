"""Unpaired: images without a mask and masks without an image, where no list chooses.

They are rejected, unless --missing-mask says what an image without a mask is.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from dataclasses import replace

from converter.errors import DataError, shown
from converter.sources.layouts.pairing import Found, FoundImage, split_in
from converter.sources.others import unread_image
from converter.sources.refs import Reject
from converter.sources.tree import Tree

_FIX_MASK = "Put its mask there, remove it, or pass --missing-mask background or --missing-mask ignore."
_FIX_IMAGE = "Put its image there, or remove it."


def with_missing_masks(found: Found) -> Found:
    """Returns what a rule found, with "" as the mask of each image without one: what --missing-mask says holds."""
    images = tuple(replace(image, mask="") if image.mask is None else image for image in found.images)
    return replace(found, images=images)


def without_bare_folders(found: Found) -> Found:
    """Returns what templates with {folder} found, without the images of folders of which none has a mask.

    Such as the reference images that a dataset has in folders of its own. Those of a split are told elsewhere.
    """
    folders = {posixpath.dirname(image.image) for image in found.images if image.mask is not None}
    kept = [image for image in found.images if image.split or posixpath.dirname(image.image) in folders]
    return replace(found, images=tuple(kept))


def unpaired(tree: Tree, images: Iterable[FoundImage], masks: Iterable[str], splits: Collection[str]) -> list[Reject]:
    """Returns a reject for each image without a mask (E_NO_MASK) and each mask without an image (E_NO_IMAGE).

    Args:
      tree: source folder.
      images: without a mask.
      masks: without an image.
      splits: of the layout, train first.
    """
    unread = {_bare(path): path for path in tree.files if unread_image(path)}

    def hint(path: str) -> tuple[str, str]:
        other = unread.get(_bare(path), "")
        kind = unread_image(other)
        return (f": {shown(other)} is {kind.text}, which segconv does not read", kind.fix) if kind else ("", "")

    rejects = []
    for image in images:
        text, fix = hint(image.image)
        error = DataError(image.image, f"has no mask{text}", fix or _FIX_MASK, "E_NO_MASK")
        rejects.append(Reject(image.split or "train", error))
    for mask in sorted(masks):
        text, fix = hint(mask)
        split = split_in(mask)
        error = DataError(mask, f"has no image{text}", fix or _FIX_IMAGE, "E_NO_IMAGE")
        rejects.append(Reject(split if split in splits else next(iter(splits)), error))
    return rejects


def _bare(path: str) -> str:
    """Returns the name of a file up to its first dot, in lower case."""
    return path.rpartition("/")[2].partition(".")[0].lower()
