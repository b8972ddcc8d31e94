"""Words: usual names of folders of images and of masks."""

from __future__ import annotations

import re

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


def preset_of_names(preset: str, found: Found, pattern: str) -> str | None:
    """Returns a preset if the names of all images fit it: many use its folders for classes of their own."""
    return preset if all(re.fullmatch(pattern, image.stem, re.ASCII) for image in found.images) else None
