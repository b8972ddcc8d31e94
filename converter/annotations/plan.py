"""Plan: what all files of annotations hold -> the images and classes of the dataset to write, and the problems."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from converter.annotations.config import MasksConfig
from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture
from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.errors import DataError, UsageError, shown
from converter.limits import MAX_CLASSES
from converter.schema import IGNORE_INDEX
from converter.sources.lists.text import why_unlistable
from converter.sources.names import has_extension, stem_of
from converter.sources.tree import Tree, count_of

DRAWING_VERSION = 1  # of the rules by which masks are drawn: with another one, none that is there is kept
BACKGROUND = "background"
_BACKGROUNDS = frozenset({BACKGROUND, "_background_", "__background__"})
_IGNORED = frozenset({IGNORE_NAME, "__ignore__"})


@dataclass(frozen=True)
class Item:
    """One image of the dataset to write.

    Attributes:
      picture: with its objects.
      image: path of its photograph below jpg/.
      mask: path of its mask below png/.
      digest: of the file that describes it.
    """

    picture: Picture
    image: str
    mask: str
    digest: str


@dataclass(frozen=True)
class Plan:
    """The dataset to write.

    Attributes:
      format: name of the format of the annotations.
      items: its images, in the order of their paths.
      classes: its class map.
      indices: class index of each label.
      problems: of the annotations.
      left_out: number of annotations that are no objects, by what they are.
      warnings: one line each.
      key: what all of it depends on, but the photographs: SHA-256 in hex.
    """

    format: str
    items: tuple[Item, ...]
    classes: ClassMap
    indices: dict[str, int]
    problems: tuple[DataError, ...]
    left_out: Counter[str]
    warnings: tuple[str, ...]
    key: str

    @property
    def has_splits(self) -> bool:
        """Whether the annotations put an image in a split."""
        return any(item.picture.split for item in self.items)


def plan_masks(config: MasksConfig, name: str, documents: Documents, results: Sequence[Found]) -> Plan:
    """Returns the dataset that annotations of a format describe.

    Raises:
      UsageError: no image is described, or more classes than a mask can hold.
    """
    problems = [problem for found in results for problem in found.problems]
    pictures = [(picture, found.digest) for found in results for picture in found.pictures]
    if not pictures and not problems:
        raise UsageError(config.src, "has annotations, but none is of an image", "Pass another --src.", "E_LAYOUT")
    items = _items(pictures, problems)
    names = [each for found in results for each in found.names]
    labels = {label for picture, _ in pictures for label in picture.labels}
    classes, indices = _classes(config, [*names, *sorted(labels)])
    left_out: Counter[str] = Counter()
    for found in results:
        left_out += found.left_out
    if left_out and not labels and not problems:
        what = f"holds nothing that can be drawn, but {', '.join(f'{n:,} x {kind}' for kind, n in left_out.items())}"
        raise UsageError(config.src, what, "Annotate the pixels of objects, such as by polygons.", "E_LAYOUT")
    facts = [DRAWING_VERSION, name, config.order, config.line_width, config.val, classes.names]
    facts += [[item.picture.path, item.image, item.mask, item.picture.split, item.digest] for item in items]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    warnings = (*_unused(documents), *_left_out_files(documents.tree), *_without_annotations(documents.tree, items))
    return Plan(name, items, classes, indices, tuple(problems), left_out, warnings, key)


def _unused(documents: Documents) -> list[str]:
    """Returns a warning for each file of the format that others stand for."""
    fix = "Pass --files with a pattern of the names of those to read."
    return [
        f"W_UNUSED_FILE: {shown(path)}: is not read, as {shown(documents.paths[0])} is. {fix}"
        for path in documents.unused
    ]


def _left_out_files(tree: Tree) -> list[str]:
    """Returns a warning for names that are not UTF-8, and one for links that are not followed."""
    lines = []
    if tree.unnamed:
        what = f"{count_of(len(tree.unnamed), 'name')} here, not in UTF-8, left out"
        lines.append(f"W_NAME_ENCODING: {shown(tree.unnamed[0])}: {what}. Rename them.")
    if tree.outside:
        what = f"{count_of(len(tree.outside), 'link')} out of the source folder, not followed"
        lines.append(f"W_UNREAD_FILES: {shown(min(tree.outside))}: {what}. Pass --follow-links to allow it.")
    return lines


def _without_annotations(tree: Tree, items: Sequence[Item]) -> tuple[str, ...]:
    """Returns the warning that there are photographs without annotations, if there are any."""
    used = {item.picture.path for item in items} | mask_files(items)
    others = [path for path in tree.files if has_extension(path) and path not in used]
    if not others:
        return ()
    are = "more image file has" if len(others) == 1 else "more image files have"
    what = f"{len(others):,} {are} no annotations, and {'is' if len(others) == 1 else 'are'} left out"
    return (f"W_UNMATCHED: {shown(others[0])}: {what}. Annotate what you want to have in the dataset.",)


def _items(pictures: Iterable[tuple[Picture, str]], problems: list[DataError]) -> tuple[Item, ...]:
    """Returns the images to write; one that is described twice, or that no list can name, is a problem."""
    kept: dict[str, tuple[Picture, str]] = {}
    for picture, digest in pictures:
        if why := why_unlistable(picture.label):
            problems.append(DataError(picture.where, f"is of {picture.label}, which {why}", "Rename it.", "E_PATH"))
        elif picture.label in kept:
            other = kept[picture.label][0].where
            what = f"is of {picture.label}, and so is {f'another part of {other}' if other == picture.where else other}"
            problems.append(DataError(picture.where, what, "Keep one of them.", "E_DUPLICATE"))
        else:
            kept[picture.label] = picture, digest
    folder = posixpath.commonpath([posixpath.dirname(path) for path in kept]) if kept else ""
    names = {path: posixpath.relpath(path, folder or ".") for path in sorted(kept)}
    stems = Counter(stem_of(name) for name in names.values())
    items = []
    for path, name in names.items():
        mask = stem_of(name) if stems[stem_of(name)] == 1 else name  # a.jpg and a.png would share a mask
        items.append(Item(kept[path][0], name, f"{mask}.png", kept[path][1]))
    return tuple(items)


def _classes(config: MasksConfig, names: Iterable[str]) -> tuple[ClassMap, dict[str, int]]:
    """Returns the class map of some names, in their order after the background, and the index of each of them."""
    builder = ClassMapBuilder()
    builder.add(BACKGROUND, 0)
    indices: dict[str, int] = {IGNORE_NAME: IGNORE_INDEX}
    number = 0
    for name in dict.fromkeys(names):
        if name.lower() in _BACKGROUNDS:
            indices[name] = 0
        elif name.lower() in _IGNORED:
            indices[name] = IGNORE_INDEX
        else:
            number += 1
            if number < MAX_CLASSES:
                builder.add(name, number)
            indices[name] = number
    if number >= MAX_CLASSES:
        what = f"has {number} classes, and a mask holds {MAX_CLASSES - 1} besides the background"
        raise UsageError(config.src, what, "Merge some of them in the annotation tool.", "E_CLASSES")
    builder.add(IGNORE_NAME, IGNORE_INDEX)
    return builder.finish(), indices


def mask_files(items: Iterable[Item]) -> set[str]:
    """Returns the paths of the mask files that objects are read from."""
    return {path for item in items for path in item.picture.mask_files}
