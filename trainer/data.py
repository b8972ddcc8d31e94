"""Data: from a folder of shards to batches of uint8 pairs, in an order that follows from seed and epoch.

One byte per channel crosses to the device, and one per pixel for the mask: scaling, augmentation and one-hot come
later, there. TensorFlow sees no byte of a shard before its hash was held against the manifest, since it trusts a
record's length field and crashes on a forged one.

An epoch's order is a chance order of the whole split. It is the same whatever is shuffled: the decoded pairs where
they fit in memory, else the records as they are stored where those do, else their places in the shards.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # without segconv[fast]
    decode_image_png_u8 = None

from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import REBUILD, DataError, UsageError
from converter.schema import IGNORE_INDEX, IMAGE, MASK
from converter.system.console import Progress, log
from trainer.backend import Tensor, tf
from trainer.devices import Share
from trainer.memory import free_memory

PREFETCH_BATCHES = 2  # one to hand over, one to fill meanwhile; the decoders in front keep some records as well
CACHE_SHARE = 0.5  # of the free memory: the other half is for the model, its checkpoints and the rest of the machine
BYTES_PER_PIXEL = 4  # red, green, blue and class index
STORED_SHARE = 0.25  # of the free memory, for records as they are stored, where the decoded ones do not fit
FRAME_START, FRAME_END = 12, 4  # bytes of a TFRecord around its data: length and its checksum, the data's checksum
PNG_KIND, PNG_GREY = slice(24, 26), b"\x08\x00"  # bytes of a PNG that tell bits and kind: 8, and grey
ALONE = Share()


class Batches(NamedTuple):
    """Batches of one split.

    Attributes:
      dataset: of ({"image": uint8 [B, H, W, 3], "mask": uint8 [B, H, W]},), all sizes static: inputs without a
        target, since the target has to be augmented with the image.
      steps: number of steps in an epoch, each of one batch; a worker among several has a batch for each of its
        devices instead.
      batch: B, records in an element of `dataset`.
      cached: whether the decoded records lie in memory.
      wait: how long whoever reads `dataset` has waited for it. Not measured where the records lie in memory: to ask
        the clock takes nearly as long as to copy a batch of eight small ones.
    """

    dataset: tf.data.Dataset
    steps: int
    batch: int
    cached: bool
    wait: InputWait


class InputWait:
    """Seconds that the reader of a dataset spent waiting for its next element.

    A reader that finds each element ready waits for nothing: the time that the decoding took beside it does not count.

    Args:
      clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._asked = 0.0
        self._total = 0.0  # written by the reading thread alone, as `_taken` is by whoever takes: no lock is needed
        self._taken = 0.0

    def take(self) -> float:
        """Returns the seconds waited since the last call."""
        total = self._total
        waited, self._taken = total - self._taken, total
        return waited

    def timed(self, elements: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the same elements, and from now on times each; must be the last stage."""

        def answer(_: Tensor, element: object) -> object:
            tf.numpy_function(self._answer, (), ())
            return element

        # zip asks its parts in turn, whenever it is asked itself, and both maps have an effect, which keeps them in
        # step with the reader. tf.timestamp would be the shorter way, but is refused under determinism.
        # Not counter(), whose numbers cost more than this whole stage besides.
        endless = tf.data.Dataset.from_tensors(0).repeat()
        asked = endless.map(lambda _: tf.numpy_function(self._ask, (), tf.bool))
        options = tf.data.Options()
        options.experimental_optimization.map_parallelization = False  # it would ask in the reader's stead
        options.experimental_optimization.inject_prefetch = False  # and so would this
        return tf.data.Dataset.zip((asked, elements)).map(answer).with_options(options)

    def _ask(self) -> np.bool_:
        self._asked = self._clock()
        return np.True_

    def _answer(self) -> None:
        self._total += self._clock() - self._asked


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


def train_batches(
    manifest: Manifest,
    folder: Path,
    split: str,
    *,
    batch: int,
    seed: int,
    epochs: int,
    first_epoch: int = 0,
    cache: str = "auto",
    records: int = 0,
    share: Share = ALONE,
) -> Batches:
    """Returns the batches of several epochs, one after the other, each in a chance order of its own.

    All batches are full: an epoch leaves out the records that remain at its end, other ones each time.

    Args:
      manifest: from `open_records`, which has checked the shards.
      folder: where the shards lie.
      split: name of the split.
      batch: records per batch; where there are fewer records, their number.
      seed: of the order, 0..2**31 - 1. The order of an epoch depends on the seed and its number alone.
      epochs: number of the epoch to stop before.
      first_epoch: number of the first epoch, from 0.
      cache: "on" to keep the decoded records in memory, "off" not to, "auto" to keep them where they fit.
      records: only the first so many records; 0 for all.
      share: of a worker among several: it gets its records of each batch, in batches for one device each.

    Raises:
      UsageError: `cache` is "on", and the decoded records do not fit in memory.
      DataError: a shard holds another number of records than the manifest says.
    """
    count = _count(manifest, split, records)
    batch = min(batch, count)
    steps = count // batch
    cached = _is_cached(manifest, folder, split, count, cache)
    if cached:
        source, decode = _keep(_pairs(manifest, folder, split, count), count), None
    else:
        source, decode = _shuffle_source(manifest, folder, split, count)
    pairs = _shuffled(source, count, seed, epochs=range(first_epoch, epochs), length=steps * batch)
    pairs = pairs.shard(share.num_workers, share.worker)
    if decode:
        pairs = pairs.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return _batches(pairs, batch, steps, epochs - first_epoch, cached=cached, share=share)


def eval_batches(
    manifest: Manifest,
    folder: Path,
    split: str,
    *,
    batch: int,
    cache: str = "auto",
    records: int = 0,
    share: Share = ALONE,
) -> Batches:
    """Returns the batches of one pass in the order of the records, every record in it.

    The last batch is made full with black images whose masks hold IGNORE_INDEX only: they count nowhere.

    Args:
      manifest: from `open_records`, which has checked the shards.
      folder: where the shards lie.
      split: name of the split.
      batch: records per batch.
      cache: "on" to keep the decoded records in memory, "off" not to, "auto" to keep them where they fit.
      records: only the first so many records; 0 for all.
      share: of a worker among several: it gets its records of each batch, in batches for one device each.

    Raises:
      UsageError: `cache` is "on", and the decoded records do not fit in memory.
    """
    count = _count(manifest, split, records)
    steps = math.ceil(count / batch)
    cached = _is_cached(manifest, folder, split, count, cache)
    pairs = _pairs(manifest, folder, split, count)
    if cached:
        pairs = _keep(pairs, count)
    size = manifest.common_size(folder)
    blank = {"image": np.zeros((*size, 3), np.uint8), "mask": np.full(size, IGNORE_INDEX, np.uint8)}
    blanks = tf.data.Dataset.from_tensors((blank,)).repeat(steps * batch - count)
    pairs = pairs.concatenate(blanks).shard(share.num_workers, share.worker)
    return _batches(pairs, batch, steps, 1, cached=cached, share=share)


def batch_names(
    manifest: Manifest,
    folder: Path,
    split: str,
    *,
    batch: int,
    seed: int,
    epoch: int,
    step: int,
    records: int = 0,
) -> list[str]:
    """Returns the photographs' names in one batch of `train_batches`, in their order; epoch and step from 0."""
    count = _count(manifest, split, records)
    batch = min(batch, count)
    numbers = tf.data.Dataset.range(count)
    order = _shuffled(numbers, count, seed, epochs=range(epoch, epoch + 1), length=(step + 1) * batch)
    source = RecordSource(folder, split)
    return [source[int(number)].file_name for number in order.skip(step * batch)]


def _count(manifest: Manifest, split: str, records: int) -> int:
    """Returns how many records to read, where `records` asks for the first so many, or with 0 for all."""
    count = manifest.splits[split].records
    return min(records, count) if records else count


def _is_cached(manifest: Manifest, folder: Path, split: str, count: int, cache: str) -> bool:
    """Returns whether to keep so many decoded records of a split in memory, and logs why.

    Raises:
      UsageError: asked for, but there is not so much memory.
    """
    if cache == "off":
        return False
    height, width = manifest.common_size(folder)
    needed, free = count * height * width * BYTES_PER_PIXEL, free_memory()
    sizes = f"{_size(needed)} of {_size(free)} free"
    if needed > free * (1 if cache == "on" else CACHE_SHARE):
        if cache == "on":
            what = f"on: the decoded records of split {split!r} need {_size(needed)}, and {_size(free)} are free"
            raise UsageError("--cache", what, "Pass --cache auto.", "E_MEMORY")
        log.info("Decoded records of split %r would take %s: they are decoded anew each epoch.", split, sizes)
        return False
    log.info("Decoded records of split %r fit in memory: %s; they are read once.", split, sizes)
    return True


def _size(num_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if num_bytes >= factor:
            return f"{num_bytes / factor:.{factor == 10**9:d}f} {unit}"
    return f"{num_bytes / 1000:.0f} kB"


def _pairs(manifest: Manifest, folder: Path, split: str, count: int) -> tf.data.Dataset:
    """Returns the first `count` pairs of a split in order, decoded."""
    return _records(manifest, folder, split, count).map(_decoder(manifest, folder), num_parallel_calls=tf.data.AUTOTUNE)


def _keep(elements: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """Returns the same `count` elements, read now and kept in memory as long as the dataset lives."""
    kept = elements.cache()
    with Progress(count, "record") as progress:
        for number, _ in enumerate(kept.map(lambda _: 0), start=1):  # nothing of them need come to Python
            progress.show(number)
    return kept


def _records(manifest: Manifest, folder: Path, split: str, count: int) -> tf.data.Dataset:
    """Returns the first `count` serialized records of a split, in order."""
    return tf.data.TFRecordDataset([str(folder / shard.name) for shard in manifest.splits[split].shards]).take(count)


def _shuffle_source(
    manifest: Manifest, folder: Path, split: str, count: int
) -> tuple[tf.data.Dataset, Callable[[Tensor], tuple[dict[str, Tensor]]]]:
    """Returns what to shuffle where pairs are not kept, `count` elements in order, and what decodes one of them."""
    decode = _decoder(manifest, folder, has_masks=decode_image_png_u8 is None)
    if manifest.splits[split].bytes <= free_memory() * STORED_SHARE:
        return _keep(_records(manifest, folder, split, count), count), decode
    names = tf.constant([str(folder / shard.name) for shard in manifest.splits[split].shards])

    def read(place: Tensor) -> tuple[dict[str, Tensor]]:
        # A record is read on its own: a file of one record of known length, between a header and a footer.
        shard, header, length, footer = tf.unstack(place)
        records = tf.data.FixedLengthRecordDataset(tf.gather(names, shard), length, header, footer, buffer_size=length)
        return decode(records.get_single_element())

    return tf.data.Dataset.from_tensor_slices(_places(manifest, folder, split)[:count]), read


def _places(manifest: Manifest, folder: Path, split: str) -> np.ndarray:
    """Returns where each record of a split lies, int64 [n, 4]: number of the shard, bytes before, of it, and after.

    Raises:
      DataError: a shard holds another number of records than the manifest says.
    """
    places = []
    for number, shard in enumerate(manifest.splits[split].shards):
        path = folder / shard.name
        position = 0
        with path.open("rb", buffering=0) as file:  # eight bytes of each record, not eight thousand
            for _ in range(shard.records):
                file.seek(position)
                length = int.from_bytes(file.read(8), "little")
                header = position + FRAME_START
                position = header + length + FRAME_END
                places.append((number, header, length, shard.bytes - header - length))
        if position != shard.bytes:
            raise DataError(path, f"does not hold {shard.records} records, as the manifest says", REBUILD, "E_COUNTS")
    return np.array(places, np.int64)


def _shuffled(elements: tf.data.Dataset, count: int, seed: int, *, epochs: range, length: int) -> tf.data.Dataset:
    """Returns `length` of `count` elements for each epoch, in an order that is the same for elements of every kind."""

    def one_epoch(epoch: Tensor) -> tf.data.Dataset:
        # Within this graph, not for the process: otherwise the process's seed would be the first half of the order's.
        # Never 0 modulo 2**31 - 1, since TensorFlow has a meaning of its own for two zeros.
        tf.random.set_seed(1 + seed % (2**31 - 2))
        return elements.shuffle(count, seed=epoch, reshuffle_each_iteration=False).take(length)

    return tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)


def _batches(pairs: tf.data.Dataset, batch: int, steps: int, epochs: int, *, cached: bool, share: Share) -> Batches:
    """Returns the last stages, common to training and evaluation."""
    parts = 1
    if share.num_workers > 1:  # Keras deals a whole batch out to the devices of one process only
        parts = share.num_replicas // share.num_workers
        batch = batch // share.num_replicas
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_optimization.inject_prefetch = False  # a buffer of its own, that grows to hundreds of batches
    wait = InputWait()
    full = pairs.batch(batch, drop_remainder=True)
    if full.element_spec[0]["mask"].dtype == tf.string:
        full = full.map(_with_masks)
    full = full.prefetch(1 if cached else PREFETCH_BATCHES)  # each buffer more is memory that no cache holds
    full = full.apply(tf.data.experimental.assert_cardinality(parts * steps * epochs))
    if not cached:
        full = wait.timed(full)
    return Batches(full.with_options(options), steps, batch, cached, wait)


def _decoder(
    manifest: Manifest, folder: Path, *, has_masks: bool = True
) -> Callable[[Tensor], tuple[dict[str, Tensor]]]:
    """Returns the function from a serialized record to its pair: uint8 [H, W, 3] and uint8 [H, W].

    Without `has_masks` the mask stays the PNG that it is, for `_with_masks`.
    """
    size = manifest.common_size(folder)
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in (IMAGE, MASK)}

    def decode(record: Tensor) -> tuple[dict[str, Tensor]]:
        parsed = tf.io.parse_single_example(record, features)
        # The accurate transform is what Pillow uses: the same pixels here, in the reports, and in a later prediction.
        # decode_jpeg takes PNG too; decode_image, named for both, cannot be told which transform to use.
        image = tf.io.decode_jpeg(parsed[IMAGE], channels=3, dct_method="INTEGER_ACCURATE")
        image, mask = tf.ensure_shape(image, (*size, 3)), parsed[MASK]
        if has_masks:
            mask = tf.squeeze(tf.ensure_shape(tf.io.decode_png(mask, channels=1), (*size, 1)), -1)
        return ({"image": image, "mask": mask},)

    return decode


def _with_masks(pair: dict[str, Tensor]) -> tuple[dict[str, Tensor]]:
    """Returns a batch whose masks are decoded: uint8 [B, H, W] of string [B].

    The decoder of segconv[fast] takes a third of TensorFlow's time. It keeps other Python waiting meanwhile, so it is
    left to the masks, which are small; and what it takes to call it is paid once for a batch.
    """
    batch, height, width, _ = pair["image"].shape

    def decode(masks: np.ndarray) -> np.ndarray:
        decoded = np.empty((batch, height, width), np.uint8)
        for place, data in enumerate(masks):
            decoded[place] = _mask_pixels(data, (height, width))
        return decoded

    mask = tf.numpy_function(decode, (pair["mask"],), tf.uint8, stateful=False)
    return ({"image": pair["image"], "mask": tf.ensure_shape(mask, (batch, height, width))},)


def _mask_pixels(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """Returns the class indices of a PNG, uint8 [H, W]; TensorFlow's word counts where the fast decoder refuses it."""
    if data[PNG_KIND] == PNG_GREY:
        with contextlib.suppress(Exception):  # it raises nothing narrower
            return decode_image_png_u8(data, size, "mono")[..., 0]
    return tf.io.decode_png(data, channels=1).numpy()[..., 0]
