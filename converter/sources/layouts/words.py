"""Words: what folders of photographs and folders of masks are called, and how folders are named in a message."""

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
    """Returns a number and a noun, in the plural where it is not 1."""
    return f"{number} {word}" if number == 1 else f"{number} {'cities' if word == 'city' else word + 's'}"


def folder_list(folders: Iterable[str]) -> str:
    """Returns folders in words, the first few of them."""
    names = [f"{name}/" if name else "the source folder" for name in sorted(set(folders))]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def parent_of(folder: str) -> str:
    """Returns the folder that a folder lies in; "" is the source folder."""
    return folder.rpartition("/")[0]


def preset_of_names(preset: str, found: Found, pattern: str) -> str | None:
    """Returns a preset where all photographs bear its names: many use its folders for classes of their own."""
    return preset if all(re.fullmatch(pattern, photo.stem, re.ASCII) for photo in found.photos) else None
