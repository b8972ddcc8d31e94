"""Tree: a source folder -> the names of all files and folders in it, read once for all rules.

Hidden files, folders of records, and links that lead out of the source folder are left out.
"""

from __future__ import annotations

import bisect
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

from converter.errors import UsageError
from converter.limits import MAX_FILES, MAX_FOLDER_DEPTH, MAX_NESTED_LINKS
from converter.sources.names import Names, has_extension

_FIX = "Pass the root folder of the dataset with --src."
_FIX_LINKS = "Remove the links between its folders."


class SortedNames(Set[str]):
    """Sorted names as a set, which takes no memory of its own."""

    def __init__(self, names: Sequence[str]) -> None:
        """Takes the names."""
        self._names = names

    def __contains__(self, name: object) -> bool:
        place = bisect.bisect_left(self._names, name) if isinstance(name, str) else len(self._names)
        return place < len(self._names) and self._names[place] == name

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _NamesIn(Sequence[str]):
    """Names of the files in a folder, cut from their paths when they are asked for.

    Attributes:
      paths: their paths.
    """

    def __init__(self, folder: str, paths: Sequence[str]) -> None:
        self._cut = len(folder) + 1 if folder else 0
        self.paths = paths

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [path[self._cut :] for path in self.paths[place]]
        return self.paths[place][self._cut :]

    def __iter__(self) -> Iterator[str]:
        return (path[self._cut :] for path in self.paths)

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Tree:
    """The files and folders in a source folder; paths are relative to it, with "/" as separator.

    Attributes:
      src: the folder.
      files: paths of everything that is not a folder, sorted.
      folders: paths of all folders, sorted; the source folder itself is "".
      outside: links that lead out of the source folder and are not followed.
      unnamed: paths of files and folders whose names are not UTF-8, which are left out.
    """

    src: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    outside: frozenset[str] = frozenset()
    unnamed: tuple[str, ...] = ()

    @property
    def file_set(self) -> Set[str]:
        """`files` as a set."""
        return SortedNames(self.files)

    @cached_property
    def names(self) -> Names:
        """What the paths of a list can refer to."""
        return Names((name, name) for name in self.files)

    @cached_property
    def _names_in(self) -> dict[str, _NamesIn]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.files:
            if has_extension(path):
                found[parent_of(path)].append(path)
        return {folder: _NamesIn(folder, paths) for folder, paths in sorted(found.items())}

    @property
    def image_files(self) -> Mapping[str, Sequence[str]]:
        """Names of the image files in each folder that has any; folders and names sorted."""
        return self._names_in

    def image_paths(self, folder: str) -> Iterator[tuple[str, str]]:
        """Yields name and path of each image file in a folder; the paths are those of `files`, and no copies."""
        names = self._names_in.get(folder)
        return zip(names, names.paths, strict=True) if names else iter(())

    def has_image_files(self, folder: str) -> bool:
        """Returns whether an image file is in a folder or below it."""
        return any(name == folder or name.startswith(f"{folder}/") for name in self.image_files)

    def below(self, folder: str) -> Tree:
        """Returns the subtree of one folder, as if that were the source folder."""
        start = f"{folder}/"
        cut = len(start)
        files, folders = (
            tuple(name[cut:] for name in names if name.startswith(start)) for names in (self.files, self.folders)
        )
        return Tree(self.src / folder, files, ("", *folders))


def join(folder: str, name: str) -> str:
    """Returns the path of `name` in `folder`; "" is the source folder."""
    return f"{folder}/{name}" if folder else name


