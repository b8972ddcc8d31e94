"""Match: the colours or numbers of a dataset's masks -> the preset that fits them."""

from __future__ import annotations

import re
from collections.abc import Collection

from converter.classes.presets.registry import PRESETS
from converter.limits import MAX_STRANGE_SHARE
from converter.pixels.colors import Color
from converter.schema import IGNORE_INDEX

_MIN_NUMBERS = 0.9  # of a preset's numbers that must occur: small numbers are those of any dataset


def names_for(colors: Collection[Color]) -> tuple[str, dict[Color, str]] | None:
    """Returns the preset that fits the colours of a dataset's masks, and the name of each colour that it lists.

    A preset fits if at least half of its classes occur (all of them if its colours are common ones) and at most one
    colour in ten is not in it. Of several, the one that lists most of the colours is returned.

    Args:
      colors: every colour in the masks, without artefacts.

    Returns:
      (name of the preset, colour -> name of the class, or "ignore"); None if no preset fits.
    """
    best: tuple[str, dict[Color, str]] | None = None
    wanted = set(colors)
    for name, row in PRESETS.items():
        classes = row.class_map()
        known = {color: index for color, index in classes.rgb.items() if color in wanted}
        occurring = set(known.values()) - {IGNORE_INDEX}
        drawable = set(classes.rgb.values()) - {IGNORE_INDEX}
        is_there = drawable and len(occurring) >= row.min_share * len(drawable)
        is_most = best is None or len(known) > len(best[1])
        if is_there and is_most and len(wanted) - len(known) <= MAX_STRANGE_SHARE * len(wanted):
            best = name, {color: classes.name_of(index) for color, index in known.items()}
    return best


def index_preset(numbers: Collection[int]) -> str | None:
    """Returns the preset whose numbers are those of a dataset's masks; None if there is none.

    It is a suggestion: masks of another dataset may hold the same numbers.

    Args:
      numbers: every number in the masks, without artefacts.
    """
    best, best_share = None, _MIN_NUMBERS
    for name, row in PRESETS.items():
        listed = row.class_map().grey
        share = len(listed.keys() & set(numbers)) / len(listed) if listed else 0.0
        if set(numbers) <= listed.keys() and share >= best_share and share > (best_share if best else 0):
            best, best_share = name, share
    return best


def is_named(name: str, path: str) -> bool:
    """Returns whether a path has the name of a preset's dataset as a word: "CamVid", "data/voc2012", "my_LoveDA"."""
    word = re.split("[0-9-]", name)[0]
    return re.search(rf"(?<![a-z]){word}(?![a-z])", path.lower()) is not None
