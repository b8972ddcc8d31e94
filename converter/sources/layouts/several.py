"""Several: more than one mask for each image, one for each class or object -> an error that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from converter.errors import UsageError
from converter.sources.layouts.affixes import group_of, kinds_of_masks
from converter.sources.layouts.choice import Candidate, choice
from converter.sources.layouts.pairing import FolderPair
from converter.sources.layouts.tree import Tree
from converter.sources.layouts.words import folder_list

_MERGE_ALL = "Give each class its own value in one mask for each image."
_MERGE = "Give each class its own value in one mask for each image, or take one kind alone."
_SHOWN = 4  # kinds of masks in a message


def several_masks(tree: Tree, folders: Sequence[FolderPair]) -> UsageError | None:
    """Returns the error for folders in which the images have several masks each; None where that is not so."""
    groups = [group_of(tree, pair) for pair in folders]
    if all(len(group.images) == 1 for group in groups) and any(len(group.masks) > 1 for group in groups):
        most = max(groups, key=lambda group: len(group.masks))
        pair = folders[groups.index(most)]
        what = (
            f"has up to {len(most.masks)} masks an image, such as those in {pair.masks}/ "
            f"of the one in {pair.images}/: merge them"
        )
        return UsageError(tree.src, what, _MERGE_ALL, "E_LAYOUT")
    kinds: Counter[tuple[str, str]] = Counter()
    for group in groups:
        own = kinds_of_masks(group)
        if own is None:
            return None
        kinds.update(own)
    ordered = sorted(kinds, key=lambda kind: (-kinds[kind], kind))
    texts = [f"{start}{end}" for start, end in ordered[:_SHOWN]]
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    number = f"{len(ordered)}" if len(set(kinds.values())) == 1 else f"up to {len(ordered)}"
    where = folder_list(pair.masks for pair in folders)
    what = f"has {number} masks an image in {where} ({', '.join(texts)}{more}): merge them"
    candidates = [Candidate(tuple(folders), kinds[kind], ("", ""), kind) for kind in ordered]
    numbered = all((start + end).strip("_-. ").isdigit() for start, end in ordered)
    if numbered:  # one for each object: none of them alone is a mask of the image
        return UsageError(tree.src, what, _MERGE_ALL, "E_LAYOUT")
    return choice(tree, what, candidates, _MERGE)
