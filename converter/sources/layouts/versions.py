"""Versions: masks of several kinds side by side, such as x_labelIds and x_color -> the choice among them."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator

from converter.errors import UsageError
from converter.limits import MAX_INFERRED_FOLDERS
from converter.sources.layouts.affixes import Affixes, Group, infer
from converter.sources.layouts.choice import Candidate, by_difference, candidate_of, choice
from converter.sources.layouts.pairing import FolderPair
from converter.sources.layouts.words import JPEG
from converter.sources.names import stem_of
from converter.sources.tree import Tree, folder_list

_LAST_WORD = re.compile(r"[_.-]([^_.-]+)$")
_FIX = "If each of them holds one class, give each its own value in one mask for each image; else choose one."


def several_versions(tree: Tree) -> UsageError | None:
    """Returns the choice among the kinds of masks that a folder holds for each image; None where there is none such.

    A kind is what the last word of a name says. Each kind must have one mask for each image.
    """
    inferred: defaultdict[str, dict[FolderPair, Affixes]] = defaultdict(dict)
    for pair, images, kinds in _groups(tree):
        found = {kind: infer([Group(images, masks)]) for kind, masks in kinds.items()}
        if all(found.values()):
            for kind, affixes in found.items():
                inferred[kind][pair] = affixes  # type: ignore[assignment]
    candidates = []
    for by_pair in inferred.values():
        for group in by_difference(by_pair).values():
            first = by_pair[group[0]]
            if all(by_pair[pair][2:] == first[2:] for pair in group):
                number = sum(len(by_pair[pair].image_of[0]) for pair in group)
                candidates.append(
                    candidate_of(group, number, first)._replace(is_lossy=group[0].images == group[0].masks)
                )
    if len(candidates) < 2:
        return None
    candidates.sort(key=lambda each: -each.num_pairs)
    return choice(tree, _text(candidates, list(inferred)), candidates, _FIX)


def _text(candidates: list[Candidate], kinds: list[str]) -> str:
    folders = folder_list(candidates[0].mask_folders)
    return f"has {len(kinds)} masks an image in {folders} ({', '.join(kinds)})"


def _groups(tree: Tree) -> Iterator[tuple[FolderPair, frozenset[str], dict[str, frozenset[str]]]]:
    """Yields folders of images and masks, the names of the images, and those of the masks of each kind."""
    for folder, names in tree.image_files.items():
        lossy = frozenset(stem_of(name) for name in names if name.lower().endswith(JPEG))
        kinds = _kinds(frozenset(map(stem_of, names)) - lossy, len(lossy))
        if lossy and kinds:
            yield FolderPair(folder, folder), lossy, kinds
    stems = {folder: frozenset(map(stem_of, names)) for folder, names in tree.image_files.items()}
    alike: defaultdict[str, list[str]] = defaultdict(list)  # path without one of its parts -> folders
    for folder in stems:
        parts = folder.split("/")
        for place in range(len(parts)):
            alike["/".join([*parts[:place], "*", *parts[place + 1 :]])].append(folder)
    for folders in alike.values():
        for images, masks in itertools.permutations(folders, 2) if len(folders) <= MAX_INFERRED_FOLDERS else ():
            if kinds := _kinds(stems[masks], len(stems[images])):
                yield FolderPair(images, masks), stems[images], kinds


def _kinds(stems: frozenset[str], number: int) -> dict[str, frozenset[str]]:
    """Returns the last word of names -> the names, if there are several words and each has `number` names."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    if len(stems) < 2 * number:
        return {}
    for stem in stems:
        match = _LAST_WORD.search(stem)
        kinds[match[1] if match else ""].add(stem)
    if number < 2 or len(kinds) < 2 or any(len(names) != number for names in kinds.values()):
        return {}
    return {kind: frozenset(kinds[kind]) for kind in sorted(kinds)}
