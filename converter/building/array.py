"""Array: many processes, on any machines that share a folder, build one dataset: each its share of the shards.

Task I of N stages the shards whose number is I modulo N. The share follows from the plan alone, which every task makes
from the same source. A build that only publishes (`--finalize`) makes the plan once more, verifies that every shard
is staged and was built from the sources as they are now, and commits; what is missing it names by task.

Tasks hold a shared lock of the folder, so that no build replaces it meanwhile. They may run twice at a time: each
writes under a name of its own, and whole files of equal bytes take each other's place.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from converter.building.begin import begin
from converter.building.command import build_command
from converter.building.commit import locked
from converter.building.output import check_out, check_source, check_space
from converter.building.plan import Plan
from converter.building.receipts import find_reusable, is_complete, make_shard
from converter.building.report import RefusedPairsError
from converter.building.shards import ShardTask, without_pair
from converter.building.store import LocalStore, Store, hidden
from converter.config import BuildConfig
from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.errors import MachineError, SegconvError, UsageError, shown
from converter.limits import MAX_ARRAY_TASKS
from converter.sources.refs import Reject
from converter.system.console import Progress
from converter.system.files import TEMPORARY, write_durably, write_error
from converter.system.urls import UrlPath

MARK = TEMPORARY + "array"  # holds the number of tasks, so that what is missing can be named by task


@dataclass(frozen=True)
class Share:
    """Which part of a build a task of an array makes.

    Attributes:
      number: of the task, from 0.
      tasks: number of tasks.
    """

    number: int
    tasks: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Returns the share in "I/N".

        Raises:
          UsageError: it is anything else, or I is not within 0..N-1.
        """
        match = re.fullmatch(r"(\d{1,7})/(\d{1,7})", text, re.ASCII)
        if not match or not int(match[1]) < int(match[2]) <= MAX_ARRAY_TASKS:
            what = f"{text!r} is not a task and the number of tasks"
            raise UsageError("--task", what, "Use I/N with I from 0 to N-1, such as --task 0/8 to --task 7/8.")
        return cls(int(match[1]), int(match[2]))

    def of(self, tasks: Sequence[ShardTask]) -> Sequence[ShardTask]:
        """Returns the shards of this share."""
        return tasks[self.number :: self.tasks]

    def __str__(self) -> str:
        return f"{self.number}/{self.tasks}"


class SharedFolder(LocalStore):
    """A local folder as a Store that several processes stage files in at the same time."""

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, atomically and durably; MachineError where that fails."""
        with self._own(name, name) as path:
            write_durably(path, data)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[BinaryIO]:
        """Opens a file for writing that will be published as `name`; hidden and durable when the block ends."""
        with self._own(name, hidden(name)) as path, super().stage(path.name.removeprefix(TEMPORARY)) as file:
            yield file

    @contextlib.contextmanager
    def _own(self, name: str, final: str) -> Iterator[Path]:
        """Yields a path that no other process has; renames the file there to `final` when the block succeeds."""
        path = self.folder / hidden(f"{name.removeprefix(TEMPORARY)}.{secrets.token_hex(8)}")
        try:
            yield path
            path.replace(self.folder / final)
        except OSError as error:
            raise write_error(self.folder / final, error) from error
        finally:
            with contextlib.suppress(OSError):  # --finalize removes it
                path.unlink(missing_ok=True)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Creates the folder if needed, and locks out every build, but no other task."""
        return locked(self.folder, is_shared=True)


def _shared(out: Path) -> Store:
    """Returns the store in which tasks stage their shards, of a folder or an address."""
    if not isinstance(out, UrlPath):
        return SharedFolder(out)
    from converter.building.object_store import SharedObjects

    return SharedObjects(str(out))


