"""One each: a folder for each image, all with files of the same names, such as rgb.jpg and labels.png."""

from __future__ import annotations

import re
from collections import Counter

from converter.sources.layouts.looks import FEW, values_in
from converter.sources.layouts.pairing import Found, Named, match, split_in
from converter.sources.names import stem_of
from converter.sources.tree import Tree, count_of, join

_MIN_FOLDERS = 3  # fewer may be alike by coincidence
_LOOKED_AT = 3  # folders: the first, one in the middle, the last


def one_each(tree: Tree) -> Found | None:
    """Returns the pairs of folders with one image and one mask each, under the same names; None where it is not so."""
    alike = Counter(frozenset(names) for folder, names in tree.image_files.items() if folder)
    names, number = max(alike.items(), key=lambda item: (item[1], sorted(item[0])), default=(frozenset(), 0))
    is_words = all(re.search(r"[^\W\d_]", stem_of(name)) and not re.search("[0-9]", stem_of(name)) for name in names)
    if number < _MIN_FOLDERS or 10 * number < 9 * len(tree.image_files) or len(names) != 2 or not is_words:
        return None
    folders = [folder for folder, own in tree.image_files.items() if names == frozenset(own)]
    masks = [name for name in sorted(names) if _are_masks(tree, [join(folder, name) for folder in folders])]
    if len(masks) != 1:
        return None
    (image,) = names.difference(masks)
    found = Named(), Named()
    for folder in folders:
        stem = folder.rpartition("/")[2]
        for named, name in zip(found, (image, masks[0]), strict=True):
            named.add((folder, stem), join(folder, name))
    result = match(*found, {folder: split_in(folder) for folder in folders})
    text = f"{image} and {masks[0]} in each of {count_of(number, 'folder')}"
    return result.as_layout("stems", text, f"taken as masks: {masks[0]} has few values")


def _are_masks(tree: Tree, paths: list[str]) -> bool:
    """Returns whether the first, the middle and the last of some files have as few values as masks."""
    chosen = {paths[0], paths[len(paths) // 2], paths[-1]} if len(paths) > _LOOKED_AT else set(paths)
    return all((number := values_in(tree, path)) is not None and number <= FEW for path in sorted(chosen))
