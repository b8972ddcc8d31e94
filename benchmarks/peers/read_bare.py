"""Decodes the JPEG and the PNG of each segconv record from memory, and drops them.

A lower bound for every reader that decodes. It uses the fastest of the known decoders, measured at the start; the
variant "pillow" is the decoder of most readers.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import imagecodecs
import numpy as np
import pyspng
import simplejpeg
from epochs import decode, read_reading, take_turns

from converter.dataset.reader import RecordSource

Decoder = Callable[[bytes, bytes], object]
RACES = 3  # measurements of each decoder at the start


def _by_opencv(image: bytes, mask: bytes) -> object:
    return [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) for data in (image, mask)]


FAST: tuple[Decoder, ...] = (
    lambda image, mask: (simplejpeg.decode_jpeg(image, "RGB"), pyspng.load(mask)),
    lambda image, mask: (simplejpeg.decode_jpeg(image, "RGB"), imagecodecs.spng_decode(mask)),
    _by_opencv,
)


def main() -> None:
    """Runs the job of the command line."""
    cv2.setNumThreads(1)
    reading = read_reading()
    stored = RecordSource(reading.records, "train")
    records = [(stored[number].image_bytes, stored[number].mask_bytes) for number in range(len(stored))]

    def cpu_of(decoder: Decoder) -> float:
        start = time.process_time()
        for image, mask in records:
            decoder(image, mask)
        return time.process_time() - start

    chosen = decode
    if reading.variant != "pillow":
        chosen = min(FAST, key=lambda decoder: min(cpu_of(decoder) for _ in range(RACES)))

    def count(_: int) -> int:
        cpu_of(chosen)
        return len(records)

    take_turns(count)


if __name__ == "__main__":
    main()
