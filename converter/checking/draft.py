"""Draft: the mask values of a dataset -> a draft of classes.csv.

Every guess is marked: a comment says so where the masks alone do not prove a name or an `ignore`.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from converter.checking.instances import instance_problem
from converter.checking.strays import DAMAGE_LEVELS, ValueTotal, are_lossy, level_ends, stray_values, total_values
from converter.checking.survey import PairFacts
from converter.checking.two_levels import THRESHOLD
from converter.classes.class_map import CLASSES_CSV, IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.find import FoundClasses
from converter.classes.mapper import MaskMapper
from converter.classes.native import DRAFT_MARK, to_csv
from converter.classes.places import lists_colors_only
from converter.classes.presets import PREFIX, PRESETS, index_preset, is_named, names_for
from converter.config import SourceConfig
from converter.errors import UsageError, shown
from converter.limits import MAX_CLASSES
from converter.pixels.colors import Color
from converter.pixels.masks import MaskValue
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.layout import Layout
from converter.system.files import write_whole

VOC_BORDER: Color = (224, 224, 192)
_Key = int | Color  # of a class map row: a grey level or palette index, or a colour


class Draft(NamedTuple):
    """A draft of a class map.

    Attributes:
      text: of classes.csv.
      tolerance: the --tolerance with which damaged values are mapped to the listed ones; 0 if there are none.
      preset: the preset whose values these are, such as "camvid-index"; None if there is none.
      is_proven: whether the colours prove the preset; numbers alone only suggest one.
    """

    text: str
    tolerance: int
    preset: str | None
    is_proven: bool


class _Row(NamedTuple):
    """One value as a class map lists it, with its counts in the masks."""

    key: _Key
    pixels: int
    images: int
    remark: str


def draft_classes(facts: Sequence[PairFacts], found: FoundClasses | None, *, allows_instances: bool = False) -> Draft:
    """Returns a native class map for the mask values of a dataset.

    Damage is left out and summed up in a comment. An existing class map is copied in full where it lists at least half
    of the values, which keeps its class indices. Values that it does not list follow.

    Args:
      facts: of the pairs, from `survey` with a tolerance, or JPEG masks are not among them.
      found: the class file of the dataset, from which names are taken; None where there is none.
      allows_instances: drafts a class per value even where the values look like instances.

    Raises:
      UsageError: no mask could be read, the values are instances, or there are more of them than there can be classes.
    """
    totals = total_values(facts)
    if not totals:
        raise _no_mask(facts)
    lossy = are_lossy(facts)
    strays = stray_values(totals, is_lossy=lossy)
    kept = {value: total for value, total in totals.items() if value not in strays}
    known = _listed_by(found, kept)
    is_used = found is not None and len(known) * 2 >= len(kept) and not _fits_black_alone(found.classes, known)
    if not allows_instances and not is_used and (problem := instance_problem(facts)):
        raise UsageError("the masks", problem[0], f"{problem[1]} `--instances` drafts them anyway.", "E_MASK_VALUE")
    keys = _keys(kept, is_grey=level_ends(totals, is_lossy=lossy) is not None)
    rows = all_rows = _rows(kept, keys)
    if len(rows) > MAX_CLASSES:
        raise _not_class_masks(facts, rows)
    remarks = [_heading(facts)]
    builder = ClassMapBuilder()
    taken: set[str] = set()
    if found is not None and is_used:
        remarks.append(f"Names are from {shown(found.origin)} ({found.kind}).")
        remarks += [note for note in found.notes if found.is_by_place]
        taken = _add_all(builder, found.classes)
        rows = [row for row in rows if row.key not in {keys[value] for value in known}]
    elif found is not None:
        remarks.append(f"Not used: {shown(found.origin)}, which lists {len(known)} of {len(kept)} values.")
    names, guesses = _names(rows, totals, taken)
    suggested = None if taken else _suggested(rows)
    if suggested:
        what = f"preset:{suggested} ({PRESETS[suggested].text}) has these values"
        guesses.append(f"Suggestion: {what}. If these are its masks, pass --classes preset:{suggested} instead.")
    damage, tolerance = _stray_remarks(strays, totals, is_lossy=lossy)
    try:
        for row in rows:
            builder.add(names[row.key], row.key)
        has_default = found is not None and is_used and found.classes.default is not None
        if lossy and tolerance < THRESHOLD and _farthest(strays) > tolerance and not has_default:
            builder.add(IGNORE_NAME, "*")  # for the edges: nothing tells which of two classes they are
        text = to_csv(builder.finish())
    except ValueError as error:
        fix = "Write classes.csv by hand."
        raise UsageError(CLASSES_CSV, f"cannot be drafted: it {error}", fix, "E_MASK_VALUE") from None
    remarks += guesses + _mode_remarks(kept) + damage + _table(all_rows, totals)
    text = "".join(f"# {remark}".rstrip() + "\n" for remark in remarks) + text
    return Draft(text, tolerance, suggested, any(isinstance(row.key, tuple) for row in rows))


def checked_next(drafted: Draft, layout: Layout, source: SourceConfig) -> SourceConfig:
    """Returns the source with which to check a dataset whose draft is saved.

    That is the preset if it has the values of the draft, and the colours or the names of the dataset prove it; else
    the saved classes.csv, which also stands for a file that the user named.
    """
    refs = [ref for pairs in layout.refs.values() for ref in pairs][:1]
    names = (source.src.resolve().name, *(ref.mask for ref in refs))
    name = drafted.preset
    if name is not None and (drafted.is_proven or any(is_named(name, text) for text in names)):
        return replace(source, classes=f"{PREFIX}{name}")
    return replace(source, classes=None)


def _heading(facts: Sequence[PairFacts]) -> str:
    """Returns the first line of a draft, which says what it is made from."""
    unread = sum(1 for fact in facts if not fact.values)
    more = f", without {unread} that could not be read" if unread else ""
    return f"{DRAFT_MARK.removeprefix('# ')} from {len(facts) - unread} masks{more}. Check every name."


def _no_mask(facts: Sequence[PairFacts]) -> UsageError:
    """Returns the error for a dataset of which no mask could be read."""
    every = [(fact.ref.mask, error) for fact in facts for error in (fact.error, *fact.further) if error]
    errors = [error for mask, error in every if error.where == mask]
    first = f"; the first: {errors[0].where} {errors[0].what}" if errors else ""
    fix = errors[0].fix if errors else "Fix the masks."
    what = f"cannot be drafted: no mask could be read ({len(facts)} pairs{first})"
    return UsageError(CLASSES_CSV, what, fix, "E_MASK_VALUE")


def _suggested(rows: Sequence[_Row]) -> str | None:
    """Returns the preset whose colours or numbers those of all rows are; None if there is none."""
    colors = [row.key for row in rows if isinstance(row.key, tuple)]
    numbers = [row.key for row in rows if isinstance(row.key, int)]
    if colors:
        known = names_for(colors)
        return known[0] if known and not numbers and known[1].keys() >= set(colors) else None
    return index_preset(numbers)


def check_classes(src: Path, overwrite: bool = False) -> Path:
    """Returns the path of classes.csv in the source folder.

    Raises:
      UsageError: it exists and `overwrite` is not set, or it is a folder.
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
      UsageError: it exists and `overwrite` is not set, or it is a folder.
      MachineError: it cannot be written.
    """
    path = check_classes(src, overwrite)
    write_whole(path, text.encode())
    return path


def _keys(kept: Mapping[MaskValue, ValueTotal], *, is_grey: bool) -> dict[MaskValue, _Key]:
    """Returns what each value is listed by: its number or its colour; with `is_grey`, greys are always numbers.

    A grey level equals the colour of three such levels. Where all colours are grey, they are class ids stored in three
    channels, except for pure black and white. Palette masks are listed by index, or by colour where an index has
    different colours in different files or there are RGB masks as well.
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
    if is_grey or (len(greys) == len(colors) and not greys <= {0, 255}):
        levels |= greys
    return {
        value: key[0] if isinstance(key, tuple) and len(set(key)) == 1 and key[0] in levels else key
        for value, key in keys.items()
    }


