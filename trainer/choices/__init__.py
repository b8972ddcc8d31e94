"""Choices: everything in a training run that is chosen by name, one table per kind and one line per entry.

A row holds all facts about its entry. A function is named by an import string, such as
"trainer.learning.losses:focal", and imported on first use. The tables thus need only the standard library: the command
line reads names and help from here without importing Keras. The table of models is in `trainer.models`, next to the
list of its files.

The modules, in dependency order:

    encoders    ENCODERS, and PREPROCESSINGS: the input that a network expects
    losses      LOSSES, and CLASS_WEIGHTS: how rare classes are weighted
    optimizers  OPTIMIZERS
    recipes     RECIPES: named sets of options
    augments    AugmentConfig, each field of which is a row, and AUGMENTS: its presets
"""
