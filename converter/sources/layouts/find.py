"""Find: a source folder -> its Layout, by its lists, by the first rule that fits, or by the user's options.

Nothing is guessed silently: a layout carries its evidence. If two rules find different masks, or none finds any, the
error lists the near matches and asks the user to choose.
"""

from __future__ import annotations

import contextlib
import difflib
import posixpath
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_INNER
from converter.sources.exchange import check_finished
from converter.sources.layouts.chosen_lists import chosen_files, chosen_names, chosen_pairs
from converter.sources.layouts.folds import fold_choice, fold_lists
from converter.sources.layouts.list_files import ListFiles
from converter.sources.layouts.list_fits import Rules
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LAYOUTS, LIST, RULES
from converter.sources.layouts.split_folders import with_folder_splits
from converter.sources.layouts.split_lists import (
    EXPECTED,
    Listed,
    by_names,
    name_rules,
    pair_lists,
    pair_rules,
    similar_lists,
)
from converter.sources.layouts.templates import by_templates
from converter.sources.layouts.tree import Tree, list_tree
from converter.sources.layouts.unused import folds_as_folders, unused_files, unused_folders, unused_lists
from converter.sources.layouts.words import folder_list
from converter.sources.mix_ups import mix_ups
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


@dataclass(frozen=True)
class Search:
    """What a layout is found from: the options of the user, the source folder, and its files that may be lists."""

    source: SourceConfig
    tree: Tree
    lists: ListFiles


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
    folds = () if source.lists or source.image or source.layout not in (None, LIST) else fold_lists(tree, source)
    layout = _find(Search(replace(source, lists=folds, fold=None) if folds else source, tree, ListFiles(tree)))
    if folds:
        choice = fold_choice(source, folds)
        if isinstance(choice, str):
            layout = replace(layout, evidence=(*layout.evidence, choice))
        else:
            layout = replace(layout, unused=(*layout.unused, choice))
    images = [ref.image for refs in layout.refs.values() for ref in refs]
    return replace(layout, unused=(*layout.unused, *unread_files(tree.src, tree.files, tree.outside, images)))


def _find(search: Search) -> Layout:
    """Returns the layout of a tree by the user's options, its lists or the first rule that fits."""
    source, tree = search.source, search.tree
    if source.lists and (listed := chosen_pairs(tree, chosen_files(tree, source))):
        return _listed_layout(search, listed)
    if source.image is not None and source.mask is not None:
        return _layout(search, by_templates(tree, source.image, source.mask))
    if source.layout is not None and source.layout != LIST:
        return _layout(search, _forced(tree, source.layout))
    near_list = ""
    if not source.lists:
        listed_or_near = pair_lists(search.lists, forced=source.layout == LIST)
        if isinstance(listed_or_near, Listed):
            return _listed_layout(search, listed_or_near)
        near_list = listed_or_near
    if source.layout == LIST:
        return _listed_layout(search, _forced_list(search, near_list))
    found, near = _first_rule(search)
    if found is not None:
        return _layout(search, found)
    if not source.lists and (similar := similar_lists(search.lists, pair_rules(tree), is_pairs=True)):
        return _listed_layout(search, similar)
    candidates = [text for text in (near_list, *near, _inner(tree)) if text]
    unread = unread_files(tree.src, tree.files, tree.outside, None)
    raise refusal(tree, "has no known layout", candidates or [_contents(tree)], unread)


def _forced_list(search: Search, near: str) -> Listed:
    """Returns the pairs of lists with similar names, where --layout list asks for lists and none has an exact name."""
    if not search.source.lists and (similar := similar_lists(search.lists, pair_rules(search.tree), is_pairs=True)):
        return similar
    if near or search.source.lists:
        raise refusal(search.tree, "does not have layout list", [near or "a list of --list names no pair"])
    raise UsageError(search.tree.src / "train.txt", "does not exist", EXPECTED, "E_LIST")


def _forced(tree: Tree, name: str) -> Found:
    """Returns what the rule named by the user finds."""
    found = RULES[name].find(tree)
    if isinstance(found, Found) and found.num_pairs:
        return found
    near = [found] if isinstance(found, str) and found else []
    raise refusal(tree, f"does not have layout {name} ({LAYOUTS[name]})", near)


