"""Native: classes.csv <-> ClassMap.

One row for each value: `name,value` or `name,value,index`. A value is a grey level or palette index (`76`), a colour
(`#00FF00` or `0 255 0`), a palette index only (`p15`), or `*` for everything unlisted. Rows are in order of
class index. A name that occurs twice merges its values. The name `ignore` means IGNORE_INDEX. A line that begins with
`#` is a comment.
"""

from __future__ import annotations

import re
from pathlib import Path

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.csv_table import ClassTable
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES, MAX_VALUE_CHARS
from converter.schema import IGNORE_INDEX
from converter.system.files import NotRegularError, open_regular

DRAFT_MARK = "# Draft of a class map"  # how the first line of what `segconv classes` writes begins
GUESS_MARK = "this is a guess to check"  # in its remark on classes that are taken by place without certainty
_FIX = "Write one line per class: name,value (data/README.md shows every form)."


def read_class_map(path: Path) -> ClassMap:
    """Returns the class map in a native CSV file.

    Raises:
      UsageError: the file is missing, is not text, or has an invalid line; the message names the line.
    """
    return parse_class_map(read_class_text(path), path)


def read_class_text(path: Path) -> str:
    """Returns the text of a file that may be a class map, without its byte order mark.

    Raises:
      UsageError: the file is missing, is not a regular file, has more than MAX_CLASS_FILE_BYTES, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            data = file.read(MAX_CLASS_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the name
        raise UsageError(path, "does not exist", f"{_FIX} Name it with --classes.", "E_CLASSES") from None
    except NotRegularError:
        raise UsageError(path, "is not a regular file", "Name a class map with --classes.", "E_CLASSES") from None
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", _FIX, "E_CLASSES") from None
    if len(data) > MAX_CLASS_FILE_BYTES:
        raise UsageError(path, f"exceeds {MAX_CLASS_FILE_BYTES} bytes, the maximum for a class map", _FIX, "E_CLASSES")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        fix = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
        raise UsageError(path, "is not UTF-8 text", fix, "E_CLASSES") from None


def is_class_map(table: ClassTable) -> bool:
    """Returns whether a table is meant to be a native class map."""
    return table.is_native


def parse_class_map(text: str, where: object) -> ClassMap:
    """Returns the class map in the text of a native CSV file.

    Args:
      text: with a header `name,value` or `name,value,index`; delimiter `,`, `;` or TAB; untrusted.
      where: path of the file, for messages.

    Raises:
      UsageError: a line is invalid; the message names it.
    """
    table = ClassTable(text)
    if not table.is_native:
        what = f"begins with {table.first_line[:60]!r}, not with the header name,value"
        raise UsageError(where, what, "Make `name,value` the first line.", "E_CLASSES")
    builder = ClassMapBuilder()
    try:
        for cells in table:
            builder.add(cells[0], cells[1], _index(cells[0], cells[2]) if len(cells) == 3 else None)
        return builder.finish()
    except ValueError as error:
        if not table.line:
            raise UsageError(where, str(error), "Fix the class map.", "E_CLASSES") from None
        fix = "A line is name,value; a value is 76, #00FF00, 0 255 0, p15 or *."
        raise UsageError(f"{where}:{table.line}", str(error), fix, "E_CLASSES") from None


def to_csv(classes: ClassMap) -> str:
    """Returns the text of a native class map that parses back to `classes`.

    Args:
      classes: from ClassMapBuilder; a class without a value would be lost.
    """
    indices = (*range(classes.num_classes), IGNORE_INDEX)
    rows = [f"{_cell(classes.name_of(index))},{value}" for index in indices for value in classes.values_of(index)]
    return "\n".join(("name,value", *rows)) + "\n"


def _cell(name: str) -> str:
    """Returns a name as a cell: quoted if it would be read as a comment or as two cells."""
    return '"' + name.replace('"', '""') + '"' if re.search('^#|[",]', name) else name


def _index(name: str, cell: str) -> int | None:
    if name.lower() == IGNORE_NAME and not cell:
        return None
    if not re.fullmatch("[0-9]{1,3}", cell):
        raise ValueError(f"index {cell[:MAX_VALUE_CHARS]!r} is not a number")
    return int(cell)