def _rows(kept: Mapping[MaskValue, ValueTotal], keys: Mapping[MaskValue, _Key]) -> list[_Row]:
    """Returns one row per key: black or 0 first, then numbers in order, then colours by frequency."""
    rows: dict[_Key, _Row] = {}
    for value, total in kept.items():
        key = keys[value]
        before = rows.get(key, _Row(key, 0, 0, ""))
        color = "shown as #{:02X}{:02X}{:02X}".format(*value.color) if value.mode == "P" and key == value.number else ""
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
        with contextlib.suppress(ValueError):  # ambiguous
            if mapper.index_of(value) is not None:
                listed.add(value)
    return listed


def _fits_black_alone(classes: ClassMap, known: set[MaskValue]) -> bool:
    """Returns whether a class map of colours lists black alone of masks that hold numbers, where black is 0."""
    return lists_colors_only(classes) and {(value.mode, value.number) for value in known} == {("L", 0)}


def _add_all(builder: ClassMapBuilder, classes: ClassMap) -> set[str]:
    """Adds every row of a class map, in order of class index, and returns the names."""
    for index in (*range(classes.num_classes), IGNORE_INDEX):
        for value in classes.values_of(index):
            builder.add(classes.name_of(index), value)
    return {*classes.names, IGNORE_NAME}


