"""Unread: image files of formats that segconv does not read, which would otherwise be invisible to every layout."""

from __future__ import annotations

import posixpath
from collections import Counter

from converter.sources.layouts.tree import Tree
from converter.sources.names import has_extension

_TO_IMAGE = "Convert them to JPEG or PNG, without resizing."
_TO_PNG = "Save each array as a PNG file, 8-bit: RGB for an image, class numbers for a mask."
_SLICES = "Save each slice as a PNG file."
UNREAD = {  # extension -> what such a file is, what to do
    **dict.fromkeys((".heic", ".heif"), ("HEIC", _TO_IMAGE)),
    ".avif": ("AVIF", _TO_IMAGE),
    ".jxl": ("JPEG XL", _TO_IMAGE),
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".j2c"), ("JPEG 2000", _TO_IMAGE)),
    **dict.fromkeys((".npy", ".npz"), ("NumPy", _TO_PNG)),
    ".mat": ("MATLAB", _TO_PNG),
    **dict.fromkeys((".nii", ".nii.gz", ".dcm", ".mha", ".nrrd"), ("medical volume", _SLICES)),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".rw2"), ("camera raw", _TO_IMAGE)),
    **dict.fromkeys((".gif", ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".exr", ".psd"), ("", _TO_IMAGE)),
}


def unread_kind(path: str) -> tuple[str, str] | None:
    """Returns (format, what to do) of an image file that is not read; None for any other file."""
    if has_extension(path):
        return None
    name = path.rpartition("/")[2].lower()
    stem, extension = posixpath.splitext(name)
    if extension == ".gz":
        extension = posixpath.splitext(stem)[1] + extension
    kind = UNREAD.get(extension)
    return (kind[0] or extension[1:].upper(), kind[1]) if kind and stem else None


def unread_by_stem(tree: Tree) -> dict[str, str]:
    """Returns the image files that are not read, by their names without folder and extension, in lower case."""
    found: dict[str, str] = {}
    for path in tree.files:
        if unread_kind(path):
            found.setdefault(bare(path), path)
    return found


def bare(path: str) -> str:
    """Returns the name of a file up to its first dot, in lower case."""
    return path.rpartition("/")[2].partition(".")[0].lower()


def unread_folders(tree: Tree) -> list[str]:
    """Returns one clause for each folder and format: "images/ holds 4 HEIC files, which segconv does not read"."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for path in tree.files:
        if kind := unread_kind(path):
            counts[path.rpartition("/")[0], *kind] += 1
    return [
        f"{f'{folder}/' if folder else 'the source folder'} holds {number} {name} file{'s' * (number != 1)}, "
        f"which segconv does not read: {fix[0].lower()}{fix[1:-1]}"
        for (folder, name, fix), number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
