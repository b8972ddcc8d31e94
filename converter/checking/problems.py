"""Problems: the facts of a dataset's pairs -> all problems, grouped, each with a fix.

No file is read here; their contents come in as PairFacts. A code that begins with E_ would stop a build; one that
begins with W_ is worth a look before a day of training.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from converter.checking.facts import DatasetFacts, is_binary, levels_between
from converter.checking.resplit import command_of
from converter.checking.split_source import is_made_by_split
from converter.checking.survey import PairFacts
from converter.classes.drafts import draft_command, taking
from converter.config import TileConfig, source_options
from converter.errors import DataError, shown
from converter.limits import MAX_CLOSEST_UNMATCHED, MAX_LIKES_UNMATCHED
from converter.pixels.masks import MaskValue
from converter.schema import IGNORE_INDEX
from converter.sources.duplicates import near_duplicates
from converter.sources.layouts.folds import FOLDS
from converter.sources.leaks import FIX_REPEAT, Leak, name_leaks, place_of, repeated_content, same_content
from converter.sources.names import numbers_in
from converter.sources.refs import ExampleRef

RARE_SHARE, DOMINANT_SHARE = 0.001, 0.99  # of the labelled pixels: beyond these it is hard to learn, or all there is
MASK_SHARE = 0.1  # of the pixels have listed values even in a mask damaged by JPEG; in a photograph almost none do
SHRUNK = 8  # times the stored size, along the shorter side: a thing of eight pixels becomes one
_SHOWN_VALUES = 3  # of the unlisted values of a mask, most frequent first
_NO_PARTNER = frozenset({"E_NO_MASK", "E_NO_IMAGE"})
_SWAPS_SIDES = frozenset({5, 6, 7, 8})  # EXIF orientations that swap height and width


@dataclass(frozen=True)
class Problem:
    """One kind of problem and all its places.

    Attributes:
      code: stable identifier, such as E_MASK_VALUE or W_NEAR_DUPLICATE; data/README.md lists them.
      severity: "error" or "warning".
      fix: one sentence that says what to do.
      places: (where, what) of each place, in the order of the lists; where is list and line, or a file.
    """

    code: str
    severity: str
    fix: str
    places: tuple[tuple[str, str], ...]


class _ProblemList:
    """Collects problems, grouped by code and fix, in the order of their first place."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], list[tuple[str, str]]] = {}

    def add(self, code: str, fix: str, where: str, what: str) -> None:
        self.groups.setdefault((code, fix), []).append((where, what))

    def problems(self) -> tuple[Problem, ...]:
        """Returns the groups, errors first."""
        found = [
            Problem(code, "error" if code.startswith("E_") else "warning", fix, tuple(places))
            for (code, fix), places in self.groups.items()
        ]
        return tuple(sorted(found, key=lambda problem: problem.severity))


def find_problems(dataset: DatasetFacts) -> tuple[Problem, ...]:
    """Returns all problems in a dataset, errors first."""
    collected = _ProblemList()
    _class_map(dataset, collected)
    _invalid_pairs(dataset, collected)
    _duplicates(dataset, collected)
    _unmatched(dataset, collected)
    for unused in (*dataset.layout.unused, *(dataset.found.warnings if dataset.found else ())):
        collected.add(unused.code, unused.fix, unused.where, unused.what)
    _mask_values(dataset, collected)
    if not dataset.windowed:  # of which no pixel was counted
        _balance(dataset, collected)
    _orientation(dataset, collected)
    _shrunk(dataset, collected)
    for ref in dataset.windowed:
        fix = "A build reads it by windows, and refuses the tiles with unlisted values."
        collected.add("W_WINDOWS", fix, place_of(ref), f"{shown(ref.image)} is too large to be checked as a whole")
    if not dataset.layout.refs.get("val") and all(unused.code != FOLDS for unused in dataset.layout.unused):
        _no_val(dataset, collected)
    return collected.problems()


