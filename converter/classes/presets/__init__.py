"""Presets: class maps of well-known datasets, by name: preset:voc -> ClassMap.

A preset lists what the dataset's own documents say its masks hold, and nothing else: a value whose meaning they leave
open is not listed, so that it is refused rather than guessed.

Modules, in dependency order:

    registry    every preset that is known, one row each
    match       the colours of a dataset's masks -> the preset that explains them
    tables      rows of a dataset's documents -> ClassMap
    voc         PASCAL VOC 2012
    cityscapes  Cityscapes, by label id and by train id
    ade20k      ADE20K, the 150 classes of the scene parsing benchmark
    camvid      CamVid, 11 classes by colour and by index, and all 31
    aerial      ISPRS Potsdam, LoveDA, DeepGlobe
"""

from converter.classes.presets.match import names_for
from converter.classes.presets.registry import PREFIX, PRESETS, preset

__all__ = ["PREFIX", "PRESETS", "names_for", "preset"]
