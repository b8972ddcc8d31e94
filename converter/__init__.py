"""The converter: from photographs and label masks to checked, sharded TFRecords, without TensorFlow.

Modules, in dependency order; one imports only from those above it, and the docstring of each folder goes on with the
modules in it (tests/test_layers.py reads these lists and checks every import against them):

    errors     every failure a user can cause, and its exit code
    limits     how much of anything is accepted
    schema     record keys, IGNORE_INDEX: the contract with every reader
    system     files, console, CPUs, signals
    config     BuildConfig and its defaults, which the command line shows
    pixels     image files <-> arrays
    engines    how tasks are run
    dataset    records, shards, manifest, readers
    sources    a folder of photographs and masks -> the pairs of its splits
    classes    which mask value is which class
    building   a source folder -> a folder of records
    checking   a source folder -> all that is wrong with it, a draft of its class map, and splits
    verifying  a folder of records -> all that is wrong with it; repair; a look inside
    sample     a synthetic aerial dataset to try everything on
    cli        the segconv command
"""

__version__ = "0.1.0"
