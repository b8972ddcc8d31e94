"""Aerial: ISPRS Potsdam, LoveDA, DeepGlobe."""

from __future__ import annotations

from converter.classes.class_map import ClassMap
from converter.classes.presets.tables import by_color, by_number
from converter.pixels.colors import Color

# ISPRS 2D Semantic Labeling, Potsdam and Vaihingen; the reference masks without boundaries draw these black.
_POTSDAM: tuple[tuple[str, Color], ...] = (
    ("impervious surfaces", (255, 255, 255)),
    ("building", (0, 0, 255)),
    ("low vegetation", (0, 255, 255)),
    ("tree", (0, 255, 0)),
    ("car", (255, 255, 0)),
    ("clutter", (255, 0, 0)),
)

# LoveDA: classes 1..7; 0 is no data.
_LOVEDA = "background building road water barren forest agriculture"

# DeepGlobe Land Cover Classification; black is unknown.
_DEEPGLOBE: tuple[tuple[str, Color], ...] = (
    ("urban land", (0, 255, 255)),
    ("agriculture land", (255, 255, 0)),
    ("rangeland", (255, 0, 255)),
    ("forest land", (0, 255, 0)),
    ("water", (0, 0, 255)),
    ("barren land", (255, 255, 255)),
)


def potsdam() -> ClassMap:
    """Returns the class map of Potsdam and Vaihingen by colour; black, a boundary, is ignored."""
    return by_color(_POTSDAM, (0, 0, 0))


def loveda() -> ClassMap:
    """Returns the class map of LoveDA by index; 0, no data, is ignored."""
    return by_number(_LOVEDA.split(), 1, 0)


def deepglobe() -> ClassMap:
    """Returns the class map of DeepGlobe by colour; black, unknown, is ignored."""
    return by_color(_DEEPGLOBE, (0, 0, 0))
