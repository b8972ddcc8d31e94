"""Draft classes: what the masks of a dataset hold -> which values are classes and which damage; a first classes.csv.

Nothing is guessed in silence: a name or an `ignore` that the masks alone cannot prove stands under a comment that says
so, and a value is called damage only where the values around it show the damage too.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from converter.class_files import FoundClasses
from converter.classes import CLASSES_CSV, IGNORE_NAME, ClassMap, ClassMapBuilder, Color, to_csv
from converter.errors import UsageError, shown
from converter.masks import MaskMapper, MaskValue
from converter.presets import names_for
from converter.schema import IGNORE_INDEX, MAX_CLASSES
from converter.storage import write_whole
from converter.survey import PairFacts

# Measured on 25 masks of CamVid in their 12 colours, saved as JPEG of quality 75 and 95 and sized bilinearly by 0.5,
# 0.71 and 2: 2 000 to 180 000 values arise, each among 14 (sized by 2) to 1 300 (JPEG) others in its cell and those
# around it. True colours stand 1 or 2 levels off after JPEG.
DAMAGE_LEVELS = 32  # by which JPEG moves a colour; what is farther from every listed one was blended from two of them
CELL = 8  # levels; two colours in neighbouring cells differ by less than 16 in every channel
CROWD = 8  # values in a cell and those around it; no preset, and not VOC's map of 256 colours, has 1
NEAR = 8  # levels; closer values are taken for one another only where one is RARE
NEAR_IN_CROWD = 16
RARE = 100  # times fewer pixels than the value that it stands near
LINE = 4  # levels off the line between two frequent colours; rounding alone gives 1, JPEG more
LINE_IN_CROWD = 12
RARE_ON_LINE = 10  # times fewer pixels than either end
MIN_ON_LINE = 4  # VOC has 2 colours on the line between two others, and no more
TOWER = 8  # times as many pixels as any value around it: a class, unless it is
RARE_TOWER = 25  # times rarer than what explains it; CamVid's rarest class, half-way between two others, is 24 times
SPECK_PIXELS = 4  # an image: smaller than what anybody draws
REACH = 6  # grey levels within which a peak must stand alone
PEAK = 3  # times as many pixels as any level within REACH
MAX_PEAKS = 512  # twice MAX_CLASSES: of more, the draft is refused anyway

VOC_BORDER: Color = (224, 224, 192)
_Key = int | Color  # of a class map's row: a level or palette index, or a colour


class ValueTotal(NamedTuple):
    """How often a value stands in the masks of a dataset: pixels, and images that hold it."""

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


def stray_values(totals: Mapping[MaskValue, ValueTotal]) -> dict[MaskValue, MaskValue]:
    """Returns value -> the frequent value that it is a damaged form of, for all values that look like damage.

    Palette indices, 16-bit levels and samples of few bits are numbers that somebody wrote: never damage. Colours are
    damage where they are rare beside a colour that they almost are, or in a row on the line between two frequent ones
    (an edge that was smoothed), or in a crowd (JPEG) without being its peak. Grey levels may be class ids, in which
    neighbours mean nothing: they are damage only where every frequent level is far from the next one and has rare
    levels on each side, which ids never have. A value without any such company is a class, however rare it is.
    """
    levels = [value for value in totals if value.mode == "L" and value.depth == 8]
    colors = [value for value in totals if value.mode == "RGB"]
    strays = _stray_levels({value: value.number for value in levels}, totals)
    channel = _only_channel(colors)
    if channel is not None:
        return strays | _stray_levels({value: value.color[channel] for value in colors}, totals)
    return strays | _stray_colors(colors, totals)


def _only_channel(colors: Sequence[MaskValue]) -> int | None:
    """Returns the channel that holds everything where colours are grey, or black but for one channel: class ids do."""
    if all(len(set(value.color)) == 1 for value in colors):
        return 0
    used = [channel for channel in range(3) if any(value.color[channel] for value in colors)]
    return used[0] if len(used) == 1 else None


def _stray_levels(
    level_of: Mapping[MaskValue, int], totals: Mapping[MaskValue, ValueTotal]
) -> dict[MaskValue, MaskValue]:
    """Returns the stray values among grey levels, by their frequent ones."""
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
    """Returns the levels that tower over those within REACH and are no rare mixture of the two around them."""
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
    """Returns whether grey levels show damage: a crowd of rare ones that begins on both sides of every frequent one."""
    others = [level for level in np.flatnonzero(counts).tolist() if level not in frequent]
    if len(frequent) < 2 or len(others) < CROWD:
        return False
    if others[0] < frequent[0] - 2 * CELL or others[-1] > frequent[-1] + 2 * CELL:  # JPEG overshoots, but not so far
        return False
    for low, high in pairwise(frequent):
        between = [level for level in others if low < level < high]
        reach = max(CELL, (high - low) // 8)
        if high - low < 2 * CELL or not between or between[0] - low > reach or high - between[-1] > reach:
            return False
        # JPEG moves a flat area by a level or two: what stands so close need not be rare.
        inner = [level for level in between if level - low > 2 and high - level > 2]
        if any(counts[level] * RARE_ON_LINE > max(counts[low], counts[high]) for level in inner):
            return False
        if sum(b - a <= NEAR for a, b in pairwise(between)) < len(between) // 2:
            return False  # codes with wide steps, not a crowd
    return True


def _stray_colors(colors: Sequence[MaskValue], totals: Mapping[MaskValue, ValueTotal]) -> dict[MaskValue, MaskValue]:
    """Returns the stray colours, by their frequent ones."""
    if len(colors) < 2:
        return {}
    rgb = np.array([value.color for value in colors], np.int32)  # most frequent first, as the totals are
    pixels = np.array([totals[value].pixels for value in colors], np.int64)
    company, is_peak = _crowds(rgb, pixels)
    crowded = company >= CROWD
    walk = np.flatnonzero(is_peak | ~crowded)[: 4 * MAX_PEAKS]
    frequent: list[int] = []
    on_lines: dict[int, list[tuple[int, int]]] = {}
    for index in walk.tolist():
        lines = _explaining(index, rgb, pixels, frequent, is_crowded=bool(crowded[index]))
        if lines is None:
            frequent.append(index)
            if len(frequent) > MAX_PEAKS:
                return {}
        else:
            on_lines[index] = lines
    frequent += _lonely(on_lines, crowded)
    frequent.sort()
    strays = sorted(set(range(len(colors))) - set(frequent))
    if len(strays) > len(frequent):  # proven: only then can what nothing explains be damage as well
        images = np.array([totals[value].images for value in colors])
        specks = {i for i in frequent[1:] if pixels[i] <= SPECK_PIXELS * images[i] and pixels[i] * RARE <= pixels[0]}
        frequent = [index for index in frequent if index not in specks]
        strays = sorted(set(range(len(colors))) - set(frequent))
    nearest = _nearest(rgb[strays], rgb[frequent])
    return {colors[stray]: colors[frequent[near]] for stray, near in zip(strays, nearest.tolist(), strict=True)}


def _crowds(rgb: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns (number of other colours around each colour, whether it has the most pixels of them), each [N].

    Around a colour is its cell of CELL levels in each channel and the 26 cells that touch it.
    """
    side = 256 // CELL + 2
    cells = tuple((rgb // CELL + 1).T)
    number = np.zeros((side,) * 3, np.int64)
    most = np.zeros((side,) * 3, np.int64)
    np.add.at(number, cells, 1)
    np.maximum.at(most, cells, pixels)
    for axis in range(3):  # rolled through the empty rim
        number = number + np.roll(number, 1, axis) + np.roll(number, -1, axis)
        most = np.maximum(most, np.maximum(np.roll(most, 1, axis), np.roll(most, -1, axis)))
    return number[cells] - 1, pixels == most[cells]


def _explaining(
    index: int, rgb: np.ndarray, pixels: np.ndarray, frequent: Sequence[int], *, is_crowded: bool
) -> list[tuple[int, int]] | None:
    """Returns the lines between frequent colours that a colour is a mixture on; [] where it is near one of them.

    None where nothing explains it.
    """
    if not frequent:
        return None
    color, count = rgb[index], int(pixels[index])
    anchors = rgb[frequent].astype(np.float64)
    counts = pixels[frequent]
    distance = np.abs(anchors - color).max(1)
    rare = RARE_TOWER if is_crowded and _towers(index, rgb, pixels) else RARE_ON_LINE
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
    start, way = anchors[first], anchors[second] - anchors[first]
    along = ((color - start) * way).sum(1) / np.maximum((way**2).sum(1), 1)
    off = np.abs(start + along[:, None] * way - color).max(1)
    hits = np.flatnonzero((along > 0) & (along < 1) & (off <= (LINE_IN_CROWD if is_crowded else LINE)))
    return [(frequent[first[hit]], frequent[second[hit]]) for hit in hits.tolist()] or None


def _towers(index: int, rgb: np.ndarray, pixels: np.ndarray) -> bool:
    """Returns whether a colour has TOWER times as many pixels as any around it; JPEG splits a peak over two levels."""
    distance = np.abs(rgb - rgb[index]).max(1)
    ring = pixels[(distance > 2) & (distance <= CELL)]
    return len(ring) > 0 and bool(pixels[index] >= TOWER * ring.max())


def _lonely(on_lines: Mapping[int, list[tuple[int, int]]], crowded: np.ndarray) -> list[int]:
    """Returns the colours that no crowd and too few others on their lines prove to be mixtures."""
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


class _Row(NamedTuple):
    """One value as a class map lists it, with what the masks say of it."""

    key: _Key
    pixels: int
    images: int
    remark: str


def draft_classes(facts: Sequence[PairFacts], found: FoundClasses | None) -> str:
    """Returns the text of a native class map for the values that the masks of a dataset hold.

    Damage is left out and summed up in a remark. A class map that was found is written out whole where it lists at
    least half of the values, so that its class indices stay as they are; what it does not list follows.

    Args:
      facts: of the pairs, from `survey`.
      found: the class file of the source where it has one, from which names are taken.

    Raises:
      UsageError: no mask could be read, or there are more values than classes, so that these are no class masks.
    """
    totals = total_values(facts)
    if not totals:
        raise UsageError(CLASSES_CSV, "cannot be drafted: no mask could be read", "Mend the masks.", "E_MASK_VALUE")
    strays = stray_values(totals)
    kept = {value: total for value, total in totals.items() if value not in strays}
    keys = _keys(kept)
    rows = all_rows = _rows(kept, keys)
    if len(rows) > MAX_CLASSES:
        raise _no_class_masks(facts, rows)
    remarks = [f"Draft of a class map, made from {sum(1 for fact in facts if fact.values)} masks. Check every name."]
    builder = ClassMapBuilder()
    taken: set[str] = set()
    known = _listed_by(found, kept)
    if found is not None and len(known) * 2 >= len(kept):
        remarks.append(f"Names are those of {shown(found.origin)} ({found.kind}).")
        taken = _add_all(builder, found.classes)
        rows = [row for row in rows if row.key not in {keys[value] for value in known}]
    elif found is not None:
        remarks.append(f"Not used: {shown(found.origin)}, which lists {len(known)} of {len(kept)} values.")
    names, guesses = _names(rows, totals, taken)
    try:
        for row in rows:
            builder.add(names[row.key], row.key)
        text = to_csv(builder.finish())
    except ValueError as error:
        mend = "Write classes.csv by hand."
        raise UsageError(CLASSES_CSV, f"cannot be drafted: it {error}", mend, "E_MASK_VALUE") from None
    remarks += guesses + _mode_remarks(kept) + _stray_remarks(strays, totals) + _table(all_rows, totals)
    return "".join(f"# {remark}".rstrip() + "\n" for remark in remarks) + text


def check_classes(src: Path, overwrite: bool = False) -> Path:
    """Returns the path of classes.csv in the source folder.

    Raises:
      UsageError: there is one, and `overwrite` is not set, or it is a folder.
    """
    path = src / CLASSES_CSV
    if path.is_dir():
        raise UsageError(path, "is a folder", "Move it away.", "E_OUT")
    if not overwrite and (path.exists() or path.is_symlink()):
        raise UsageError(path, "exists", "Pass --overwrite to replace it.", "E_OUT")
    return path


def write_classes(src: Path, text: str, overwrite: bool = False) -> Path:
    """Saves a class map as classes.csv in the source folder and returns its path.

    Raises:
      UsageError: there is one, and `overwrite` is not set, or it is a folder.
      MachineError: it cannot be written.
    """
    path = check_classes(src, overwrite)
    write_whole(path, text.encode())
    return path


def _keys(kept: Mapping[MaskValue, ValueTotal]) -> dict[MaskValue, _Key]:
    """Returns what each value is listed by: its number, or its colour.

    A grey level and the colour of three such levels are the same drawing; where all colours are greys, they are ids
    that somebody wrote into three channels, and black and white are not. Palettes count by index, unless an index has
    another colour in another file or RGB masks stand beside them: then by colour.
    """
    palette_colors: dict[int, set[Color]] = defaultdict(set)
    for value in kept:
        if value.mode == "P":
            palette_colors[value.number].add(value.color)
    by_color = any(len(colors) > 1 for colors in palette_colors.values()) or any(v.mode == "RGB" for v in kept)
    keys: dict[MaskValue, _Key] = {}
    for value in kept:
        is_color = value.mode == "RGB" or (value.mode == "P" and by_color)
        keys[value] = value.color if is_color else value.number
    levels = {keys[value] for value in kept if value.mode == "L" and value.depth == 8}
    colors = {key for key in keys.values() if isinstance(key, tuple)}
    greys = {color[0] for color in colors if len(set(color)) == 1}
    if len(greys) == len(colors) and not greys <= {0, 255}:
        levels |= greys
    return {
        value: key[0] if isinstance(key, tuple) and len(set(key)) == 1 and key[0] in levels else key
        for value, key in keys.items()
    }


def _rows(kept: Mapping[MaskValue, ValueTotal], keys: Mapping[MaskValue, _Key]) -> list[_Row]:
    """Returns one row a key: black or 0 first, then numbers in their order, then colours by frequency."""
    rows: dict[_Key, _Row] = {}
    for value, total in kept.items():
        key = keys[value]
        before = rows.get(key, _Row(key, 0, 0, ""))
        color = "drawn in #{:02X}{:02X}{:02X}".format(*value.color) if value.mode == "P" and key == value.number else ""
        rows[key] = _Row(key, before.pixels + total.pixels, before.images + total.images, before.remark or color)

    def order(row: _Row) -> tuple[bool, bool, int, _Key]:
        is_color = isinstance(row.key, tuple)
        return row.key not in (0, (0, 0, 0)), is_color, -row.pixels if is_color else 0, row.key

    return sorted(rows.values(), key=order)


def _listed_by(found: FoundClasses | None, kept: Iterable[MaskValue]) -> set[MaskValue]:
    """Returns the values that a class map lists."""
    if found is None:
        return set()
    mapper = MaskMapper(found.classes)
    listed = set()
    for value in kept:
        with contextlib.suppress(ValueError):  # could be meant in two ways
            if mapper.index_of(value) is not None:
                listed.add(value)
    return listed


def _add_all(builder: ClassMapBuilder, classes: ClassMap) -> set[str]:
    """Adds every row of a class map, in order of class index, and returns the names."""
    for index in (*range(classes.num_classes), IGNORE_INDEX):
        for value in classes.values_of(index):
            builder.add(classes.name_of(index), value)
    return {*classes.names, IGNORE_NAME}


def _names(
    rows: Sequence[_Row], totals: Mapping[MaskValue, ValueTotal], taken: set[str]
) -> tuple[dict[_Key, str], list[str]]:
    """Returns the name of each row, and remarks on those that are guessed.

    Args:
      rows: those that have no name yet.
      totals: of all values.
      taken: names of the class map that was found, empty where there is none.
    """
    keys = {row.key for row in rows}
    names: dict[_Key, str] = {}
    remarks: list[str] = []
    colors = {key for key in keys if isinstance(key, tuple)}
    known = names_for(colors) if colors else None
    if known is not None:
        names |= {color: name for color, name in known[1].items() if color in keys}
        remarks.append(f"Names are those of preset:{known[0]}, whose colours these are.")
    if not taken and _is_binary(keys, totals):
        names |= {key: "foreground" for key in keys if key not in (0, (0, 0, 0))}
        remarks.append("Two values, so background and foreground; 255 is no `ignore` where nothing else is drawn.")
    elif ignored := _ignored(keys, totals):
        names.setdefault(ignored[0], IGNORE_NAME)
        if names[ignored[0]] == IGNORE_NAME and known is None:
            remarks.append(ignored[1])
    if not taken and "background" not in names.values():
        names |= {key: "background" for key in keys & {0, (0, 0, 0)} if key not in names}
    number = len(taken)
    for row in rows:
        if row.key not in names:
            number = row.key if isinstance(row.key, int) else max(number, 1)
            while f"class_{number}" in taken | set(names.values()):
                number += 1
            names[row.key] = f"class_{number}"
    return names, remarks


def _is_binary(keys: set[_Key], totals: Mapping[MaskValue, ValueTotal]) -> bool:
    """Returns whether masks hold nothing but black and white, or 0 and 1: drawn in 8 bits, in 1, or both."""
    white = keys - {0, (0, 0, 0)}
    if 1 in white and 255 in white and any(value.number == 1 and value.depth > 1 for value in totals):
        return False  # 1 is an id, and 255 stands beside it
    return bool(white) and white < keys and white <= {1, 255, (255, 255, 255)}


def _ignored(keys: set[_Key], totals: Mapping[MaskValue, ValueTotal]) -> tuple[_Key, str] | None:
    """Returns the key that looks as if it were to be ignored, with the remark that says why."""
    ids = {value.number for value in totals if value.mode in ("L", "P")}
    ids |= {value.color[0] for value in totals if value.mode == "RGB" and value.color[0] in keys}  # in three channels
    others = ids - {255}
    # Ids are small and dense; codes such as 0, 76, 150, 255 are not, and there 255 is a class like any other.
    if 255 in keys & ids and others and max(others) < max(32, 4 * len(others)):
        return 255, "A guess to check: 255 beside other ids is taken for `ignore`, pixels that nobody has to learn."
    if VOC_BORDER in keys:
        return VOC_BORDER, "A guess to check: #E0E0C0 is the border that VOC draws around objects, taken for `ignore`."
    return None


def _notation(key: _Key) -> str:
    """Returns a key in the notation of classes.csv."""
    if isinstance(key, tuple):
        return "#{:02X}{:02X}{:02X}".format(*key)
    return str(key)


def _mode_remarks(kept: Iterable[MaskValue]) -> list[str]:
    """Returns what to say of masks that are not all of one kind."""
    kinds = {"RGB": "colours", "P": "palette indices", "I;16": "16-bit levels"}
    modes = sorted({kinds.get(value.mode, "grey levels") for value in kept})
    if len(modes) < 2:
        return []
    text = f"The masks do not agree: some hold {', some '.join(modes)}. Give rows that mean the same class one name."
    return [text]


def _stray_remarks(strays: Mapping[MaskValue, MaskValue], totals: Mapping[MaskValue, ValueTotal]) -> list[str]:
    """Returns the sum of what is left out as damage."""
    if not strays:
        return []
    pixels = sum(totals[value].pixels for value in strays)
    share = pixels / sum(total.pixels for total in totals.values())
    farthest = max(
        max(abs(a - b) for a, b in zip(value.color, frequent.color, strict=True)) for value, frequent in strays.items()
    )
    plural = "s" if len(strays) > 1 else ""
    text = f"Left out: {len(strays)} rare value{plural} ({share:.2%} of the pixels), edges smoothed or damaged by JPEG."
    tolerance = min(farthest, DAMAGE_LEVELS)
    remedy = f"`--tolerance {tolerance}` takes each for the nearest class"
    if farthest > tolerance:  # what was blended from two classes is not to be taken for either
        remedy = (
            f"`--tolerance {tolerance}` takes the nearer ones for the nearest class, a row `ignore,*` ignores the rest"
        )
    return [text, f"They differ by up to {farthest} levels: {remedy}."]


def _table(rows: Sequence[_Row], totals: Mapping[MaskValue, ValueTotal]) -> list[str]:
    """Returns the share of every value, for the eye."""
    whole = sum(total.pixels for total in totals.values())
    lines = ["", f"{'value':>9} {'pixels':>9} {'images':>7}"]
    for row in rows:
        share = f"{row.pixels / whole:.2%}" if row.pixels * 10_000 >= whole else "<0.01%"
        lines.append(f"{_notation(row.key):>9} {share:>9} {row.images:>7}  {row.remark}".rstrip())
    return [*lines, ""]


def _no_class_masks(facts: Sequence[PairFacts], rows: Sequence[_Row]) -> UsageError:
    """Returns the refusal of masks with more values than there can be classes."""
    fullest = max(facts, key=lambda fact: (len(fact.values) + fact.other_values, fact.ref.mask))
    number = len(fullest.values) + fullest.other_values
    what = (
        f"hold {len(rows)} values and more that are not damage, at most {MAX_CLASSES} can be classes "
        f"({shown(fullest.ref.mask)} alone holds {number}): these are no class masks, but "
        "photographs or instance ids, or masks that JPEG has damaged beyond telling"
    )
    mend = "Name the folder of the class masks (--mask), or write a class map by hand."
    return UsageError("the masks", what, mend, "E_MASK_VALUE")
