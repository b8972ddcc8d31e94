"""Values: the table of a check: every mask value with its class and share."""

from __future__ import annotations

import functools
from collections import Counter

from converter.checking.draft import draft_classes
from converter.checking.facts import DatasetFacts
from converter.checking.report import ValueRow
from converter.classes.class_map import ClassMap
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.errors import UsageError
from converter.pixels.masks import MaskValue
from converter.schema import IGNORE_INDEX


def value_rows(dataset: DatasetFacts) -> tuple[ValueRow, ...]:
    """Returns the table of values: class by class, then ignore, then unlisted values."""
    draft = None if dataset.found else _draft(dataset)
    classes = dataset.found.classes if dataset.found else draft
    colors = classes.colors() if classes else ()
    names = MaskMapper(draft) if draft else None
    pixels: Counter[tuple[int | None, str]] = Counter()
    images: Counter[tuple[int | None, str]] = Counter()
    first: dict[tuple[int | None, str], MaskValue] = {}
    row_key = functools.cache(functools.partial(_row_key, dataset))  # the same few values occur in thousands of masks
    for facts in dataset.facts:
        keys = set()
        for value, count in facts.values:
            key = row_key(value)
            first.setdefault(key, value)
            pixels[key] += count
            keys.add(key)
        images.update(keys)
    total = sum(one.other_pixels + sum(count for _, count in one.values) for one in dataset.facts) or 1
    rows = []
    for key, value in first.items():
        index, text = key
        name, color = "", value.color
        shown_as = index if index is not None else _drafted(names, value)
        if classes is not None and shown_as is not None:
            name = classes.name_of(shown_as)
            color = color if shown_as == IGNORE_INDEX else colors[shown_as]
        note = _note(dataset, value)
        rows.append(ValueRow(index, name, text, color, pixels[key], pixels[key] / total, images[key], note))
    if dataset.found:
        rows += _absent_rows(dataset.found.classes, {row.id for row in rows})
    last = 1 << 16
    return tuple(sorted(rows, key=lambda row: (last if row.id is None else row.id, -row.pixels, row.value)))


def _absent_rows(classes: ClassMap, present: set[int | None]) -> list[ValueRow]:
    """Returns a row of 0 pixels for each class that never occurs."""
    rows = []
    for index, name in enumerate(classes.names):
        if index not in present:
            value = next(iter(classes.values_of(index)), "")
            rows.append(ValueRow(index, name, value, classes.colors()[index], 0, 0.0, 0, "never occurs"))
    return rows


def _row_key(dataset: DatasetFacts, value: MaskValue) -> tuple[int | None, str]:
    """Returns (class index, notation) of the row that a value belongs to."""
    index = dataset.index_of(value)
    if isinstance(index, str):
        index = None  # ambiguous, so it has no class; the problem says why
    if index is not None and dataset.found and index == dataset.found.classes.default:
        listed = dataset.found.classes.values_of(index)
        if str(value) not in listed and str(value.number) not in listed and _hex(value) not in listed:
            return index, "*"
    return index, str(value)


def _hex(value: MaskValue) -> str:
    return "#{:02X}{:02X}{:02X}".format(*value.color)


def _draft(dataset: DatasetFacts) -> ClassMap | None:
    """Returns the class map that `segconv classes` would draft; None where it cannot draft one."""
    if not any(facts.values for facts in dataset.facts):
        return None
    try:
        return parse_class_map(draft_classes(dataset.facts, None), "draft")
    except UsageError:
        return None


def _drafted(names: MaskMapper | None, value: MaskValue) -> int | None:
    try:
        return names.index_of(value) if names else None
    except ValueError:
        return None


def _note(dataset: DatasetFacts, value: MaskValue) -> str:
    """Returns a remark on a value, or ""."""
    frequent = dataset.strays.get(value)
    if frequent is not None and dataset.index_of(value) is None:
        return f"rare, near {frequent}: a damaged edge?"
    index = dataset.index_of(value)
    if isinstance(index, str):
        return index
    if index is not None and frequent is not None and dataset.config.pair.tolerance:
        return f"near {frequent}; mapped by --tolerance"
    if index is None and dataset.found:
        nearest = dataset.nearest(value)
        return f"not listed; nearest: {dataset.found.classes.name_of(nearest[1])!r}" if nearest else "not listed"
    return ""
