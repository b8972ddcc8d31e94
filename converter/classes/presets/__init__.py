"""Presets: class maps of well-known datasets, by name: preset:voc -> ClassMap.

A preset lists what the dataset's own documents say its masks hold, and nothing else: a value whose meaning they leave
open is not listed, so that it is refused rather than guessed.

Modules, in dependency order:

    registry  every preset that is known, one row each
    match     the colours of a dataset's masks -> the preset that explains them
    tables    rows of a dataset's documents -> ClassMap
    ...       the presets, one module each, named in registry
"""

from converter.classes.presets.match import names_for
from converter.classes.presets.registry import PREFIX, PRESETS, preset

__all__ = ["PREFIX", "PRESETS", "names_for", "preset"]
