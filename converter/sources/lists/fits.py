"""List fits: a file that may be a list -> how it is read best, and whether it names files of this source folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converter.errors import UsageError, shown
from converter.sources.lists.files import JSON, USUAL_FOLDERS, ListFile, ListFiles, kind_of
from converter.sources.lists.json_lists import read_json_lists
from converter.sources.lists.resolve import PathRule, Resolved, resolve
from converter.sources.lists.tables import readings
from converter.sources.lists.text import SplitList, read_split_list
from converter.sources.refs import Unused
from converter.sources.tree import Tree, count_of

Rules = Callable[[SplitList], Sequence[PathRule]]
_FIX_NO_MASKS = "Add its masks; without them it cannot be scored."
FIX_FOLDS = "Write train and val instead of the numbers of folds, or pass lists of them with --list."
_FIX_ROWS = "Write train, val or test into their rows."


@dataclass
class Fit:
    """One list, read in the way that finds most files.

    Attributes:
      file: the list.
      parts: what it names, by split; empty if it cannot be read in the way that was asked for.
      left_out: rows that are not used.
      lists: the list of each split as it was read first, without further columns.
    """

    file: ListFile
    parts: dict[str, Resolved] = field(default_factory=dict)
    left_out: list[Unused] = field(default_factory=list)
    lists: dict[str, SplitList] = field(default_factory=dict)
    rules: Rules | None = None

    @property
    def num_found(self) -> int:
        """Number of lines whose files exist."""
        return sum(len(part.found) for part in self.parts.values())

    @property
    def num_lines(self) -> int:
        """Number of lines."""
        return sum(len(part.listed.lines) - part.has_header for part in self.parts.values())

    @property
    def names_image_files(self) -> bool:
        """Whether most lines are two names of image files, existing or not."""
        return any(listed.names_image_files() for listed in self.lists.values())

    @property
    def first_line(self) -> str:
        """Text of the first line."""
        return next((line.text for listed in self.lists.values() for line in listed.lines), "")

    def evidence(self) -> str:
        """Describes how the list was read."""
        return "; ".join(part.evidence() for part in self.parts.values())

    def with_single_names(self) -> Fit:
        """Returns a list without pairs as one of pairs: each of its lines is rejected."""
        rules = self.rules or (lambda listed: ())
        parts = {split: resolve(listed, rules(listed)) for split, listed in self.lists.items()}
        return Fit(self.file, parts, lists=self.lists)


def fit_list(tree: Tree, file: ListFile, rules: Rules, *, is_pairs: bool) -> Fit:
    """Returns a list, read in the way that finds most files.

    Args:
      tree: source folder.
      file: the list.
      rules: for its paths.
      is_pairs: reads two names per line; otherwise one.

    Raises:
      UsageError: it cannot be read, is not UTF-8 text, or is empty.
    """
    fit = Fit(file, rules=rules)
    best: tuple[int, int] | None = None
    for variant in _variants(tree, file):
        fit.lists = fit.lists or dict(variant)
        parts = {split: own for split, own in variant.items() if split and bool(own.separator) == is_pairs}
        if not parts:
            continue
        bare = {split for split, own in parts.items() if is_pairs and not _has_masks(own)}
        done = {split: resolve(own, rules(own), tree.outside) for split, own in parts.items() if split not in bare}
        found = (sum(len(each.found) for each in done.values()), -sum(len(each.rejects) for each in done.values()))
        if best is None or found[0] > best[0]:
            best, fit.parts = found, done
            fit.left_out = [*_left_out(file, variant, bare, is_pairs=is_pairs)]
        if done and not found[1]:
            break
    return fit


def _variants(tree: Tree, file: ListFile) -> Iterator[Mapping[str, SplitList]]:
    """Yields the ways to read a list: the list of each split."""
    path = tree.src / file.path
    if kind_of(file.path) == JSON:
        yield read_json_lists(path, file.path)
        return
    listed = read_split_list(file.split, path, file.path)
    is_plain = bool(listed.separator) and all(len(line.fields) == 2 for line in listed.lines)
    if file.split and is_plain:
        yield {file.split: listed}
    tables = list(readings(listed))
    if file.split and not is_plain and not any(len(variant) > 1 for variant in tables):
        yield {file.split: listed}
    yield from tables


def _has_masks(listed: SplitList) -> bool:
    return any(len(line.fields) > 1 and line.fields[1] for line in listed.lines)


def _left_out(file: ListFile, variant: Mapping[str, SplitList], bare: set[str], *, is_pairs: bool) -> Iterator[Unused]:
    """Yields the rows of a list that are not used."""
    for split, own in variant.items():
        number = len(own.lines)
        if split in bare or (is_pairs and split and not own.separator):
            what = f"{split} is left out, since its {count_of(number, 'line')} name{'s' * (number == 1)} no mask"
            yield Unused("W_UNUSED_LIST", file.path, what, _FIX_NO_MASKS)
        elif not split:
            what = f"has {count_of(number, 'line')} of no known split, from line {own.lines[0].number} on"
            yield Unused("W_UNUSED_LIST", file.path, what, _FIX_ROWS)
        elif own.folds > 1:
            yield Unused("W_FOLDS", file.path, f"puts its lines in {own.folds} folds, which are not used", FIX_FOLDS)


def fitting(tree: Tree, files: Sequence[ListFile], rules: Rules, *, is_pairs: bool) -> list[Fit]:
    """Returns the lists of one split at least half of whose lines name existing files, the best first.

    Raises:
      UsageError: the first has no better name than another, and they disagree.
    """
    found: list[Fit] = []
    for file in files:
        try:
            fit = fit_list(tree, file, rules, is_pairs=is_pairs)
        except UsageError:
            continue  # a text file with another purpose
        if fit.num_found and 2 * fit.num_found >= fit.num_lines:
            found.append(fit)
    for other in found[1:]:
        if found[0].file.ties_with(other.file):
            check_agree(tree.src, found[0], other)
    return found


def check_ties(lists: ListFiles, folder: str, fits: Mapping[str, Fit], rules: Rules, *, is_pairs: bool) -> None:
    """Refuses lists that disagree with others in their folder whose names are as good.

    Raises:
      UsageError: there are such lists.
    """
    for split, own in lists.within(folder, similar=False).items():
        ties = [file for file in own if file.ties_with(own[0])]
        if split in fits and len(ties) > 1:
            fitting(lists.tree, ties, rules, is_pairs=is_pairs)


def check_folders(lists: ListFiles, folder: str, fits: Mapping[str, Fit], rules: Rules, *, is_pairs: bool) -> None:
    """Refuses lists that disagree with those of another folder which is no worse a place.

    Raises:
      UsageError: there are such lists.
    """
    if not folder or folder in USUAL_FOLDERS or "train" not in fits:
        return
    for other in lists.folders():
        own = lists.within(other, similar=False).get("train", [])[:1]
        if other not in ("", folder) and other.count("/") == folder.count("/"):
            for fit in fitting(lists.tree, own, rules, is_pairs=is_pairs):
                check_agree(lists.tree.src, fits["train"], fit, [_all_of(lists, name) for name in (folder, other)])


def _all_of(lists: ListFiles, folder: str) -> str:
    """Returns the options that choose all lists of a folder."""
    best = [(split, own[0].path) for split, own in lists.within(folder, similar=False).items()]
    return " ".join(f"--list {list_argument(lists.tree.src, split, path)}" for split, path in best)


def check_agree(src: Path, one: Fit, other: Fit, ways: Sequence[str] = ()) -> None:
    """Raises UsageError if two lists of a split name different pairs; `ways` are the options that choose each."""
    for split in one.parts.keys() & other.parts.keys():
        if one.parts[split].pairs() == other.parts[split].pairs():
            continue
        images = [fit.parts[split].images() for fit in (one, other)]
        numbers = f"{len(images[0])} and {len(images[1])} images, {len(images[0] & images[1])} of them in both"
        what = f"is a list of {split}, and so is {shown(other.file.path)}, but they disagree ({numbers})"
        ways = ways or [f"--list {list_argument(src, split, fit.file.path)}" for fit in (one, other)]
        fix = f"Choose with {ways[0]}, or with {ways[1]}; give both to join them."
        raise UsageError(src / one.file.path, what, fix, "E_LIST")


def list_argument(src: Path, split: str, path: str) -> str:
    """Returns the value of --list that chooses a list, quoted for a shell."""
    text = str(src / path)
    return shlex.quote(f"{split}={text}" if split else text)
