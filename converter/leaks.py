"""Leaks: the same photograph in two splits, which makes a score say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.splits import ExampleRef


def check_leaks(source: SourceConfig, refs: Mapping[str, Sequence[ExampleRef]]) -> None:
    """Raises UsageError where two splits share a photograph, by name."""
    seen: dict[str, ExampleRef] = {}
    pairs = [ref for split_refs in refs.values() for ref in split_refs]
    leaks = [(ref, other) for ref in pairs if (other := seen.setdefault(ref.image, ref)).split != ref.split]
    if leaks:
        ref, other = leaks[0]
        more = f", and so for {len(leaks) - 1} more" if len(leaks) > 1 else ""
        what = f"names {shown(ref.image)}, which {other.list_name}:{other.line} names too{more}"
        mend = "Take each off one of the lists, or pass --allow-leak."
        raise UsageError(source.src / f"{ref.list_name}:{ref.line}", what, mend, "E_LEAK")


def near_duplicates(thumbnails: Sequence[bytes]) -> list[tuple[int, int]]:
    """Returns the index pairs (i, j), i < j, of photographs that look alike, told from grey thumbnails of 16x16.

    An empty thumbnail is like nothing.
    """
    raise NotImplementedError
