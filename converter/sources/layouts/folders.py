"""Folders: one of images and one of masks, distinguished by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from converter.sources.layouts.affixes import group_of, pair_by_affixes
from converter.sources.layouts.choice import by_difference, candidate_for, choice, described
from converter.sources.layouts.pairing import FolderPair, Found, Suffixes, best_suffixes, pair_folders, split_in
from converter.sources.layouts.several import several_masks
from converter.sources.layouts.words import IMAGE_WORDS, MASK_WORDS, SIBLING_TAILS
from converter.sources.names import IMAGE_EXTENSIONS, split_of, words_in
from converter.sources.others import unread_image
from converter.sources.tree import Tree, count_of, folder_list, parent_of


def siblings(tree: Tree) -> Found | str:
    """A folder S next to its masks in Sannot, S_labels, S_masks or similar: Kaggle's and SegNet's CamVid."""
    pairs = [
        FolderPair(folder, folder + tail, split_in(folder))
        for folder in tree.image_files
        for tail in SIBLING_TAILS
        if folder and folder + tail in tree.image_files
    ]
    return _paired(tree, "siblings", pairs, "")


def mmseg(tree: Tree) -> Found | str:
    """MMSegmentation: img_dir and ann_dir, each with or without folders for the splits."""
    return _paired(tree, "mmseg", [pair for pair in _word_pairs(tree) if _is_mmseg(pair)], "")


def dirs(tree: Tree) -> Found | str:
    """A folder of images and one of masks by their names, each with or without folders for the splits."""
    return _paired(tree, "dirs", [pair for pair in _word_pairs(tree) if not _is_mmseg(pair)], _unpaired_folder(tree))


def _is_mmseg(pair: FolderPair) -> bool:
    return all({"img_dir", "ann_dir"} & set(folder.split("/")) for folder in (pair.images, pair.masks))


def _word_pairs(tree: Tree) -> list[FolderPair]:
    """Returns folders whose paths differ in one word only, which means images in one and masks in the other.

    images/train with masks/train, train/img with train/gt, val_jpg with val_png,
    images_prepped_train with annotations_prepped_train.
    """
    masks: defaultdict[str, list[str]] = defaultdict(list)
    for folder in tree.image_files:
        for pattern, _ in _patterns(folder, _MASKS):
            masks[pattern].append(folder)
    return sorted(
        {
            FolderPair(folder, other, split)
            for folder in tree.image_files
            for pattern, split in _patterns(folder, _IMAGES)
            for other in masks.get(pattern, ())
            if other != folder
        },
        key=lambda pair: (pair.images, pair.masks),
    )


def _word_pattern(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = "|".join(sorted(words, key=len, reverse=True))
    return re.compile(rf"(?:(.+)[_-])?(?:{longest_first})(?:_png|_jpg)?(?:[_-](.+))?", re.IGNORECASE)


_IMAGES, _MASKS = _word_pattern(IMAGE_WORDS), _word_pattern(MASK_WORDS)


def _patterns(folder: str, words: re.Pattern[str]) -> list[tuple[str, str]]:
    """Returns (path with the word replaced by *, split) for each part of a path that is one of the words."""
    parts = folder.split("/")
    found = []
    for number, part in enumerate(parts):
        if word := words.fullmatch(part):
            before, after = word[1] or "", word[2] or ""
            own = (split_of(before) or split_of(after) or split_of(re.split("[_-]", after)[-1])) or split_in(folder)
            found.append(("/".join([*parts[:number], f"{before}*{after}", *parts[number + 1 :]]), own))
    return found


def _paired(tree: Tree, name: str, pairs: list[FolderPair], near: str) -> Found | str:
    """Returns the pairs that the folders contain; `near` if there are none.

    Raises:
      UsageError: a folder matches two others, or there are several masks for each image.
    """
    if not pairs:
        return near
    suffixes = best_suffixes(tree, pairs)
    pairs = _matching(tree, pairs, suffixes) or pairs
    _check_double(tree, pairs)
    _check_formats(tree, pairs)
    folders = _with_other_splits(tree, pairs)
    found = pair_folders(tree, folders, suffixes, loosely=True)
    evidence = [f"names end in {suffixes.image or 'nothing'} and {suffixes.mask or 'nothing'}"]
    if found.loose or found.others:
        inferred = pair_by_affixes(tree, folders)
        if inferred is not None and inferred.num_pairs > found.num_pairs:
            found, suffixes = inferred, Suffixes()
    images, masks = ([getattr(pair, name) for pair in pairs] for name in ("images", "masks"))
    both = f"{folder_list(images)} and {folder_list(masks)}"
    if not found.num_pairs:
        if error := several_masks(tree, pairs):
            raise error
        names = [names[0] for names in (tree.image_files[images[0]], tree.image_files[masks[0]])]
        return f"{both} are side by side, but no two names match ({names[0]}, {names[1]})"
    return found.as_layout(name, f"{both} side by side", *(evidence if suffixes.image or suffixes.mask else ()))


def _matching(tree: Tree, pairs: list[FolderPair], suffixes: Suffixes) -> list[FolderPair]:
    """Returns the folders whose names match, by suffixes or, where neither folder matches so, by a constant text."""
    close = [pair for pair in pairs if pair_folders(tree, [pair], suffixes).num_pairs]
    taken = {folder for pair in close for folder in (pair.images, pair.masks)}
    return [
        pair
        for pair in pairs
        if pair in close or (taken.isdisjoint((pair.images, pair.masks)) and _is_inferred(tree, pair))
    ]


def _is_inferred(tree: Tree, pair: FolderPair) -> bool:
    """Returns whether a constant text leads from the masks of one folder to the images of another."""
    inferred = pair_by_affixes(tree, [pair])
    return inferred is not None and inferred.num_pairs > 0


def _check_double(tree: Tree, pairs: list[FolderPair]) -> None:
    """Raises the error for a folder that matches two others, with the options that choose one of them."""
    for name, other in (("images", "masks"), ("masks", "images")):
        own = [getattr(pair, name) for pair in pairs]
        if double := [folder for folder in own if own.count(folder) > 1]:
            which = [getattr(pair, other) for pair in pairs if getattr(pair, name) == double[0]]
            candidates = [candidate_for(tree, group) for group in by_difference(pairs).values()]
            what = f"has more than one layout: {double[0]}/ matches each of {folder_list(which)}"
            raise choice(tree, what, candidates)


def _check_formats(tree: Tree, pairs: list[FolderPair]) -> None:
    """Raises the error for folders that hold all images and masks twice, in two formats that they are named after."""
    formats = [_format_in(pair.images) for pair in pairs]
    if None in formats or len(set(formats)) < 2:
        return
    groups = [group_of(tree, pair)[:2] for pair in pairs]
    twice: defaultdict[str | None, list[FolderPair]] = defaultdict(list)
    for pair, group, own in zip(pairs, groups, formats, strict=True):
        if any(
            group == other and own != kind and pair.split == each.split
            for each, other, kind in zip(pairs, groups, formats, strict=True)
        ):
            twice[own].append(pair)
    if len(twice) < 2 or sum(map(len, twice.values())) < len(pairs):
        return
    candidates = [candidate_for(tree, group) for group in twice.values()]
    raise choice(tree, f"has each image in {len(twice)} formats: {described(candidates)}", candidates)


def _format_in(folder: str) -> str | None:
    """Returns the format of images that a path names, such as png; None if it names none."""
    return next((word for word in words_in(folder) if f".{word}" in IMAGE_EXTENSIONS), None)


def _with_other_splits(tree: Tree, pairs: list[FolderPair]) -> list[FolderPair]:
    """Adds the folders of images next to those of `pairs` that have no masks, such as images/test."""
    known = {pair.images for pair in pairs}
    parents = {parent_of(pair.images) for pair in pairs if pair.split and split_of(pair.images.rpartition("/")[2])}
    others = [
        FolderPair(folder, f"{folder}/", split_in(folder))
        for folder in tree.image_files
        if folder not in known and split_of(folder.rpartition("/")[2]) and parent_of(folder) in parents
    ]
    return [*pairs, *others]


def _unpaired_folder(tree: Tree) -> str:
    """Says which folder has images without masks, or masks without images, unless those may be files not read."""
    if any(map(unread_image, tree.files)):
        return ""
    for words, noun, other in ((_IMAGES, "image", "masks"), (_MASKS, "mask", "images")):
        for folder, names in tree.image_files.items():
            if _patterns(folder, words):
                return f"{folder}/ has {count_of(len(names), noun)}, but no folder of {other} with the same names"
    return ""
