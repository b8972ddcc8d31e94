"""Recognise: the text of a class file -> its format, by content only, and the input of the format's reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from converter.classes.csv_table import ClassTable
from converter.classes.formats.registry import FORMATS, JSON, LINES, TABLE, TEXT, Format
from converter.errors import UsageError

FIX = "Fix it, or write a classes.csv with `segconv classes`."


def recognise(text: str, path: Path, *, is_named: bool = False) -> tuple[Format, Any] | None:
    """Returns the format of a class file and the content for its reader; None if it is of no known format.

    Args:
      text: of the file; untrusted.
      path: for messages.
      is_named: whether the user named the file, which allows the formats that are recognised only then.

    Raises:
      UsageError: it begins like JSON and is invalid, or has a key twice.
    """
    views: dict[str, Any]  # by syntax, in the order in which formats are tried
    if text.lstrip()[:1] in ("{", "["):
        content = _json_value(text, path)
        views = {JSON: content}
    else:
        content, first = text, ClassTable(text).first_line.strip()
        views = {TEXT: text, TABLE: ClassTable(first), LINES: first}
    for is_last_resort in (False, True) if is_named else (False,):
        for syntax, view in views.items():
            for form in FORMATS.values():
                if form.syntax == syntax and form.is_only_when_named == is_last_resort and form.is_meant(view):
                    return form, content
    return None


def _json_value(text: str, path: Path) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}", f"is not valid JSON ({error.msg})", FIX, "E_CLASSES") from None
    except RecursionError:
        raise UsageError(path, "is nested too deeply", FIX, "E_CLASSES") from None
    except ValueError as error:  # a key twice, or a number of thousands of digits
        raise UsageError(path, str(error), FIX, "E_CLASSES") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"has {key!r} twice")
        data[key] = value
    return data
