"""Find: a source folder -> its Layout, by its lists, by the first rule that fits, or by the user's options.

Nothing is guessed silently: a layout carries its evidence. If two rules find different masks, or none finds any, the
error lists the near matches and asks the user to choose.
"""

from __future__ import annotations

import contextlib
import difflib
import posixpath
from collections import defaultdict
from dataclasses import dataclass, replace

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_INNER
from converter.sources.exchange import check_finished
from converter.sources.layouts.folds import pair_folds
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LAYOUTS, LIST, RULES
from converter.sources.layouts.split_lists import EXPECTED, Listed, by_names, find_lists, pair_lists
from converter.sources.layouts.templates import by_templates
from converter.sources.layouts.tree import Tree, list_tree
from converter.sources.layouts.words import folder_list
from converter.sources.names import SPLITS
from converter.sources.others import unread_files
from converter.sources.refs import ExampleRef, Reject, Unused

_FIRST_GENERAL = next(name for name, rule in RULES.items() if rule.is_general)
_MARKS = tuple(rule.mark for rule in RULES.values() if rule.mark)


@dataclass(frozen=True)
class Layout:
    """The layout of a source folder, with its pairs.

    Attributes:
      name: of the layout, such as "list" or "voc"; "templates" for --image and --mask.
      evidence: what it was detected from, one clause each.
      refs: pairs of each split, by its name, train first.
      rejects: lines of lists that are not a pair, and images or masks of the same name.
      unmatched: images and masks in the layout's folders that are in no pair, relative to the source folder.
      preset: class map to use if the source folder has none, such as "voc"; None for none.
      unused: files, lists and folders that are not used, although their names say that they might be.
    """

    name: str
    evidence: tuple[str, ...]
    refs: dict[str, tuple[ExampleRef, ...]]
    rejects: tuple[Reject, ...] = ()
    unmatched: tuple[str, ...] = ()
    preset: str | None = None
    unused: tuple[Unused, ...] = ()


def find_layout(source: SourceConfig) -> Layout:
    """Returns the layout of a source folder and the pairs of its splits.

    Raises:
      UsageError: the folder is missing, its lists cannot be read, or no layout or more than one fits.
      MachineError: a folder cannot be read.
    """
    if source.layout is not None and source.layout not in LAYOUTS:
        near = difflib.get_close_matches(source.layout, LAYOUTS, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            "--layout", f"{source.layout!r} is unknown", f"{hint}Known are {', '.join(LAYOUTS)}.", "E_LAYOUT"
        )
    tree = list_tree(source.src, follow_links=source.follow_links)
    check_finished(source)
    layout = _find(source, tree)
    images = [ref.image for refs in layout.refs.values() for ref in refs]
    return replace(layout, unused=(*layout.unused, *unread_files(tree.src, tree.files, tree.outside, images)))


def _find(source: SourceConfig, tree: Tree) -> Layout:
    """Returns the layout of a tree by the user's options, its lists or the first rule that fits."""
    if source.image is not None and source.mask is not None:
        return _layout(tree, by_templates(tree, source.image, source.mask))
    if source.layout is not None and source.layout != LIST:
        return _layout(tree, _forced(tree, source.layout))
    if folds := pair_folds(tree, source):
        return replace(_listed_layout(tree, folds[0]), unused=folds[1])
    listed = pair_lists(tree, forced=source.layout == LIST)
    if isinstance(listed, Listed):
        return _listed_layout(tree, listed)
    if source.layout == LIST:
        if listed:
            raise refusal(tree, "does not have layout list", [listed])
        raise UsageError(source.src / "train.txt", "does not exist", EXPECTED, "E_LIST")
    found, near = _first_rule(tree)
    if found is None:
        candidates = [text for text in (listed, *near, _inner(tree)) if text]
        unread = unread_files(tree.src, tree.files, tree.outside, None)
        raise refusal(tree, "has no known layout", candidates or [_contents(tree)], unread)
    return _layout(tree, found)


def _forced(tree: Tree, name: str) -> Found:
    """Returns what the rule named by the user finds."""
    found = RULES[name].find(tree)
    if isinstance(found, Found) and found.num_pairs:
        return found
    near = [found] if isinstance(found, str) and found else []
    raise refusal(tree, f"does not have layout {name} ({LAYOUTS[name]})", near)


