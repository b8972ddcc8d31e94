"""Outputs: the file that a user names for a page or an image. Nothing that segconv did not write is replaced.

A mistyped name must not cost a list or a mask. Whether segconv wrote a file is decided by its content, so it does not
matter how the path leads to it: through links, or with `..`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from converter.errors import UsageError, shown
from converter.system.files import create, open_regular, temporary_path, write_error

MARK = "written by segconv"  # in every file that may be replaced
MARKED_BYTES = 4096  # of its beginning and of its end, in one of which the mark is


def check_output_file(path: Path, suffixes: Sequence[str]) -> None:
    """Refuses a path to which a result must not be written; for any option that names a file to write.

    To be called before minutes of reading, and again before writing.

    Args:
      path: of the file, as the user gave it.
      suffixes: the file extensions of the format, the usual one first.

    Raises:
      UsageError: another extension, a folder that does not exist, or a file that segconv did not write.
      MachineError: the folder cannot be written to.
    """
    if path.suffix.lower() not in suffixes:
        fix = f"Give another name, such as report{suffixes[0]}."
        raise UsageError(path, f"does not end in {' or '.join(suffixes)}", fix, "E_OUTPUT")
    if not path.parent.is_dir():
        fix = "Create that folder, or choose another."
        raise UsageError(path, f"cannot be written: {shown(path.parent)} is not a folder", fix, "E_OUTPUT")
    if os.path.lexists(path) and not _is_ours(path):
        what = "exists, and segconv did not write it"
        raise UsageError(path, what, "Choose another name, or delete it first.", "E_OUTPUT")
    try:
        create(temporary_path(path)).close()  # nothing else says of every folder whether it can be written to
        temporary_path(path).unlink()
    except OSError as error:
        raise write_error(path, error) from error


def _is_ours(path: Path) -> bool:
    """Returns whether segconv wrote a file; False where it is none, or cannot be read."""
    try:
        with open_regular(path) as file:
            size = file.seek(0, os.SEEK_END)
            ends = []
            for start in (0, max(0, size - MARKED_BYTES)):
                file.seek(start)
                ends.append(file.read(MARKED_BYTES))
    except OSError:
        return False
    return any(MARK.encode() in end for end in ends)
