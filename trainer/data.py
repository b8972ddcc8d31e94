"""Data: from a folder of shards to batches of uint8 pairs.

One byte per channel crosses to the device, and one per pixel for the mask: scaling, augmentation and one-hot come
later, there. TensorFlow sees no byte of a shard before its hash was held against the manifest, since it trusts a
record's length field and crashes on a forged one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converter.console import Progress
from converter.errors import UsageError
from converter.manifest import Manifest, check_shard_file, read_manifest
from converter.schema import IMAGE, MASK
from trainer.backend import Tensor, tf

SHUFFLE_RECORDS = 1024  # JPEG and PNG bytes, some 100 MB; the build has put the records in a chance order already
READ_SHARDS = 4  # shards read at a time, so that an epoch's order differs by more than the shuffle buffer


def open_records(folder: Path, splits: Sequence[str]) -> Manifest:
    """Returns the manifest of a folder of records, after a check of the splits that are to be read.

    Raises:
      UsageError: no finished dataset, records of different sizes, or a split that is absent, empty, or without one
        labelled pixel.
      DataError: a shard is not the one that was built.
    """
    manifest = read_manifest(folder)
    manifest.common_size(folder)
    for split in splits:
        if split not in manifest.splits:
            what = f"has no split {split!r}, but {', '.join(map(repr, manifest.splits)) or 'none'}"
            raise UsageError(folder, what, f"Build it with a list {split}.txt, or name another.", "E_NO_SPLIT")
        info = manifest.splits[split]
        if not info.records or not any(info.pixels):
            found = "records" if not info.records else "labelled pixels"
            mend = f"Look at the list {split}.txt and at the class map, then build again."
            raise UsageError(folder, f"split {split!r} holds no {found}", mend, "E_EMPTY_SPLIT")
    everything = [shard for _, shard in manifest.shards()]
    shards = [shard for split, shard in manifest.shards() if split in splits]
    with Progress(len(shards), "shard") as progress:
        for number, shard in enumerate(shards, start=1):
            check_shard_file(folder, shard, everything)
            progress.show(number)
    return manifest


def dataset(
    manifest: Manifest, folder: Path, split: str, *, batch: int, shuffle: bool = False, seed: int = 0
) -> tf.data.Dataset:
    """Returns the batches of a split.

    Args:
      manifest: from `open_records`, which has checked the shards.
      folder: where the shards lie.
      split: name of the split.
      batch: records per batch; the last one holds what is left, none is dropped.
      shuffle: False for the order of the records; True for a chance order that differs from epoch to epoch and
        depends on the seed alone.
      seed: of that order.

    Returns:
      A dataset of ({"image": uint8 [B, H, W, 3], "mask": uint8 [B, H, W]},): inputs without a target, since the
      target has to be augmented with the image.
    """
    info = manifest.splits[split]
    files = tf.data.Dataset.from_tensor_slices([str(folder / shard.name) for shard in info.shards])
    if shuffle:
        files = files.shuffle(len(info.shards), seed=seed, reshuffle_each_iteration=True)
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=READ_SHARDS if shuffle else 1)
    records = records.apply(tf.data.experimental.assert_cardinality(info.records))
    if shuffle:
        records = records.shuffle(min(info.records, SHUFFLE_RECORDS), seed=seed, reshuffle_each_iteration=True)

    size = manifest.common_size(folder)

    def decode(record: Tensor) -> tuple[dict[str, Tensor]]:
        return (_decode(record, size),)

    pairs = records.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return pairs.batch(batch).prefetch(tf.data.AUTOTUNE)


def _decode(record: Tensor, size: tuple[int, int]) -> dict[str, Tensor]:
    """Returns the pair in one serialized record: uint8 [H, W, 3] and uint8 [H, W]."""
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in (IMAGE, MASK)}
    parsed = tf.io.parse_single_example(record, features)
    # The accurate transform is what Pillow uses: the same pixels here, in the reports, and in a later prediction.
    # decode_jpeg takes PNG too; decode_image, named for both, cannot be told which transform to use.
    image = tf.io.decode_jpeg(parsed[IMAGE], channels=3, dct_method="INTEGER_ACCURATE")
    mask = tf.io.decode_png(parsed[MASK], channels=1)
    return {"image": tf.ensure_shape(image, (*size, 3)), "mask": tf.ensure_shape(mask, (*size, 1))[..., 0]}
