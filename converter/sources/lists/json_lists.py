"""JSON lists: a dataset.json that lists the pairs of each split, as MONAI and the Medical Segmentation Decathlon write.

{"training": [{"image": "./images/a.png", "label": "./masks/a.png"}], "validation": [...], "test": ["./images/b.png"]}
"""

from __future__ import annotations

import json
from pathlib import Path

from converter.errors import shown
from converter.limits import MAX_JSON_LIST_BYTES, MAX_LIST_LINES
from converter.sources.lists.text import Line, SplitList, list_text
from converter.sources.names import split_within

SHOWN_KEY_CHARS = 40
_IMAGE_KEYS = ("image", "img", "images", "image_path", "img_path", "file_name", "filename", "input")
_MASK_KEYS = ("label", "mask", "seg", "segmentation", "labels", "label_path", "mask_path", "seg_path", "target", "gt")


def read_json_lists(path: Path, name: str) -> dict[str, SplitList]:
    """Returns the list of each split in a JSON file; none if it lists no files.

    A split whose entries all have no mask is a list of names; the line of an entry is that of its image's name.

    Args:
      path: of the file.
      name: of the file, relative to the source folder.

    Raises:
      UsageError: the file cannot be read, or is not UTF-8 text.
    """
    text = list_text(path, MAX_JSON_LIST_BYTES)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    found: dict[str, SplitList] = {}
    places = _Places(text)
    for key, entries in data.items():
        split = split_within(key)
        if split is None or not isinstance(entries, list) or len(entries) > MAX_LIST_LINES:
            continue
        fields = [_fields(entry) for entry in entries]
        if not any(fields) or split in found:
            continue
        has_masks = any(len(each) == 2 for each in fields)
        lines = [Line(places.line_of(each[0] if each else ""), " ".join(each), each) for each in fields]
        reading = f"JSON, {'pairs' if has_masks else 'names'} of {shown(key, SHOWN_KEY_CHARS)!r}"
        folds = {entry["fold"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("fold"), int)}
        separator = "json" if has_masks else ""
        found[split] = SplitList(split, name, separator, tuple(lines), reading=reading, folds=len(folds))
    return found


class _Places:
    """Finds the lines of strings in a JSON text, in the order in which they occur."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1

    def line_of(self, value: str) -> int:
        """Returns the line of a string, from 1; that of the one before if it is written in another way."""
        for form in (json.dumps(value, ensure_ascii=False), json.dumps(value)):
            position = self._text.find(form, self._position)
            if value and position >= 0:
                self._line += self._text.count("\n", self._position, position)
                self._position = position
                break
        return self._line


def _fields(entry: object) -> tuple[str, ...]:
    """Returns (image, mask) or (image,) of an entry; nothing if it is neither."""
    if isinstance(entry, str):
        return (entry,) if _is_name(entry) else ()
    if isinstance(entry, dict):
        image, mask = (_value(entry, keys) for keys in (_IMAGE_KEYS, _MASK_KEYS))
        return tuple(filter(None, (image, mask))) if image else ()
    if isinstance(entry, list) and len(entry) == 2 and all(isinstance(each, str) and _is_name(each) for each in entry):
        return (entry[0], entry[1])
    return ()


def _value(entry: dict[str, object], keys: tuple[str, ...]) -> str:
    """Returns the first value of these keys that is a name; a list of one name counts as the name."""
    for key in keys:
        value = entry.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str) and _is_name(value):
            return value
    return ""


def _is_name(text: str) -> bool:
    return bool(text.strip())
