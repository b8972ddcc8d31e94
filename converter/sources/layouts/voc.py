"""VOC: Pascal VOC, CVAT's export of it, and what labelme2voc writes."""

from __future__ import annotations

from dataclasses import replace

from converter.sources.layouts.pairing import Found, Suffixes, mirrored, pair_folders
from converter.sources.layouts.words import PNG, preset_of_names
from converter.sources.tree import Tree

VOC_LISTS = "ImageSets/Segmentation"


def voc(tree: Tree) -> Found | str:
    """Pascal VOC: lists of stems in ImageSets/Segmentation."""
    return _voc(tree, is_cvat=False)


def cvat(tree: Tree) -> Found | str:
    """CVAT's "Segmentation mask 1.1": VOC's folders and lists, with labelmap.txt."""
    return _voc(tree, is_cvat=True)


def _voc(tree: Tree, *, is_cvat: bool) -> Found | str:
    if ("labelmap.txt" in tree.file_set) != is_cvat:
        return ""
    folders = ("JPEGImages", "SegmentationClass")
    lists = [name for name in tree.files if name.startswith(f"{VOC_LISTS}/") and name.endswith(".txt")]
    there = [name for name in folders if tree.has_image_files(name)]
    if not lists or len(there) < 2:
        missing = [name for name in folders if name not in there]
        return f"{VOC_LISTS}/ has lists, but {missing[0]}/ contains no image files" if lists else ""
    found = pair_folders(tree, mirrored(tree, *folders), Suffixes(mask_types=PNG))
    evidence = f"{VOC_LISTS}/ next to JPEGImages/ and SegmentationClass/"
    if is_cvat:
        found = found.as_layout("cvat", f"{evidence}, with labelmap.txt")
    else:
        found = found.as_layout("voc", evidence, preset=preset_of_names("voc", found, r"\d{4}_\d{6}"))
    return replace(found, list_folders=(VOC_LISTS,))


def labelme(tree: Tree) -> Found | str:
    """What labelme2voc writes: VOC's folders without lists."""
    if not tree.has_image_files("JPEGImages") or any(name.startswith(f"{VOC_LISTS}/") for name in tree.files):
        return ""
    masks = [name for name in ("SegmentationClassPNG", "SegmentationClass") if tree.has_image_files(name)]
    if not masks:
        return "JPEGImages/ has images, but neither SegmentationClassPNG/ nor SegmentationClass/ has masks"
    found = pair_folders(tree, mirrored(tree, "JPEGImages", masks[0]), Suffixes(mask_types=PNG))
    return found.as_layout("labelme", f"JPEGImages/ and {masks[0]}/ side by side, without ImageSets/")
