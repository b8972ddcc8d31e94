"""Datumaro: dataset_meta.json, `labels` or `label_map` with `segmentation_colors`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row, at_place
from converter.classes.formats.json_values import color_in, name_in, whole_in


def is_datumaro(data: Any) -> bool:
    """Returns whether a JSON value is meant to be Datumaro's dataset_meta.json."""
    if not isinstance(data, dict):
        return False
    labels = data.get("labels")
    is_list = isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
    return is_list or isinstance(data.get("label_map"), dict)


def datumaro(data: dict[str, Any]) -> Iterator[Row | str]:
    """Datumaro's dataset_meta.json: `labels`, or `label_map` by number, with a colour for each entry of the latter."""
    labels, label_map = data.get("labels", []), data.get("label_map", {})
    colors = data.get("segmentation_colors") or []
    if not isinstance(labels, list) or not isinstance(label_map, dict) or not isinstance(colors, list):
        raise ValueError("has labels or segmentation_colors that are not a list, or a label_map that is not an object")
    by_number = {whole_in(key, "a number in label_map"): name_in(name) for key, name in label_map.items()}
    names = dict(enumerate(name_in(name) for name in labels)) | by_number
    numbers = list(by_number or names)
    if numbers != sorted(numbers):
        raise ValueError("has a label_map that is not in the order of its numbers, so its colours are ambiguous")
    if colors and len(colors) != len(numbers):
        raise ValueError(f"has {len(colors)} segmentation_colors for {len(numbers)} labels")
    drawn = {number: color for number, color in zip(numbers, colors, strict=False) if color is not None}
    for number, name in sorted(names.items()):
        if number in drawn:
            yield Row(0, name, color_in(drawn[number], name))
        elif drawn:
            yield f"label {name!r} has no colour; taken as value {number}, its position"
            yield Row(0, name, number)
        else:
            yield from at_place(0, name, number)
