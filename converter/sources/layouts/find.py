"""Find: a source folder -> its Layout, by its lists, by the first rule that fits, or as the user says.

Nothing is guessed in silence: the layout carries its evidence, and where two rules find different masks, or none finds
any, the user is told what each has nearly found and is asked.
"""

from __future__ import annotations

import contextlib
import difflib
import posixpath
from collections import defaultdict
from dataclasses import dataclass

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_INNER
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LAYOUTS, LIST, RULES
from converter.sources.layouts.split_lists import EXPECTED, Listed, by_names, find_lists, pair_lists
from converter.sources.layouts.templates import by_templates
from converter.sources.layouts.tree import Tree, list_tree
from converter.sources.layouts.words import folder_list
from converter.sources.names import SPLITS
from converter.sources.refs import ExampleRef, Reject

_FIRST_GENERAL = next(name for name, rule in RULES.items() if rule.is_general)
_MARKS = tuple(rule.mark for rule in RULES.values() if rule.mark)


@dataclass(frozen=True)
class Layout:
    """What lies in a source folder.

    Attributes:
      name: of the layout, such as "list" or "voc"; "templates" for --image and --mask.
      evidence: what it was told by, one clause each.
      refs: pairs of each split, by its name, train first.
      rejects: lines of lists that are no pair, and photographs or masks of the same name.
      unmatched: photographs and masks of the layout's folders that stand in no pair, relative to the source folder.
      preset: class map that goes with the layout where the source has none, such as "voc"; None for none.
    """

    name: str
    evidence: tuple[str, ...]
    refs: dict[str, tuple[ExampleRef, ...]]
    rejects: tuple[Reject, ...] = ()
    unmatched: tuple[str, ...] = ()
    preset: str | None = None


