"""By stems: folders anywhere below whose files have the same names, where no other layout fits.

All folders of image files are compared with each other. One pairing that fits is taken, with its evidence. Of several,
or where nothing shows which folder holds the masks, the user chooses.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from converter.errors import UsageError
from converter.limits import MAX_INFERRED_FOLDERS, MAX_SAME_STEM
from converter.sources.layouts.affixes import Affixes, Group, group_of, infer, within_folder
from converter.sources.layouts.choice import Candidate, by_difference, candidate_of, choice, described
from converter.sources.layouts.looks import FEW_VALUES, masks_by_evidence, num_values
from converter.sources.layouts.one_each import one_each
from converter.sources.layouts.pairing import FolderPair, Found, Named, match, split_in
from converter.sources.layouts.several import masks_in_own_folders, several_masks
from converter.sources.layouts.versions import several_versions
from converter.sources.layouts.words import MASK_WORDS
from converter.sources.names import split_within, stem_of
from converter.sources.others import masks_fix
from converter.sources.tree import Tree, count_of, folder_list, join, parent_of

_LOSSY = (".jpg", ".jpeg")
_MERGE = "If each of them holds one class, merge them: segconv masks --src {src} --out {out}; else choose one."
_PANOPTIC = "COCO panoptic ids, not classes: draw them as class masks first, by the list of segments in"


def by_stems(tree: Tree) -> Found | str:
    """Folders anywhere below with files of the same names, apart from a constant text.

    Raises:
      UsageError: several fit, or nothing shows which of two folders holds the masks.
    """
    if (found_each := one_each(tree)) is not None:
        return found_each
    if own := masks_in_own_folders(tree):
        raise own
    panoptic = [folder for folder in tree.image_files if folder and f"{folder}.json" in tree.file_set]
    found = candidates(tree, set(tree.image_files).difference(panoptic))
    if not found:
        return f"{panoptic[0]}/ holds {_PANOPTIC} {panoptic[0]}.json" if panoptic else _without_pairing(tree)
    if len(found) > 1:
        raise _which(tree, found)
    ((candidate, evidence),) = found
    pairs = [FolderPair(pair.images, pair.masks, _split(pair)) for pair in candidate.folders]
    affixes = infer([group_of(tree, pair) for pair in pairs])
    image_of = affixes.image_of if affixes else ({},) * len(pairs)
    images, masks = Named(), Named()
    for pair, names in zip(pairs, image_of, strict=True):
        for name in tree.image_files[pair.images]:
            images.add((pair.images, stem_of(name)), join(pair.images, name))
        for name in tree.image_files[pair.masks]:
            masks.add((pair.images, names.get(stem_of(name), stem_of(name))), join(pair.masks, name))
    result = match(images, masks, {pair.images: pair.split for pair in pairs})
    number = sum(len(tree.image_files[folder]) for folder in candidate.mask_folders)
    verb = "holds" if len(candidate.mask_folders) == 1 else "hold"
    same = "almost the same names as" if affixes and affixes.text else "the same names as"
    text = (
        f"{folder_list(candidate.mask_folders)} {verb} {count_of(number, 'image file')} of {same} "
        f"{folder_list(candidate.image_folders)}"
    )
    texts = [text, f"taken as masks: {evidence}", affixes.text if affixes else ""]
    return result.as_layout("stems", *filter(None, texts))


def _without_pairing(tree: Tree) -> Found | str:
    """Returns what is found where no folder pairs with another: pairs in one folder, "", or several masks an image."""
    if error := several_versions(tree):
        raise error
    inside = _in_one_folder(tree)
    if not inside and (error := _kinds_elsewhere(tree)):
        raise error
    return inside


def candidates(tree: Tree, within: Collection[str] | None = None) -> list[tuple[Candidate, str]]:
    """Returns the folders of images and masks whose names fit each other, and what shows which are the masks.

    Where nothing shows that, both directions are returned.

    Args:
      tree: source folder.
      within: folders to compare; None means all.
    """
    folders = [folder for folder in tree.image_files if within is None or folder in within]
    stems = {folder: frozenset(map(stem_of, tree.image_files[folder])) for folder in folders}
    shared = _shared(stems)
    pairs = [FolderPair(left, right) for left, right in shared if _may_pair(left, right)]
    ranked = sorted(
        by_difference(pairs).values(),
        key=lambda group: (-sum(shared[pair.images, pair.masks] for pair in group), group[0].images, group[0].masks),
    )
    found: list[tuple[Candidate, str]] = []
    covered: list[tuple[set[str], set[str]]] = []
    for group in ranked:
        sides = {pair.images for pair in group}, {pair.masks for pair in group}
        if any(sides[0] <= left and sides[1] <= right for left, right in covered):
            continue  # other folders of a larger pairing whose files are numbered alike
        covered += [sides, sides[::-1]]
        number = sum(shared[pair.images, pair.masks] for pair in group)
        affixes = Affixes("", (), ("", ""), ("", ""))
        if 2 * number >= min(sum(len(stems[folder]) for folder in side) for side in sides):
            found += _directed(tree, candidate_of(group, number, affixes))
    found += _by_affixes(tree, stems, {folder for each, _ in found for folder in each.mask_folders})
    masks = {folder for each, evidence in found if evidence == FEW_VALUES for folder in each.mask_folders}
    return [(each, evidence) for each, evidence in found if masks.isdisjoint(each.image_folders)]


def _shared(stems: dict[str, frozenset[str]]) -> dict[tuple[str, str], int]:
    """Returns the number of names that two folders share, for those that share any.

    Names that are in many folders, as those of frames, are compared between folders whose paths begin or end alike.
    """
    folders_of: defaultdict[str, list[str]] = defaultdict(list)
    for folder, names in stems.items():
        parts = folder.split("/")
        keys = {f"end {'/'.join(parts[cut:])}" for cut in range(len(parts))} | {f"in {'/'.join(parts[:-1])}"}
        for key in sorted(keys) if folder else ():
            folders_of[f"/{key}"].append(folder)  # no name of a file begins with a slash
        for name in names:
            folders_of[name].append(folder)
    pairs: set[tuple[str, str]] = set()
    for folders in folders_of.values():
        if 1 < len(folders) <= MAX_SAME_STEM:
            pairs.update(itertools.combinations(folders, 2))
    counts = {pair: len(stems[pair[0]] & stems[pair[1]]) for pair in sorted(pairs)}
    return {pair: number for pair, number in counts.items() if number}


def _may_pair(left: str, right: str) -> bool:
    """Returns whether two folders are not of two different splits."""
    splits = _split_within(left), _split_within(right)
    return not all(splits) or splits[0] == splits[1]


def _directed(tree: Tree, candidate: Candidate) -> Iterator[tuple[Candidate, str]]:
    """Yields a candidate in the direction that the evidence shows, in both if it shows none, or not at all."""
    reverse = candidate._replace(
        folders=tuple(FolderPair(pair.masks, pair.images) for pair in candidate.folders),
        image=candidate.mask,
        mask=candidate.image,
    )
    evidence = masks_by_evidence(tree, candidate.image_folders, candidate.mask_folders)
    every = {folder.rpartition("/")[2].lower() for folder in (*candidate.image_folders, *candidate.mask_folders)}
    if evidence is None or every <= set(MASK_WORDS):  # a/masks and b/masks: the same masks in two formats
        return
    if evidence.masks in (1, None):
        yield candidate, evidence.text
    if evidence.masks in (0, None):
        yield reverse, evidence.text


def _by_affixes(
    tree: Tree, stems: dict[str, frozenset[str]], known: Collection[str]
) -> Iterator[tuple[Candidate, str]]:
    """Yields the candidates whose names differ by a constant text, among folders that are not known as masks."""
    folders = [folder for folder in stems if folder not in known]
    if len(folders) > MAX_INFERRED_FOLDERS:
        return
    inferred: dict[FolderPair, Affixes] = {}
    for images, masks in itertools.permutations(folders, 2):
        if not _may_pair(images, masks) or not stems[images].isdisjoint(stems[masks]):
            continue
        if len(stems[masks]) > 1 and (affixes := infer([Group(stems[images], stems[masks], _files(tree, images))])):
            inferred[FolderPair(images, masks)] = affixes
    numbers = {pair: len(stems[pair.masks]) for pair in inferred}
    covered: list[tuple[set[str], set[str]]] = []
    for group in sorted(by_difference(inferred).values(), key=lambda group: -sum(map(numbers.__getitem__, group))):
        sides = {pair.images for pair in group}, {pair.masks for pair in group}
        if any(sides[0] <= left and sides[1] <= right for left, right in covered):
            continue  # the images of one folder with the masks of another, numbered alike
        covered.append(sides)
        first = inferred[group[0]]
        number = sum(map(numbers.__getitem__, group))
        candidate = candidate_of(group, number, first)
        if any(inferred[pair][2:] != first[2:] for pair in group):
            candidate = candidate._replace(image=None, mask=None)
        evidence = masks_by_evidence(tree, candidate.image_folders, candidate.mask_folders)
        if evidence is None or evidence.masks == 0:
            continue
        if evidence.masks == 1 or len(stems[group[0].images]) >= len(stems[group[0].masks]):
            yield candidate, evidence.text or "no fewer images than masks"


def _kinds_elsewhere(tree: Tree) -> UsageError | None:
    """Returns the error for a folder whose files are several masks of each image in another folder; else None."""
    folders = [folder for folder in tree.image_files if len(tree.image_files[folder]) > 1]
    if len(folders) > MAX_INFERRED_FOLDERS:
        return None
    for images, masks in itertools.permutations(folders, 2):
        if len(tree.image_files[images]) >= len(tree.image_files[masks]) or not _may_pair(images, masks):
            continue
        error = several_masks(tree, [FolderPair(images, masks)])
        if error and (evidence := masks_by_evidence(tree, [images], [masks])) and evidence.masks != 0:
            return error
    return None


def _files(tree: Tree, folder: str) -> frozenset[str]:
    return frozenset(tree.image_files[folder])


def _split_within(folder: str) -> str:
    """Returns the split of a folder by its path or a word in it, as in train_img; "" for none."""
    return split_in(folder) or next(filter(None, map(split_within, folder.split("/"))), "")


def _split(pair: FolderPair) -> str:
    return split_in(pair.images) or split_in(pair.masks)


def _which(tree: Tree, found: Sequence[tuple[Candidate, str]]) -> Exception:
    """Returns the error for several candidates: masks of one class each, or a choice."""
    several = [candidate for candidate, _ in found]
    images = {candidate.image_folders for candidate in several}
    masks = [candidate.mask_folders for candidate in several]
    parents = {parent_of(folder) for folders in masks for folder in folders}
    if len(images) == 1 and len(set(masks)) == len(masks):
        values = [num_values(tree, folders[0]) for folders in masks]
        names = ", ".join(f"{folders[0]}/" for folders in masks)
        if len(parents) == 1 and all(number is not None and number <= 2 for number in values):
            return choice(
                tree, f"has {len(masks)} masks an image ({names}): merge them", several, masks_fix(tree.src, _MERGE)
            )
        what = f"has {len(masks)} folders that could be the masks of {folder_list(images.pop())}: {described(several)}"
        return choice(tree, what, several, masks_fix(tree.src, _MERGE) if len(parents) == 1 else "")
    return choice(tree, f"has {len(several)} ways to pair its files: {described(several)}", several)


def _in_one_folder(tree: Tree) -> Found | str:
    """Returns images and masks that are in one folder and whose names differ by a constant text."""
    images, masks, texts, used = Named(), Named(), [], []
    for folder, names in tree.image_files.items():
        stems = frozenset(map(stem_of, names))
        lossy = frozenset(stem_of(name) for name in names if name.lower().endswith(_LOSSY))
        others = stems - lossy
        affixes = None
        if lossy and others and len(lossy) + len(others) == len(names) and len(others) > 1:
            affixes = infer([Group(lossy, others, frozenset(names))])
        if affixes:
            masks_here = others
        elif parted := within_folder(stems):
            masks_here, affixes = parted
        else:
            continue
        for name in names:
            stem = stem_of(name)
            if stem in masks_here:
                masks.add((folder, affixes.image_of[0][stem]), join(folder, name))
            else:
                images.add((folder, stem), join(folder, name))
        texts.append(affixes.text)
        used.append(folder)
    if not used:
        return ""
    found = match(images, masks, {folder: split_in(folder) for folder in used})
    return found.as_layout("stems", f"images and masks in one folder: {folder_list(used)}", *dict.fromkeys(texts))
