"""Several: more than one mask for each image, one for each class or object -> an error that says so."""

from __future__ import annotations

import posixpath
import shlex
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from converter.errors import UsageError
from converter.limits import MAX_INFERRED_FOLDERS
from converter.sources.layouts.affixes import group_of, kinds_of_masks
from converter.sources.layouts.choice import Candidate, choice
from converter.sources.layouts.pairing import FolderPair
from converter.sources.names import stem_of
from converter.sources.others import masks_fix
from converter.sources.tree import Tree, count_of, folder_list, join

_MERGE_ALL = "Give each class its own value in one mask for each image: segconv masks --src {src} --out {out}."
_MERGE = f"{_MERGE_ALL} Or take one kind alone."
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
        return UsageError(tree.src, what, masks_fix(tree.src, _MERGE_ALL), "E_LAYOUT")
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
        return UsageError(tree.src, what, masks_fix(tree.src, _MERGE_ALL), "E_LAYOUT")
    return choice(tree, what, candidates, masks_fix(tree.src, _MERGE))


def masks_in_own_folders(tree: Tree) -> UsageError | None:
    """Returns the error for images whose masks are in folders named after them, as masks/p0/ for images/p0.jpg."""
    parents: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for folder in tree.image_files:
        parent, _, last = folder.rpartition("/")
        parents[parent][last] = folder
    large = {parent: own for parent, own in parents.items() if len(own) > 1}
    if len(large) > MAX_INFERRED_FOLDERS:
        return None
    for images, names in tree.image_files.items():
        stems = {stem_of(name): name for name in names}
        for parent, own in large.items():
            shared = sorted(stems.keys() & own.keys()) if len(stems) > 1 else []
            if len(shared) > 1 and 2 * len(shared) >= len(own):
                return _own_folders(tree, images, parent, {stem: stems[stem] for stem in shared})
    return None


def _own_folders(tree: Tree, images: str, parent: str, names: Mapping[str, str]) -> UsageError:
    """Returns the error for such folders below `parent`; `names` are the names of the images by their stems."""
    files = {stem: tree.image_files[join(parent, stem)] for stem in names}
    kinds = Counter(name.replace(stem, "{stem}") for stem, own in files.items() for name in own)
    fullest = max(files, key=lambda stem: len(files[stem]))
    where = f"{join(parent, fullest)}/ for {join(images, names[fullest])}"
    extensions = {posixpath.splitext(name)[1] for name in names.values()}
    image = join(images, f"{{stem}}{extensions.pop() if len(extensions) == 1 else '.*'}")
    ways = [
        f"{shlex.join(['--image', image, '--mask', join(parent, f'{{stem}}/{kind}')])} ({count_of(number, 'pair')})"
        for kind, number in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
        if number > 1 and not stem_of(kind).strip("_-. ").isdigit()
    ]
    choose = f"Pass {', or '.join(ways)}." if ways else ""
    if len(files[fullest]) == 1:
        what = f"has the mask of each image in a folder named after it, such as {where}"
        return UsageError(tree.src, what, choose or masks_fix(tree.src, _MERGE_ALL), "E_LAYOUT")
    what = (
        f"has up to {len(files[fullest])} masks an image in folders named after the images, such as {where}: merge them"
    )
    merge = masks_fix(tree.src, _MERGE if choose else _MERGE_ALL)
    return UsageError(tree.src, what, f"{merge} {choose}" if choose else merge, "E_LAYOUT")
