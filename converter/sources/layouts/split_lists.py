"""Split lists: the lists of a source folder -> pairs of the files that they name, or of images that a rule found."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from converter.errors import UsageError
from converter.limits import MAX_DROP
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.words import IMAGE_WORDS, MASK_WORDS, SIBLING_TAILS
from converter.sources.lists.files import WITHIN, ListFiles
from converter.sources.lists.fits import Fit, Rules, check_folders, check_ties, fit_list, fitting
from converter.sources.lists.resolve import PathRule, Resolved
from converter.sources.lists.text import SplitList
from converter.sources.names import SPLITS, Names
from converter.sources.refs import ExampleRef, Reject, Unused
from converter.sources.tree import Tree

EXPECTED = "Expected train.txt and val.txt next to jpg/ and png/ (val.txt may have its own val_jpg/ and val_png/)."


@dataclass
class Listed:
    """Pairs of a source folder by its lists.

    Attributes:
      refs: pairs by split.
      rejects: lines that are not a pair.
      evidence: how the lists were read, one clause each.
      unused: what the lists do not use.
      paths: the lists that were read.
      is_pairs: whether each line of the lists names both files of a pair.
    """

    refs: dict[str, tuple[ExampleRef, ...]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    is_pairs: bool = False

    def add(self, done: Resolved, mask_of: Mapping[str, str | None] | None) -> None:
        """Adds the pairs of a list; one with one name per line needs `mask_of`, image -> mask."""
        split = done.listed.split
        self.paths.add(done.listed.name)
        self.evidence.append(done.evidence())
        if mask_of is not None and done.found and not any(mask_of[meanings[0]] for meanings in done.found):
            self.evidence.append(f"{split} is left out: none of its images has a mask")
            return
        self.refs[split] = (*self.refs.get(split, ()), *done.refs(mask_of))
        self.rejects += done.rejects

    def add_all(self, parts: Sequence[Resolved], fits: Sequence[Fit], mask_of: Mapping[str, str | None] | None) -> None:
        """Adds lists in the order of their splits, and what is left out of them."""
        self.is_pairs = mask_of is None
        for part in sorted(parts, key=lambda part: SPLITS.index(part.listed.split)):
            self.add(part, mask_of)
        self.unused += [unused for fit in fits for unused in fit.left_out]


def pair_lists(lists: ListFiles, *, forced: bool = False) -> Listed | str:
    """Returns the pairs of lists whose lines name two files; else a clause that describes a near match.

    Only lists named after a split are read here, not those whose names only contain its word.

    Args:
      lists: of the source folder.
      forced: uses the lists even if none of their pairs exists.

    Raises:
      UsageError: there is a list but no train.txt, a list cannot be read, or two lists of a split disagree.
    """
    tree, near = lists.tree, ""
    for folder in lists.folders():
        files = lists.within(folder, similar=False)
        try:
            fits = {split: fit_list(tree, own[0], pair_rules(tree), is_pairs=True) for split, own in files.items()}
        except UsageError:
            if folder:
                continue  # a text file with another purpose
            raise
        pairs = [fit for fit in fits.values() if fit.parts]
        is_declared = not folder and any(fit.names_image_files for fit in pairs) and _has_folders(tree)
        if not (any(fit.num_found for fit in pairs) or is_declared or (forced and pairs)):
            near = near or "; ".join(f"{fit.evidence()}: none of its pairs exists" for fit in pairs)
            continue
        if "train" not in files:
            if similar := similar_lists(lists, pair_rules(tree), is_pairs=True):
                return similar  # train_list.txt next to val.txt
            raise UsageError(tree.src / folder / "train.txt", "does not exist", EXPECTED, "E_LIST")
        check_ties(lists, folder, fits, pair_rules(tree), is_pairs=True)
        check_folders(lists, folder, fits, pair_rules(tree), is_pairs=True)
        chosen = {split: fit if fit.parts else fit.with_single_names() for split, fit in fits.items()}
        return _listed(lists, folder, chosen, pair_rules(tree), None)
    return near


def similar_lists(
    lists: ListFiles, rules: Rules, *, is_pairs: bool, mask_of: Mapping[str, str | None] | None = None
) -> Listed | None:
    """Returns the pairs of lists whose names contain the words of splits, or of a table that names the splits.

    Args:
      lists: of the source folder.
      rules: for the paths in a list.
      is_pairs: reads lists with two names per line; otherwise with one.
      mask_of: image -> mask, for lists with one name per line.

    Raises:
      UsageError: two lists of a split, or two tables, disagree.
    """
    for folder in lists.folders(similar=True):
        files = lists.within(folder, similar=True)
        fits: dict[str, Fit] = {}
        for split in SPLITS:
            own = fitting(lists.tree, files.get(split, ()), rules, is_pairs=is_pairs)
            if own:
                fits[split] = own[0]
        if "train" not in fits:
            tables = fitting(lists.tree, files.get("", ()), rules, is_pairs=is_pairs)
            fits = {"": tables[0]} if tables and "train" in tables[0].parts else {}
        if fits:
            return _listed(lists, folder, fits, rules, mask_of)
    return None


def _listed(
    lists: ListFiles, folder: str, fits: dict[str, Fit], rules: Rules, mask_of: Mapping[str, str | None] | None
) -> Listed:
    """Returns the pairs of the lists of one folder, and of lists of the other splits that go with them."""
    parts: dict[str, Resolved] = {}
    for split, fit in fits.items():
        parts |= {own: part for own, part in fit.parts.items() if own == split or own not in {*fits, *parts}}
    used = list(fits.values())
    for split in (each for each in ("val", "test") if each not in parts and "train" in parts):
        similar = lists.within(folder, similar=True).get(split, [])
        files = [file for file in lists.beside(folder) if file.split == split] or [
            f for f in similar if f.rank >= WITHIN
        ]
        others = fitting(lists.tree, files, rules, is_pairs=mask_of is None)
        if others and all(part.images().isdisjoint(others[0].parts[split].images()) for part in parts.values()):
            parts[split] = others[0].parts[split]
            used.append(others[0])
    listed = Listed()
    listed.add_all(list(parts.values()), used, mask_of)
    return listed


def _has_folders(tree: Tree) -> bool:
    """Returns whether there are folders of images and of masks, by their names."""
    top = {name.lower() for name in tree.folders}
    return bool(top.intersection(IMAGE_WORDS)) and bool(top.intersection(MASK_WORDS))


def pair_rules(tree: Tree) -> Rules:
    """Returns the function from a list of pairs to the possible rules for its paths."""
    return lambda listed: _pair_rules(tree, listed)


def _pair_rules(tree: Tree, listed: SplitList) -> list[PathRule]:
    """Returns the possible rules for the paths of a pair list, the most likely first."""
    home = "" if listed.name.startswith("/") else posixpath.dirname(listed.name)
    bases = [*_base_pairs(tree, listed.split)]
    rules = [PathRule(f"paths below {image}/ and {mask}/", tree.names, (image, mask)) for image, mask in bases]
    if home:
        rules.append(PathRule(f"paths from {home}/", tree.names, (home, home), climbs=True))
    rules.append(PathRule("paths from the source folder", tree.names, ("", "")))
    longest = max((text.replace("\\", "/").count("/") for line in listed.lines for text in line.fields), default=0)
    for drop in range(1, min(longest, MAX_DROP) + 1):
        for base in dict.fromkeys((home, "")):
            rules.append(PathRule(f"paths without their first folders ({drop})", tree.names, (base, base), drop))
    return rules


def _base_pairs(tree: Tree, split: str) -> Iterator[tuple[str, str]]:
    """Yields folders of images and of masks that a split's list may be relative to, the tutorial's first."""
    there = set(tree.folders)
    own = [] if split == "train" else [split]
    tutorial = [next((n for n in [*(f"{s}_{k}" for s in own), k] if n in there), k) for k in ("jpg", "png")]
    if "jpg" in there or "png" in there:
        yield tutorial[0], tutorial[1]
    folders = {name.lower(): name for name in tree.folders}
    images, masks = (
        [folders[form] for word in words for form in (f"{word}/{split}", f"{split}/{word}", word) if form in folders]
        for words in (IMAGE_WORDS, MASK_WORDS)
    )
    masks += [split + tail for tail in SIBLING_TAILS if split + tail in there]
    images += [split] if split in there else []
    for image in images:
        for mask in masks:
            if [image, mask] != tutorial:
                yield image, mask


def by_names(lists: ListFiles, found: Found) -> Listed | None:
    """Returns the pairs of a rule that lists of names select; None if there are no such lists.

    Splits whose images all lack masks are left out.

    Raises:
      UsageError: a list of the layout names none of the images, or there is a list but none for train.
    """
    rules = name_rules(found)
    mask_of = {image.image: image.mask for image in found.images}
    for folder in dict.fromkeys((*found.list_folders, *lists.folders())):
        is_own = folder in found.list_folders and found.name != "templates"
        fits = _fits_by_names(lists, folder, found, rules, is_own=is_own)
        if not fits:
            continue
        listed = _listed(lists, folder, fits, rules, mask_of)
        if "train" in listed.refs:
            check_ties(lists, folder, fits, rules, is_pairs=False)
            if not is_own:
                check_folders(lists, folder, fits, rules, is_pairs=False)
            return listed
        if similar := similar_lists(lists, rules, is_pairs=False, mask_of=mask_of):
            return similar
        fix = "A dataset needs a list of its training pairs."
        raise UsageError(lists.tree.src / folder / "train.txt", "does not exist", fix, "E_LIST")
    return None


def _fits_by_names(lists: ListFiles, folder: str, found: Found, rules: Rules, *, is_own: bool) -> dict[str, Fit]:
    """Returns how the best list of each split in a folder is read; those of a layout's own folders have to fit."""
    fits: dict[str, Fit] = {}
    for split, own in lists.within(folder, similar=False).items():
        try:
            fit = fit_list(lists.tree, own[0], rules, is_pairs=False)
        except UsageError:
            if is_own:
                raise
            return {}  # text files with another purpose
        if fit.num_found:
            fits[split] = fit
        elif is_own:
            what = f"names none of the images of layout {found.name}, from {fit.first_line!r} on"
            fix = "Fix or remove the list, or say with --image and --mask where the files are."
            raise UsageError(lists.tree.src / own[0].path, what, fix, "E_LIST")
    return fits


