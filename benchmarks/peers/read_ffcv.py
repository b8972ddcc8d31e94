"""Reads a .beton file with ffcv's Loader, by one worker: a thread that runs compiled code."""

from __future__ import annotations

from epochs import BATCH, read, read_reading
from ffcv.fields.decoders import NDArrayDecoder, SimpleRGBImageDecoder
from ffcv.loader import Loader, OrderOption
from ffcv.transforms import ToTensor


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    pipelines = {"image": [SimpleRGBImageDecoder(), ToTensor()], "mask": [NDArrayDecoder(), ToTensor()]}
    loader = Loader(
        str(reading.records / "pairs.beton"),
        batch_size=BATCH,
        num_workers=1,
        order=OrderOption.RANDOM,
        seed=0,
        pipelines=pipelines,
        drop_last=False,
    )
    read(lambda _: loader, reading)


if __name__ == "__main__":
    main()
