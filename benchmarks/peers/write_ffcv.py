"""Writes a .beton file with ffcv, by one worker: its own JPEG of quality 95, and raw masks, as it has no PNG."""

from __future__ import annotations

import numpy as np
from ffcv.fields import NDArrayField, RGBImageField
from ffcv.writer import DatasetWriter
from step import QUALITY, Job, read_job


class Pairs:
    """The pairs of a job, decoded, by number."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __len__(self) -> int:
        return len(self.job.pairs)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return self.job.pixels(self.job.pairs[number])


def main() -> None:
    """Converts the job of the command line."""
    job = read_job()
    job.out.mkdir()
    fields = {
        "image": RGBImageField(write_mode="jpg", jpeg_quality=QUALITY),
        "mask": NDArrayField(np.dtype("uint8"), job.size),
    }
    DatasetWriter(str(job.out / "pairs.beton"), fields, num_workers=1).from_indexed_dataset(Pairs(job))


if __name__ == "__main__":
    main()
