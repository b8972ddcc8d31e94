"""Splits: a split list and the names of the files that there are -> ExampleRefs.

A list has one pair a line, or one name a line where the layout knows the mask that goes with a photograph. One
separator and one rule for its paths hold for the whole list; a line that does not fit them is refused by its number.
What editors and systems do to a list is tolerated: byte order mark, CRLF, blank lines, comments, quotes, backslashes,
other case, other Unicode form, missing extensions.
"""

from __future__ import annotations

import csv
import difflib
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from converter.errors import DataError, UsageError, shown

SPLITS = ("train", "val", "test")
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}
PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")  # extensions of photographs and masks
MAX_LIST_BYTES = 256 * 2**20  # of a list, before a byte of it is read
MAX_LIST_LINES = (
    2_000_000  # of a list, before it is split: a line costs 0.5 kB of memory, a refused one three times that
)
MAX_LINE_CHARS = 8192  # two paths of the longest that Linux allows
MAX_DROP = 16  # leading folders that a list written elsewhere may have too many
MAX_CLOSEST = 50  # missing files of a list for which the closest name is looked up: as many as a build shows
MAX_LIKES = 500  # names with the same numbers that are compared with a missing one

_MEND_LIST = "A list is UTF-8 text with one pair a line: photo.jpg;mask.png"
_MEND_LINE = "Write photo.jpg;mask.png, with the separator of the other lines."
_COLUMN = "(?i:({}))s?(?i:[ _-]?(file|path|name|id)s?)*"
_IMAGE_COLUMN = re.compile(_COLUMN.format("image|img|photo|picture|input|rgb|x"))
_MASK_COLUMN = re.compile(_COLUMN.format("mask|label|annotation|seg|segmentation|target|gt|y"))
_HEADER = re.compile(f"{_IMAGE_COLUMN.pattern}|{_MASK_COLUMN.pattern}|{_COLUMN.format('file|path|name|stem|id')}")
_UNUSUAL = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|\\|\0|^[A-Za-z]:/")
_WORDS = re.compile(r'"[^"]*"|\'[^\']*\'|\S+')


@dataclass(frozen=True)
class ExampleRef:
    """One pair of a split.

    Attributes:
      split: name of the split.
      image: path of the photograph relative to the source folder.
      mask: path of the mask relative to the source folder.
      list_name: of the list that names the pair, relative to the source folder; "" where the layout has found it.
      line: number of the line in that list, from 1; 0 without a list.
    """

    split: str
    image: str
    mask: str
    list_name: str = ""
    line: int = 0


@dataclass(frozen=True)
class Reject:
    """One refused pair.

    Attributes:
      split: name of the split.
      error: why; its `where` names the file.
      list_name: of the list that names the pair, relative to the source folder; "" where the layout has found it.
      line: number of the line in that list, from 1; 0 without a list.
    """

    split: str
    error: DataError
    list_name: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{shown(self.list_name)}:{self.line}: {self.error}" if self.list_name else str(self.error)

    def to_json(self) -> dict[str, object]:
        """Returns the object that stands for this pair in errors.jsonl."""
        error = self.error
        return {
            "split": self.split,
            "list": self.list_name,
            "line": self.line,
            "file": error.where,
            "code": error.code,
            "what": error.what,
            "mend": error.mend,
        }


