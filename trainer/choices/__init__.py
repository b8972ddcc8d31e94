"""Choices: everything that a training run is told by name, one table per kind and one line per entry.

A row carries all facts about its entry. What computes is named by an import string, such as
"trainer.learning.losses:focal", and imported when it is used, so that the tables need the standard library alone: the
command line reads its choices and their help from here without importing Keras. The table of models is in
`trainer.models`, beside the list of its files.

The modules, in dependency order:

    lookup      import string -> the object that it names
    encoders    ENCODERS, and PREPROCESSINGS: what a network expects of its image
    losses      LOSSES, and CLASS_WEIGHTS: how much a pixel of a rare class counts
    optimizers  OPTIMIZERS
    augments    AugmentConfig, each field of which is a row, and AUGMENTS: its presets
"""
