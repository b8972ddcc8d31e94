"""The converter: images and masks -> checked, sharded TFRecords, without TensorFlow.

The public API can be imported from here. Everything else is private and may change between versions:

    >>> from pathlib import Path
    >>> from converter import BuildConfig, PairConfig, RecordSource, SegconvError, SourceConfig, build, check, verify
    >>> config = BuildConfig(SourceConfig(Path("dataset")), out=Path("records"), pair=PairConfig(size=(360, 480)))
    >>> check(config).ok                                        # every problem is in check(config).problems
    True
    >>> build(config).manifest.class_names
    ('background', 'building', 'vegetation')
    >>> RecordSource(Path("records"), "train")[0].mask.shape    # uint8 [height, width], class indices and 255
    (360, 480)

Every failure that a user can cause is a SegconvError: one line, an error code and an exit code.

Modules, in dependency order: each imports only from those above it. The docstring of each folder lists the modules in
it; tests/test_layers.py checks every import against these lists. `building`, `checking` and `verifying` are not named
after their commands because `build`, `check` and `verify` are functions of this package:

    version    of segconv
    errors     every failure a user can cause, and its exit code
    limits     maximum sizes and counts of all input
    schema     record keys, IGNORE_INDEX: the contract with all readers
    system     files, console, CPUs, signals
    pixels     image files <-> arrays
    pages      what all HTML pages are made of
    config     BuildConfig and the defaults of the command line
    engines    run tasks in workers, and recover when one is lost
    dataset    records, shards, manifest, readers
    sources    a folder of images and masks -> the pairs of its splits
    classes    which mask value is which class
    options    options of several commands
    building   a source folder -> a folder of records
    checking   a source folder -> all problems in it, a draft class map, and splits
    verifying  a folder of records -> all problems in it; repair; inspect
    unpacking  a folder of records -> images, masks and lists as files
    annotations  polygons, runs and bitmaps of annotation tools -> a dataset
    sample     a synthetic aerial dataset to try everything on
    cli        the segconv command
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, Any

from converter.version import __version__ as __version__

if TYPE_CHECKING:
    from converter.building.build import build
    from converter.building.report import BuildReport, RefusedPairsError
    from converter.checking.check import check
    from converter.checking.report import CheckReport
    from converter.config import BuildConfig, PairConfig, SourceConfig
    from converter.dataset.example import Record
    from converter.dataset.manifest import Manifest
    from converter.dataset.parse import read_manifest
    from converter.dataset.reader import RecordSource
    from converter.errors import SegconvError
    from converter.verifying.report import Verification, VerifyConfig
    from converter.verifying.verify import verify

# Imported lazily: `import converter` loads neither NumPy nor Pillow.
_PUBLIC = {
    "BuildConfig": "converter.config",
    "BuildReport": "converter.building.report",
    "CheckReport": "converter.checking.report",
    "Manifest": "converter.dataset.manifest",
    "PairConfig": "converter.config",
    "Record": "converter.dataset.example",
    "RecordSource": "converter.dataset.reader",
    "RefusedPairsError": "converter.building.report",
    "SegconvError": "converter.errors",
    "SourceConfig": "converter.config",
    "Verification": "converter.verifying.report",
    "VerifyConfig": "converter.verifying.report",
    "build": "converter.building.build",
    "check": "converter.checking.check",
    "read_manifest": "converter.dataset.parse",
    "verify": "converter.verifying.verify",
}
__all__ = [
    "BuildConfig",
    "BuildReport",
    "CheckReport",
    "Manifest",
    "PairConfig",
    "Record",
    "RecordSource",
    "RefusedPairsError",
    "SegconvError",
    "SourceConfig",
    "Verification",
    "VerifyConfig",
    "build",
    "check",
    "read_manifest",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Returns a public name; imports its module on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return pkgutil.resolve_name(f"{_PUBLIC[name]}:{name}")
