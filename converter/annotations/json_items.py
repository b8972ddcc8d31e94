"""JSON items: a JSON file -> the items of its lists, one after the other, and where in the file each of them is.

The file is read in parts, and only one item is a Python object at a time: a file of gigabytes takes some megabytes.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from converter.limits import MAX_ITEM_BYTES

PART_BYTES = 1 << 20
_BYTE_ORDER_MARK = "\ufeff"
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_CUT_OFF = "e-"  # the longest end that the number 1e-7 may have behind what is taken for a number, 1


class JsonItem(NamedTuple):
    """A member of the object that a file is, or one item of it where the member is a list.

    Attributes:
      key: of the member.
      value: as json.loads has it.
      start: first byte of it in the file.
      length: in bytes.
    """

    key: str
    value: Any
    start: int
    length: int


def json_items(read: Callable[[int], bytes], part_bytes: int = PART_BYTES) -> Iterator[JsonItem]:
    """Yields the members of the JSON object that a file is, and each item on its own where a member is a list.

    Args:
      read: returns the next bytes of the file, up to a given number; b"" at its end.
      part_bytes: that are read at a time, unless an item is longer.

    Raises:
      ValueError: it is not JSON or not UTF-8, no object, or one item has more than MAX_ITEM_BYTES.
      RecursionError: it is nested too deep.
    """
    window = _Window(read, part_bytes)
    if window.sign() == _BYTE_ORDER_MARK and not window.passed:
        window.expect(_BYTE_ORDER_MARK)
    window.expect("{")
    is_last = window.sign() == "}"
    while not is_last:
        key = window.item("").value
        if not isinstance(key, str):
            raise ValueError(f"no name of a member before byte {window.passed:,}")
        window.expect(":")
        if window.sign() == "[":
            window.expect("[")
            is_end = window.sign() == "]"
            while not is_end:
                yield window.item(key)
                is_end = window.sign() == "]"
                if not is_end:
                    window.expect(",")
            window.expect("]")
        else:
            yield window.item(key)
        is_last = window.sign() == "}"
        if not is_last:
            window.expect(",")
    window.expect("}")
    if window.sign():
        raise ValueError(f"more follows at byte {window.passed:,}")


class _Window:
    """The part of a UTF-8 file that was read and is not passed yet.

    Attributes:
      passed: number of bytes that are passed.
    """

    def __init__(self, read: Callable[[int], bytes], part_bytes: int) -> None:
        self._read = read
        self._part_bytes = part_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_end = False
        self.passed = 0
        self._text = ""
        self._place = 0  # in the text; what is before it is passed

    def sign(self) -> str:
        """Passes blanks and returns the character after them; "" at the end of the file."""
        while True:
            match = _SPACE.match(self._text, self._place)
            self._pass(match.end() if match else self._place)
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def expect(self, sign: str) -> None:
        """Passes a character after blanks."""
        if self.sign() != sign:
            raise ValueError(f"no {sign!r} at byte {self.passed:,}")
        self._pass(self._place + 1)

    def item(self, key: str) -> JsonItem:
        """Passes a value after blanks and returns it."""
        self.sign()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:  # perhaps it is not complete
                if not self._more():
                    place = self.passed + len(self._text[self._place : error.pos].encode())
                    raise ValueError(f"{error.msg} at byte {place:,}") from None
                continue
            if end + len(_CUT_OFF) < len(self._text) or not self._more():
                break
        start = self.passed
        self._pass(end)
        return JsonItem(key, value, start, self.passed - start)

    def _pass(self, end: int) -> None:
        """Passes the characters before a place in the text."""
        is_ascii = self._text.isascii()
        self.passed += end - self._place if is_ascii else len(self._text[self._place : end].encode())
        self._place = end

    def _more(self) -> bool:
        """Reads on, twice as far each time that an item is not complete; returns False at the end of the file."""
        if self._is_end:
            return False
        rest = self._text[self._place :]
        if len(rest) > MAX_ITEM_BYTES:
            raise ValueError(f"no end of what begins at byte {self.passed:,} within {MAX_ITEM_BYTES:,} bytes")
        data = self._read(max(self._part_bytes, len(rest)))
        self._is_end = not data
        self._text, self._place = rest + self._decoder.decode(data, self._is_end), 0
        return True