def find_layout(source: SourceConfig) -> Layout:
    """Returns the layout of a source folder and the pairs of its splits.

    Raises:
      UsageError: the folder is missing, its lists cannot be read, or no layout or more than one fits.
      MachineError: a folder cannot be read.
    """
    if source.layout is not None and source.layout not in LAYOUTS:
        near = difflib.get_close_matches(source.layout, LAYOUTS, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError("--layout", f"{source.layout!r} is none", f"{hint}Known are {', '.join(LAYOUTS)}.", "E_LAYOUT")
    tree = list_tree(source.src, follow_links=source.follow_links)
    if source.image is not None and source.mask is not None:
        return _layout(tree, by_templates(tree, source.image, source.mask))
    if source.layout is not None and source.layout != LIST:
        return _layout(tree, _forced(tree, source.layout))
    listed = pair_lists(tree, forced=source.layout == LIST)
    if isinstance(listed, Listed):
        return _listed_layout(tree, listed)
    if source.layout == LIST:
        if listed:
            raise refusal(tree, "is not laid out as list", [listed])
        raise UsageError(source.src / "train.txt", "does not exist", EXPECTED, "E_LIST")
    found, near = _first_rule(tree)
    if found is None:
        candidates = [text for text in (listed, *near, _inner(tree)) if text]
        raise refusal(tree, "has no layout that is known", candidates or [_what_lies_there(tree)])
    return _layout(tree, found)


def _forced(tree: Tree, name: str) -> Found:
    """Returns what the rule that the user has named finds."""
    found = RULES[name].find(tree)
    if isinstance(found, Found) and found.num_pairs:
        return found
    near = [found] if isinstance(found, str) and found else []
    raise refusal(tree, f"is not laid out as {name} ({LAYOUTS[name]})", near)


def _first_rule(tree: Tree) -> tuple[Found | None, list[str]]:
    """Returns what the first rule that fits has found, and what the rules before it have nearly found.

    Raises:
      UsageError: a later rule finds masks that the first one lacks.
    """
    winner: Found | None = None
    near: list[str] = []
    for name, rule in RULES.items():
        if name == _FIRST_GENERAL and winner is None and (inner := _inner(tree, _MARKS)):
            raise refusal(tree, "is not the dataset's own folder", [inner])
        found = rule.find(tree)
        if isinstance(found, str):
            near += [found] if found else []
        elif winner is None and found.num_pairs:
            winner = found
            if _is_listed(tree, winner):
                break  # a list may leave masks out on purpose
        elif winner is not None and (more := found.paired_masks - winner.masks):
            both = [f"{each.name}: {each.evidence[0]}, {each.num_pairs} pairs" for each in (winner, found)]
            what = f"has more than one layout, and they have different masks ({shown(min(more))})"
            raise refusal(tree, what, both)
    return winner, list(dict.fromkeys(near))


def _is_listed(tree: Tree, found: Found) -> bool:
    return any(find_lists(tree, folder) for folder in found.list_folders)


def _inner(tree: Tree, marks: tuple[str, ...] = ()) -> str:
    """Returns in words which folder in the source folder fits a rule by itself: archives often unpack into one.

    With `marks`, only folders that hold a folder of such a name are tried.
    """
    folders = [name for name in tree.folders if name]
    if marks:
        folders = [folder for name in folders for folder, _, last in [name.rpartition("/")] if folder and last in marks]
    for folder in sorted(folders[:MAX_INNER], key=lambda name: (name.count("/"), name)):
        inner = tree.below(folder)
        for rule in RULES.values():
            with contextlib.suppress(UsageError):
                found = rule.find(inner)
                if isinstance(found, Found) and found.num_pairs:
                    return f"{folder}/ by itself is {found.name}: pass --src {inner.src}"
    return ""


def _what_lies_there(tree: Tree) -> str:
    """Returns in words where the pictures lie that no rule has made anything of, or that there are none."""
    if tree.image_files:
        return f"pictures lie in {folder_list(tree.image_files)}, but no two of them go together by folder or name"
    return f"it holds no pictures{f' ({_unnamed(tree)})' if tree.unnamed else ''}"


def _unnamed(tree: Tree) -> str:
    files = "1 file whose name is" if tree.unnamed == 1 else f"{tree.unnamed} files whose names are"
    return f"{files} not UTF-8 {'is' if tree.unnamed == 1 else 'are'} left out"


def _listed_layout(tree: Tree, listed: Listed) -> Layout:
    """Returns the layout of pair lists; its folders are those that the pairs lie in."""
    refs = [ref for split in listed.refs.values() for ref in split]
    paired = {path for ref in refs for path in (ref.image, ref.mask)}
    folders = {posixpath.dirname(path) for path in paired}
    unmatched = [
        path
        for folder in folders
        for name in tree.image_files.get(folder, ())
        if (path := f"{folder}/{name}" if folder else name) not in paired
    ]
    evidence, preset = list(listed.evidence), None
    if fits := _layout_of_pairs(tree, refs):
        evidence.append(f"the files lie as in layout {fits.name}")
        preset = fits.preset
    return Layout(LIST, tuple(evidence), listed.refs, tuple(listed.rejects), tuple(sorted(unmatched)), preset)


def _layout_of_pairs(tree: Tree, refs: list[ExampleRef]) -> Found | None:
    """Returns what a rule with a preset finds where all pairs of lists are its pairs: its class map goes with them too.

    Otherwise `segconv split`, which writes such lists, would leave the dataset with other classes than before.
    """
    wanted = {ref.key for ref in refs}
    for rule in (rule for rule in RULES.values() if rule.has_preset and wanted):
        found = rule.find(tree)
        if (
            isinstance(found, Found)
            and found.preset
            and wanted <= {(photo.image, photo.mask) for photo in found.photos}
        ):
            return found
    return None


def _layout(tree: Tree, found: Found) -> Layout:
    """Returns the layout of what a rule has found: split by lists of names where there are any, else by folders."""
    evidence = list(found.evidence)
    if tree.unnamed:
        evidence.append(_unnamed(tree))
    left_out: set[str] = set()
    rejects = list(found.rejects)
    listed = by_names(tree, found)
    evidence += listed.evidence if listed else ()
    if listed is not None and listed.refs:
        rejects += listed.rejects
        refs = listed.refs
    else:
        refs, left_out = _by_folders(tree, found, evidence)
    paired = {path for split in refs.values() for ref in split for path in (ref.image, ref.mask)}
    known = {photo.image for photo in found.photos} | found.masks
    unmatched = tuple(sorted(known - paired - left_out))
    return Layout(found.name, tuple(evidence), refs, tuple(rejects), unmatched, found.preset)


def _by_folders(tree: Tree, found: Found, evidence: list[str]) -> tuple[dict[str, tuple[ExampleRef, ...]], set[str]]:
    """Returns the pairs of each split by the folders they lie in, and the photographs of splits without any mask."""
    splits: defaultdict[str, list[ExampleRef]] = defaultdict(list)
    without: defaultdict[str, set[str]] = defaultdict(set)
    for photo in sorted(found.photos, key=lambda photo: photo.image):
        split = photo.split or "train"
        if photo.mask is None:
            without[split].add(photo.image)
        else:
            splits[split].append(ExampleRef(split, photo.image, photo.mask))
    if "train" not in splits:
        raise refusal(tree, f"has pairs of {' and '.join(splits)}, but none of train", list(evidence))
    if not any(photo.split for photo in found.photos if photo.mask):
        evidence.append("no split: all pairs are train; `segconv split` makes lists")
    left_out: set[str] = set()
    for split in SPLITS:
        if split in without and split not in splits:
            evidence.append(f"{split} is left out: none of its {len(without[split])} photographs has a mask")
            left_out |= without[split]
    return {split: tuple(splits[split]) for split in SPLITS if split in splits}, left_out