def _first_rule(search: Search) -> tuple[Found | None, list[str]]:
    """Returns what the first rule that fits found, and the near matches of the rules before it.

    Raises:
      UsageError: a later rule finds masks that the first one lacks.
    """
    tree = search.tree
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
            if _is_listed(search, winner):
                break  # a list may omit masks on purpose
        elif winner is not None and (more := found.paired_masks - winner.masks):
            both = [f"{each.name}: {each.evidence[0]}, {each.num_pairs} pairs" for each in (winner, found)]
            what = f"has more than one layout, and they have different masks ({shown(min(more))})"
            raise refusal(tree, what, both)
    return winner, list(dict.fromkeys(near))


def _is_listed(search: Search, found: Found) -> bool:
    return bool(search.source.lists) or any(search.lists.within(name, similar=False) for name in found.list_folders)


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
    number = len(tree.unnamed)
    files = "1 file whose name is" if number == 1 else f"{number} files whose names are"
    return f"{files} not UTF-8 {'is' if number == 1 else 'are'} left out"


def _listed_layout(search: Search, listed: Listed) -> Layout:
    """Returns the layout of pair lists; its folders are those of the pairs."""
    tree = search.tree
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
    notes, unused = _unused(search, refs, listed, paired, [pair_rules(tree)])
    rejects = tuple(listed.rejects)
    return Layout(LIST, (*evidence, *notes), listed.refs, rejects, tuple(sorted(unmatched)), preset, unused)


def _unused(
    search: Search, refs: Sequence[ExampleRef], listed: Listed | None, used: Collection[str], rules: Sequence[Rules]
) -> tuple[list[str], tuple[Unused, ...]]:
    """Returns what no pair comes from: clauses of evidence, and warnings.

    Args:
      search: where the pairs come from.
      refs: all pairs.
      listed: the lists that were read, if any.
      used: image files that are in a pair or known to the layout.
      rules: for the paths of lists of pairs, and of lists of names if a rule found images.
    """
    read = listed.paths if listed else set()
    lists = list(unused_lists(search.lists, search.source, refs, read, rules))
    found = [each for each in lists if isinstance(each, Unused)]
    found += [*unused_folders(search.tree, used), *unused_files(search.tree), *(listed.unused if listed else ())]
    found += mix_ups([ref for ref in refs if ref.list_name], search.tree.file_set)
    return [each for each in lists if isinstance(each, str)], tuple(found)


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


def _layout(search: Search, found: Found) -> Layout:
    """Returns the layout of what a rule found: split by lists of names if there are any, else by folders."""
    tree = search.tree
    evidence = list(found.evidence)
    if tree.unnamed:
        evidence.append(_unnamed(tree))
    left_out: set[str] = set()
    rejects = list(found.rejects)
    listed = _lists_of(search, found)
    if listed is not None and listed.is_pairs:
        return _listed_layout(search, listed)
    unused: tuple[Unused, ...] = ()
    evidence += listed.evidence if listed else ()
    if listed is not None and listed.refs:
        rejects += listed.rejects
        refs = listed.refs
    else:
        by_word = with_folder_splits(found)
        evidence += by_word.evidence
        refs, left_out = _by_folders(tree, by_word.found, evidence)
        unused = by_word.unused
        if refs.keys() == {"train"}:
            unused += tuple(folds_as_folders(search.source, {posixpath.dirname(ref.image) for ref in refs["train"]}))
    paired = {path for split in refs.values() for ref in split for path in (ref.image, ref.mask)}
    known = {image.image for image in found.images} | found.masks
    unmatched = tuple(sorted(known - paired - left_out))
    pairs = [ref for split in refs.values() for ref in split]
    notes, more = _unused(search, pairs, listed, known, [pair_rules(tree), name_rules(found)])
    return Layout(found.name, (*evidence, *notes), refs, tuple(rejects), unmatched, found.preset, unused + more)


def _lists_of(search: Search, found: Found) -> Listed | None:
    """Returns the pairs of the lists that go with what a rule found, the best evidence first; None for none."""
    mask_of = {image.image: image.mask for image in found.images}
    if search.source.lists:
        return chosen_names(search.tree, chosen_files(search.tree, search.source), name_rules(found), mask_of)
    listed = by_names(search.lists, found)
    if listed is not None or any(image.split for image in found.images if image.mask):
        return listed
    if search.source.layout is None and found.name != "templates":
        listed = similar_lists(search.lists, pair_rules(search.tree), is_pairs=True)
    return listed or similar_lists(search.lists, name_rules(found), is_pairs=False, mask_of=mask_of)


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
