"""ADE20K: images and annotations, in each training and validation."""

from __future__ import annotations

from converter.sources.layouts.pairing import Found, Suffixes, mirrored, pair_folders
from converter.sources.layouts.words import preset_of_names
from converter.sources.tree import Tree


def ade20k(tree: Tree) -> Found | str:
    """ADE20K of the scene parsing challenge: images and annotations, in each training and validation."""
    there = [name for name in ("images/training", "annotations/training") if tree.has_image_files(name)]
    if len(there) < 2:
        return (
            f"{there[0]}/ has image files, but there is no "
            + ("annotations/training/" if there[0].startswith("images") else "images/training/")
            if there
            else ""
        )
    found = pair_folders(tree, mirrored(tree, "images", "annotations"), Suffixes())
    preset = preset_of_names("ade20k", found, r"ADE_(?:train|val)_\d{8}")
    return found.as_layout("ade20k", "images/training/ and annotations/training/", preset=preset)
