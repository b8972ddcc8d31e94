"""nnU-Net: imagesTr and labelsTr."""

from __future__ import annotations

from converter.sources.layouts.pairing import FolderPair, Found, Suffixes, pair_folders
from converter.sources.names import stem_of
from converter.sources.tree import Tree


def nnunet(tree: Tree) -> Found | str:
    """nnU-Net v2 in two dimensions: imagesTr/CASE_0000.png and labelsTr/CASE.png."""
    if "imagesTr" not in tree.folders or "labelsTr" not in tree.folders:
        return ""
    if "dataset.json" not in tree.file_set:
        return "imagesTr/ and labelsTr/ side by side, but without dataset.json"
    images = tree.image_files.get("imagesTr", [])
    if any(stem_of(name).endswith("_0001") for name in images):
        return "imagesTr/ has several channels per case (_0001): save each case as one RGB image, CASE_0000.png"
    if not images:
        return "imagesTr/ has no image files: convert volumes such as .nii.gz to PNG slices first"
    types = (".png", ".tif", ".tiff", ".bmp")
    folders = [FolderPair("imagesTr", "labelsTr", "train"), FolderPair("imagesTs", "labelsTs", "test")]
    found = pair_folders(tree, folders, Suffixes("_0000", "", types, types))
    return found.as_layout("nnunet", "imagesTr/ and labelsTr/ next to dataset.json")
