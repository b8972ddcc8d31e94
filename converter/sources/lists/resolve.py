"""Resolve: the lines of a split list and the names of the existing files -> ExampleRefs.

One path rule holds for the whole list; a line that does not fit it is rejected by its number.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from converter.errors import DataError, UsageError, shown
from converter.limits import MAX_CLOSEST, MAX_LINE_CHARS, MAX_REFUSED_LINES
from converter.sources.lists.text import HEADER, Line, SplitList
from converter.sources.names import Names
from converter.sources.refs import ExampleRef, Reject

_FIX_LINE = "Write image.jpg;mask.png, with the separator of the other lines."
_FIX_COLUMNS = "Fill in its columns, or remove the line."
_UNUSUAL = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\\|\0|^[A-Za-z]:/")


@dataclass(frozen=True)
class PathRule:
    """How the paths of a list are read.

    Attributes:
      text: description, such as "paths below jpg/ and png/".
      names: the files that they can refer to.
      bases: folder that each field is relative to; "" for none.
      drop: number of leading folders that are dropped; with any, a path may be absolute.
      climbs: lets a path leave its base with `..`, though never the source folder.
    """

    text: str
    names: Names
    bases: tuple[str, ...]
    drop: int = 0
    climbs: bool = False

    def path(self, number: int, name: str) -> str:
        """Returns the path that field `number` of a line refers to; "" if nothing is left of it.

        A leading slash means the source folder, in a rule without a base. A file that has exactly this name is meant
        even if it has a backslash in it or looks like a drive of Windows.

        Raises:
          DataError: it leaves the source folder.
        """
        if not self.drop and not _UNUSUAL.search(name):  # nearly all; splitting them would double the time of a list
            return f"{base}/{name}" if (base := self.bases[number]) else name
        if not self.drop and self.names.has(literal := f"{self.bases[number]}/{name}".lstrip("/")):
            return literal
        plain = name.replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        is_absolute = plain.startswith("/") or re.match(r"[A-Za-z]:/", plain) is not None
        base = self.bases[number]
        is_absolute = is_absolute and not (plain.startswith("/") and not base)
        if self.climbs and ".." in parts and not is_absolute:
            parts = posixpath.normpath("/".join([base, *parts])).split("/")
            base = ""
        parts = parts[self.drop :]
        if "\0" in name or ".." in parts or (is_absolute and not self.drop):
            what = "is not a path" if "\0" in name else "leaves the source folder"
            raise DataError(name, what, "Write a path below the source folder.", "E_PATH")
        return "/".join([base, *parts] if base and parts else parts)

    def num_found(self, listed: SplitList) -> tuple[int, int]:
        """Returns the number of lines whose names are all found, and the number of names that are."""
        lines = names = 0
        for line in listed.lines:
            if len(line.fields) == len(self.bases):
                number = sum(self._finds(column, name) for column, name in enumerate(line.fields))
                lines += number == len(self.bases)
                names += number
        return lines, names

    def _finds(self, number: int, name: str) -> bool:
        try:
            return self.names.find(self.path(number, name)) is not None
        except DataError:
            return False


@dataclass
class Resolved:
    """A list, resolved.

    Attributes:
      listed: the list.
      rule: how its paths were read.
      found: what each name of a line refers to, of those that are a pair.
      numbers: of these lines, in the list.
      blocks: (top, left, height, width) by place in `found`, of those that name a block of an image.
      rejects: lines that are not a pair.
      found_by: number of names found in a different case ("case") or without their extension ("extension").
      has_header: whether the first line is a header.
    """

    listed: SplitList
    rule: PathRule
    found: list[tuple[str, ...]] = field(default_factory=list)
    numbers: array[int] = field(default_factory=lambda: array("L"))
    blocks: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    found_by: Counter[str] = field(default_factory=Counter)
    has_header: bool = False

    def evidence(self) -> str:
        """Describes in one clause how the list was read."""
        count = len(self.listed.lines) - self.has_header
        clauses = [
            f"{self.listed.name}: {count} line{'s' * (count != 1)}",
            self.listed.separator_text(),
            self.rule.text,
        ]
        if self.has_header:
            clauses.append("its first line names the columns")
        for how, text in (("case", "found in a different case"), ("extension", "given without extension")):
            if number := self.found_by[how]:
                clauses.append(f"{number} name{' was' if number == 1 else 's were'} {text}")
        return ", ".join(clauses)

    def images(self) -> set[str]:
        """Returns the images that the list names."""
        return {meanings[0] for meanings in self.found}

    def pairs(self) -> set[tuple[str, ...]]:
        """Returns the files that the lines name, image first."""
        return set(self.found)

    def reject(self, number: int, error: DataError) -> None:
        """Adds a line that is not a pair, by its number; UsageError where more than MAX_REFUSED_LINES are not."""
        if len(self.rejects) >= MAX_REFUSED_LINES:
            what = f"has more than {MAX_REFUSED_LINES:,} lines that are no pair, such as line {number}: {error.what}"
            raise UsageError(self.listed.name, what, "Fix its paths.", "E_LIST")
        self.rejects.append(Reject(self.listed.split, error, self.listed.name, number))

    def refs(self, mask_of: Mapping[str, str | None] | None = None) -> list[ExampleRef]:
        """Returns the pairs; a list with one name per line needs `mask_of`, image -> mask.

        Lines whose image has no mask are rejected.
        """
        refs = []
        for place, (number, meanings) in enumerate(zip(self.numbers, self.found, strict=True)):
            mask = meanings[1] if mask_of is None else mask_of[meanings[0]]
            if mask is None:
                fix = "Put its mask there, or remove the line from the list."
                error = DataError(meanings[0], "has no mask", fix, "E_MISSING")
                self.reject(number, error)
            else:
                ref = ExampleRef(self.listed.split, meanings[0], mask, self.listed.name, number)
                refs.append(_with_block(ref, self.blocks.get(place)))
        self.rejects.sort(key=lambda reject: reject.line)
        return refs


def _with_block(ref: ExampleRef, block: tuple[int, int, int, int] | None) -> ExampleRef:
    if block is None:
        return ref
    from converter.pixels.geometry import Box  # loads NumPy, which most lists do not need

    return replace(ref, window=Box(*block))


def resolve(listed: SplitList, rules: Sequence[PathRule], outside: Collection[str] = ()) -> Resolved:
    """Resolves the names of a list by the rule that finds most of its lines, the first of equals.

    Args:
      listed: the list.
      rules: at least one; they need as many bases as the list has fields.
      outside: links that lead out of the source folder, which have an error message of their own.

    Raises:
      UsageError: more than MAX_REFUSED_LINES lines are not a pair.
    """
    counts = [(0, 0)] * len(rules)
    for number, rule in enumerate(rules):
        counts[number] = rule.num_found(listed)
        if counts[number][0] == len(listed.lines):
            break
    done = Resolved(listed, rules[counts.index(max(counts))])
    first_places: dict[str | tuple[str, tuple[int, ...]], int] = {}
    for place, line in enumerate(listed.lines):
        if place == 0 and _is_header(line, done.rule):
            done.has_header = True
            continue
        try:
            found = _look_up(line, done, outside)
            image = found[0][0]
            earlier = first_places.setdefault((image, line.block) if line.block else image, place)
            if earlier != place:
                what = f"repeats the image of line {listed.lines[earlier].number}"
                raise DataError(line.fields[0], what, "Delete one of the lines.", "E_DUPLICATE")
        except DataError as error:
            done.reject(line.number, error)
            continue
        done.found_by.update(how for _, how in found)
        done.found.append(tuple(meaning for meaning, _ in found))
        done.numbers.append(line.number)
        if line.block:
            done.blocks[len(done.found) - 1] = line.block
    return done


def _is_header(line: Line, rule: PathRule) -> bool:
    if len(line.fields) != len(rule.bases) or not all(map(HEADER.fullmatch, line.fields)):
        return False
    paths = [rule.path(number, text) for number, text in enumerate(line.fields)]
    return not any(rule.names.find(path) or rule.names.is_ambiguous(path) for path in paths)


def _look_up(line: Line, done: Resolved, outside: Collection[str]) -> list[tuple[str, str]]:
    """Returns what each name of a line refers to and how it was found; DataError if it is not a pair."""
    rule, separator = done.rule, done.listed.separator
    if len(line.text) > MAX_LINE_CHARS:
        what = f"has {len(line.text)} characters, more than {MAX_LINE_CHARS}"
        raise DataError(line.text, what, "Fix the line.", "E_LINE")
    if done.listed.reading and len(line.fields) != len(rule.bases):
        raise DataError(line.text, "does not have as many columns as the other lines", _FIX_COLUMNS, "E_LINE")
    if len(line.fields) == len(rule.bases) == 2 and line.fields[0] and not line.fields[1]:
        hit = rule.names.find(rule.path(0, line.fields[0]))
        if hit is not None:
            fix = "Name its mask, or pass --missing-mask background or --missing-mask ignore."
            raise DataError(hit[0], "has no mask in the list", fix, "E_NO_MASK")
    if done.listed.reading and not all(line.fields):
        raise DataError(line.text, "names no mask" if line.fields[0] else "names no image", _FIX_COLUMNS, "E_LINE")
    if len(line.fields) != len(rule.bases) or not all(line.fields):
        what = f"has {max(len(line.fields) - 1, 0)} separators {separator!r}, a pair has exactly one between two names"
        raise DataError(line.text, what if separator else "is one name, a pair has two", _FIX_LINE, "E_LINE")
    paths = [rule.path(number, name) for number, name in enumerate(line.fields)]
    found = []
    for path, name in zip(paths, line.fields, strict=True):
        hit = rule.names.find(path)
        if hit is None:
            raise _missing(path or name, done, outside)
        found.append(hit)
    if len(found) == 2 and found[0][0] == found[1][0]:
        raise DataError(found[0][0], "is named as both image and mask", "Name its mask.", "E_LINE")
    return found


def _missing(path: str, done: Resolved, outside: Collection[str]) -> DataError:
    """Returns the error for a path that refers to no file."""
    if outside and any(str(parent) in outside for parent in (Path(path), *Path(path).parents)):
        return DataError(path, "is a link out of the source folder", "Pass --follow-links to allow it.", "E_PATH")
    if any(part.startswith(".") and part.strip(".") for part in path.split("/")):
        what = "is hidden, as its name begins with a dot, and hidden files are left out"
        return DataError(path, what, "Rename the file without the dot, or remove the line.", "E_MISSING")
    what = "matches several files" if done.rule.names.is_ambiguous(path) else "does not exist"
    if sum(reject.error.code == "E_MISSING" for reject in done.rejects[:MAX_CLOSEST]) < MAX_CLOSEST:
        closest = done.rule.names.closest(path)
        what += f" (closest: {shown(closest)!r})" if closest else ""
    return DataError(path, what, "Put the file there, or fix the list.", "E_MISSING")
