"""Cityscapes: leftImg8bit and gtFine."""

from __future__ import annotations

from converter.sources.layouts.pairing import Found, Suffixes, mirrored, pair_folders
from converter.sources.tree import Tree, count_of


def cityscapes(tree: Tree) -> Found | str:
    """Cityscapes: leftImg8bit and gtFine, a folder for each split with one for each city."""
    there = [name for name in ("leftImg8bit", "gtFine") if tree.has_image_files(name)]
    if len(there) < 2:
        return f"{there[0]}/ without {'gtFine' if there[0] == 'leftImg8bit' else 'leftImg8bit'}/" if there else ""
    folders = mirrored(tree, *there)
    ends = [end for end in ("labelIds", "labelTrainIds") if any(name.endswith(f"_{end}.png") for name in tree.files)]
    if not ends:
        return "leftImg8bit/ and gtFine/ side by side, but no mask ends in _gtFine_labelIds.png or _labelTrainIds.png"
    found = pair_folders(tree, folders, Suffixes("_leftImg8bit", f"_gtFine_{ends[0]}"))
    cities = {pair.images.rpartition("/")[2] for pair in folders}
    evidence = [f"leftImg8bit/ and gtFine/ side by side: {count_of(len(cities), 'city')}", f"masks _gtFine_{ends[0]}"]
    if len(ends) > 1:
        evidence.append("_labelTrainIds exist too; use them with --mask")
    return found.as_layout(
        "cityscapes", *evidence, preset="cityscapes" if ends[0] == "labelIds" else "cityscapes-train"
    )
