"""Find: a source folder -> its Layout, by its lists, by the first rule that fits, or by the user's options.

Nothing is guessed silently: a layout carries its evidence. If two rules find different masks, or none finds any, the
error lists the near matches and asks the user to choose.
"""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import replace

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_INNER
from converter.sources.layouts.chosen_lists import chosen_files, chosen_pairs
from converter.sources.layouts.folds import fold_choice, fold_lists
from converter.sources.layouts.layout import Layout, Search, found_layout, listed_layout, unnamed_text
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LAYOUTS, LIST, RULES
from converter.sources.layouts.split_lists import EXPECTED, Listed, pair_lists, pair_rules, similar_lists
from converter.sources.layouts.templates import by_templates
from converter.sources.lists.exchange import check_finished
from converter.sources.lists.files import ListFiles
from converter.sources.names import has_extension
from converter.sources.others import unread_files
from converter.sources.tree import Tree, folder_list, list_tree

_FIRST_GENERAL = next(name for name, rule in RULES.items() if rule.is_general)
_MARKS = tuple(rule.mark for rule in RULES.values() if rule.mark)


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
    pairs = list(layout.refs.values())
    # Of a kind that is read by windows alone, perhaps; all others have the extension of an image.
    used = {ref.image for refs in pairs for ref in refs if not has_extension(ref.image)}
    others = (name for name in tree.files if name not in used)
    images = (ref.image for refs in pairs for ref in refs)
    return replace(layout, unused=(*layout.unused, *unread_files(tree.src, others, tree.outside, images)))


def _find(search: Search) -> Layout:
    """Returns the layout of a tree by the user's options, its lists or the first rule that fits."""
    source, tree = search.source, search.tree
    if source.lists and (listed := chosen_pairs(tree, chosen_files(tree, source))):
        return listed_layout(search, listed)
    if source.image is not None and source.mask is not None:
        return found_layout(search, by_templates(tree, source.image, source.mask))
    if source.layout is not None and source.layout != LIST:
        return found_layout(search, _forced(tree, source.layout))
    near_list = ""
    if not source.lists:
        listed_or_near = pair_lists(search.lists, forced=source.layout == LIST)
        if isinstance(listed_or_near, Listed):
            return listed_layout(search, listed_or_near)
        near_list = listed_or_near
    if source.layout == LIST:
        return listed_layout(search, _forced_list(search, near_list))
    found, near = _first_rule(search, is_last=False)
    if found is None:
        if not source.lists and (similar := similar_lists(search.lists, pair_rules(tree), is_pairs=True)):
            return listed_layout(search, similar)
        found, nearer = _first_rule(search, is_last=True)
        near += nearer
    if found is not None:
        return found_layout(search, found)
    candidates = [text for text in dict.fromkeys((near_list, *near, _inner(tree))) if text]
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


def _first_rule(search: Search, *, is_last: bool) -> tuple[Found | None, list[str]]:
    """Returns what the first rule that fits found, and the near matches of the rules before it.

    Args:
      search: where.
      is_last: tries the rules that are last resorts, instead of all others.

    Raises:
      UsageError: a later rule finds masks that the first one lacks.
    """
    tree = search.tree
    winner: Found | None = None
    near: list[str] = []
    for name, rule in ((name, rule) for name, rule in RULES.items() if rule.is_last == is_last):
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
    return winner, near


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
    return f"it contains no image files{f' ({unnamed_text(tree)})' if tree.unnamed else ''}"
