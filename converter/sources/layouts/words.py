"""Words: usual names of folders of images and of masks, and how messages name folders."""

from __future__ import annotations

import re
from collections.abc import Iterable

from converter.sources.layouts.pairing import Found

IMAGE_WORDS = (
    *("images", "image", "imgs", "img", "img_dir", "jpegimages", "photos", "photo", "jpg", "jpgs", "jpeg", "jpegs"),
    *("rgb", "pictures"),
)
MASK_WORDS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "ann", "ann_dir", "annot", "gt", "png", "pngs"),
    *("segmentationclass", "segmentationclasspng", "segmentations", "stuffthingmaps", "pixelmaps", "groundtruth"),
)
SIBLING_TAILS = (
    *("annot", "_annot", "_labels", "_label", "_masks", "_mask", "_annotations", "_gt", "_GT", "_seg"),
    *("labels", "masks", "annotations", "-labels", "-masks"),
)
JPEG, PNG = (".jpg", ".jpeg"), (".png",)


def count_of(number: int, word: str) -> str:
    """Returns a number and a noun, in the plural unless it is 1."""
    return f"{number} {word}" if number == 1 else f"{number} {'cities' if word == 'city' else word + 's'}"


def folder_list(folders: Iterable[str]) -> str:
    """Returns a list of folders for a message, the first few of them."""
    names = [f"{name}/" if name else "the source folder" for name in sorted(set(folders))]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def parent_of(folder: str) -> str:
    """Returns the parent of a folder; "" is the source folder."""
    return folder.rpartition("/")[0]


def preset_of_names(preset: str, found: Found, pattern: str) -> str | None:
    """Returns a preset if the names of all images fit it: many use its folders for classes of their own."""
    return preset if all(re.fullmatch(pattern, image.stem, re.ASCII) for image in found.images) else None
