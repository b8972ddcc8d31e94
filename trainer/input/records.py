"""Records: a complete folder of records, verified before TensorFlow reads a byte.

The hash of every shard to be read is verified against the manifest: TensorFlow trusts a record's length field and
crashes on a forged one. Needs no TensorFlow itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converter.dataset.cache import is_on_demand
from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.dataset.pieces import Part, shards_in
from converter.errors import UsageError
from converter.system.console import Progress


def open_records(
    folder: Path,
    splits: Sequence[str],
    *,
    any_size: bool = False,
    part: Part = Part(),  # noqa: B008 - a tuple
) -> Manifest:
    """Returns the manifest of a folder of records, after verifying the splits that are to be read.

    Args:
      folder: folder of records.
      splits: names of the splits.
      any_size: whether records may have different sizes.
      part: the part of each split that is read; shards without a record of it are not verified, and may be absent.

    Raises:
      UsageError: no complete dataset, records of different sizes, or a split that is missing, empty, or without any
        labelled pixel.
      DataError: a shard differs from its manifest.
    """
    manifest = read_manifest(folder)
    if not any_size:
        manifest.common_size(folder)
    for split in splits:
        if split not in manifest.splits:
            what = f"has no split {split!r}, but {', '.join(map(repr, manifest.splits)) or 'none'}"
            fix = f"Choose another, or build it with a list {split}.txt, such as `segconv split --src DIR` writes."
            raise UsageError(folder, what, fix, "E_NO_SPLIT")
        info = manifest.splits[split]
        if not info.records or not any(info.pixels):
            found = "records" if not info.records else "labelled pixels"
            fix = f"Check the list {split}.txt and the class map, then rebuild."
            raise UsageError(folder, f"split {split!r} holds no {found}", fix, "E_EMPTY_SPLIT")
    everything = [shard for _, shard in manifest.shards()]
    shards = [] if is_on_demand(folder) else shards_in(manifest, splits, part)  # else verified as they are fetched
    with Progress(len(shards), "shard", stays=False) as progress:
        for number, shard in enumerate(shards, start=1):
            check_shard_file(folder, shard, everything)
            progress.show(number)
    return manifest
