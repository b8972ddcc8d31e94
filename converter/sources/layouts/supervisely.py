"""Supervisely: img and masks_machine."""

from __future__ import annotations

from converter.sources.layouts.pairing import FolderPair, Found, Suffixes, pair_folders, split_in
from converter.sources.tree import Tree, folder_list, join, parent_of


def supervisely(tree: Tree) -> Found | str:
    """Supervisely's export as masks: img and masks_machine in each dataset."""
    folders = [name for name in tree.image_files if name.rpartition("/")[2] == "masks_machine"]
    images = {name: join(name.rpartition("/")[0], "img") for name in folders}
    pairs = [FolderPair(images[name], name, split_in(name)) for name in folders if images[name] in tree.image_files]
    if not pairs:
        return f"{folder_list(folders)} without img/ next to it" if folders else ""
    found = pair_folders(tree, pairs, Suffixes())
    return found.as_layout(
        "supervisely", f"img/ and masks_machine/ side by side in {folder_list(map(parent_of, folders))}"
    )
