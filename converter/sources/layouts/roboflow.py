"""Roboflow: images, masks and _classes.csv in one folder per split."""

from __future__ import annotations

from converter.sources.layouts.pairing import FolderPair, Found, Suffixes, pair_folders, split_in
from converter.sources.tree import Tree, folder_list, parent_of


def roboflow(tree: Tree) -> Found | str:
    """Roboflow's semantic masks: x.jpg, x_mask.png and _classes.csv in one folder for each split."""
    folders = [parent_of(name) for name in tree.files if name.rpartition("/")[2] == "_classes.csv"]
    found = pair_folders(tree, [FolderPair(name, name, split_in(name)) for name in folders], Suffixes("", "_mask"))
    if not found.num_pairs:
        return f"_classes.csv in {folder_list(folders)}, but no image there has a _mask.png" if folders else ""
    return found.as_layout("roboflow", f"_classes.csv and *_mask.png in {folder_list(folders)}")
