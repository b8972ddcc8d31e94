"""Leftover: folders of image files that a layout does not use, named with counts.

One that could as well hold the masks of the layout is a choice for the user.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from converter.limits import MAX_INFERRED_FOLDERS, MAX_UNUSED_FOLDERS
from converter.sources.layouts.affixes import group_of, infer
from converter.sources.layouts.by_stems import candidates
from converter.sources.layouts.choice import by_difference, candidate_for, choice, described
from converter.sources.layouts.looks import are_images
from converter.sources.layouts.pairing import FolderPair, Found
from converter.sources.names import stem_of
from converter.sources.refs import Unused
from converter.sources.tree import Tree, count_of, folder_list, parent_of

CODE = "W_UNUSED_FOLDER"
_FIX = "Leave it, or say with --image and --mask which folders to use."


def check_rivals(tree: Tree, found: Found) -> None:
    """Raises UsageError where another folder could be the masks as well as the one that a layout uses.

    Another folder could be if it has a mask for each image that has one, under the same name apart from a constant
    text, and does not evidently hold images.
    """
    numbers: defaultdict[FolderPair, int] = defaultdict(int)
    for image in found.images:
        if image.mask:
            numbers[FolderPair(parent_of(image.image), parent_of(image.mask))] += 1
    if any(pair.images == pair.masks for pair in numbers):
        return
    unused = _unused(tree, _known(found))
    is_small = len(unused) <= MAX_INFERRED_FOLDERS and len(numbers) <= MAX_INFERRED_FOLDERS
    own = {folder: frozenset(map(stem_of, tree.image_files[folder])) for folder in unused}
    rivals: list[FolderPair] = []
    for pair, number in numbers.items():
        images = frozenset(map(stem_of, tree.image_files[pair.images]))
        for folder, stems in own.items():
            if len(stems) >= number and len(stems) <= len(images):
                other = FolderPair(pair.images, folder)
                shared = len(stems & images)
                if shared >= number or (is_small and not shared and infer([group_of(tree, other)])):
                    rivals.append(other)
    groups = [
        group
        for group in by_difference(rivals).values()
        if {pair.images for pair in group} == {pair.images for pair in numbers}
        and not are_images(tree, group[0].masks)
        and not _has_own_images(tree, group[0].masks, own)
    ]
    if groups:
        several = [candidate_for(tree, list(numbers)), *(candidate_for(tree, group) for group in groups)]
        images_text = folder_list(several[0].image_folders)
        what = f"has {len(several)} folders that could be the masks of {images_text}: {described(several)}"
        raise choice(tree, what, several)


def _has_own_images(tree: Tree, masks: str, unused: Mapping[str, frozenset[str]]) -> bool:
    """Returns whether another unused folder holds the images of a folder of masks: they are pairs of their own."""
    return any(
        folder != masks and unused[masks] <= names and are_images(tree, folder) for folder, names in unused.items()
    )


def unused_folders(tree: Tree, known: Collection[str]) -> list[Unused]:
    """Returns the folders of image files none of which is among the known paths, pairs of folders first."""
    unused = _unused(tree, known)
    if not unused:
        return []
    result = []
    paired: set[str] = set()
    for candidate, _ in candidates(tree, unused) if len(unused) <= MAX_UNUSED_FOLDERS else ():
        if paired.isdisjoint((*candidate.image_folders, *candidate.mask_folders)):
            paired.update(candidate.image_folders, candidate.mask_folders)
            options = candidate.options(tree)
            text = count_of(candidate.num_pairs, "pair")
            what = f"has its masks in {folder_list(candidate.mask_folders)}: {text}, not used"
            fix = f"Leave them, or pass {options} to use them instead." if options else _FIX
            result.append(Unused(CODE, folder_list(candidate.image_folders), what, fix))
    tops = _tops(tree, [folder for folder in unused if folder not in paired], set(unused))
    for number, (top, files) in enumerate(tops.items()):
        if number == MAX_UNUSED_FOLDERS:
            what = f"and {len(tops) - number - 1} more folders hold image files that are in no pair"
            result.append(Unused(CODE, f"{top}/", what, _FIX))
            break
        where = f"{top}/" if top else "the source folder"
        result.append(Unused(CODE, where, f"holds {count_of(files, 'image file')}, in no pair", _FIX))
    return result


def _known(found: Found) -> set[str]:
    """Returns the paths of all files that a rule knows."""
    return {image.image for image in found.images} | found.masks | set(_rejected(found))


def _rejected(found: Found) -> Iterator[str]:
    for reject in found.rejects:
        yield reject.error.where


def _unused(tree: Tree, known: Collection[str]) -> list[str]:
    """Returns the folders that have image files, but none of the known ones."""
    used = {posixpath.dirname(path) for path in known}
    return [folder for folder in tree.image_files if folder not in used]


def _tops(tree: Tree, folders: list[str], unused: Collection[str]) -> dict[str, int]:
    """Returns the topmost folders that hold no used file -> number of image files below, in `folders`."""
    used = {
        "/".join(parts[:end])
        for folder in tree.image_files
        if folder not in unused
        for parts in [folder.split("/")]
        for end in range(len(parts) + 1)
    }
    tops: defaultdict[str, int] = defaultdict(int)
    for folder in folders:
        parts = folder.split("/") if folder else []
        top = next(("/".join(parts[:end]) for end in range(1, len(parts)) if "/".join(parts[:end]) not in used), folder)
        tops[top] += len(tree.image_files[folder])
    return dict(tops)
