"""Layout: what lists or a rule found -> the pairs of each split, and what is in no pair."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from converter.config import SourceConfig
from converter.sources.layouts.chosen_lists import chosen_files, chosen_names
from converter.sources.layouts.labelme_json import NAMES, compare_names, names_fix
from converter.sources.layouts.leftover import check_rivals, unused_folders
from converter.sources.layouts.pairing import Found, FoundImage
from converter.sources.layouts.refusal import refusal
from converter.sources.layouts.registry import LIST, RULES
from converter.sources.layouts.split_folders import with_folder_splits
from converter.sources.layouts.split_lists import Listed, by_names, name_rules, pair_rules, similar_lists
from converter.sources.layouts.unpaired import unpaired, with_missing_masks, without_bare_folders
from converter.sources.layouts.unused import folds_as_folders, unused_files, unused_lists
from converter.sources.lists.files import ListFiles
from converter.sources.lists.fits import Rules
from converter.sources.mix_ups import mix_ups
from converter.sources.names import SPLITS
from converter.sources.refs import ExampleRef, Reject, Unused
from converter.sources.tree import Tree, count_of, join, parent_of


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
    refs: Mapping[str, Sequence[ExampleRef]]
    rejects: tuple[Reject, ...] = ()
    unmatched: tuple[str, ...] = ()
    preset: str | None = None
    unused: tuple[Unused, ...] = ()
    class_file: str = ""


@dataclass(frozen=True)
class Search:
    """What a layout is found from: the options of the user, the source folder, and its files that may be lists."""

    source: SourceConfig
    tree: Tree
    lists: ListFiles


def listed_layout(search: Search, listed: Listed) -> Layout:
    """Returns the layout of lists of pairs; its folders are those of the pairs."""
    tree = search.tree
    if search.source.missing_mask != "error":
        _take_without_mask(listed)
    refs = [ref for split in listed.refs.values() for ref in split]
    paired = {path for ref in refs for path in (ref.image, ref.mask)}
    folders = {posixpath.dirname(path) for path in paired}
    there = (join(folder, name) for folder in folders for name in tree.image_files.get(folder, ()))
    unmatched = {path for path in there if path not in paired}
    unmatched -= {reject.error.where for reject in listed.rejects if reject.error.code == "E_NO_MASK"}
    evidence, preset = list(listed.evidence), None
    if fits := _layout_of_pairs(tree, refs):
        evidence.append(f"the files are arranged as in layout {fits.name}")
        preset = fits.preset
    notes, unused = _unused(search, refs, listed, paired, [pair_rules(tree)])
    rejects = tuple(listed.rejects)
    return Layout(LIST, (*evidence, *notes), listed.refs, rejects, tuple(sorted(unmatched)), preset, unused)


def found_layout(search: Search, found: Found) -> Layout:
    """Returns the layout of what a rule found: split by lists of names if there are any, else by folders.

    Raises:
      UsageError: no list chooses, and another folder could be the masks as well; or no pair is of train.
    """
    tree, source = search.tree, search.source
    evidence = list(found.evidence)
    if tree.unnamed:
        evidence.append(unnamed_text(tree))
    if source.missing_mask != "error":
        found = with_missing_masks(found)
    elif found.name == "templates" and "{folder}" in (source.image or ""):
        found = without_bare_folders(found)
    left_out: set[str] = set()
    rejects = list(found.rejects)
    listed = _lists_of(search, found)
    if listed is not None and listed.is_pairs:
        return listed_layout(search, listed)
    unused: tuple[Unused, ...] = ()
    evidence += listed.evidence if listed else ()
    if listed is not None and listed.refs:
        rejects += listed.rejects
        refs = listed.refs
    else:
        if source.layout is None and found.name in RULES and RULES[found.name].is_general:
            check_rivals(tree, found)
        by_word = with_folder_splits(found)
        evidence += by_word.evidence
        refs, without, left_out = _by_folders(tree, by_word.found, evidence)
        rejects += unpaired(tree, without, found.loose, refs)
        unused = by_word.unused
        if refs.keys() == {"train"}:
            unused += tuple(folds_as_folders(source, {posixpath.dirname(ref.image) for ref in refs["train"]}))
    pairs = [ref for split in refs.values() for ref in split]
    if number := sum(not ref.mask for ref in pairs):
        evidence.append(f"{count_of(number, 'image')} without a mask, stored as all {source.missing_mask}")
    rejected = {reject.error.where for reject in rejects}
    known = {image.image for image in found.images} | found.masks
    unmatched = tuple(sorted(known - left_out - rejected - {path for ref in pairs for path in (ref.image, ref.mask)}))
    notes, more = _unused(search, pairs, listed, known | rejected, [pair_rules(tree), name_rules(found)])
    unused += more
    evidence += notes
    return Layout(found.name, tuple(evidence), refs, tuple(rejects), unmatched, found.preset, unused, found.class_file)


def unnamed_text(tree: Tree) -> str:
    """Says how many files are left out since their names are not UTF-8."""
    number = len(tree.unnamed)
    files = "1 file whose name is" if number == 1 else f"{number} files whose names are"
    return f"{files} not UTF-8 {'is' if number == 1 else 'are'} left out"


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
    found += _label_names(search.tree, refs)
    return [each for each in lists if isinstance(each, str)], tuple(found)


def _label_names(tree: Tree, refs: Iterable[ExampleRef]) -> list[Unused]:
    """Returns a warning if label_names.txt next to the masks give a value different names."""
    paths = dict.fromkeys(join(parent_of(ref.mask), NAMES) for ref in refs)
    _, difference = compare_names(tree, (path for path in paths if path in tree.file_set))
    return [Unused("W_LABEL_NAMES", NAMES, f"differ: {difference}", names_fix(tree))] if difference else []


def _layout_of_pairs(tree: Tree, refs: list[ExampleRef]) -> Found | None:
    """Returns what a rule with a preset finds if it finds all pairs of the lists, so that its class map applies.

    Otherwise the lists that `segconv split` writes would change the classes of the dataset.
    """
    for rule in (rule for rule in RULES.values() if rule.has_preset and refs):
        found = rule.find(tree)
        if isinstance(found, Found) and found.preset:
            pairs = {(image.image, image.mask) for image in found.images}
            if all(ref.key in pairs for ref in refs):
                return found
    return None


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