def _names(
    rows: Sequence[_Row], totals: Mapping[MaskValue, ValueTotal], taken: set[str]
) -> tuple[dict[_Key, str], list[str]]:
    """Returns the name of each row, and remarks on the guessed ones.

    Args:
      rows: those that have no name yet.
      totals: of all values.
      taken: names of the existing class map; empty where there is none.
    """
    keys = {row.key for row in rows}
    names: dict[_Key, str] = {}
    remarks: list[str] = []
    colors = {key for key in keys if isinstance(key, tuple)}
    known = names_for(colors) if colors else None
    if known is not None:
        names |= {color: name for color, name in known[1].items() if color in keys}
        remarks.append(f"Names are from preset:{known[0]}, which has these colours.")
    if not taken and _is_binary(keys, totals):
        names |= {key: "foreground" for key in keys if key not in (0, (0, 0, 0))}
        remarks.append("Two values, so background and foreground; 255 is not `ignore` as the only other value.")
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
    """Returns whether masks contain only black and white, or 0 and 1, in 8 bits, 1 bit or both."""
    white = keys - {0, (0, 0, 0)}
    if 1 in white and 255 in white and any(value.number == 1 and value.depth > 1 for value in totals):
        return False  # 1 is a class id next to 255
    return bool(white) and white < keys and white <= {1, 255, (255, 255, 255)}


def _ignored(keys: set[_Key], totals: Mapping[MaskValue, ValueTotal]) -> tuple[_Key, str] | None:
    """Returns the key that probably means `ignore`, with a remark that says why."""
    ids = {value.number for value in totals if value.mode in ("L", "P")}
    ids |= {value.color[0] for value in totals if value.mode == "RGB" and value.color[0] in keys}  # in RGB
    others = ids - {255}
    # Class ids are small and dense. Codes such as 0, 76, 150, 255 are not, and there 255 is a class like any other.
    if 255 in keys & ids and others and max(others) < max(32, 4 * len(others)):
        return 255, "A guess to check: 255 next to class ids is taken for `ignore`, pixels that are not trained on."
    if VOC_BORDER in keys:
        return VOC_BORDER, "A guess to check: #E0E0C0, the border around objects in VOC, is taken for `ignore`."
    return None


def _notation(key: _Key) -> str:
    """Returns a key in the notation of classes.csv."""
    if isinstance(key, tuple):
        return "#{:02X}{:02X}{:02X}".format(*key)
    return str(key)


