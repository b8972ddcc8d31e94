"""Report: what a verification found, as text and as JSON."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.config import SourceConfig
from converter.dataset.tfrecord import REPAIR, ShardError
from converter.errors import SHOWN_WHAT_CHARS, SegconvError, UsageError, shown
from converter.schema import FIX_KEY

SHOWN_PROBLEMS = 50  # in the text; --json lists all
RECORDS = 16  # derived again from their sources unless the user asks for another number


@dataclass(frozen=True)
class VerifyConfig:
    """What `segconv verify` is to do.

    Attributes:
      folder: of the records.
      source: the dataset that they were built from; None compares them only with their manifest.
      records: number of records to derive again from the source, chosen at random; None takes all.
      repair: rebuilds damaged files exactly as they were.
      workers: number of processes; 0 means one per available CPU.
      decode: decodes every image and mask and counts their pixels, even where the hash of a shard is the manifest's.
    """

    folder: Path = Path("records")
    source: SourceConfig | None = None
    records: int | None = RECORDS
    repair: bool = False
    workers: int = 0
    decode: bool = False

    def __post_init__(self) -> None:
        if self.repair and self.source is None:
            raise UsageError("--repair", "rebuilds shards from their sources", "Give the source folder with --src DIR.")


@dataclass(frozen=True)
class RecordProblem:
    """A problem in a folder of records.

    Attributes:
      error: where, what, and how to fix it.
      shard: file name of the shard that it is in; "" where it is not in a shard.
    """

    error: SegconvError
    shard: str = ""

    @property
    def is_of_source(self) -> bool:
        """Returns whether it says that the sources have changed, which is no damage to the records."""
        return self.error.code == "E_SOURCE"

    def __str__(self) -> str:
        error = self.error
        text = f"{shown(error.where)}: {shown(error.what, SHOWN_WHAT_CHARS)}"
        return text if error.fix == REPAIR else f"{text}. {error.fix}"  # the last line says REPAIR for all

    def to_json(self) -> dict[str, Any]:
        """Returns its object in `segconv verify --json`; record and offset may be null."""
        error = self.error
        record, offset = (error.record, error.offset) if isinstance(error, ShardError) else (None, None)
        return {
            "code": error.code,
            "where": error.where,
            "what": error.what,
            FIX_KEY: error.fix,
            "shard": self.shard or None,
            "record": record,
            "offset": offset,
        }


@dataclass
class Verification:
    """What was found.

    Attributes:
      folder: of the records.
      source: of the dataset, if it was read.
      repair: whether damaged files were to be repaired.
      shards: number of shards in the manifest.
      records: number of records in the manifest.
      problems: all of them, in the order of the files.
      derived: records that were derived again from the source and compared.
      repaired: names of the files that were repaired.
      notes: remarks that are not problems.
      seconds: wall time.
    """

    folder: Path
    source: Path | None = None
    repair: bool = False
    shards: int = 0
    records: int = 0
    problems: list[RecordProblem] = field(default_factory=list)
    derived: int = 0
    repaired: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def damaged(self) -> list[str]:
        """Names of the damaged shards."""
        return sorted({problem.shard for problem in self.problems if problem.shard and not problem.is_of_source})

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv verify --json` prints."""
        return {
            "path": str(self.folder),
            "ok": not self.problems,
            "shards": self.shards,
            "records": self.records,
            "damaged": self.damaged,
            "derived": self.derived,
            "repaired": self.repaired,
            "problems": [problem.to_json() for problem in self.problems],
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv verify` prints it: one line for each problem, the verdict last."""
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f"... and {len(self.problems) - SHOWN_PROBLEMS} more; use --json to see all")
        lines += self.notes
        if self.repaired:
            lines.append(f"repaired: {shown(', '.join(self.repaired), SHOWN_WHAT_CHARS)}")
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        if not self.problems:
            derived = f"; {self.derived} of them rebuilt from the source, with equal bytes" if self.derived else ""
            return f"{self.shards} shards, {self.records} records: intact{derived}"
        if all(problem.is_of_source for problem in self.problems):
            return f"{self.shards} shards, {self.records} records: intact, but the source has changed"
        damaged = f"{len(self.damaged)} of {self.shards} shards are damaged" if self.damaged else "not intact"
        if self.repair or not any(problem.error.fix == REPAIR for problem in self.problems):
            return damaged
        path = "" if self.folder == VerifyConfig.folder else f" {shlex.quote(str(self.folder))}"
        source = "dataset/" if self.source is None else shlex.quote(str(self.source))
        return f"{damaged}: run segconv verify{path} --repair --src {source}"
