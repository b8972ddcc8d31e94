"""Paths: the names of records -> paths of files that no other record has."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from converter.errors import DataError
from converter.sources.lists.text import why_unlistable
from converter.system.files import check_relative


class Paths:
    """Gives each file a path of its own.

    Args:
      taken: paths that are not free.
      by_stem: also keeps files apart that differ in their extensions alone.
    """

    def __init__(self, taken: Collection[str] = (), *, by_stem: bool = False) -> None:
        self._by_stem = by_stem
        self._taken = {self._key(path) for path in taken}

    def of(self, name: str, suffixes: tuple[str, ...]) -> str:
        """Returns the path of a file, with one of the extensions, that no other record has.

        Raises:
          DataError: it leads out of the folder, or no list can name it.
        """
        check_relative(name)
        if why := why_unlistable(name):
            raise DataError(name, why, "Rename the file in the source folder, and build the records again.", "E_PATH")
        stem, suffix = posixpath.splitext(name)
        suffix = suffix if suffix.lower() in suffixes else suffixes[0]
        path, number = f"{stem}{suffix}", 1
        while self._key(path) in self._taken:
            number += 1
            path = f"{stem}-{number}{suffix}"
        self._taken.add(self._key(path))
        return path

    def _key(self, path: str) -> str:
        return posixpath.splitext(path)[0] if self._by_stem else path
