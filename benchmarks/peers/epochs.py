"""Epochs: what every reader does alike: decode a pair, and read epochs to their end.

A batch is uint8 [B, H, W, 3] and uint8 [B, H, W]. This file needs Pillow and NumPy alone, since it runs in the
environment of each peer.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

BATCH = 8
SHUFFLE = 256  # records that wait for their turn, in readers that shuffle so

Batch = tuple[np.ndarray, np.ndarray]


class Reading(NamedTuple):
    """What a reader is asked to do.

    Attributes:
      source: folder of photographs and masks, for those that read it as it is.
      records: what the peer's writer has written.
      size: (height, width) of what is stored.
      epochs: how many.
      is_cached: whether decoded pairs are to be kept in memory, by readers that can.
      report: file for what was measured.
    """

    source: Path
    records: Path
    size: tuple[int, int]
    epochs: int
    is_cached: bool
    report: Path


def read_reading() -> Reading:
    """Returns what the command line asks for: SOURCE RECORDS HEIGHTxWIDTH EPOCHS [--cached] --report FILE."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cached", action="store_true")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("source", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("size")
    parser.add_argument("epochs", type=int)
    arguments = parser.parse_args()
    height, width = map(int, arguments.size.split("x"))
    size, report = (height, width), arguments.report
    return Reading(arguments.source, arguments.records, size, arguments.epochs, arguments.cached, report)


def decode(image: bytes, mask: bytes) -> Batch:
    """Returns (photograph uint8 [H, W, 3], class indices uint8 [H, W])."""
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


def read(epoch: Callable[[int], Iterable[tuple[object, object]]], reading: Reading) -> None:
    """Reads every epoch to its end, looks at the shapes of what comes, and reports what all but the first took.

    CPU time is that of this process, all threads: a reader that starts others would have to be measured otherwise.

    Raises:
      ValueError: a batch is not what it should be, or an epoch has not as many pairs as the first.
    """
    counts, cpu_s, wall_s = [], [], []
    for number in range(reading.epochs):
        count = 0
        for images, masks in epoch(number):
            shapes, types = (tuple(images.shape[1:]), tuple(masks.shape[1:3])), f"{images.dtype} {masks.dtype}"
            if shapes != ((*reading.size, 3), reading.size) or types.count("uint8") != 2:
                raise ValueError(f"a batch of {shapes}, {types}")
            count += len(images)
        counts.append(count)
        cpu_s.append(time.process_time())
        wall_s.append(time.perf_counter())
        if not count or count != counts[0]:
            raise ValueError(f"epoch {number} has {count} pairs, the first one {counts[0]}")
    images_read = sum(counts[1:])
    report = {"cpu_s": (cpu_s[-1] - cpu_s[0]) / images_read, "wall_s": (wall_s[-1] - wall_s[0]) / images_read}
    reading.report.write_text(json.dumps(report))