def name_rules(found: Found) -> Rules:
    """Returns the function from a list with one name per line to the possible rules for its paths."""
    rules = cache(lambda: _name_rules(found))  # large, and seldom needed
    return lambda listed: _dropping(rules(), listed)


def _name_rules(found: Found) -> list[PathRule]:
    """Returns the possible rules for a list with one name per line, the most likely first."""
    images = [image.image for image in found.images]
    folder = posixpath.commonpath([posixpath.dirname(image) for image in images])
    homes = ["/".join(folder.split("/")[:end]) for end in range(folder.count("/") + 1, 0, -1)] if folder else []
    ways = [(f"names below {home}/", [(image[len(home) + 1 :], image) for image in images]) for home in homes]
    ways += [
        ("paths from the source folder", [(image, image) for image in images]),
        ("names of images in any folder", [(posixpath.basename(image), image) for image in images]),
        ("stems of images", [(image.stem, image.image) for image in found.images]),
        ("paths of masks", [(image.mask, image.image) for image in found.images if image.mask]),
        ("names of masks", [(posixpath.basename(image.mask), image.image) for image in found.images if image.mask]),
    ]
    return [PathRule(text, Names(pairs), ("",)) for text, pairs in ways]


def _dropping(rules: list[PathRule], listed: SplitList) -> list[PathRule]:
    """Adds the rules that drop leading folders of the paths of a list."""
    longest = max((text.replace("\\", "/").count("/") for line in listed.lines for text in line.fields), default=0)
    drops = [
        PathRule(f"{rule.text}, without the first folders ({drop})", rule.names, ("",), drop)
        for drop in range(1, min(longest, MAX_DROP) + 1)
        for rule in rules[:2]
    ]
    return [*rules, *drops]