def _shrunk(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds that photographs lose most of their detail, with the command that cuts them into tiles instead."""
    pair, config = dataset.config.pair, dataset.config
    sizes = sorted((facts.image_size for facts in dataset.facts if facts.image_size), key=math.prod)
    if not sizes or pair.size is None or pair.fit == "tile":
        return
    height, width = sizes[len(sizes) // 2]
    factor = min(height, width) / max(pair.size)
    if factor < SHRUNK:
        return
    stored = f"{pair.size[0]}x{pair.size[1]}"
    overlap = "" if TileConfig().overlap < min(pair.size) else f" --overlap {min(pair.size) // 8}"
    command = f"segconv build {source_options(config.source, pair.tolerance)} --fit tile --size {stored}{overlap}"
    what = f"has photographs of {height}x{width} pixels, of which {stored} are stored: small things are lost"
    fix = f"To keep all of them, cut the photographs into tiles: `{command}`."
    collected.add("W_SHRUNK", fix, str(config.source.src), what)


def _no_val(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds that there is no val split, with a fix that works: it is the next command too."""
    fix = f"Make train and val lists: {command_of(dataset)}"
    if dataset.split_refusal:
        fix = f"`segconv split` would refuse this dataset: {dataset.split_refusal}"
    collected.add("W_NO_VAL", fix, str(dataset.config.source.src), "has no val split, so nothing is validated")


def _class_map(dataset: DatasetFacts, collected: _ProblemList) -> None:
    error = dataset.class_error
    if error is None:
        return
    explained = "; the masks hold only 0 and 255: background and foreground, not ignore" if is_binary(dataset) else ""
    fix = error.fix
    if error.what.startswith("does not exist"):
        if dataset.instances:  # of which no class map is drafted
            fix = "The values of the masks are no classes: see W_INSTANCES."
        elif dataset.draft and dataset.draft.preset:
            fix += f" Or {taking(dataset.draft.preset, dataset.config.source)}."
    collected.add("E_CLASSES", fix, error.where, error.what + explained)


def _invalid_pairs(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds every error for which a build would refuse a pair, in the order of the lists."""
    splits = list(dataset.layout.refs)
    found: list[tuple[int, int, str, DataError]] = []
    for reject in dataset.layout.rejects:
        order = splits.index(reject.split) if reject.split in splits else len(splits)
        found.append((order, reject.line, reject.list_name, reject.error))
    for facts in dataset.facts:
        errors = [facts.error] if facts.error else []
        for error in (*errors, *facts.further, *_value_errors(dataset, facts)):
            found.append((splits.index(facts.ref.split), facts.ref.line, facts.ref.list_name, error))
    found.sort(key=lambda item: item[:2])
    alone = [error.where for _, _, _, error in found if error.code in _NO_PARTNER]
    unmatched = _NameIndex((*dataset.layout.unmatched, *alone))
    searches = 0
    for _, line, list_name, error in found:
        what = error.what
        if error.code == "E_MISSING" and "closest" not in what and searches < MAX_CLOSEST_UNMATCHED:
            searches += 1
            what += unmatched.closest(error.where)
        where, what = (f"{list_name}:{line}", f"{shown(error.where)} {what}") if list_name else (error.where, what)
        collected.add(error.code, error.fix, where, what)


def _value_errors(dataset: DatasetFacts, facts: PairFacts) -> Iterator[DataError]:
    """Yields the error for a mask whose values a build would refuse."""
    if dataset.found is None:
        return
    unlisted = []
    for value, count in facts.values:
        index = dataset.index_of(value)
        if isinstance(index, str):
            fix = "List the numbers that the file holds in the class map, or save the mask as 8-bit grey or RGB."
            yield DataError(facts.ref.mask, index, fix, "E_MASK_VALUE")
            return
        if index is None:
            unlisted.append((value, count))
    others = facts.other_values if dataset.found.classes.default is None else 0
    number = len(unlisted) + others
    if not number:
        return
    texts = [_describe(dataset, value, count) for value, count in unlisted[:_SHOWN_VALUES]]
    more = f" and {number - len(texts)} more" if number > len(texts) else ""
    what = f"holds {number} unlisted value{'s' if number > 1 else ''}: {'; '.join(texts)}{more}"
    fix = _value_fix(dataset, facts, [value for value, _ in unlisted])
    yield DataError(facts.ref.mask, what, fix, "E_MASK_VALUE")


def _value_fix(dataset: DatasetFacts, facts: PairFacts, unlisted: Sequence[MaskValue]) -> str:
    """Returns the fix for a mask with unlisted values, most frequent first."""
    if dataset.greyed:
        return "These masks are the class map converted to grey, or the reverse: see W_GREYED."
    if facts.other_values:
        listed = sum(count for value, count in facts.values if isinstance(dataset.index_of(value), int))
        is_mask = listed >= MASK_SHARE * (facts.other_pixels + sum(count for _, count in facts.values))
        return dataset.blend_fix if is_mask else "Put the class mask there: this file looks like a photograph."
    if unlisted[0] not in dataset.unlisted_strays:  # an unlisted class has more pixels than its edges
        return dataset.add_fix
    is_near = all(dataset.unlisted_strays.get(value, 256) <= dataset.reach for value in unlisted)
    return _take(dataset) if is_near else dataset.blend_fix


def _take(dataset: DatasetFacts) -> str:
    if dataset.is_two_levels:
        return f"Pass --tolerance {dataset.tolerance}, which splits at 128: exactly `mask > 127`."
    return f"Pass --tolerance {dataset.tolerance} to map damaged colours to the nearest listed one."


def _describe(dataset: DatasetFacts, value: MaskValue, count: int) -> str:
    """Returns a value with its count and the nearest class: "12 (345 pixels, nearest: 'road' 11)"."""
    nearest = dataset.nearest(value)
    pixels = f"{count} pixel{'s' if count > 1 else ''}"
    if nearest is None or dataset.found is None:
        return f"{value} ({pixels})"
    color, index = nearest
    text = "#{:02X}{:02X}{:02X}".format(*color) if value.mode in ("RGB", "P") else str(color[0])
    return f"{value} ({pixels}, nearest: {dataset.found.classes.name_of(index)!r} {text})"


def _duplicates(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds images that occur more than once in a dataset."""
    pairs = [ref for refs in dataset.layout.refs.values() for ref in refs]
    known = [(facts.ref, facts.digest) for facts in dataset.facts if facts.digest]
    leaks: list[Leak] = [*name_leaks(pairs), *same_content(known)]
    code = "W_LEAK" if dataset.config.allow_leak else "E_LEAK"
    for leak in sorted(leaks, key=lambda leak: (list(dataset.layout.refs).index(leak.ref.split), leak.ref.line)):
        collected.add(code, "Remove each from one of the splits, or pass --allow-leak.", place_of(leak.ref), leak.what)
    for repeat in repeated_content(known):
        collected.add("W_DUPLICATE", FIX_REPEAT, place_of(repeat.ref), repeat.what)
    for i, j in near_duplicates([facts.thumbnail for facts in dataset.facts]):
        one, two = dataset.facts[i], dataset.facts[j]
        if one.ref.split != two.ref.split and one.digest != two.digest:
            what = f"{shown(two.ref.image)} looks like {shown(one.ref.image)} ({place_of(one.ref)})"
            collected.add("W_NEAR_DUPLICATE", _apart_fix(dataset, one, two), place_of(two.ref), what)


def _apart_fix(dataset: DatasetFacts, *pair: PairFacts) -> str:
    """Returns the fix for two similar images in different splits."""
    if any(facts.ref.split == "test" for facts in pair):  # which `segconv split` leaves as it is
        return "Compare the two, and remove one from its split if they show the same."
    return f"Compare the two. This keeps such images in the same split: {command_of(dataset)}"


def _unmatched(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds the files of the layout's folders that are in no pair, each with the closest name."""
    missing = [facts.error.where for facts in dataset.facts if facts.error and facts.error.code == "E_MISSING"]
    missing += [reject.error.where for reject in dataset.layout.rejects if reject.error.code == "E_MISSING"]
    wanted, unmatched = _NameIndex(missing), _NameIndex(dataset.layout.unmatched)
    for number, name in enumerate(dataset.layout.unmatched):
        close = ""
        if number < MAX_CLOSEST_UNMATCHED:
            close = wanted.closest(name) or unmatched.closest(name, is_partner=True)
        collected.add("W_UNMATCHED", "Add it to a list, rename it, or leave it.", name, f"is in no pair{close}")


class _NameIndex:
    """Finds the file that a misspelt name may mean; its name has the same numbers."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_numbers: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            self._by_numbers.setdefault(numbers_in(PurePosixPath(name).name), []).append(name)

    def closest(self, name: str, *, is_partner: bool = False) -> str:
        """Returns "; closest: ..." with the file of the closest name, extension aside; "" where none is close.

        Args:
          name: path of a file.
          is_partner: searches all other folders, not that of the file.
        """
        path = PurePosixPath(name)
        candidates: dict[str, str] = {}
        for other in map(
            PurePosixPath, self._by_numbers.get(numbers_in(PurePosixPath(name).name), ())[:MAX_LIKES_UNMATCHED]
        ):
            if (other.parent != path.parent) == is_partner and other != path:
                candidates.setdefault(other.stem.lower(), str(other))
        close = difflib.get_close_matches(path.stem.lower(), candidates, 1, 0.7)
        return f"; closest: {shown(candidates[close[0]])}" if close else ""


def _mask_values(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds values that look damaged or converted to grey, or are instances, and masks that are almost empty."""
    _edges(dataset, collected)
    if dataset.instances:
        collected.add("W_INSTANCES", dataset.instances[1], "masks", dataset.instances[0])
    if dataset.greyed and dataset.found:
        command = draft_command(dataset.config.source.without_classes())
        fix = f"Use the original masks, or list the values that the masks hold: `{command}`."
        collected.add("W_GREYED", fix, dataset.found.origin, dataset.greyed)
    if dataset.found and is_binary(dataset):
        _binary(dataset, collected)
    for facts in dataset.facts:
        if not facts.values or facts.other_values:
            continue
        indices = {dataset.index_of(value) for value, _ in facts.values}
        classes = indices - {IGNORE_INDEX}
        if dataset.found is None:
            text = f"holds only {facts.values[0][0]}" if len(facts.values) == 1 else ""
        elif not classes:
            text = "is all ignore"
        else:
            index = next(iter(classes))
            is_single = len(classes) == 1 and isinstance(index, int) and dataset.found.classes.num_classes > 1
            text = f"holds only {dataset.found.classes.name_of(index)!r}" if is_single else ""  # type: ignore[arg-type]
        if text:
            where, what = _at(facts.ref, facts.ref.mask, text)
            collected.add("W_EMPTY_MASK", "Check whether the mask is finished.", where, what)


def _at(ref: ExampleRef, name: str, what: str) -> tuple[str, str]:
    """Returns (where, what) for one file of a pair."""
    return (place_of(ref), f"{shown(name)} {what}") if ref.list_name else (name, what)


def _edges(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds rare values near a frequent one."""
    totals = dataset.totals
    all_pixels = sum(total.pixels for total in totals.values())
    if unlisted := dataset.unlisted_strays:
        reach = max(levels_between(value.color, dataset.strays[value].color) for value in unlisted)
        share = sum(totals[value].pixels for value in unlisted) / all_pixels
        number = f"{len(unlisted)} rare values" if len(unlisted) > 1 else "a rare value"
        near = f"within {reach} levels of a frequent one: blended or JPEG-damaged edges"
        is_near = max(unlisted.values()) <= dataset.reach
        fix = _take(dataset) if is_near else dataset.blend_fix
        collected.add("W_EDGE", fix, "masks", f"{number}, {share:.2%} of the pixels, {near}")
    for value, frequent in dataset.strays.items():
        own, theirs = dataset.listed_index_of(value), dataset.listed_index_of(frequent)
        if dataset.found and own is not None and theirs is not None and own not in (theirs, IGNORE_INDEX):
            name, other = dataset.found.classes.name_of(own), dataset.found.classes.name_of(theirs)
            what = f"{value} has {totals[value].pixels} pixels and is next to {frequent}, {other!r}: a damaged edge?"
            fix = "Give both the same name, or remove the rare one and pass --tolerance."
            if dataset.found.is_by_place:
                fix = f"Write the values out and give both the same name there: `{dataset.draft_command}`."
            collected.add("W_RARE_VALUE", fix, f"class {name!r}", what)


def _binary(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds a class map that ignores 255 where the masks hold only 0 and 255."""
    white = {dataset.index_of(value) for facts in dataset.facts for value, _ in facts.values if value.color[0] == 255}
    if dataset.found and white == {IGNORE_INDEX}:
        what = "maps 255 to ignore, and the masks hold only 0 and 255: only one class is left to learn"
        collected.add("W_BINARY", "Give 255 a class name, such as foreground,255.", dataset.found.origin, what)


def _balance(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds classes that are rare, dominant, or absent from a split."""
    if dataset.found is None or not any(facts.values for facts in dataset.facts):
        return
    classes = dataset.found.classes
    totals: Counter[int] = sum(dataset.pixels.values(), Counter())
    labelled = sum(totals[index] for index in range(classes.num_classes)) or 1
    read = {facts.ref.split for facts in dataset.facts}
    for index, name in enumerate(classes.names):
        where, share = f"class {name!r}", totals[index] / labelled
        present = [split for split in dataset.pixels if dataset.pixels[split][index]]
        if not present:
            fix = "Remove it from the class map, or correct its value."
            if dataset.found.is_by_place:  # without its line, each later class would have the name of the next one
                fix = f"Leave it: the place of a line is its value. `{dataset.draft_command}` writes the values out."
            collected.add("W_ABSENT_CLASS", fix, where, "never occurs")
            continue
        if "train" not in present and "train" in read:
            collected.add("W_ABSENT_CLASS", _spread(dataset, index), where, f"occurs in {present[0]}, but not in train")
        elif "val" not in present and "val" in read:
            collected.add(
                "W_ABSENT_CLASS", _spread(dataset, index), where, "does not occur in val, so it is not evaluated"
            )
        if share < RARE_SHARE:
            what = f"has {share:.3%} of the labelled pixels"
            collected.add("W_IMBALANCE", "Consider `segconv train --class-weights enet`.", where, what)
        elif share > DOMINANT_SHARE and classes.num_classes > 1:
            what = f"has {share:.2%} of the labelled pixels: a model that predicts only this class would score well"
            collected.add("W_IMBALANCE", "Consider `segconv train --class-weights enet`.", where, what)


def _spread(dataset: DatasetFacts, index: int) -> str:
    """Returns the fix for a class that is absent from train or val."""
    holders = [
        facts.ref.image
        for facts in dataset.facts
        if facts.ref.split != "test" and any(dataset.index_of(value) == index for value, _ in facts.values)
    ]
    if is_made_by_split(dataset.config.source.src, "train"):  # which has done what it can
        return "Add images of this class."
    if len(set(holders)) < 2 or dataset.split_refusal:
        return f"Add images of this class: {len(set(holders))} of train and val show it."
    return f"Spread its images over the splits: {command_of(dataset)}"


def _orientation(dataset: DatasetFacts, collected: _ProblemList) -> None:
    """Adds images with an EXIF orientation, and whether each is rotated."""
    for facts in dataset.facts:
        if facts.orientation == 1 or facts.image_size is None or facts.error:
            continue
        text = f"EXIF orientation {facts.orientation}"
        is_certain = facts.orientation in _SWAPS_SIDES and facts.image_size[0] != facts.image_size[1]
        if not facts.turned:
            what, fix = f"is left as stored: the mask fits it without {text}", "Check one of them."
        elif is_certain:
            what, fix = f"is rotated by {text}: the mask fits it so", "Nothing to do."
        else:
            what, fix = f"is rotated by {text}; the sizes do not show whether the mask is", "Check one of them."
        where, what = _at(facts.ref, facts.ref.image, what)
        collected.add("W_TURNED", fix, where, what)
