"""Batches: from a folder of shards to batches of uint8 pairs, in an order that follows from seed and epoch.

One byte per channel is copied to the device, and one per pixel for the mask: scaling, augmentation and one-hot encoding
happen there.

An epoch's order is a random order of the whole split. It is the same whatever is shuffled: the decoded pairs where
they fit in memory, else the records as they are stored where those fit, else their positions in the shards.

Where a process keeps to its own part of the shards, it reads them from front to back, in a random order of the shards
and INTERLEAVED at a time, through a buffer that is shuffled. It needs no other shard, and seeks in none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from converter.dataset.reader import RecordSource
from converter.schema import IGNORE_INDEX
from converter.system.cpus import usable_cpus
from trainer.backend import Tensor, tf, untuned
from trainer.devices import Share
from trainer.input.caching import is_cached, keep
from trainer.input.decoding import decoder, decodes_masks_in_batches, padder, with_masks
from trainer.input.fetching import with_shards
from trainer.input.reading import InputConfig, decoded_pairs, piece_table, shuffle_source, stored_piece
from trainer.input.waiting import InputWait

INTERLEAVED = 16  # shards that are read at a time
SHUFFLE_BUFFER = 4096  # records, as they are stored: some 400 MB of photographs of 512x512
PREFETCH_BATCHES = 2  # one to hand over, one to fill meanwhile; the decoders before it buffer some records as well


class Batches(NamedTuple):
    """Batches of one split.

    Attributes:
      dataset: of ({"image": uint8 [B, H, W, 3], "mask": uint8 [B, H, W]},), all sizes static: inputs without a
        target, since the target has to be augmented with the image. Records of several sizes are padded to the
        largest, and their own (height, width) is "size", float32 [B, 2].
      steps: number of steps in an epoch, each of one batch; with several workers, each has a batch for each of its
        devices instead.
      batch: B, records in an element of `dataset`.
      cached: whether the decoded records are in memory.
      wait: how long the reader of `dataset` has waited for it. Not measured where the records are in memory: reading
        the clock takes nearly as long as copying a batch of eight small ones.
    """

    dataset: tf.data.Dataset
    steps: int
    batch: int
    cached: bool
    wait: InputWait


def train_batches(config: InputConfig, *, seed: int, epochs: int, first_epoch: int = 0) -> Batches:
    """Returns the batches of several epochs, one after the other, each in its own random order.

    All batches are full: an epoch leaves out the remaining records at its end, different ones each time.

    Args:
      config: what is read; where there are fewer records than in a batch, they are one batch.
      seed: seed of the order, 0..2**31 - 1. The order of an epoch depends only on the seed and its number.
      epochs: number of the epoch to stop before.
      first_epoch: number of the first epoch, from 0.

    Raises:
      UsageError: `config.cache` is "on", and the decoded records do not fit in memory.
      DataError: the number of records in a shard differs from the manifest.
    """
    batch = min(config.batch, config.count)
    steps = config.count // batch
    cached = is_cached(config.cache, config.split, len(config.numbers), config.size)
    source = decode = None
    if cached:
        source = keep(decoded_pairs(config), len(config.numbers))
    elif config.share.has_own_shards:
        decode = decoder(config.manifest.size, has_masks=config.has_sizes or not decodes_masks_in_batches())
    else:
        source, decode = shuffle_source(config)
    pairs = _shuffled(source, config, seed, epochs=range(first_epoch, epochs), length=steps * batch)
    if decode:
        pairs = pairs.map(decode, num_parallel_calls=usable_cpus())
    return _batches(_padded(pairs, config), batch, steps, epochs - first_epoch, cached=cached, share=config.share)


def eval_batches(config: InputConfig) -> Batches:
    """Returns the batches of one pass over all records, in their order.

    The last batch is padded with black images whose masks hold only IGNORE_INDEX: no loss or score counts them.

    Raises:
      UsageError: `config.cache` is "on", and the decoded records do not fit in memory.
    """
    count, batch, size, share = len(config.numbers), config.batch, config.size, config.share
    steps = math.ceil(config.count / batch)
    cached = is_cached(config.cache, config.split, count, size)
    pairs = decoded_pairs(config)
    if cached:
        pairs = keep(pairs, count)
    blank = {"image": np.zeros((*size, 3), np.uint8), "mask": np.full(size, IGNORE_INDEX, np.uint8)}
    places = steps * batch // share.part.of
    pairs = pairs.concatenate(tf.data.Dataset.from_tensors((blank,)).repeat(places - count))
    if not share.has_own_shards:
        pairs = pairs.shard(share.num_workers, share.worker)
    return _batches(_padded(pairs, config), batch, steps, 1, cached=cached, share=share)


def batch_names(config: InputConfig, *, seed: int, epoch: int, step: int) -> list[str]:
    """Returns the names of the images in one batch of `train_batches`, in order; epoch and step count from 0.

    Of processes that keep to their own shards, each knows those of its part of the batch.
    """
    if not config.share.has_own_shards:
        config = dataclasses.replace(config, share=Share())  # the whole batch
    batch = min(config.batch, config.count) // config.share.part.of
    source = RecordSource(config.folder, config.split)
    return [source[number].name for number in epoch_order(config, seed, epoch)[step * batch : (step + 1) * batch]]


def epoch_order(config: InputConfig, seed: int, epoch: int) -> list[int]:
    """Returns the numbers of the records that this process trains on in one epoch, in order; without reading any."""
    batch = min(config.batch, config.count)
    numbers = tf.data.Dataset.range(config.numbers.start, config.numbers.stop)
    length = config.count // batch * batch
    order = _shuffled(numbers, config, seed, epochs=range(epoch, epoch + 1), length=length)
    return [int(number) for number in untuned(order).as_numpy_iterator()]


def _shuffled(
    elements: tf.data.Dataset | None, config: InputConfig, seed: int, *, epochs: range, length: int
) -> tf.data.Dataset:
    """Returns this process's elements of `length` in each epoch, in an order that does not depend on their kind.

    Args:
      elements: one for each record that this process reads, in order; None for the records as they are stored, which
        only a process with its own shards reads from front to back.
      config: which records there are, and which part of them is read.
      seed: seed of the order.
      epochs: numbers of the epochs.
      length: number of elements in an epoch, over all processes.
    """
    share = config.share
    order = _order_of_shards(elements, config) if share.has_own_shards else _order_of_all(elements, config)

    def one_epoch(epoch: Tensor) -> tf.data.Dataset:
        # Within this graph only: otherwise the order would depend on the process's seed.
        # Never 0 modulo 2**31 - 1, since TensorFlow treats two zeros as a random seed.
        tf.random.set_seed(1 + (seed + share.part.number) % (2**31 - 2))
        return order(epoch).take(length // share.part.of)

    found = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)
    return found if share.has_own_shards else found.shard(share.num_workers, share.worker)


def _order_of_all(elements: tf.data.Dataset, config: InputConfig) -> Callable[[Tensor], tf.data.Dataset]:
    """Returns the function from an epoch to a random order of the whole split."""
    return lambda epoch: elements.shuffle(config.count, seed=epoch, reshuffle_each_iteration=False)


def _order_of_shards(elements: tf.data.Dataset | None, config: InputConfig) -> Callable[[Tensor], tf.data.Dataset]:
    """Returns the function from an epoch to a random order of the process's shards, their records in a buffer."""
    table = piece_table(config)

    def piece(path: Tensor, start: Tensor, count: Tensor, before: Tensor) -> tf.data.Dataset:
        return stored_piece(path, start, count, before) if elements is None else elements.skip(before).take(count)

    def order(epoch: Tensor) -> tf.data.Dataset:
        pieces = table.shuffle(max(1, len(config.pieces)), seed=epoch, reshuffle_each_iteration=False)
        records = with_shards(pieces, config.folder).interleave(piece, cycle_length=INTERLEAVED, block_length=1)
        return records.shuffle(SHUFFLE_BUFFER, seed=epoch, reshuffle_each_iteration=False)

    return order


def _padded(pairs: tf.data.Dataset, config: InputConfig) -> tf.data.Dataset:
    """Returns the pairs, all of the same size."""
    return pairs.map(padder(config.size), num_parallel_calls=usable_cpus()) if config.has_sizes else pairs


def _batches(pairs: tf.data.Dataset, batch: int, steps: int, epochs: int, *, cached: bool, share: Share) -> Batches:
    """Returns the last stages, common to training and evaluation."""
    parts = 1
    if share.num_workers > 1:  # Keras splits a whole batch over the devices of one process only
        parts = share.num_replicas // share.num_workers
        batch = batch // share.num_replicas
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_optimization.inject_prefetch = False  # its buffer would grow to hundreds of batches
    wait = InputWait()
    full = pairs.batch(batch, drop_remainder=True)
    if full.element_spec[0]["mask"].dtype == tf.string:
        full = full.map(with_masks)
    full = full.prefetch(1 if cached else PREFETCH_BATCHES)  # every further buffer is memory that the cache cannot use
    full = full.apply(tf.data.experimental.assert_cardinality(parts * steps * epochs))
    if not cached:
        full = wait.timed(full)
    return Batches(untuned(full.with_options(options)), steps, batch, cached, wait)
