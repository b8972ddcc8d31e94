"""Epochs: the shared code of all readers: decodes a pair and reads epochs on request. Trainers take turns with it, too.

A batch is uint8 [B, H, W, 3] and uint8 [B, H, W]. `read.py` runs many readers at once, in turns: it writes a number of
epochs to stdin as one line, and the reader reads them all and prints one line of JSON. This file
needs only Pillow and NumPy, because it runs in the environment of each peer; `read_tensors` needs TensorFlow as well.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

BATCH = 8
SHUFFLE = 256  # size of the shuffle buffer, in readers that have one

Batch = tuple[np.ndarray, np.ndarray]


class Reading(NamedTuple):
    """The job of a reader.

    Attributes:
      source: folder of images and masks, for readers without records.
      records: output of the peer's writer.
      size: (height, width) of the records.
      variant: of a reader with several; empty for the default.
    """

    source: Path
    records: Path
    size: tuple[int, int]
    variant: str


def read_reading() -> Reading:
    """Parses the command line: SOURCE RECORDS HEIGHTxWIDTH [--variant NAME]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variant", default="")
    parser.add_argument("source", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("size")
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    return Reading(arguments.source, arguments.records, (height, width), arguments.variant)


def decode(image: bytes, mask: bytes) -> Batch:
    """Returns (image uint8 [H, W, 3], class indices uint8 [H, W])."""
    return np.asarray(Image.open(io.BytesIO(image))), np.asarray(Image.open(io.BytesIO(mask)))


def stack(pairs: list[Batch]) -> Batch:
    """Returns a batch of decoded pairs."""
    images, masks = zip(*pairs, strict=True)
    return np.stack(images), np.stack(masks)


def batches_of(pairs: Iterable[Batch]) -> Iterable[Batch]:
    """Yields batches of decoded pairs; the last one may be smaller."""
    waiting: list[Batch] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == BATCH:
            yield stack(waiting)
            waiting = []
    if waiting:
        yield stack(waiting)


def check_batch(images: Any, masks: Any, size: tuple[int, int]) -> None:
    """Checks that a batch holds uint8 pairs of a size; masks may have a last axis of one channel.

    Raises:
      ValueError: it is something else.
    """
    shapes, types = (tuple(images.shape[1:]), tuple(masks.shape[1:])), f"{images.dtype} {masks.dtype}"
    if shapes[0] != (*size, 3) or shapes[1] not in (size, (*size, 1)) or types.count("uint8") != 2:
        raise ValueError(f"a batch of {shapes}, {types}")


def read(
    epoch: Callable[[int], Iterable[tuple[Any, Any]]],
    reading: Reading,
    check: Callable[[Any, Any, tuple[int, int]], None] = check_batch,
) -> None:
    """Reads the requested epochs in a Python loop.

    Args:
      epoch: number of an epoch -> its batches.
      reading: the job.
      check: raises for a wrong batch.
    """

    def count(number: int) -> int:
        pairs = 0
        for images, masks in epoch(number):
            check(images, masks, reading.size)
            pairs += len(images)
        return pairs

    take_turns(count)


def read_tensors(batches: Any, reading: Reading, steps: int = 0) -> None:
    """Reads the requested epochs from a tf.data.Dataset in a compiled loop.

    Keras's `fit` does the same: its compiled step fetches its own batch, from a new iterator for each epoch, or from
    one iterator for all epochs where the steps per epoch are given.

    Args:
      batches: images and masks, in any structure with this order: one epoch, or all epochs where `steps` is given.
      reading: the job.
      steps: batches per epoch, where `batches` has several epochs.
    """
    import tensorflow as tf

    stream = iter(batches)
    check_batch(*tf.nest.flatten(next(stream)), reading.size)
    if not steps:
        del stream

    @tf.function
    def count() -> tf.Tensor:
        pairs = 0
        if steps:
            for _ in tf.range(steps):
                images, _ = tf.nest.flatten(next(stream))
                pairs += tf.shape(images)[0]
        else:
            for element in batches:
                images, _ = tf.nest.flatten(element)
                pairs += tf.shape(images)[0]
        return pairs

    take_turns(lambda _: int(count()))


def take_turns(count: Callable[[int], int]) -> None:
    """Reads N epochs for each line N on stdin and answers each with a line of JSON, until stdin ends.

    An answer has the number of pairs, the wall seconds, and the CPU seconds of this process (all threads) since the
    previous answer. What a reader prefetches after its turn counts in the next one.

    Args:
      count: reads the epoch of a number and returns the number of its pairs.

    Raises:
      ValueError: an epoch has a different number of pairs than the first.
    """
    first, number, cpu_s = 0, 0, time.process_time()
    for line in sys.stdin:
        start, pairs = time.perf_counter(), 0
        for _ in range(int(line)):
            found = count(number)
            first = first or found
            if not found or found != first:
                raise ValueError(f"epoch {number} has {found} pairs, the first one {first}")
            pairs, number = pairs + found, number + 1
        before, cpu_s = cpu_s, time.process_time()
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        answer = {"pairs": pairs, "cpu_s": cpu_s - before, "wall_s": time.perf_counter() - start, "peak_mb": peak_mb}
        print(json.dumps(answer), flush=True)