def _mode_remarks(kept: Iterable[MaskValue]) -> list[str]:
    """Returns a remark where the masks are not all of one kind."""
    kinds = {"RGB": "colours", "P": "palette indices", "I;16": "16-bit levels"}
    modes = sorted({kinds.get(value.mode, "grey levels") for value in kept})
    if len(modes) < 2:
        return []
    text = f"The masks are not of one kind: some hold {', some '.join(modes)}. Give rows of one class the same name."
    return [text]


def _stray_remarks(
    strays: Mapping[MaskValue, MaskValue], totals: Mapping[MaskValue, ValueTotal], *, is_lossy: bool
) -> tuple[list[str], int]:
    """Returns remarks on the values that are left out as damage, and the tolerance that maps them to the others."""
    text = _left_out(strays, totals)
    if level_ends(totals, is_lossy=is_lossy):
        fix = f"Pass `--tolerance {THRESHOLD}` to check and build: it splits at 128, exactly `mask > 127`."
        return [*text, fix], THRESHOLD
    if not strays:
        return (["JPEG masks need a tolerance: pass `--tolerance 1` to check and build."], 1) if is_lossy else ([], 0)
    farthest = _farthest(strays)
    tolerance = min(farthest, DAMAGE_LEVELS)
    fix = f"`--tolerance {tolerance}` takes each for the nearest class"
    if farthest > tolerance:  # a blend of two classes must not be taken for either
        fix = (
            f"`--tolerance {tolerance}` takes the nearer ones for the nearest class, a row `ignore,*` ignores the rest"
        )
    return [*text, f"They differ by up to {farthest} levels: {fix}."], tolerance


def _farthest(strays: Mapping[MaskValue, MaskValue]) -> int:
    """Returns the maximum difference of a value from the frequent one that it is a damaged form of, in levels."""
    return max(
        (max(abs(a - b) for a, b in zip(value.color, other.color, strict=True)) for value, other in strays.items()),
        default=0,
    )


def _left_out(strays: Mapping[MaskValue, MaskValue], totals: Mapping[MaskValue, ValueTotal]) -> list[str]:
    """Returns how many values are left out as damage, and their share."""
    if not strays:
        return []
    share = sum(totals[value].pixels for value in strays) / sum(total.pixels for total in totals.values())
    plural = "s" if len(strays) > 1 else ""
    number = f"{len(strays)} rare value{plural}"
    return [f"Left out: {number} ({share:.2%} of the pixels), edges blended or damaged by JPEG."]


def _table(rows: Sequence[_Row], totals: Mapping[MaskValue, ValueTotal]) -> list[str]:
    """Returns a table of the share of every value."""
    all_pixels = sum(total.pixels for total in totals.values())
    lines = ["", f"{'value':>9} {'pixels':>9} {'images':>7}"]
    for row in rows:
        share = f"{row.pixels / all_pixels:.2%}" if row.pixels * 10_000 >= all_pixels else "<0.01%"
        lines.append(f"{_notation(row.key):>9} {share:>9} {row.images:>7}  {row.remark}".rstrip())
    return [*lines, ""]


def _not_class_masks(facts: Sequence[PairFacts], rows: Sequence[_Row]) -> UsageError:
    """Returns the error for masks with more values than there can be classes."""
    fullest = max(facts, key=lambda fact: (len(fact.values) + fact.other_values, fact.ref.mask))
    number = len(fullest.values) + fullest.other_values
    what = (
        f"hold {len(rows)} or more undamaged values, but the maximum number of classes is {MAX_CLASSES} "
        f"({shown(fullest.ref.mask)} alone holds {number}): these are not class masks, but "
        "photographs or instance ids, or masks that JPEG has damaged beyond recognition"
    )
    fix = "Name the folder of the class masks with --mask, or write a class map by hand."
    return UsageError("the masks", what, fix, "E_MASK_VALUE")
