"""Two levels: masks of black and white with blends of them, as an interpolated resize or JPEG leaves them.

`--tolerance 127` splits such a mask at 128: it gives exactly `mask > 127`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THRESHOLD = 127  # the tolerance that maps every level to the nearer of 0 and 255
_END = 8  # levels from 0 and from 255 within which their peaks may be: JPEG moves them
_RINGING = 32  # levels by which JPEG moves the pixels next to an edge that it keeps sharp
_MIN_OTHERS = 6  # other levels, or they may be classes
_MIN_SIDE = 3  # of them on the side of each peak: class ids are on the side of 0 alone
_DENSE_GAP = 4  # median between two levels that occur: codes with wide steps, such as 0, 10, 20, ..., are classes
_HOLE = 96  # levels next to an end; class ids leave a hole below 255
_CLASS_SHARE = 0.25  # of the smaller peak: a level that is as frequent is a class
_MIN_PEAK = 0.01  # of all pixels
_MIN_MIRRORED = 0.8  # of the levels v for which 255 - v occurs as well: a blend of an edge has both


def blended_ends(counts: np.ndarray, *, is_lossy: bool = False) -> tuple[int, int] | None:
    """Returns the two levels of masks that hold black, white and blends of them; None for any other masks.

    Args:
      counts: pixels of each level 0..255 in all masks, int64 [256].
      is_lossy: whether the masks are JPEG, so that any level close to an end is damage.
    """
    low = 0 if counts[0] else int(counts[: _END + 1].argmax())
    high = 255 if counts[255] else 255 - int(counts[: 254 - _END : -1].argmax())
    peak = min(int(counts[low]), int(counts[high]))
    others = [level for level in np.flatnonzero(counts).tolist() if level not in (low, high)]
    if not counts[low] or not counts[high] or not (others or is_lossy):
        return None
    if is_lossy and _is_only_near_ends(counts):
        return low, high
    if peak < _MIN_PEAK * counts.sum():
        return None
    is_blend = max(counts[others]) <= _CLASS_SHARE * peak and _is_blend(low, high, others)
    return (low, high) if is_blend else None


def _is_only_near_ends(counts: np.ndarray) -> bool:
    """Returns whether levels of JPEG masks are near 0 and 255, but for a few that are nowhere dense, as edges are."""
    ends = int(counts[: _RINGING + 1].sum()), int(counts[255 - _RINGING :].sum())
    densest = int(np.convolve(counts[_RINGING + 1 : 255 - _RINGING], np.ones(_END + 1, np.int64)).max())
    return min(ends) >= _MIN_PEAK * counts.sum() and densest <= _CLASS_SHARE * min(ends)


def _is_blend(low: int, high: int, others: Sequence[int]) -> bool:
    """Returns whether levels are blends of the two ends: on both sides, and dense, or each with its mirror image."""
    below = sum(level < 128 for level in others)
    if len(others) < _MIN_OTHERS or min(below, len(others) - below) < _MIN_SIDE:
        return False
    gaps = np.diff([low, *others, high])
    is_even = gaps.min() > 1 and int(gaps.max()) - int(gaps.min()) <= 1  # as codes are
    if is_even or max(gaps[0], gaps[-1]) > _HOLE:
        return False
    known = set(others)
    mirrored = sum(bool({254 - level, 255 - level, 256 - level} & known) for level in others)
    return bool(np.median(gaps) <= _DENSE_GAP) or mirrored >= _MIN_MIRRORED * len(others)
