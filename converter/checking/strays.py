"""Strays: which mask values are classes, and which are damage from blending or JPEG.

A value counts as damage only where the values around it show the damage too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from converter.checking.survey import PairFacts
from converter.checking.two_levels import blended_ends
from converter.limits import MAX_PEAKS
from converter.pixels.masks import MaskValue

# Measured on 25 masks of CamVid in their 12 colours, saved as JPEG of quality 75 and 95 and resized bilinearly by 0.5,
# 0.71 and 2: 2 000 to 180 000 values result, each among 14 (resized by 2) to 1 300 (JPEG) others in its cell and those
# around it. True colours are 1 or 2 levels off after JPEG.
DAMAGE_LEVELS = 32  # maximum shift of a colour by JPEG; a value farther from every listed one is a blend of two
CELL = 8  # levels; two colours in neighbouring cells differ by less than 16 in every channel
CROWD = 8  # values in a cell and those around it; no preset, and not VOC's map of 256 colours, has 1
NEAR = 8  # levels; closer values are merged only where one is RARE
NEAR_IN_CROWD = 16
RARE = 100  # times fewer pixels than the value next to it
LINE = 4  # levels off the line between two frequent colours; rounding alone gives 1, JPEG more
LINE_IN_CROWD = 12
RARE_ON_LINE = 10  # times fewer pixels than either end
MIN_ON_LINE = 4  # VOC has 2 colours on the line between two others, and no more
TOWER = 8  # times as many pixels as any value around it: a class, unless it is
RARE_TOWER = 25  # times rarer than what it may be a mixture of; CamVid's rarest class, midway between two others, is 24
SPECK_PIXELS = 4  # per image: smaller than any annotated region
SPECK_PIXELS_LOSSY = 64  # per image, of one colour: less than one block of JPEG, where edges leave colours of their own
REACH = 6  # grey levels within which there is only one peak
PEAK = 3  # times as many pixels as any level within REACH


class ValueTotal(NamedTuple):
    """How often a value occurs in the masks of a dataset: pixels, and images that hold it."""

    pixels: int
    images: int


def total_values(facts: Sequence[PairFacts]) -> dict[MaskValue, ValueTotal]:
    """Returns the totals of every value, most frequent first."""
    pixels: dict[MaskValue, int] = defaultdict(int)
    images: dict[MaskValue, int] = defaultdict(int)
    for fact in facts:
        for value, count in fact.values:
            pixels[value] += count
            images[value] += 1
    order = sorted(pixels, key=lambda value: (-pixels[value], value))
    return {value: ValueTotal(pixels[value], images[value]) for value in order}


def are_lossy(facts: Sequence[PairFacts]) -> bool:
    """Returns whether all masks that were read are JPEG."""
    kinds = {fact.mask_kind.partition(" ")[0] for fact in facts if fact.values}
    return bool(kinds) and kinds <= {"JPEG", "MPO"}


def level_ends(totals: Mapping[MaskValue, ValueTotal], *, is_lossy: bool = False) -> tuple[int, int] | None:
    """Returns the two levels of masks of black, white and blends of them, about 0 and 255; None for other masks."""
    counts = np.zeros(256, np.int64)
    for value, total in totals.items():
        if value.mode not in ("L", "RGB") or value.depth != 8 or len(set(value.color)) > 1:
            return None
        counts[value.color[0]] += total.pixels
    return blended_ends(counts, is_lossy=is_lossy)


def stray_values(totals: Mapping[MaskValue, ValueTotal], *, is_lossy: bool = False) -> dict[MaskValue, MaskValue]:
    """Returns value -> the frequent value that it is a damaged form of, for all values that look like damage.

    Palette indices, 16-bit levels and samples of few bits are never damage: only software that writes ids makes them.
    Colours are damage where they are rare and similar to a frequent one, or several on the line between two frequent
    ones (a blended edge), or in a cluster (JPEG) without being its peak. Grey levels may be class ids, for which
    neighbours mean nothing. They are damage only where every frequent level is far from the next one and has rare
    levels on both sides, which ids never have. Any other value is a class, however rare it is.

    Args:
      totals: of every value.
      is_lossy: whether all masks are JPEG.
    """
    if ends := level_ends(totals, is_lossy=is_lossy):
        low, high = (next(value for value in totals if value.color[0] == end) for end in ends)
        return {value: low if value.color[0] < 128 else high for value in totals if value.color[0] not in ends}
    levels = [value for value in totals if value.mode == "L" and value.depth == 8]
    colors = [value for value in totals if value.mode == "RGB"]
    strays = _stray_levels({value: value.number for value in levels}, totals)
    channel = _only_channel(colors)
    if channel is not None:
        return strays | _stray_levels({value: value.color[channel] for value in colors}, totals)
    return strays | _stray_colors(colors, totals, SPECK_PIXELS_LOSSY if is_lossy else SPECK_PIXELS)


def _only_channel(colors: Sequence[MaskValue]) -> int | None:
    """Returns the channel of class ids stored in RGB: all colours grey, or all but one channel 0; None otherwise."""
    if all(len(set(value.color)) == 1 for value in colors):
        return 0
    used = [channel for channel in range(3) if any(value.color[channel] for value in colors)]
    return used[0] if len(used) == 1 else None


def _stray_levels(
    level_of: Mapping[MaskValue, int], totals: Mapping[MaskValue, ValueTotal]
) -> dict[MaskValue, MaskValue]:
    """Returns stray value -> frequent value among grey levels."""
    counts = np.zeros(256, np.int64)
    by_level = {level: value for value, level in level_of.items()}
    for value, level in level_of.items():
        counts[level] = totals[value].pixels
    frequent = _frequent_levels(counts)
    if not _is_damaged(counts, frequent):
        return {}
    nearest = {level: min(frequent, key=lambda peak: (abs(peak - level), peak)) for level in by_level}
    return {value: by_level[nearest[level]] for value, level in level_of.items() if nearest[level] != level}


def _frequent_levels(counts: np.ndarray) -> list[int]:
    """Returns the peaks: levels far above those within REACH, except rare mixtures of the two peaks around them."""
    padded = np.pad(counts, REACH)
    around = np.max([padded[REACH + d : REACH + d + 256] for d in range(-REACH, REACH + 1) if d], axis=0)
    peaks = np.flatnonzero((counts > 0) & (counts >= PEAK * around))
    frequent: list[int] = []
    for peak in sorted(peaks.tolist(), key=lambda level: (-counts[level], level)):
        below = max((level for level in frequent if level < peak), default=None)
        above = min((level for level in frequent if level > peak), default=None)
        ends = [int(counts[level]) for level in (below, above) if level is not None]
        ring = [int(padded[REACH + peak + d]) for d in range(-REACH, REACH + 1) if abs(d) > 2]
        is_tower = min(ring) > 0 and counts[peak] >= TOWER * max(ring)
        is_tower &= len(ends) == 2 and counts[peak] * RARE_TOWER >= min(ends)
        if len(ends) < 2 or is_tower or counts[peak] * RARE_ON_LINE > min(ends):
            frequent.append(peak)
    return sorted(frequent)


def _is_damaged(counts: np.ndarray, frequent: Sequence[int]) -> bool:
    """Returns whether grey levels show damage: clusters of rare levels on both sides of every frequent one."""
    others = [level for level in np.flatnonzero(counts).tolist() if level not in frequent]
    if len(frequent) < 2 or len(others) < CROWD:
        return False
    if others[0] < frequent[0] - 2 * CELL or others[-1] > frequent[-1] + 2 * CELL:  # JPEG overshoots, but not that far
        return False
    for low, high in pairwise(frequent):
        between = [level for level in others if low < level < high]
        reach = max(CELL, (high - low) // 8)
        if high - low < 2 * CELL or not between or between[0] - low > reach or high - between[-1] > reach:
            return False
        # JPEG shifts a flat area by a level or two: levels that close need not be rare.
        inner = [level for level in between if level - low > 2 and high - level > 2]
        if any(counts[level] * RARE_ON_LINE > max(counts[low], counts[high]) for level in inner):
            return False
        if sum(b - a <= NEAR for a, b in pairwise(between)) < len(between) // 2:
            return False  # codes with wide steps, not a cluster
    return True


def _stray_colors(
    colors: Sequence[MaskValue], totals: Mapping[MaskValue, ValueTotal], speck_pixels: int
) -> dict[MaskValue, MaskValue]:
    """Returns stray value -> frequent value among colours; rare ones of fewer pixels an image are damage."""
    if len(colors) < 2:
        return {}
    rgb = np.array([value.color for value in colors], np.int32)  # most frequent first, as the totals are
    pixels = np.array([totals[value].pixels for value in colors], np.int64)
    neighbours, is_peak = _neighbourhoods(rgb, pixels)
    crowded = neighbours >= CROWD
    candidates = np.flatnonzero(is_peak | ~crowded)[: 4 * MAX_PEAKS]
    frequent: list[int] = []
    on_lines: dict[int, list[tuple[int, int]]] = {}
    for index in candidates.tolist():
        lines = _explaining(index, rgb, pixels, frequent, is_crowded=bool(crowded[index]))
        if lines is None:
            frequent.append(index)
            if len(frequent) > MAX_PEAKS:
                return {}
        else:
            on_lines[index] = lines
    frequent += _unproven(on_lines, crowded)
    frequent.sort()
    strays = sorted(set(range(len(colors))) - set(frequent))
    if len(strays) > len(frequent):  # damage is proven: only then may unexplained specks be damage as well
        images = np.array([totals[value].images for value in colors])
        specks = {i for i in frequent[1:] if pixels[i] <= speck_pixels * images[i] and pixels[i] * RARE <= pixels[0]}
        frequent = [index for index in frequent if index not in specks]
        strays = sorted(set(range(len(colors))) - set(frequent))
    nearest = _nearest(rgb[strays], rgb[frequent])
    return {colors[stray]: colors[frequent[near]] for stray, near in zip(strays, nearest.tolist(), strict=True)}


def _neighbourhoods(rgb: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (number of other colours around each colour, whether it has the most pixels of them), each [N].

    "Around" is the colour's cell of CELL levels in each channel and the 26 cells that touch it.
    """
    side = 256 // CELL + 2
    cells = tuple((rgb // CELL + 1).T)
    number = np.zeros((side,) * 3, np.int64)
    most = np.zeros((side,) * 3, np.int64)
    np.add.at(number, cells, 1)
    np.maximum.at(most, cells, pixels)
    for axis in range(3):  # the border cells are empty, so np.roll wraps nothing around
        number = number + np.roll(number, 1, axis) + np.roll(number, -1, axis)
        most = np.maximum(most, np.maximum(np.roll(most, 1, axis), np.roll(most, -1, axis)))
    return number[cells] - 1, pixels == most[cells]


def _explaining(
    index: int, rgb: np.ndarray, pixels: np.ndarray, frequent: Sequence[int], *, is_crowded: bool
) -> list[tuple[int, int]] | None:
    """Returns the pairs of frequent colours that a colour may be a mixture of.

    [] where it is near a frequent colour; None where neither explains it.
    """
    if not frequent:
        return None
    color, count = rgb[index], int(pixels[index])
    anchors = rgb[frequent].astype(np.float64)
    counts = pixels[frequent]
    distance = np.abs(anchors - color).max(1)
    rare = RARE_TOWER if is_crowded and _is_peak(index, rgb, pixels) else RARE_ON_LINE
    if not is_crowded:
        is_near = (distance <= NEAR) & (counts >= RARE * count)
    elif rare == RARE_TOWER:
        is_near = (distance <= NEAR_IN_CROWD) & (counts >= rare * count)
    else:
        is_near = distance <= NEAR_IN_CROWD
    if is_near.any():
        return []
    ends = np.flatnonzero(counts >= rare * count)
    first, second = (ends[part] for part in np.triu_indices(len(ends), 1))
    start, direction = anchors[first], anchors[second] - anchors[first]
    along = ((color - start) * direction).sum(1) / np.maximum((direction**2).sum(1), 1)
    off = np.abs(start + along[:, None] * direction - color).max(1)
    hits = np.flatnonzero((along > 0) & (along < 1) & (off <= (LINE_IN_CROWD if is_crowded else LINE)))
    return [(frequent[first[hit]], frequent[second[hit]]) for hit in hits.tolist()] or None


def _is_peak(index: int, rgb: np.ndarray, pixels: np.ndarray) -> bool:
    """Returns whether a colour has TOWER times as many pixels as any around it; JPEG splits a peak over two levels."""
    distance = np.abs(rgb - rgb[index]).max(1)
    ring = pixels[(distance > 2) & (distance <= CELL)]
    return len(ring) > 0 and bool(pixels[index] >= TOWER * ring.max())


def _unproven(on_lines: Mapping[int, list[tuple[int, int]]], crowded: np.ndarray) -> list[int]:
    """Returns the colours on a line that are classes after all: outside clusters, with too few others on the line."""
    members: dict[tuple[int, int], int] = defaultdict(int)
    for lines in on_lines.values():
        for line in lines:
            members[line] += 1
    return [
        index
        for index, lines in on_lines.items()
        if lines and not crowded[index] and all(members[line] < MIN_ON_LINE for line in lines)
    ]


def _nearest(rgb: np.ndarray, frequent: np.ndarray) -> np.ndarray:
    """Returns the index of the nearest frequent colour int64 [N], by the channel that differs most."""
    best = np.full(len(rgb), 256, np.int32)
    nearest = np.zeros(len(rgb), np.int64)
    for index, color in enumerate(frequent):
        distance = np.abs(rgb - color).max(1)
        closer = distance < best
        best[closer] = distance[closer]
        nearest[closer] = index
    return nearest
