"""nnU-Net: dataset.json, `labels` by name or by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row
from converter.classes.formats.json_values import whole_in


def is_nnunet(data: Any) -> bool:
    """Returns whether a JSON value is meant to be nnU-Net's dataset.json."""
    own_keys = {"channel_names", "modality", "file_ending", "numTraining"}
    return isinstance(data, dict) and isinstance(data.get("labels"), dict) and bool(own_keys & set(data))


def nnunet(data: dict[str, Any]) -> Iterator[Row | str]:
    """nnU-Net's dataset.json: `labels` by name (version 2) or by value (version 1); the label `ignore` is ignored."""
    rows = []
    for key, value in data["labels"].items():
        if isinstance(value, list):
            raise ValueError(f"label {key!r} is a region of several values; each class needs its own values")
        name, number = (value, key) if isinstance(value, str) else (key, value)
        rows.append((whole_in(number, f"the value of {name!r}"), name))
    for number, name in sorted(rows):
        yield Row(0, name, number)