def _first_rule(tree: Tree) -> tuple[Found | None, list[str]]:
    """Returns what the first rule that fits found, and the near matches of the rules before it.

    Raises:
      UsageError: a later rule finds masks that the first one lacks.
    """
    winner: Found | None = None
    near: list[str] = []
    for name, rule in RULES.items():
        if name == _FIRST_GENERAL and winner is None and (inner := _inner(tree, _MARKS)):
            raise refusal(tree, "is not the root of a dataset", [inner])
        found = rule.find(tree)
        if isinstance(found, str):
            near += [found] if found else []
        elif winner is None and found.num_pairs:
            winner = found
            if _is_listed(tree, winner):
                break  # a list may omit masks on purpose
        elif winner is not None and (more := found.paired_masks - winner.masks):
            both = [f"{each.name}: {each.evidence[0]}, {each.num_pairs} pairs" for each in (winner, found)]
            what = f"has more than one layout, and they have different masks ({shown(min(more))})"
            raise refusal(tree, what, both)
    return winner, list(dict.fromkeys(near))


def _is_listed(tree: Tree, found: Found) -> bool:
    return any(find_lists(tree, folder) for folder in found.list_folders)


def _inner(tree: Tree, marks: tuple[str, ...] = ()) -> str:
    """Says which subfolder of the source folder fits a rule: archives often unpack into one.

    With `marks`, only folders that contain a folder of such a name are tried.
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
                    return f"{folder}/ has layout {found.name}: pass --src {inner.src}"
    return ""


def _contents(tree: Tree) -> str:
    """Says which folders contain the image files that fit no rule, or that there are none."""
    if tree.image_files:
        return f"image files are in {folder_list(tree.image_files)}, but no two of them match by folder or name"
    return f"it contains no image files{f' ({_unnamed(tree)})' if tree.unnamed else ''}"


def _unnamed(tree: Tree) -> str:
    files = "1 file whose name is" if tree.unnamed == 1 else f"{tree.unnamed} files whose names are"
    return f"{files} not UTF-8 {'is' if tree.unnamed == 1 else 'are'} left out"


def _listed_layout(tree: Tree, listed: Listed) -> Layout:
    """Returns the layout of pair lists; its folders are those of the pairs."""
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
        evidence.append(f"the files are arranged as in layout {fits.name}")
        preset = fits.preset
    return Layout(LIST, tuple(evidence), listed.refs, tuple(listed.rejects), tuple(sorted(unmatched)), preset)


def _layout_of_pairs(tree: Tree, refs: list[ExampleRef]) -> Found | None:
    """Returns what a rule with a preset finds if it finds all pairs of the lists, so that its class map applies.

    Otherwise the lists that `segconv split` writes would change the classes of the dataset.
    """
    wanted = {ref.key for ref in refs}
    for rule in (rule for rule in RULES.values() if rule.has_preset and wanted):
        found = rule.find(tree)
        if (
            isinstance(found, Found)
            and found.preset
            and wanted <= {(image.image, image.mask) for image in found.images}
        ):
            return found
    return None


def _layout(tree: Tree, found: Found) -> Layout:
    """Returns the layout of what a rule found: split by lists of names if there are any, else by folders."""
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
    known = {image.image for image in found.images} | found.masks
    unmatched = tuple(sorted(known - paired - left_out))
    return Layout(found.name, tuple(evidence), refs, tuple(rejects), unmatched, found.preset)


def _by_folders(tree: Tree, found: Found, evidence: list[str]) -> tuple[dict[str, tuple[ExampleRef, ...]], set[str]]:
    """Returns the pairs of each split by their folders, and the images of splits without any mask."""
    splits: defaultdict[str, list[ExampleRef]] = defaultdict(list)
    without: defaultdict[str, set[str]] = defaultdict(set)
    for image in sorted(found.images, key=lambda image: image.image):
        split = image.split or "train"
        if image.mask is None:
            without[split].add(image.image)
        else:
            splits[split].append(ExampleRef(split, image.image, image.mask))
    if "train" not in splits:
        raise refusal(tree, f"has pairs of {' and '.join(splits)}, but none of train", list(evidence))
    if not any(image.split for image in found.images if image.mask):
        evidence.append("no split: all pairs are train; `segconv split` makes lists")
    left_out: set[str] = set()
    for split in SPLITS:
        if split in without and split not in splits:
            evidence.append(f"{split} is left out: none of its {len(without[split])} images has a mask")
            left_out |= without[split]
    return {split: tuple(splits[split]) for split in SPLITS if split in splits}, left_out
