"""Writes an ArrayRecord file, with random access for Grain: the length of the JPEG, the JPEG, the PNG of each pair."""

from __future__ import annotations

from array_record.python.array_record_module import ArrayRecordWriter
from step import read_job


def main() -> None:
    """Converts the job of the command line."""
    job = read_job()
    job.out.mkdir()
    writer = ArrayRecordWriter(str(job.out / "pairs.array_record"), "group_size:1")
    for pair in job.pairs:
        image, mask = job.encode(pair)
        writer.write(len(image).to_bytes(4, "little") + image + mask)
    writer.close()


if __name__ == "__main__":
    main()
