"""URLs: a path on the command line may be the address of an object store, such as s3://bucket/records.

A UrlPath goes wherever a Path goes, and keeps the two slashes of its address. It holds neither credentials nor options:
those come from the environment, and so reach no manifest, log or message.
"""

from __future__ import annotations

import os
import re
from pathlib import PosixPath
from typing import Any

from converter.errors import UsageError

SCHEMES = ("s3", "gs", "az", "http", "https")
_URL = re.compile(rf"({'|'.join(SCHEMES)}):(/|$)")


def is_url(text: object) -> bool:
    """Returns whether a path is the address of an object store."""
    return _URL.match(str(text)) is not None


class UrlPath(PosixPath):
    """A path that is the address of an object store; UrlPath("folder") is a Path."""

    def __new__(cls, *parts: str | os.PathLike[str]) -> Any:
        """Returns a UrlPath where the first part is an address, else a Path.

        Raises:
          UsageError: the address holds a password or options, which it must not.
        """
        if not parts or not is_url(parts[0]):
            return PosixPath(*parts)
        for part in map(str, parts):
            if any(sign in part for sign in "@?#") or any(not sign.isprintable() for sign in part):
                scheme = str(parts[0]).partition(":")[0]
                what = "must have no @, ? or #: credentials and options come from the environment"
                raise UsageError(f"{scheme}://...", what, f"Pass an address such as {scheme}://bucket/records.")
        return super().__new__(cls, *parts)

    def __str__(self) -> str:
        return re.sub("^([a-z0-9]+):/*", r"\1://", super().__str__())

    def __fspath__(self) -> str:
        return str(self)

    def absolute(self) -> UrlPath:
        """Returns the path itself: an address is absolute."""
        return self
