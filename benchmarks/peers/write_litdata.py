"""Writes chunks with litdata's optimize, by one worker."""

from __future__ import annotations

from functools import partial

from litdata import optimize
from step import Job, Pair, read_job


def sample(number: int, job: Job) -> dict[str, object]:
    """Returns what is stored of a pair."""
    pair: Pair = job.pairs[number]
    image, mask = job.encode(pair)
    return {"name": pair.image.stem, "image": image, "mask": mask}


def main() -> None:
    """Converts the job of the command line."""
    job = read_job()
    # By number, or it would copy the files that it takes the inputs to name.
    numbers = list(range(len(job.pairs)))
    optimize(partial(sample, job=job), numbers, output_dir=str(job.out), chunk_bytes="64MB", num_workers=1)


if __name__ == "__main__":
    main()
