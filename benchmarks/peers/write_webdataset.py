"""Writes tar shards with webdataset's ShardWriter."""

from __future__ import annotations

from step import read_job
from webdataset import ShardWriter


def main() -> None:
    """Converts the job of the command line."""
    job = read_job()
    job.out.mkdir()
    with ShardWriter(str(job.out / "shard-%05d.tar"), maxcount=1000, verbose=0) as sink:
        for pair in job.pairs:
            image, mask = job.encode(pair)
            sink.write({"__key__": pair.image.stem, "jpg": image, "png": mask})


if __name__ == "__main__":
    main()
