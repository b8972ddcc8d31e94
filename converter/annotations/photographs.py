"""Photographs: the name of a photograph in annotations -> its path in the source folder.

Names are not trusted. They are looked up beside the file that has them, then from the source folder, then as the end of
a path anywhere in it; a path that leaves the source folder is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from converter.annotations.found import invalid
from converter.errors import DataError
from converter.sources.names import has_extension, split_within
from converter.sources.tree import Tree

_FIX_OUTSIDE = "Put the photograph into the source folder, and its path there into the file."
_FIX_MISSING = "Put the photograph into the source folder."


class Photographs:
    """The photographs of a source folder.

    Attributes:
      tree: its files.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for path in self.tree.files:
            if has_extension(path):
                found[posixpath.basename(path)].append(path)
        return found

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, paths in self._by_name.items():
            found[posixpath.splitext(name)[0]] += paths
        return found

    def find(self, name: str, beside: str = "", prefer: Sequence[str] = ()) -> str:
        """Returns the path of a photograph.

        Args:
          name: as annotated; not trusted.
          beside: path of the file that has the name.
          prefer: of several photographs of that name, the one whose path has one of these words as a folder.

        Raises:
          DataError: the name leaves the source folder, or no photograph has it, or several have it.
        """
        folder = posixpath.dirname(beside)
        plain = inside(name, folder)
        for path in (plain, posixpath.normpath(name.replace("\\", "/"))):
            if path in self.tree.file_set:
                return path
        return self._only(self._by_name.get(posixpath.basename(plain), []), plain, prefer)

    def of_stem(self, stem: str, beside: str = "", prefer: Sequence[str] = ()) -> str:
        """Returns the path of the photograph with a name without its extension; errors as `find`."""
        found = self._by_stem.get(posixpath.basename(stem), [])
        same = [path for path in found if posixpath.dirname(path) == posixpath.dirname(beside)]
        return self._only(same or found, stem, prefer)

    def has_stem(self, stem: str) -> bool:
        """Returns whether there is a photograph with a name without its extension."""
        return stem in self._by_stem

    @staticmethod
    def _only(found: list[str], name: str, prefer: Sequence[str]) -> str:
        """Returns the only photograph, or that of the longest common end with the name or in a preferred folder."""
        if not found:
            raise DataError(name, "does not exist", _FIX_MISSING, "E_MISSING")
        ends = [path for path in found if path == name or path.endswith(f"/{name}")]
        for some in (found, ends, [path for path in ends or found if {*prefer} & {*path.split("/")}]):
            if len(some) == 1:
                return some[0]
        what = f"is {found[0]} as well as {found[1]}"
        raise DataError(name, what, "Name the folder, too, or pass the folder of one of them.", "E_DUPLICATE")


def inside(name: str, folder: str = "") -> str:
    """Returns the path of a name beside a file in `folder`, both in the source folder.

    Raises:
      DataError: it is no path, or leaves the source folder.
    """
    plain = name.replace("\\", "/").strip()
    if not plain or "\0" in plain or not plain.isprintable():
        raise invalid("names no valid path of a photograph", code="E_PATH")
    if plain.startswith("/") or re.match("[A-Za-z]:", plain):
        raise DataError(plain, "leaves the source folder", _FIX_OUTSIDE, "E_PATH")
    path = posixpath.normpath(posixpath.join(folder, plain))
    if path == ".." or path.startswith("../"):
        raise DataError(plain, "leaves the source folder", _FIX_OUTSIDE, "E_PATH")
    return path


def split_of_path(path: str) -> str:
    """Returns the split that the folders of a path name, the last one first; "" for none."""
    return next((split for part in reversed(path.split("/")[:-1]) if (split := split_within(part))), "")
