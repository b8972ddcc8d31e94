"""Mapillary: config.json, a list of labels with names and colours, whose places are the values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row, telling_colors
from converter.classes.formats.json_values import color_in, name_in, shown, whole_in
from converter.pixels.colors import Color


def is_mapillary(data: Any) -> bool:
    """Returns whether a JSON value is meant to be Mapillary's config.json, or a list of such labels."""
    labels = _labels(data)
    return bool(labels) and all(
        isinstance(label, dict) and isinstance(label.get("name"), str) and isinstance(label.get("color"), list)
        for label in labels
    )


def mapillary(data: Any) -> Iterator[Row | str]:
    """Mapillary's config.json: `labels` in the order of their values, unless each has an `id`, which is the value."""
    labels = _labels(data)
    has_ids = all("id" in label for label in labels)
    rows: list[tuple[int, str, Color]] = []
    for place, label in enumerate(labels):
        name = name_in(label["name"])
        value = whole_in(label["id"], f"the id of {name!r}") if has_ids else place
        rows.append((value, name, color_in(label["color"], name)))
    unscored = [label["name"] for label in labels if label.get("evaluate") is False]
    if unscored:
        yield f"{shown(unscored[:4])} with evaluate false are kept as classes; call them ignore in a classes.csv if not"
    telling = telling_colors(color for _, _, color in rows)
    for value, name, color in sorted(rows):
        yield Row(0, name, value)
        if color in telling:
            yield Row(0, name, color)


def _labels(data: Any) -> list[Any]:
    labels = data.get("labels") if isinstance(data, dict) else data
    return labels if isinstance(labels, list) else []
