"""Packed: the pairs of a dataset in some 60 bytes each, where ten million of them are as many objects too many.

The names of all pairs lie in one array of bytes; a pair becomes an ExampleRef when it is asked for. What is chosen from
them, such as the pairs of a shard, is a view that holds their numbers; pickled, it takes its own pairs along alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from converter.pixels.geometry import Box
from converter.sources.refs import ExampleRef

Places = range | NDArray[np.uint32]
Origins = tuple[tuple[str, str], ...]  # split and list of some pairs
_ENCODING = "utf-8", "surrogatepass"


class PackedRefs(Sequence[ExampleRef]):
    """Pairs as a sequence, of which each is made when it is asked for; equal to any sequence of the same pairs."""

    def __init__(self, refs: Iterable[ExampleRef]) -> None:
        """Packs pairs; of PackedRefs, it is a view."""
        self._text = bytearray()
        self._ends = array("Q")
        self._origins: Origins = ()
        self._places: Places = range(0)
        if isinstance(refs, PackedRefs):
            self._text, self._ends, self._origins, self._places = refs._text, refs._ends, refs._origins, refs._places
            return
        origins: dict[tuple[str, str], int] = {}
        for ref in refs:
            origin = origins.setdefault((ref.split, ref.list_name), len(origins))
            self._text += _packed(ref, origin)
            self._ends.append(len(self._text))
        self._origins, self._places = tuple(origins), range(len(self._ends))

    @classmethod
    def _of(cls, text: bytearray, ends: array[int], origins: Origins) -> PackedRefs:
        made = cls(())
        made._text, made._ends, made._origins, made._places = text, ends, origins, range(len(ends))
        return made

    def take(self, places: NDArray[Any]) -> PackedRefs:
        """Returns a view of some pairs.

        Args:
          places: their numbers in this sequence.
        """
        chosen = PackedRefs(self)
        chosen._places = np.asarray(self._places, np.uint32)[places]
        return chosen

    def _raw(self, place: int) -> bytearray:
        return self._text[self._ends[place - 1] if place else 0 : self._ends[place]]

    def names(self) -> Iterator[bytes]:
        """Yields image and mask of each pair as UTF-8, with a zero byte between them."""
        for place in self._places:
            image, mask, _ = self._raw(int(place)).split(b"\0", 2)
            yield b"%s\0%s" % (image, mask)

    @overload
    def __getitem__(self, number: int) -> ExampleRef: ...
    @overload
    def __getitem__(self, number: slice) -> PackedRefs: ...
    def __getitem__(self, number: int | slice) -> ExampleRef | PackedRefs:
        if isinstance(number, slice):
            part = PackedRefs(self)
            part._places = self._places[number]
            return part
        return _unpacked(self._raw(int(self._places[number])), self._origins)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[ExampleRef]:
        for place in self._places:
            yield _unpacked(self._raw(int(place)), self._origins)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __reduce__(self) -> tuple[Any, ...]:
        text, ends = bytearray(), array("Q")
        for place in self._places:
            text += self._raw(int(place))
            ends.append(len(text))
        return PackedRefs._of, (text, ends, self._origins)


def _packed(ref: ExampleRef, origin: int) -> bytes:
    """Returns a pair as bytes: names, and numbers in decimal, with zero bytes between them, which no name has."""
    numbers = [origin, ref.line]
    if ref.window:
        numbers += ref.window
        numbers += (*ref.size, *ref.scaled) if ref.size and ref.scaled else ()
    return "\0".join((ref.image, ref.mask, *map(str, numbers))).encode(*_ENCODING)


def _unpacked(packed: bytearray, origins: Origins) -> ExampleRef:
    image, mask, origin, line, *rest = packed.decode(*_ENCODING).split("\0")
    split, list_name = origins[int(origin)]
    if not rest:
        return ExampleRef(split, image, mask, list_name, int(line))
    top, left, height, width, *sizes = map(int, rest)
    size, scaled = ((sizes[0], sizes[1]), (sizes[2], sizes[3])) if sizes else (None, None)
    return ExampleRef(split, image, mask, list_name, int(line), Box(top, left, height, width), size, scaled)
