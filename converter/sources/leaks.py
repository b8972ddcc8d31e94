"""Leaks: the same image in two splits, which makes scores meaningless, or twice in one, where it counts twice."""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.config import SourceConfig
from converter.errors import DataError, UsageError, shown
from converter.sources.refs import ExampleRef
from converter.system.files import read_end, read_inside

Digests = Iterable[tuple[ExampleRef, bytes]]  # pairs with the SHA-256 of the content of their image
FIX_REPEAT = "Remove all but one: it counts twice."
_END_BYTES = 4096


class Leak(NamedTuple):
    """A pair whose image is also in another split, or once more in its own.

    Attributes:
      ref: the pair.
      other: the first such pair, of another split unless it is only a repeat.
      what: what the two have in common, as the end of "ref ...".
    """

    ref: ExampleRef
    other: ExampleRef
    what: str


def check_leaks(source: SourceConfig, pairs: Sequence[ExampleRef], copies: Digests) -> None:
    """Refuses a dataset in which two splits share an image, by name or by content.

    Args:
      source: where the dataset is.
      pairs: all of them.
      copies: of `find_copies`.

    Raises:
      UsageError: they do; the message names the first leak and the number of others.
    """
    leaks = name_leaks(pairs) or same_content(copies)
    if leaks:
        ref, _, what = leaks[0]
        more = f" (and {len(leaks) - 1} more)" if len(leaks) > 1 else ""
        fix = "Take each out of one of the splits, or pass --allow-leak."
        raise UsageError(source.src / place_of(ref), f"{what}{more}", fix, "E_LEAK")


def place_of(ref: ExampleRef) -> str:
    """Returns where a pair is named: list and line, or its image if no list names it."""
    return f"{ref.list_name}:{ref.line}" if ref.list_name else ref.image


def _in_several_splits(pairs: Sequence[ExampleRef]) -> Iterator[ExampleRef]:
    """Yields the pairs whose image another split names too, by the hash of its name; hardly any others."""
    images = np.fromiter((hash(ref.image) for ref in pairs), np.int64, len(pairs))
    splits = np.fromiter((hash(ref.split) for ref in pairs), np.int64, len(pairs))
    for place in np.flatnonzero(_shared(images, splits)).tolist():
        yield pairs[place]


def name_leaks(pairs: Sequence[ExampleRef]) -> list[Leak]:
    """Returns the pairs that name the image of an earlier pair in another split."""
    seen: dict[str, list[ExampleRef]] = {}
    leaks = []
    for ref in _in_several_splits(pairs):
        others = seen.setdefault(ref.image, [])
        others.append(ref)
        parts = others if ref.window else others[:1]  # blocks of an image may be in several splits
        other = next((one for one in parts if one.split != ref.split and not _are_apart(one, ref)), ref)
        if other.split != ref.split:
            named = f"names {shown(ref.image)}" if ref.list_name else f"is in {ref.split}"
            whose = f"which {place_of(other)} names too" if other.list_name else f"and in {other.split} too"
            leaks.append(Leak(ref, other, f"{named}, {whose}"))
    return leaks


def _are_apart(ref: ExampleRef, other: ExampleRef) -> bool:
    """Returns whether two pairs are blocks of an image that have no pixel in common."""
    if ref.window is None or other.window is None:
        return False
    one, two = ref.window, other.window
    return any(one[axis] + one[axis + 2] <= two[axis] or two[axis] + two[axis + 2] <= one[axis] for axis in (0, 1))


def same_content(digests: Digests) -> list[Leak]:
    """Returns the pairs whose image has the digest of an earlier one in another split, under another name."""
    seen: dict[bytes, ExampleRef] = {}
    leaks = []
    for ref, digest in digests:
        other = seen.setdefault(digest, ref)
        if other.split != ref.split and other.image != ref.image:
            leaks.append(Leak(ref, other, _content_of(ref, other)))
    return leaks


def repeated_content(digests: Digests) -> list[Leak]:
    """Returns the pairs whose image has the digest of an earlier one in the same split, under another name."""
    seen: dict[tuple[str, bytes], ExampleRef] = {}
    repeats = []
    for ref, digest in digests:
        other = seen.setdefault((ref.split, digest), ref)
        if other.image != ref.image:
            repeats.append(Leak(ref, other, _content_of(ref, other)))
    return repeats


def _content_of(ref: ExampleRef, other: ExampleRef) -> str:
    own = f"{shown(ref.image)} has" if ref.list_name else "has"
    whose = f" ({place_of(other)})" if other.list_name else ""
    return f"{own} the content of {shown(other.image)}{whose}"


def find_copies(source: SourceConfig, pairs: Sequence[ExampleRef]) -> list[tuple[ExampleRef, bytes]]:
    """Returns the pairs whose image is byte-identical to one under another name, with the SHA-256 of its content.

    Sizes are compared first, then the last bytes, and only files that agree in both are read in full: among a hundred
    thousand images most share their size with another, but hardly any their end. Unreadable files are skipped; the
    later work on the pairs reports them.

    Raises:
      MachineError: the disk failed.
    """
    links = source.follow_links

    def size(ref: ExampleRef) -> int:
        # A Path would intern the names, which takes 50 bytes a pair as long as the process lives.
        return os.stat(os.path.join(source.src, ref.image)).st_size  # noqa: PTH116, PTH118

    def end(ref: ExampleRef) -> bytes:
        return read_end(source.src, ref.image, _END_BYTES, follow_links=links)

    places = np.arange(len(pairs))
    for key_of in (size, end):
        places = _alike(pairs, places, key_of)
    keyed: list[tuple[ExampleRef, bytes]] = []
    images: dict[bytes, set[str]] = {}
    for place in places.tolist():
        with contextlib.suppress(DataError, OSError, ValueError):
            content = read_inside(source.src, pairs[place].image, follow_links=links)
            keyed.append((pairs[place], hashlib.sha256(content).digest()))
            images.setdefault(keyed[-1][1], set()).add(pairs[place].image)
    return [(ref, key) for ref, key in keyed if len(images[key]) > 1]


def _alike(
    pairs: Sequence[ExampleRef], places: NDArray[np.int64], key_of: Callable[[ExampleRef], Hashable]
) -> NDArray[np.int64]:
    """Returns the places of the pairs whose image shares its key with one of another name.

    A few may have another key: only hashes are compared, as a million keys and names would fill memory. Those whose
    image cannot be read are left out.
    """
    found, keys, images = array("q"), array("q"), array("q")
    for place in places.tolist():
        with contextlib.suppress(DataError, OSError, ValueError):
            ref = pairs[place]
            keys.append(hash(key_of(ref)))
            found.append(place)
            images.append(hash(ref.image))
    return np.array(found)[_shared(np.array(keys), np.array(images))]


def _shared(keys: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which keys belong to more than one value."""
    order = np.lexsort((values, keys))
    keys_in_order, values_in_order = keys[order], values[order]
    is_same = keys_in_order[1:] == keys_in_order[:-1]
    return np.isin(keys, keys_in_order[1:][is_same & (values_in_order[1:] != values_in_order[:-1])])