@dataclass(frozen=True)
class ShareReport:
    """What a task of an array did.

    Attributes:
      out: folder of the records.
      share: the task.
      built: number of shards that it built.
      reused: number of its shards that had been built before.
      records: number of records in all its shards.
      rejects: pairs of them that were left out.
      seconds: wall time.
    """

    out: Path
    share: Share
    built: int
    reused: int
    records: int
    rejects: list[Reject]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv build --task I/N --json` prints."""
        return {
            "out": str(self.out),
            "task": self.share.number,
            "tasks": self.share.tasks,
            "shards_built": self.built,
            "shards_reused": self.reused,
            "records": self.records,
            "skipped": len(self.rejects),
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv build --task I/N` prints it."""
        head = f"{shown(self.out)}: task {self.share}"
        if not self.built + self.reused:
            return f"{head}: no shard is its share; there are more tasks than shards"
        return f"{head}: {self.built} shards built, {self.reused} reused, {self.records} records"


def build_share(config: BuildConfig, share: Share, *, engine: Engine = local) -> ShareReport:
    """Builds and stages the shards of one task of an array; `build` with only_publish does the rest.

    Args:
      config: what to build; the same for all tasks.
      share: which task this is.
      engine: runs the shard tasks.

    Raises:
      UsageError: the source cannot be used, the output folder holds something else, or a build is running there.
      RefusedPairsError: pairs were refused, and config.on_error is "fail".
      MachineError: disk, memory, a lost worker.
    """
    start = time.monotonic()
    config, plan = begin(config, engine, _shared(config.out))
    old = check_out(config, plan)  # before the folder is created
    with plan.store.lock():
        if plan.store.is_publishing():
            fix = f"Finish that first: {build_command(config, '--finalize')}"
            raise UsageError(config.out, "was being replaced when a build was killed", fix, "E_OUT")
        own = share.of(plan.all_tasks)
        results = {task.name: found.result for task in own if (found := find_reusable(task, rehash=config.rehash))}
        missing = [task for task in own if task.name not in results]
        if old and not config.overwrite and missing and not results:
            check_source(config, plan, old)
        if missing:
            check_space(config, plan.store, missing)
            plan.store.put(MARK, str(share.tasks).encode())
            with Progress(sum(len(task.refs) for task in missing), "image") as progress:
                new = supervise(engine, make_shard, missing, config.num_workers, progress.show, without_pair)
            results |= {task.name: result for task, result in zip(missing, new, strict=True)}
    rejects = [reject for task in own for reject in results[task.name].rejects(task)]
    rejects += plan.rejects if share.number == 0 else []
    if rejects and config.on_error == "fail":
        fix = (
            "Fix them and run the task again, or pass --on-error skip to all tasks and to --finalize to leave them out."
        )
        num_pairs = sum(len(task.refs) for task in own) + (len(plan.rejects) if share.number == 0 else 0)
        raise RefusedPairsError(rejects, num_pairs, fix, result="nothing can be published")
    records = sum(result.info.records for result in results.values())
    built = len(missing)
    return ShareReport(config.out, share, built, len(own) - built, records, rejects, time.monotonic() - start)


def missing_error(config: BuildConfig, plan: Plan, reusable: Collection[str]) -> SegconvError | None:
    """Returns the error that shards of an array are not staged, or were built from other sources; None where all are.

    Args:
      config: what to build.
      plan: made from the sources as they are now.
      reusable: names of the shards that are staged, or published, and fit the plan.
    """
    lacking = [number for number, task in enumerate(plan.all_tasks) if task.name not in reusable]
    if not lacking:
        return None
    stale = [number for number in lacking if is_complete(plan.store, plan.all_tasks[number].name)]
    of = _number_of_tasks(plan.store)
    tasks = sorted({number % of for number in lacking}) if of else []
    total = len(plan.all_tasks)
    if stale:
        what = f"holds {len(stale)} of {total} shards that were built from other sources or with other options than now"
        what += f", and lacks {len(lacking) - len(stale)}" if len(lacking) > len(stale) else ""
    else:
        what = f"lacks {len(lacking)} of {total} shards"
    if others := _staged_for_another_plan(plan):
        what += f"; it holds {others} of another plan: the source or the options changed between the tasks"
    if tasks:
        what += f": the share of task{'s' * (len(tasks) > 1)} {_ranges(tasks)} of {of}"
    error = UsageError if stale or others else MachineError
    return error(config.out, what, f"Run again, then finalize: {_again(config, tasks, of)}", "E_TASKS")


def _staged_for_another_plan(plan: Plan) -> int:
    """Returns how many shards are staged that the plan does not have."""
    planned = {hidden(task.name) for task in plan.all_tasks}
    is_shard = re.compile(re.escape(TEMPORARY) + r".*\.tfrecord-\d{5}-of-\d{5}").fullmatch
    return sum(bool(is_shard(name)) and name not in planned for name in plan.store.names())


def _number_of_tasks(store: Store) -> int:
    """Returns the number of tasks of the array that staged shards in a store; 0 where none did."""
    with contextlib.suppress(OSError, SegconvError), store.open(MARK) as file:
        text = file.read(8)
        return int(text) if re.fullmatch(rb"[1-9]\d{0,6}", text) else 0
    return 0


def _ranges(numbers: Sequence[int]) -> str:
    """Returns sorted numbers in the notation of Slurm's --array: "0,2-5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _again(config: BuildConfig, tasks: Sequence[int], of: int) -> str:
    """Returns the command that builds what is missing; without the number of tasks the whole build, which reuses."""
    if not tasks:
        return build_command(config)
    if len(tasks) == 1:
        return build_command(config, "--task", f"{tasks[0]}/{of}")
    words = " ".join(f"{{{part.replace('-', '..')}}}" if "-" in part else part for part in _ranges(tasks).split(","))
    return f"for i in {words}; do {build_command(config, '--task')} $i/{of}; done"
