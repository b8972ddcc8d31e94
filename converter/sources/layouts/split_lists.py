"""Split lists: the lists of a source folder -> pairs of the files that they name, or of images that a rule found."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from converter.errors import DataError, UsageError
from converter.limits import MAX_DROP, MAX_LIST_FOLDERS
from converter.sources.layouts.pairing import Found
from converter.sources.layouts.tree import Tree
from converter.sources.layouts.words import IMAGE_WORDS, MASK_WORDS, SIBLING_TAILS
from converter.sources.lists import SplitList, read_split_list
from converter.sources.names import SPLITS, Names, split_of
from converter.sources.refs import ExampleRef, Reject
from converter.sources.resolve import PathRule, Resolved, resolve
from converter.system.files import resolve_inside

LIST_TYPES = (".txt", ".csv", ".tsv", ".lst")  # if a split has two lists, the first type is used
EXPECTED = "Expected train.txt and val.txt next to jpg/ and png/ (val.txt may have its own val_jpg/ and val_png/)."


@dataclass
class Listed:
    """Pairs of a source folder by its lists: refs by split, lines that are not a pair, and how the lists were read."""

    refs: dict[str, tuple[ExampleRef, ...]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)


def find_lists(tree: Tree, folder: str) -> dict[str, str]:
    """Returns the path of each split's list in a folder, train first.

    Raises:
      UsageError: one is a link out of the source folder.
    """
    found: dict[str, str] = {}
    both: str | None = None
    start = f"{folder}/" if folder else ""
    names = [name.removeprefix(start) for name in (*tree.files, *tree.outside) if name.startswith(start)]
    for kind in LIST_TYPES:
        for name in sorted(name for name in names if "/" not in name and name.lower().endswith(kind)):
            stem = name[: -len(kind)]
            split = "train" if stem.lower() == "default" and folder else split_of(stem)
            if split:
                found.setdefault(split, start + name)
            elif stem.lower() == "trainval":
                both = both or start + name
    if both and "train" not in found:
        found["train"] = both
    for name in tree.outside.intersection(found.values()):
        try:
            resolve_inside(tree.src, name)
        except DataError as error:
            raise UsageError(tree.src / name, error.what, error.fix, error.code) from None
    return {split: found[split] for split in SPLITS if split in found}


def read_lists(tree: Tree, names: dict[str, str]) -> list[SplitList]:
    """Reads the lists that `find_lists` found."""
    return [read_split_list(split, tree.src / name, name) for split, name in names.items()]


def pair_lists(tree: Tree, *, forced: bool = False) -> Listed | str:
    """Returns the pairs of lists whose lines name two files; else a clause that describes a near match.

    Args:
      tree: source folder.
      forced: uses the lists even if none of their pairs exists.

    Raises:
      UsageError: there is a list but no train.txt, or a list cannot be read.
    """
    near = ""
    for folder in _list_folders(tree):
        names = find_lists(tree, folder)
        try:
            lists = read_lists(tree, names)
        except UsageError:
            if folder:
                continue  # a text file with another purpose
            raise
        pairs = [listed for listed in lists if listed.separator]
        done = [resolve(listed, _pair_rules(tree, listed), tree.outside) for listed in pairs]
        is_declared = not folder and any(listed.names_image_files() for listed in pairs) and _has_folders(tree)
        if not (any(each.found for each in done) or is_declared or (forced and pairs)):
            near = near or "; ".join(f"{each.evidence()}: none of its pairs exists" for each in done)
            continue
        if "train" not in names:
            raise UsageError(tree.src / folder / "train.txt", "does not exist", EXPECTED, "E_LIST")
        singles = [resolve(listed, _pair_rules(tree, listed), tree.outside) for listed in lists if not listed.separator]
        return _in_order([*done, *singles])
    return near


def _list_folders(tree: Tree) -> list[str]:
    """Returns the folders with a file named like a train list, the source folder first."""
    found = {""}
    for name in tree.files:
        folder, _, base = name.rpartition("/")
        stem, dot, kind = base.rpartition(".")
        if dot + kind.lower() in LIST_TYPES and split_of(stem) == "train":
            found.add(folder)
    return sorted(found, key=lambda name: (name.count("/") + bool(name), name))[:MAX_LIST_FOLDERS]


def _has_folders(tree: Tree) -> bool:
    """Returns whether there are folders of images and of masks, by their names."""
    top = {name.lower() for name in tree.folders}
    return bool(top.intersection(IMAGE_WORDS)) and bool(top.intersection(MASK_WORDS))


def _in_order(done: Sequence[Resolved]) -> Listed:
    listed = Listed()
    for each in sorted(done, key=lambda each: SPLITS.index(each.listed.split)):
        listed.refs[each.listed.split] = tuple(each.refs())
        listed.rejects += each.rejects
        listed.evidence.append(each.evidence())
    return listed


def _pair_rules(tree: Tree, listed: SplitList) -> list[PathRule]:
    """Returns the possible rules for the paths of a pair list, the most likely first."""
    home = posixpath.dirname(listed.name)
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


def by_names(tree: Tree, found: Found) -> Listed | None:
    """Returns the pairs of a rule that lists of names select; None if there are no such lists.

    Splits whose images all lack masks are left out.

    Raises:
      UsageError: a list of the layout names none of the images, or there is a list but none for train.
    """
    rules = _name_rules(found)
    listed = Listed()
    for folder in dict.fromkeys((*found.list_folders, *_list_folders(tree))):
        names = find_lists(tree, folder)
        is_own = folder in found.list_folders and found.name != "templates"
        for split_list in _read_if(tree, names, is_own=is_own):
            done = resolve(split_list, _dropping(rules, split_list), tree.outside) if not split_list.separator else None
            if done is not None and done.found:
                _select(listed, done, found)
            elif is_own and split_list.name.endswith(".txt"):
                what = f"names none of the images of layout {found.name}, from {split_list.lines[0].text!r} on"
                fix = "Fix or remove the list, or say with --image and --mask where the files are."
                raise UsageError(tree.src / split_list.name, what, fix, "E_LIST")
            else:
                listed.evidence.append(f"{split_list.name} is not a list of these images")
        if listed.refs and "train" not in listed.refs:
            fix = "A dataset needs a list of its training pairs."
            raise UsageError(tree.src / folder / "train.txt", "does not exist", fix, "E_LIST")
        if listed.refs:
            return listed
    return listed if listed.evidence else None


def _read_if(tree: Tree, names: dict[str, str], *, is_own: bool) -> list[SplitList]:
    """Reads the lists; returns none if one cannot be read in a folder that need not have lists."""
    try:
        return read_lists(tree, names)
    except UsageError:
        if is_own:
            raise
        return []


def _select(listed: Listed, done: Resolved, found: Found) -> None:
    """Adds the pairs that one list of names selects."""
    masks = {image.image: image.mask for image in found.images}
    split = done.listed.split
    listed.evidence.append(done.evidence())
    if not any(masks[meanings[0]] for _, meanings in done.found):
        listed.evidence.append(f"{split} is left out: none of its images has a mask")
        return
    listed.refs[split] = tuple(done.refs(masks))
    listed.rejects += done.rejects


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
