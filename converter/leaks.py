"""Leaks: the same photograph in two splits, which makes a score say nothing.

Pairs and thumbnails come in; what leaves is which of them are the same, by name, by content, or to the eye.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from converter.config import SourceConfig
from converter.errors import DataError, UsageError, shown
from converter.splits import ExampleRef
from converter.storage import read_end, read_inside

MAX_BITS = 4  # of the 64 of two hashes that may differ; a recompressed photograph differs in 0 to 3
MAX_ANGLE = 0.12  # between two thumbnails as vectors, in radians; see near_duplicates
FLAT_LEVELS = 3.0  # standard deviation below which a thumbnail shows nothing: blank tiles, night, fog
_END_BYTES = 4096
_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))  # (first bit, bits): one more than MAX_BITS
_BLOCK = 1 << 22  # candidates that are compared at a time: 32 MB


class Leak(NamedTuple):
    """A pair whose photograph stands in another split too.

    Attributes:
      ref: the pair.
      other: the pair of another split that comes first.
      what: how the two are the same, as the end of "ref ...".
    """

    ref: ExampleRef
    other: ExampleRef
    what: str


def check_leaks(source: SourceConfig, refs: Mapping[str, Sequence[ExampleRef]]) -> None:
    """Refuses a dataset two splits of which share a photograph, by name or by content.

    Raises:
      UsageError: they do; the message names the first leak and says how many there are.
      MachineError: the disk failed.
    """
    pairs = [ref for split_refs in refs.values() for ref in split_refs]
    leaks = name_leaks(pairs) or content_leaks(source, pairs)
    if leaks:
        ref, _, what = leaks[0]
        more = f", and so for {len(leaks) - 1} more" if len(leaks) > 1 else ""
        mend = "Take each out of one of the splits, or pass --allow-leak."
        raise UsageError(source.src / place_of(ref), f"{what}{more}", mend, "E_LEAK")


def place_of(ref: ExampleRef) -> str:
    """Returns where a pair is named: list and line, or its photograph where no list names it."""
    return f"{ref.list_name}:{ref.line}" if ref.list_name else ref.image


def name_leaks(pairs: Iterable[ExampleRef]) -> list[Leak]:
    """Returns the pairs that name a photograph of an earlier pair in another split."""
    seen: dict[str, ExampleRef] = {}
    leaks = []
    for ref in pairs:
        other = seen.setdefault(ref.image, ref)
        if other.split != ref.split:
            named = f"names {shown(ref.image)}" if ref.list_name else f"is in {ref.split}"
            whose = f"which {place_of(other)} names too" if other.list_name else f"and in {other.split} too"
            leaks.append(Leak(ref, other, f"{named}, {whose}"))
    return leaks


def same_content(digests: Iterable[tuple[ExampleRef, bytes]]) -> list[Leak]:
    """Returns the pairs whose photograph has the digest of an earlier one of another split, under another name."""
    seen: dict[bytes, ExampleRef] = {}
    leaks = []
    for ref, digest in digests:
        other = seen.setdefault(digest, ref)
        if other.split != ref.split and other.image != ref.image:
            own = f"{shown(ref.image)} has" if ref.list_name else "has"
            whose = f" ({place_of(other)})" if other.list_name else ""
            leaks.append(Leak(ref, other, f"{own} the content of {shown(other.image)}{whose}"))
    return leaks


def content_leaks(source: SourceConfig, pairs: Sequence[ExampleRef]) -> list[Leak]:
    """Returns the pairs whose photograph is, byte for byte, one of another split under another name.

    Of few photographs hardly any has the size of another one, of a hundred thousand most have, but still hardly any its
    end: only those are read whole. Files that cannot be read are left out, since the work on the pairs will name them.

    Raises:
      MachineError: the disk failed.
    """
    links = source.follow_links

    def size(ref: ExampleRef) -> bytes:
        return str((source.src / ref.image).stat().st_size).encode()

    def end(ref: ExampleRef) -> bytes:
        return hashlib.sha256(read_end(source.src, ref.image, _END_BYTES, follow_links=links)).digest()

    def content(ref: ExampleRef) -> bytes:
        return hashlib.sha256(read_inside(source.src, ref.image, follow_links=links)).digest()

    for key_of in (size, end, content):
        keyed = list(_keyed(pairs, key_of))
        splits_of: dict[bytes, set[str]] = {}
        for ref, key in keyed:
            splits_of.setdefault(key, set()).add(ref.split)
        pairs = [ref for ref, key in keyed if len(splits_of[key]) > 1]
    return same_content(keyed)


def _keyed(pairs: Iterable[ExampleRef], key_of: Callable[[ExampleRef], bytes]) -> Iterator[tuple[ExampleRef, bytes]]:
    """Yields the pairs whose photograph can be read, and what is told of it."""
    for ref in pairs:
        with contextlib.suppress(DataError, OSError, ValueError):
            yield ref, key_of(ref)


def near_duplicates(thumbnails: Sequence[bytes]) -> list[tuple[int, int]]:
    """Returns the index pairs (i, j), i < j, of photographs that look alike, told from grey thumbnails of 16x16.

    Two photographs look alike where their thumbnails, as vectors with mean 0 and length 1 (so that brightness and
    contrast do not matter), lie within MAX_ANGLE of each other. Candidates are found without comparing all with all:
    each gets a difference hash of 64 bits (is a cell brighter than its neighbour to the left?), and two hashes that
    differ in at most 4 bits have at least one of 5 bands of bits in common.

    An empty thumbnail, and one that is flat, is like nothing: blank tiles are no copies of each other. Of photographs
    with the very same thumbnail only the pairs with the first one are returned, not each with each, so that many
    copies do not make a flood; the groups that the pairs connect are whole.

    Source: dHash, N. Krawetz, "Kind of Like That", hackerfactor.com 2013; bands by the pigeonhole principle.
    """
    first: dict[bytes, int] = {}
    found = []
    for index, data in enumerate(thumbnails):
        if data and first.setdefault(data, index) != index:
            found.append((first[data], index))
    places = np.array(list(first.values()), np.int64)  # of the distinct thumbnails
    levels = np.frombuffer(b"".join(first), np.uint8).reshape(-1, 16, 16)
    informs = levels.std(axis=(1, 2), dtype=np.float32) >= FLAT_LEVELS
    clear = set(places[informs].tolist())
    found = [(i, j) for i, j in found if i in clear]
    places, levels = places[informs], levels[informs]
    vectors = levels.reshape(-1, 256).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for left, right in _candidates(_hashes(levels)):
        # The length of the difference is twice the sine of half the angle; a cosine would lose digits near 1.
        chord = np.linalg.norm(vectors[left] - vectors[right], axis=1)
        alike = chord <= MAX_ANGLE
        found += zip(places[left[alike]].tolist(), places[right[alike]].tolist(), strict=True)
    return sorted((min(pair), max(pair)) for pair in found)


def _hashes(levels: np.ndarray) -> np.ndarray:
    """Returns the difference hash uint64 [N] of thumbnails uint8 [N, 16, 16]."""
    cells = levels.reshape(-1, 8, 2, 8, 2).sum(axis=(2, 4), dtype=np.int32)
    is_brighter = cells > np.roll(cells, 1, axis=2)  # the first cell of a row is compared with its last
    return np.packbits(is_brighter.reshape(-1, 64), axis=1).view(np.uint64).ravel()


def _candidates(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields index arrays (left, right) of the pairs of hashes that differ in at most MAX_BITS bits, each pair once."""
    bands = [hashes >> np.uint64(first) & np.uint64((1 << bits) - 1) for first, bits in _BANDS]
    for number, band in enumerate(bands):
        order = np.argsort(band, kind="stable")
        _, starts, counts = np.unique(band[order], return_index=True, return_counts=True)
        for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
            bucket = order[start : start + count]
            rows = max(1, _BLOCK // int(count))
            for top in range(0, int(count), rows):
                left, right = bucket[top : top + rows, None], bucket[None, :]
                close = np.bitwise_count(hashes[left] ^ hashes[right]) <= MAX_BITS
                close &= left < right
                for earlier in bands[:number]:
                    close &= earlier[left] != earlier[right]  # or the pair has been yielded before
                i, j = np.nonzero(close)
                yield bucket[top + i], bucket[j]