def list_tree(src: Path, *, follow_links: bool) -> Tree:
    """Returns the files and folders in a source folder.

    Raises:
      UsageError: it is not a folder, its names are not decoded as UTF-8, a folder in it cannot be read, it contains
        more than MAX_FILES files, is deeper than MAX_FOLDER_DEPTH, or has more than MAX_NESTED_LINKS links within
        linked folders.
    """
    if not src.is_dir():
        raise UsageError(src, "is not a folder", "Pass the folder of the dataset: --src dataset/", "E_SRC")
    root = src.resolve()
    kinds: dict[str, list[str]] = {"file": [], "outside": [], "unnamed": []}
    folders: list[str] = []
    # A folder, its real parent folders and itself, and the number of links on the path to it.
    todo: list[tuple[str, tuple[Path, ...], int]] = [("", (root,), 0)]
    nested = 0
    while todo:
        folder, chain, links = todo.pop()
        _check_bounds(src, folder, len(kinds["file"]), nested)
        own: dict[str, list[str]] = {kind: [] for kind in kinds}
        inner = []
        has_manifest = has_shard = False
        for entry in _entries(chain[-1], src / folder):
            has_manifest |= entry.name == "manifest.json"
            has_shard |= ".tfrecord" in entry.name
            kind = _kind(entry, root, follow_links=follow_links)
            if kind == "folder":
                real = _real(entry)
                if real not in chain:  # a link to a parent folder would never end
                    inner.append((join(folder, entry.name), (*chain, real), links + entry.is_symlink()))
            elif kind:
                own[kind].append(join(folder, entry.name))
        if folder and has_manifest and has_shard:  # the output of a build
            continue
        folders.append(folder)
        todo += inner
        nested += sum(inside > links > 0 for _, _, inside in inner)
        for kind, names in own.items():
            kinds[kind] += names
    _check_bounds(src, "", len(kinds["file"]), nested)
    files, outside, unnamed = kinds.values()
    _check_encoding(src, [*files, *folders, *unnamed])
    return Tree(src, tuple(sorted(files)), tuple(sorted(folders)), frozenset(outside), tuple(sorted(unnamed)))


def _check_encoding(src: Path, names: list[str]) -> None:
    """Refuses names that were decoded as another encoding than the UTF-8 that records store them in."""
    encoding = sys.getfilesystemencoding()
    if encoding.lower() not in ("utf-8", "utf8") and not all(map(str.isascii, names)):
        what = f"has names beyond ASCII, which this Python decodes as {encoding} and not as UTF-8"
        raise UsageError(src, what, "Start Python with `-X utf8`, as the command segconv does.", "E_SRC")


def _check_bounds(src: Path, folder: str, files: int, nested: int) -> None:
    """Refuses a source folder that would take hours to read."""
    if folder.count("/") >= MAX_FOLDER_DEPTH:
        raise UsageError(src / folder, f"is nested more than {MAX_FOLDER_DEPTH} folders deep", _FIX, "E_SRC")
    if nested > MAX_NESTED_LINKS:
        raise UsageError(src, "has folders that link to each other in cycles", _FIX_LINKS, "E_SRC")
    if files > MAX_FILES:
        raise UsageError(src, f"contains more than {MAX_FILES} files", _FIX, "E_SRC")


def _real(entry: os.DirEntry[str]) -> Path:
    """Returns the real path of an entry in a real folder."""
    return Path(entry.path).resolve() if entry.is_symlink() else Path(entry.path)


def _kind(entry: os.DirEntry[str], root: Path, *, follow_links: bool) -> str:
    """Returns "file" (anything else), "folder", "outside", "unnamed", or "" for a hidden file."""
    if entry.name.startswith("."):  # .git, ._image.jpg of macOS, and our own unfinished files
        return ""
    if not _is_text(entry.name):
        return "unnamed"
    if not follow_links and entry.is_symlink() and not _leads_inside(entry, root):
        return "outside"
    return "folder" if _is_folder(entry) else "file"


def _entries(real: Path, folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yields the entries of a folder, read by its real path: a path of nested links is expensive to follow."""
    try:
        with os.scandir(real) as found:
            yield from found
    except OSError as error:
        fix = "Make it readable, or move it out of the source folder."
        raise UsageError(folder, f"cannot be read ({error.strerror})", fix, "E_SRC") from None


def _is_text(name: str) -> bool:
    """Returns whether a name is UTF-8; the others have surrogates and cannot be stored."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links; opening it reports that
        return False


def _leads_inside(entry: os.DirEntry[str], root: Path) -> bool:
    try:
        return Path(entry.path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links; opening it reports that
        return True


def count_of(number: int, word: str) -> str:
    """Returns a number and a noun, in the plural unless it is 1."""
    return f"{number} {word}" if number == 1 else f"{number} {'cities' if word == 'city' else word + 's'}"


def folder_list(folders: Iterable[str]) -> str:
    """Returns a list of folders for a message, the first few of them."""
    names = [f"{name}/" if name else "the source folder" for name in sorted(set(folders))]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def parent_of(folder: str) -> str:
    """Returns the parent of a folder; "" is the source folder."""
    return folder.rpartition("/")[0]
