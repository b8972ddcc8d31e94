"""Report: what a verification found, as text and as JSON."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.config import SourceConfig
from converter.dataset.tfrecord import REPAIR, ShardError
from converter.errors import SHOWN_WHAT_CHARS, SegconvError, UsageError, shown

SHOWN_PROBLEMS = 50  # in the text; --json has them all
RECORDS = 16  # that are derived again from their sources unless the user asks for more


@dataclass(frozen=True)
class VerifyConfig:
    """What `segconv verify` is to do.

    Attributes:
      folder: of the records.
      source: where the dataset is that they were made of; None holds them against nothing but their manifest.
      records: so many, by chance, are derived again from the source; None takes all.
      repair: puts faulty files back as they were built.
      workers: processes; 0 is one for each processor that this process may use.
    """

    folder: Path = Path("records")
    source: SourceConfig | None = None
    records: int | None = RECORDS
    repair: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.repair and self.source is None:
            raise UsageError("--repair", "makes shards anew", "Name what they were made of with --src DIR.")


@dataclass(frozen=True)
class RecordProblem:
    """Something that is wrong.

    Attributes:
      error: where, what, and how to mend it.
      shard: file name of the shard that it is in; "" where it is in none.
    """

    error: SegconvError
    shard: str = ""

    @property
    def is_of_source(self) -> bool:
        """Tells whether the sources have changed, which is no fault of the records."""
        return self.error.code == "E_SOURCE"

    def __str__(self) -> str:
        error = self.error
        told = f"{shown(error.where)}: {shown(error.what, SHOWN_WHAT_CHARS)}"
        return told if error.fix == REPAIR else f"{told}. {error.fix}"  # which the last line says for all

    def to_json(self) -> dict[str, Any]:
        """Returns the object that stands for it in `segconv verify --json`; record and offset may be null."""
        error = self.error
        record, offset = (error.record, error.offset) if isinstance(error, ShardError) else (None, None)
        return {
            "code": error.code,
            "where": error.where,
            "what": error.what,
            "mend": error.fix,
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
      repair: faulty files were to be put back.
      shards: number that the manifest accounts for.
      records: number that it accounts for.
      problems: all that is wrong, in the order of the files.
      derived: records that were derived again from the source and compared.
      repaired: names of the files that were put back.
      notes: what is no fault, but should be known.
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
        """Names of the shards that are not as they were built."""
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
            lines.append(f"... and {len(self.problems) - SHOWN_PROBLEMS} more; all of them with --json")
        lines += self.notes
        if self.repaired:
            lines.append(f"repaired: {shown(', '.join(self.repaired), SHOWN_WHAT_CHARS)}")
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        if not self.problems:
            derived = f"; {self.derived} of them derived again from the source, byte for byte" if self.derived else ""
            return f"{self.shards} shards, {self.records} records: whole{derived}"
        if all(problem.is_of_source for problem in self.problems):
            return f"{self.shards} shards, {self.records} records: whole, but the source has changed"
        damaged = f"{len(self.damaged)} of {self.shards} shards are damaged" if self.damaged else "not whole"
        if self.repair or not any(problem.error.fix == REPAIR for problem in self.problems):
            return damaged
        path = "" if self.folder == VerifyConfig.folder else f" {shlex.quote(str(self.folder))}"
        source = "dataset/" if self.source is None else shlex.quote(str(self.source))
        return f"{damaged}: run segconv verify{path} --repair --src {source}"
