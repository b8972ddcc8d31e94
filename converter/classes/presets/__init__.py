"""Presets: class maps of well-known datasets, by name: preset:voc -> ClassMap.

A preset lists only the values that the documentation of the dataset defines. A value that it leaves open is not listed,
so it is refused, not guessed.

Modules, in dependency order:

    registry  every known preset, one row each
    match     the colours or numbers of a dataset's masks -> the preset that fits them
    tables    rows of a dataset's documentation -> ClassMap
    ...       the presets, one module each, named in registry
"""

from converter.classes.presets.match import index_preset, is_named, names_for
from converter.classes.presets.registry import PREFIX, PRESETS, preset

__all__ = ["PREFIX", "PRESETS", "index_preset", "is_named", "names_for", "preset"]
