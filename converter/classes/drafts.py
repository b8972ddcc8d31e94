"""Drafts: the command that drafts a class map, and the warning for a draft that nobody edited."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from converter.classes.class_map import CLASSES_CSV, ClassMap
from converter.classes.presets import PREFIX, PRESETS, index_preset, is_named, names_for
from converter.config import SourceConfig, source_options
from converter.errors import shown
from converter.sources.refs import Unused

_SHOWN_NAMES = 3


def draft_warning(classes: ClassMap, path: Path, source: SourceConfig, *, is_guess: bool = False) -> Unused | None:
    """Returns the warning for a draft that still has names of its own making; None if its names are edited.

    Args:
      classes: the draft.
      path: of its file.
      source: where the dataset is, for the command that takes a preset in its place.
      is_guess: whether the draft says that its classes are a guess.
    """
    made_up = [name for name in classes.names if re.fullmatch("class_[0-9]+", name)]
    if not made_up and is_guess:
        fix = "Compare the classes with an image, then remove the remark from the file."
        return Unused("W_DRAFT", shown(path), "is a draft whose classes are a guess, as its remarks say", fix)
    if not made_up:
        return None
    more = f" and {len(made_up) - _SHOWN_NAMES} more" if len(made_up) > _SHOWN_NAMES else ""
    what = f"is a draft that nobody edited: it still names {', '.join(made_up[:_SHOWN_NAMES])}{more}"
    fix = "Name the classes in it, and remove its first line."
    if suggested := preset_of(classes):
        fix = f"Name the classes in it, or {taking(suggested, source)}."
    return Unused("W_DRAFT", shown(path), what, fix)


def draft_command(source: SourceConfig) -> str:
    """Returns the command that writes a classes.csv with the values of the masks, ready to paste into a shell."""
    flags = ["--write", "--overwrite"][: 1 + (source.src / CLASSES_CSV).exists()]
    return " ".join(["segconv classes", source_options(source), *flags])


def preset_of(classes: ClassMap) -> str | None:
    """Returns the preset whose values are those of a class map; None if there is none."""
    if classes.rgb:
        known = names_for(classes.rgb)
        return known[0] if known else None
    return index_preset(classes.grey) if classes.grey else None


def taking(name: str, source: SourceConfig) -> str:
    """Returns the clause that takes a preset: "if these are masks of CamVid, 11 classes by index, run `...`"."""
    option = source_options(dataclasses.replace(source, classes=f"{PREFIX}{name}"))
    if is_named(name, source.src.resolve().name):
        return f"take {PREFIX}{name}, which has these values: `segconv check {option}`"
    return f"if these are masks of {PRESETS[name].text}, run `segconv check {option}`"
