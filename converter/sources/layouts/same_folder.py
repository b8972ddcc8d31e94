"""Same folder: an image and its mask in one folder, distinguished by the suffixes of their names."""

from __future__ import annotations

import itertools
from collections import Counter

from converter.sources.layouts.pairing import MASK_SUFFIXES, FolderPair, Found, Suffixes, pair_folders, split_in
from converter.sources.layouts.words import JPEG, PNG
from converter.sources.names import stem_of
from converter.sources.tree import Tree, folder_list

_DRAWN = (".gif", ".bmp", ".pbm", ".pgm", ".pnm", ".ppm")  # not TIFF or WebP, which are as often other photographs
STARTS = ("", "_sat", "_RGB", "_RGBIR", "_image", "_img")  # suffixes of images whose masks have a suffix


def same_folder(tree: Tree, name: str, suffixes: Suffixes, preset: str | None = None) -> Found | str:
    """An image and its mask in one folder, distinguished by the suffixes of their names."""
    end = suffixes.mask
    folders = [
        folder for folder, names in tree.image_files.items() if not end or any(stem_of(n).endswith(end) for n in names)
    ]
    pairs = [FolderPair(folder, folder, split_in(folder)) for folder in tree.image_files]
    full = [pair for pair in pairs if pair_folders(tree, [pair], suffixes).num_pairs]
    # A folder without any pair is a split without masks, or none of this layout's.
    splits = {pair.split for pair in full}
    found = pair_folders(tree, [pair for pair in pairs if pair in full or pair.split not in splits], suffixes)
    if not found.num_pairs:
        return f"{folder_list(folders)} has names with {end}, but no image matches them" if end and folders else ""
    images = f"*{suffixes.image}" + (".jpg" if suffixes.image_types == JPEG else ".*")
    kinds = {path[len(stem_of(path)) :] for path in found.masks} if suffixes.mask_types == _DRAWN else set()
    masks = f"*{end}" + (".png" if suffixes.mask_types == PNG else kinds.pop() if len(kinds) == 1 else ".*")
    paired = {image.image.rpartition("/")[0] for image in found.images if image.mask}
    return found.as_layout(name, f"{images} and {masks} in one folder: {folder_list(paired)}", preset=preset)


def suffix(tree: Tree) -> Found | str:
    """An image and its mask in one folder, with any of the usual suffixes, one for the whole dataset."""
    numbers: Counter[tuple[str, str]] = Counter()
    for names in tree.image_files.values():
        stems = {stem_of(name) for name in names}
        for stem in stems:
            if stem.endswith(MASK_SUFFIXES[1:]):
                ends = [end for end in MASK_SUFFIXES[1:] if stem.endswith(end)]
                numbers.update(
                    (start, end) for end in ends for start in STARTS if stem.removesuffix(end) + start in stems
                )
    if not numbers:
        return ""
    order = {ends: place for place, ends in enumerate(itertools.product(STARTS, MASK_SUFFIXES))}
    best = min(numbers, key=lambda ends: (-numbers[ends], order[ends]))  # the order of a set is arbitrary
    return same_folder(tree, "suffix", Suffixes(*best))


def coco_stuff(tree: Tree) -> Found | str:
    """COCO-Stuff: S.jpg and S.png in one folder; without any S.png, S of another format in which masks are drawn."""
    return same_folder(tree, "coco-stuff", Suffixes("", "", JPEG, PNG)) or same_folder(
        tree, "coco-stuff", Suffixes("", "", JPEG, _DRAWN)
    )
