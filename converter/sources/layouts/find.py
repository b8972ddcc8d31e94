"""Find: a source folder -> its Layout, by its lists, by the first rule that fits, or by the user's options.

Nothing is guessed silently: a layout carries its evidence. If two rules find different masks, or none finds any, the
error lists the near matches and asks the user to choose.
"""

from __future__ import annotations

import contextlib
import difflib
import posixpath
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_INNER
from converter.sources.layouts.labelme_json import FIX_NAMES, NAMES, compare_names
from converter.sources.layouts.leftover import check_rivals, unused_folders
from converter.sources.layouts.pairing import Found, FoundImage
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LAYOUTS, LIST, RULES
from converter.sources.layouts.split_lists import EXPECTED, Listed, by_names, find_lists, pair_lists
from converter.sources.layouts.templates import by_templates
from converter.sources.layouts.tree import Tree, join, list_tree
from converter.sources.layouts.unpaired import unpaired, with_missing_masks
from converter.sources.layouts.unread import unread_folders
from converter.sources.layouts.words import count_of, folder_list, parent_of
from converter.sources.names import SPLITS
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
      rejects: lines of lists that are not a pair, images or masks of the same name, and, where no list chooses,
        images without a mask and masks without an image.
      unmatched: images and masks in the layout's folders that are in no pair, relative to the source folder; those
        that lists leave out, or files that need not be masks.
      preset: class map to use if the source folder has none, such as "voc"; None for none.
      unused: files, lists and folders that are not used, although their names say that they might be.
      class_file: path of the file that names the classes of the layout, relative to the source folder; "" for none.
    """

    name: str
    evidence: tuple[str, ...]
    refs: dict[str, tuple[ExampleRef, ...]]
    rejects: tuple[Reject, ...] = ()
    unmatched: tuple[str, ...] = ()
    preset: str | None = None
    unused: tuple[Unused, ...] = ()
    class_file: str = ""


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
    if source.image is not None and source.mask is not None:
        return _layout(tree, by_templates(tree, source.image, source.mask), source)
    if source.layout is not None and source.layout != LIST:
        return _layout(tree, _forced(tree, source.layout), source)
    listed = pair_lists(tree, forced=source.layout == LIST)
    if isinstance(listed, Listed):
        return _listed_layout(tree, listed, source)
    if source.layout == LIST:
        if listed:
            raise refusal(tree, "does not have layout list", [listed])
        raise UsageError(source.src / "train.txt", "does not exist", EXPECTED, "E_LIST")
    found, near = _first_rule(tree)
    if found is None:
        candidates = [text for text in (*unread_folders(tree), listed, *near, _inner(tree)) if text]
        raise refusal(tree, "has no known layout", candidates or [_contents(tree)])
    if RULES[found.name].is_general and not _is_listed(tree, found):
        check_rivals(tree, found)
    return _layout(tree, found, source)


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
        if winner is not None and rule.is_last:
            break
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


def _listed_layout(tree: Tree, listed: Listed, source: SourceConfig) -> Layout:
    """Returns the layout of pair lists; its folders are those of the pairs."""
    if source.missing_mask != "error":
        _take_without_mask(listed)
    refs = [ref for split in listed.refs.values() for ref in split]
    paired = {path for ref in refs for path in (ref.image, ref.mask)}
    folders = {posixpath.dirname(path) for path in paired}
    unmatched = [
        path
        for folder in folders
        for name in tree.image_files.get(folder, ())
        if (path := join(folder, name)) not in paired
    ]
    unmatched = sorted({*unmatched} - {each.error.where for each in listed.rejects if each.error.code == "E_NO_MASK"})
    evidence, preset = list(listed.evidence), None
    if fits := _layout_of_pairs(tree, refs):
        evidence.append(f"the files are arranged as in layout {fits.name}")
        preset = fits.preset
    unused = (*_label_names(tree, refs), *unused_folders(tree, paired))
    return Layout(LIST, tuple(evidence), listed.refs, tuple(listed.rejects), tuple(unmatched), preset, unused)


def _take_without_mask(listed: Listed) -> None:
    """Makes pairs without a mask of the lines that name no mask, as `segconv split` writes them."""
    for split, refs in listed.refs.items():
        lines = {ref.image: ref for ref in refs}
        for reject in list(listed.rejects):
            image = reject.error.where
            if reject.split == split and reject.error.code == "E_NO_MASK" and image not in lines:  # else named twice
                lines[image] = ExampleRef(split, image, "", reject.list_name, reject.line)
                listed.rejects.remove(reject)
        listed.refs[split] = tuple(sorted(lines.values(), key=lambda ref: ref.line))


def _label_names(tree: Tree, refs: Iterable[ExampleRef]) -> list[Unused]:
    """Returns a warning if label_names.txt next to the masks give a value different names."""
    paths = dict.fromkeys(join(parent_of(ref.mask), NAMES) for ref in refs)
    _, difference = compare_names(tree, (path for path in paths if path in tree.file_set))
    return [Unused("W_LABEL_NAMES", NAMES, f"differ: {difference}", FIX_NAMES)] if difference else []


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


def _layout(tree: Tree, found: Found, source: SourceConfig) -> Layout:
    """Returns the layout of what a rule found: split by lists of names if there are any, else by folders."""
    evidence = list(found.evidence)
    if tree.unnamed:
        evidence.append(_unnamed(tree))
    if source.missing_mask != "error":
        found = with_missing_masks(found)
    left_out: set[str] = set()
    rejects = list(found.rejects)
    listed = by_names(tree, found)
    evidence += listed.evidence if listed else ()
    if listed is not None and listed.refs:
        rejects += listed.rejects
        refs = listed.refs
    else:
        refs, without, left_out = _by_folders(tree, found, evidence)
        rejects += unpaired(tree, without, found.loose, refs)
    pairs = [ref for split in refs.values() for ref in split]
    if number := sum(not ref.mask for ref in pairs):
        evidence.append(f"{count_of(number, 'image')} without a mask, stored as all {source.missing_mask}")
    known = {image.image for image in found.images} | found.masks
    rejected = {reject.error.where for reject in rejects}
    left_out |= {path for ref in pairs for path in (ref.image, ref.mask)} | rejected
    unused = (*_label_names(tree, pairs), *unused_folders(tree, known | rejected))
    unmatched = tuple(sorted(known - left_out))
    return Layout(found.name, tuple(evidence), refs, tuple(rejects), unmatched, found.preset, unused, found.class_file)


def _by_folders(
    tree: Tree, found: Found, evidence: list[str]
) -> tuple[dict[str, tuple[ExampleRef, ...]], list[FoundImage], set[str]]:
    """Returns the pairs of each split by their folders, the images without a mask, and those of splits without any."""
    splits: defaultdict[str, list[ExampleRef]] = defaultdict(list)
    without: defaultdict[str, list[FoundImage]] = defaultdict(list)
    images = sorted(found.images, key=lambda image: image.image)
    with_masks = {image.split or "train" for image in images if image.mask}
    for image in images:
        split = image.split or "train"
        if image.mask is None or split not in with_masks:
            without[split].append(image)
        else:
            splits[split].append(ExampleRef(split, image.image, image.mask))
    if "train" not in splits:
        raise refusal(tree, f"has pairs of {' and '.join(splits)}, but none of train", list(evidence))
    if not any(image.split for image in images if image.mask):
        evidence.append("no split: all pairs are train; `segconv split` makes lists")
    left_out: set[str] = set()
    for split in SPLITS:
        if split in without and split not in splits:
            evidence.append(f"{split} is left out: none of its {len(without[split])} images has a mask")
            left_out |= {image.image for image in without[split]}
    single = [image for split in splits for image in without[split]]
    return {split: tuple(splits[split]) for split in SPLITS if split in splits}, single, left_out