def split_of(name: str) -> str | None:
    """Returns train, val or test for the name of a split, such as Training or val2017; None for any other name."""
    match = re.fullmatch(r"([a-z]+)(?:[_-]?\d{4})?", name, re.ASCII | re.IGNORECASE)
    return SPLIT_WORDS.get(match[1].lower()) if match else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list that is neither blank nor a comment: its number from 1, its text, and its fields."""

    number: int
    text: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class SplitList:
    """A split list, read but not looked up.

    Attributes:
      split: name of the split.
      name: path of the list relative to the source folder.
      separator: ";", TAB, "," or " " (any white space); "" where each line is one name.
      lines: in the order of the file; the photograph is always the first field.
      masks_first: whether the file has the masks first, as its first line says.
    """

    split: str
    name: str
    separator: str
    lines: tuple[Line, ...]
    masks_first: bool = False

    @property
    def num_fields(self) -> int:
        """Number of fields that a line must have."""
        return 2 if self.separator else 1

    def is_of_pictures(self) -> bool:
        """Tells whether most lines are two names of pictures, whether these exist or not."""
        pairs = [line for line in self.lines if len(line.fields) == 2 and all(map(has_extension, line.fields))]
        return 2 * len(pairs) > len(self.lines)

    def separator_text(self) -> str:
        """Returns the separator in words."""
        words = {"": "one name a line", "\t": "separator TAB", " ": "separator space"}
        text = words.get(self.separator, f"separator {self.separator!r}")
        return f"{text}, masks first" if self.masks_first else text


def read_split_list(split: str, path: Path, name: str) -> SplitList:
    """Returns the lines of a split list.

    Args:
      split: name of the split.
      path: of the list.
      name: of the list, relative to the source folder.

    Raises:
      UsageError: the list cannot be read, is no UTF-8 text, or names no pair at all.
    """
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise UsageError(path, f"exceeds {MAX_LIST_BYTES} bytes, which no list does", _MEND_LIST, "E_LIST")
        if not path.is_file():
            raise UsageError(path, "cannot be read (it is no regular file)", _MEND_LIST, "E_LIST")
        data = path.read_bytes()
        if data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") > MAX_LIST_LINES:
            raise UsageError(path, f"has more than {MAX_LIST_LINES} lines, which no list has", _MEND_LIST, "E_LIST")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", _MEND_LIST, "E_LIST") from None
    except UnicodeDecodeError as error:
        raise UsageError(path, f"is not UTF-8 text (byte {error.start})", _MEND_LIST, "E_LIST") from None
    texts = [(number, line.strip()) for number, line in enumerate(re.split("\r\n|\r|\n", text), 1)]
    texts = [(number, line) for number, line in texts if line and not line.startswith("#")]
    if not texts:
        raise UsageError(path, "names no pair", _MEND_LIST, "E_LIST")
    separator = _separator([line for _, line in texts])
    lines = [Line(number, line, _fields(line, separator)) for number, line in texts]
    masks_first = _names_masks_first(lines[0])
    if masks_first:
        lines = [replace(line, fields=line.fields[::-1]) for line in lines]
    return SplitList(split, name, separator, tuple(lines), masks_first)


def _names_masks_first(line: Line) -> bool:
    """Tells whether a line names two columns, that of the masks first."""
    return len(line.fields) == 2 and all(map(re.fullmatch, (_MASK_COLUMN, _IMAGE_COLUMN), line.fields))


def _separator(lines: Sequence[str]) -> str:
    """Returns the one separator of a list: the first that makes two fields of at least half the lines."""
    for separator in (";", "\t", ","):
        pairs = sum(len(fields := _fields(line, separator)) == 2 and all(fields) for line in lines)
        if 2 * pairs >= len(lines):
            return separator
    # White space is a letter of many names: it separates only what looks like two paths.
    pairs = sum(len(fields := _fields(line, " ")) == 2 and _are_paths(fields) for line in lines)
    return " " if 2 * pairs >= len(lines) else ""


def _are_paths(fields: Sequence[str]) -> bool:
    return all(has_extension(text) or "/" in text or "\\" in text for text in fields)


def _fields(line: str, separator: str) -> tuple[str, ...]:
    if len(line) > MAX_LINE_CHARS:
        return ()
    if separator == "":
        return (_unquoted(line),)
    if separator == " ":
        return tuple(map(_unquoted, _WORDS.findall(line)))
    if '"' in line:
        try:
            return tuple(text.strip() for text in next(csv.reader([line], delimiter=separator, skipinitialspace=True)))
        except csv.Error:
            return ()
    return tuple(map(_unquoted, line.split(separator)))


def _unquoted(text: str) -> str:
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text


def has_extension(name: str) -> bool:
    """Tells whether a name has the extension of a picture."""
    return name.lower().endswith(PICTURES)


def stem_of(name: str) -> str:
    """Returns a path without the extension of a picture."""
    return name.rpartition(".")[0] if has_extension(name) else name


def folded(name: str) -> str:
    """Returns a name so that two which differ only in case or Unicode form are equal."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


