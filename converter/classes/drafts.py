"""Drafts: the warning for a class map that `segconv classes` wrote and nobody edited."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from converter.classes.class_map import ClassMap
from converter.classes.presets import PREFIX, PRESETS, index_preset, is_named, names_for
from converter.config import SourceConfig, source_options
from converter.errors import shown
from converter.sources.refs import Unused

_SHOWN_NAMES = 3


def draft_warning(classes: ClassMap, path: Path, source: SourceConfig) -> Unused | None:
    """Returns the warning for a draft that still has names of its own making; None if its names are edited.

    Args:
      classes: the draft.
      path: of its file.
      source: where the dataset is, for the command that takes a preset in its place.
    """
    made_up = [name for name in classes.names if re.fullmatch("class_[0-9]+", name)]
    if not made_up:
        return None
    more = f" and {len(made_up) - _SHOWN_NAMES} more" if len(made_up) > _SHOWN_NAMES else ""
    what = f"is a draft that nobody edited: it still names {', '.join(made_up[:_SHOWN_NAMES])}{more}"
    fix = "Name the classes in it, and remove its first line."
    if suggested := preset_of(classes):
        fix = f"Name the classes in it, or {taking(suggested, source)}."
    return Unused("W_DRAFT", shown(path), what, fix)


def preset_of(classes: ClassMap) -> str | None:
    """Returns the preset whose values are those of a class map; None if there is none."""
    if classes.rgb:
        known = names_for(classes.rgb)
        return known[0] if known else None
    return index_preset(classes.grey) if classes.grey else None


def taking(name: str, source: SourceConfig) -> str:
    """Returns the clause that takes a preset: "if these are masks of CamVid, 11 classes by index, run `segconv ...`"."""
    option = source_options(dataclasses.replace(source, classes=f"{PREFIX}{name}"))
    if is_named(name, os.path.basename(os.path.realpath(source.src))):  # noqa: PTH119
        return f"take {PREFIX}{name}, which has these values: `segconv check {option}`"
    return f"if these are masks of {PRESETS[name].text}, run `segconv check {option}`"
