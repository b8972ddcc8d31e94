"""Tree: a source folder -> the names of all that lies in it, read once, for every rule to look at.

Hidden files, folders of records, and what links would fetch from outside are left out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from converter.errors import UsageError
from converter.limits import MAX_FILES, MAX_FOLDER_DEPTH, MAX_NESTED_LINKS
from converter.sources.names import Names, has_extension

_FIX = "Name the dataset's own folder with --src."
_FIX_LINKS = "Take the links between its folders away."


@dataclass(frozen=True)
class Tree:
    """What lies in a source folder; paths are relative to it, with "/" between.

    Attributes:
      src: the folder.
      files: paths of all that is no folder, sorted.
      folders: paths of all folders, sorted; the source folder itself is "".
      outside: links that lead out of the source folder and are not followed.
      unnamed: number of files whose names are not UTF-8, which are left out.
    """

    src: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    outside: frozenset[str] = frozenset()
    unnamed: int = 0

    @cached_property
    def file_set(self) -> frozenset[str]:
        """`files`, to ask for one."""
        return frozenset(self.files)

    @cached_property
    def names(self) -> Names:
        """What the paths of a list can mean."""
        return Names((name, name) for name in self.files)

    @cached_property
    def image_files(self) -> dict[str, list[str]]:
        """Names of the pictures in each folder that has any; folders and names sorted."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.files:
            if has_extension(path):
                folder, _, name = path.rpartition("/")
                found[folder].append(name)
        return dict(sorted(found.items()))

    def has_image_files(self, folder: str) -> bool:
        """Tells whether a picture lies in a folder or below it."""
        return any(name == folder or name.startswith(f"{folder}/") for name in self.image_files)

    def below(self, folder: str) -> Tree:
        """Returns the part of the tree in one folder, as if that were the source folder."""
        start = f"{folder}/"
        cut = len(start)
        files, folders = (
            tuple(name[cut:] for name in names if name.startswith(start)) for names in (self.files, self.folders)
        )
        return Tree(self.src / folder, files, ("", *folders))


def join(folder: str, name: str) -> str:
    """Returns the path of `name` in `folder`, where "" is the source folder."""
    return f"{folder}/{name}" if folder else name


def list_tree(src: Path, *, follow_links: bool) -> Tree:
    """Returns what lies in a source folder.

    Raises:
      UsageError: it is no folder, a folder in it cannot be read, it holds more than MAX_FILES files, is deeper than
        MAX_DEPTH, or its folders are a maze of links.
    """
    if not src.is_dir():
        raise UsageError(src, "is no folder", "Name the folder of the dataset: --src dataset/", "E_SRC")
    root = src.resolve()
    kinds: dict[str, list[str]] = {"file": [], "outside": [], "unnamed": []}
    folders: list[str] = []
    # A folder, the real folders that it lies in, and the number of links on the way to it.
    todo: list[tuple[str, tuple[Path, ...], int]] = [("", (root,), 0)]
    nested = 0
    while todo:
        folder, chain, links = todo.pop()
        _check_bounds(src, folder, len(kinds["file"]), nested)
        entries = _entries(chain[-1], src / folder)
        if folder and _are_records([entry.name for entry in entries]):
            continue
        folders.append(folder)
        for entry in entries:
            kind = _kind(entry, root, follow_links=follow_links)
            if kind == "folder":
                real = _real(entry)
                if real not in chain:  # a link to a folder that it lies in would never end
                    todo.append((join(folder, entry.name), (*chain, real), links + entry.is_symlink()))
                    nested += entry.is_symlink() and links > 0
            elif kind:
                kinds[kind].append(join(folder, entry.name))
    _check_bounds(src, "", len(kinds["file"]), nested)
    files, outside, unnamed = kinds.values()
    return Tree(src, tuple(sorted(files)), tuple(sorted(folders)), frozenset(outside), len(unnamed))


def _check_bounds(src: Path, folder: str, files: int, nested: int) -> None:
    """Refuses a source folder that would be read for hours."""
    if folder.count("/") >= MAX_FOLDER_DEPTH:
        raise UsageError(src / folder, f"lies more than {MAX_FOLDER_DEPTH} folders deep", _FIX, "E_SRC")
    if nested > MAX_NESTED_LINKS:
        raise UsageError(src, "holds folders that link to one another in circles", _FIX_LINKS, "E_SRC")
    if files > MAX_FILES:
        raise UsageError(src, f"holds more than {MAX_FILES} files", _FIX, "E_SRC")


def _real(entry: os.DirEntry[str]) -> Path:
    """Returns the real folder of an entry that lies in one."""
    return Path(entry.path).resolve() if entry.is_symlink() else Path(entry.path)


def _kind(entry: os.DirEntry[str], root: Path, *, follow_links: bool) -> str:
    """Returns "file" (all that is none of the others), "folder", "outside", "unnamed", or "" for a hidden name."""
    if entry.name.startswith("."):  # .git, ._photo.jpg of other systems, and what we have not finished
        return ""
    if not _is_text(entry.name):
        return "unnamed"
    if not follow_links and entry.is_symlink() and not _leads_inside(entry, root):
        return "outside"
    return "folder" if _is_folder(entry) else "file"


def _entries(real: Path, folder: Path) -> list[os.DirEntry[str]]:
    """Returns what lies in a folder, read by its real path: a path with links in links is dear to follow."""
    try:
        with os.scandir(real) as found:
            return list(found)
    except OSError as error:
        fix = "Make it readable, or move it out of the source folder."
        raise UsageError(folder, f"cannot be read ({error.strerror})", fix, "E_SRC") from None


def _are_records(names: list[str]) -> bool:
    """Tells whether a folder is the output of a build."""
    return "manifest.json" in names and any(".tfrecord" in name for name in names)


def _is_text(name: str) -> bool:
    """Tells whether a name can be stored: those that are not UTF-8 arrive with surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links; whoever opens it says so
        return False


def _leads_inside(entry: os.DirEntry[str], root: Path) -> bool:
    try:
        return Path(entry.path).resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a loop of links
        return False