class Names:
    """What the names of a list can mean.

    A name means what bears it; else the only one that bears it in other case or Unicode form; else, where it has no
    extension of a picture, the only picture that bears it with one. What bears the same name as another means nothing.
    """

    def __init__(self, meanings: Iterable[tuple[str, str]]) -> None:
        """Takes (name, meaning): for files both are the path."""
        self._exact = _unique(meanings)

    @cached_property
    def _folded(self) -> dict[str, str | None]:
        return _unique((folded(name), meaning) for name, meaning in self._exact.items())

    @cached_property
    def _bare(self) -> dict[str, str | None]:
        return _unique((folded(stem_of(name)), meaning) for name, meaning in self._exact.items() if has_extension(name))

    @cached_property
    def _by_numbers(self) -> dict[tuple[str, tuple[str, ...]], list[str]]:
        """Names of files by their folder and the numbers in them: with other numbers a name is that of another pair."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for name in sorted(self._exact):
            folder, _, base = name.rpartition("/")
            found.setdefault((folder, numbers_in(base)), []).append(base)
        return found

    @cached_property
    def _by_base(self) -> dict[str, str | None]:
        return _unique((folded(name.rpartition("/")[2]), name) for name in self._exact)

    def find(self, name: str) -> tuple[str, str] | None:
        """Returns what `name` means, and how it was found: "" as written, "case" or "extension"; or None."""
        if meaning := self._exact.get(name):
            return meaning, ""
        key = folded(name)
        if meaning := self._folded.get(key):
            return meaning, "case"
        if not has_extension(name) and (meaning := self._bare.get(key)):
            return meaning, "extension"
        return None

    def is_ambiguous(self, name: str) -> bool:
        """Tells whether several bear a name that means nothing: in other case, or with several extensions."""
        key = folded(name)
        return self.find(name) is None and (key in self._folded or (not has_extension(name) and key in self._bare))

    def closest(self, name: str) -> str | None:
        """Returns the name most like `name` in its folder, or the path of one of the same name elsewhere."""
        folder, _, base = name.rpartition("/")
        stem = folded(stem_of(base))
        names = self._by_numbers.get((folder, numbers_in(base)), [])[:MAX_LIKES]
        likes: dict[str, str] = {}  # compared without their extensions, which all have in common
        for other in names:
            likes.setdefault(folded(stem_of(other)), other)
        near = difflib.get_close_matches(stem, likes, 1) or [like for like in likes if like.startswith(stem)]
        return likes[near[0]] if near else self._by_base.get(folded(base))


def numbers_in(name: str) -> tuple[str, ...]:
    """Returns the numbers in a file's name, without its extension and without leading zeros."""
    return tuple(number.lstrip("0") for number in re.findall(r"[0-9]+", stem_of(name)))


def _unique(meanings: Iterable[tuple[str, str | None]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, meaning in meanings:
        found[name] = meaning if found.setdefault(name, meaning) == meaning else None
    return found


@dataclass(frozen=True)
class PathRule:
    """How the paths of a list are read.

    Attributes:
      text: in words, such as "paths below jpg/ and png/".
      names: what they can mean.
      bases: folder that each field is relative to; "" for none.
      drop: number of leading folders that are dropped, with which a path may be absolute.
      climbs: lets a path climb out of its base with `..`, though never out of the source folder.
    """

    text: str
    names: Names
    bases: tuple[str, ...]
    drop: int = 0
    climbs: bool = False

    def path(self, number: int, name: str) -> str:
        """Returns the path that field `number` of a line means; "" where nothing is left of it.

        Raises:
          DataError: it leaves the source folder.
        """
        if not self.drop and not _UNUSUAL.search(name):  # nearly all; splitting them would double the time of a list
            return f"{base}/{name}" if (base := self.bases[number]) else name
        plain = name.replace("\\", "/")
        parts = [part for part in plain.split("/") if part not in ("", ".")]
        is_absolute = plain.startswith("/") or re.match(r"[A-Za-z]:/", plain) is not None
        base = self.bases[number]
        if self.climbs and ".." in parts and not is_absolute:
            parts = posixpath.normpath("/".join([base, *parts])).split("/")
            base = ""
        parts = parts[self.drop :]
        if "\0" in name or ".." in parts or (is_absolute and not self.drop):
            what = "is no path" if "\0" in name else "leaves the source folder"
            raise DataError(name, what, "Write a path below the source folder.", "E_PATH")
        return "/".join([base, *parts] if base and parts else parts)

    def num_found(self, listed: SplitList) -> tuple[int, int]:
        """Returns the number of lines whose names all mean something, and the number of names that do."""
        lines = names = 0
        for line in listed.lines:
            if len(line.fields) == len(self.bases):
                number = sum(self._finds(place, name) for place, name in enumerate(line.fields))
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
    """A list, looked up.

    Attributes:
      listed: the list.
      rule: how its paths were read.
      found: (line, what each of its names means).
      rejects: lines that are no pair.
      found_by: number of names found in other case ("case") and without their extension ("extension").
      has_header: whether the first line names the columns.
    """

    listed: SplitList
    rule: PathRule
    found: list[tuple[Line, tuple[str, ...]]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    found_by: Counter[str] = field(default_factory=Counter)
    has_header: bool = False

    def evidence(self) -> str:
        """Returns in one clause how the list was read."""
        count = len(self.listed.lines) - self.has_header
        clauses = [
            f"{self.listed.name}: {count} line{'s' * (count != 1)}",
            self.listed.separator_text(),
            self.rule.text,
        ]
        if self.has_header:
            clauses.append("its first line names the columns")
        for how, text in (("case", "found in other case"), ("extension", "given without extension")):
            if number := self.found_by[how]:
                clauses.append(f"{number} name{' was' if number == 1 else 's were'} {text}")
        return ", ".join(clauses)

    def reject(self, line: Line, error: DataError) -> None:
        """Adds a line that is no pair."""
        self.rejects.append(Reject(self.listed.split, error, self.listed.name, line.number))

    def refs(self, mask_of: Mapping[str, str | None] | None = None) -> list[ExampleRef]:
        """Returns the pairs; a list of one name a line needs `mask_of`, photograph -> mask.

        Lines whose photograph has no mask become rejects.
        """
        refs = []
        for line, meanings in self.found:
            mask = meanings[1] if mask_of is None else mask_of[meanings[0]]
            if mask is None:
                what = "has no mask"
                error = DataError(meanings[0], what, "Put its mask there, or take the line off the list.", "E_MISSING")
                self.reject(line, error)
            else:
                refs.append(ExampleRef(self.listed.split, meanings[0], mask, self.listed.name, line.number))
        self.rejects.sort(key=lambda reject: reject.line)
        return refs


def resolve(listed: SplitList, rules: Sequence[PathRule], outside: Collection[str] = ()) -> Resolved:
    """Looks the names of a list up by the one rule that finds most of its lines, the first of equals.

    Args:
      listed: the list.
      rules: at least one; they need as many bases as the list has fields.
      outside: links that lead out of the source folder, which are refused for what they are.
    """
    counts = [(0, 0)] * len(rules)
    for number, rule in enumerate(rules):
        counts[number] = rule.num_found(listed)
        if counts[number][0] == len(listed.lines):
            break
    done = Resolved(listed, rules[counts.index(max(counts))])
    first_line: dict[str, int] = {}
    for line in listed.lines:
        if line is listed.lines[0] and _is_header(line, done.rule):
            done.has_header = True
            continue
        try:
            found = _look_up(line, done, outside)
            earlier = first_line.setdefault(found[0][0], line.number)
            if earlier != line.number:
                what = f"is the photograph of line {earlier} again"
                raise DataError(line.fields[0], what, "Delete one of the lines.", "E_DUPLICATE")
        except DataError as error:
            done.reject(line, error)
            continue
        done.found_by.update(how for _, how in found)
        done.found.append((line, tuple(meaning for meaning, _ in found)))
    return done


def _is_header(line: Line, rule: PathRule) -> bool:
    if len(line.fields) != len(rule.bases) or not all(map(_HEADER.fullmatch, line.fields)):
        return False
    paths = [rule.path(number, text) for number, text in enumerate(line.fields)]
    return not any(rule.names.find(path) or rule.names.is_ambiguous(path) for path in paths)


def _look_up(line: Line, done: Resolved, outside: Collection[str]) -> list[tuple[str, str]]:
    """Returns what each name of a line means and how it was found; DataError where it is no pair."""
    rule, separator = done.rule, done.listed.separator
    if len(line.text) > MAX_LINE_CHARS:
        what = f"has {len(line.text)} characters, which no pair has"
        raise DataError(line.text, what, "Mend the line.", "E_LINE")
    if len(line.fields) != len(rule.bases) or not all(line.fields):
        what = (
            f"holds {max(len(line.fields) - 1, 0)} separators {separator!r}, a pair has exactly one between two names"
        )
        raise DataError(line.text, what if separator else "is one name, a pair has two", _MEND_LINE, "E_LINE")
    paths = [rule.path(number, name) for number, name in enumerate(line.fields)]
    found = []
    for path, name in zip(paths, line.fields, strict=True):
        hit = rule.names.find(path)
        if hit is None:
            raise _missing(path or name, done, outside)
        found.append(hit)
    if len(found) == 2 and found[0][0] == found[1][0]:
        raise DataError(found[0][0], "is named as photograph and as mask", "Name its mask.", "E_LINE")
    return found


def _missing(path: str, done: Resolved, outside: Collection[str]) -> DataError:
    """Returns the error for a path that means no file."""
    if outside and any(str(parent) in outside for parent in (Path(path), *Path(path).parents)):
        return DataError(path, "is a link out of the source folder", "Pass --follow-links to allow it.", "E_PATH")
    what = "fits several files, written so" if done.rule.names.is_ambiguous(path) else "does not exist"
    if sum(reject.error.code == "E_MISSING" for reject in done.rejects[:MAX_CLOSEST]) < MAX_CLOSEST:
        closest = done.rule.names.closest(path)
        what += f" (closest: {shown(closest)!r})" if closest else ""
    return DataError(path, what, "Put the file there, or mend the list.", "E_MISSING")
