"""Supervise: tasks -> results, whatever happens to the workers: what is retried, what is blamed, what is dropped.

It sees only the events of an engine, so a pool on this machine and a cluster behave the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Generic

from converter.engines.events import Begun, Engine, Finished, Lost, Result, Task, Tick, UnitDone
from converter.errors import MachineError
from converter.limits import MAX_DEATHS


def supervise(
    engine: Engine,
    function: Callable[[Task, Tick], Result],
    tasks: Sequence[Task],
    workers: int,
    on_progress: Callable[[int], None],
    without: Callable[[Task, int, str], Task] | None = None,
) -> list[Result]:
    """Runs tasks on an engine and returns their results in the order of the tasks.

    When a worker is lost, the tasks that were in progress are retried, each alone; then the others resume. A task that
    loses two workers at the same unit is retried without that unit.

    Args:
      engine: runs the tasks.
      function: importable; gets a task and a function to call after each unit of work.
      tasks: picklable.
      workers: maximum number of tasks that run at a time.
      on_progress: called in this process with the number of finished units.
      without: returns a task without one of its units: (task, index of the unit, how its worker ended).

    Raises:
      MachineError: workers were lost at different units of a task, or `without` is None.
      Whatever `function` raises; the other workers are ended first.
    """
    run = _Run(engine, function, list(tasks), on_progress)
    blame = _Blame(without)
    suspects: list[int] = []
    while len(run.results) < len(run.tasks):
        alone = suspects.pop(0) if suspects else None
        numbers = [alone] if alone is not None else [n for n in range(len(run.tasks)) if n not in run.results]
        lost = run.through(numbers, workers)
        if lost is None:
            continue
        units = run.units
        in_progress = {number: units[number] for number in numbers if number in units and number not in run.results}
        if not in_progress:  # it ended before its first task, or after its last result
            blame.nobody(lost.how)
        for number, unit in in_progress.items():
            run.tasks[number] = blame.one(run.tasks[number], number, unit, lost.how, is_alone=alone is not None)
            suspects.append(number)
    return [run.results[number] for number in range(len(run.tasks))]


class _Run(Generic[Task, Result]):
    """The state of the tasks of a run.

    Attributes:
      tasks: by index; one that lost its worker may have been replaced.
      results: of finished tasks, by index.
      units: number of finished units of each started task.
    """

    def __init__(
        self,
        engine: Engine,
        function: Callable[[Task, Tick], Result],
        tasks: list[Task],
        on_progress: Callable[[int], None],
    ) -> None:
        self.tasks = tasks
        self.results: dict[int, Result] = {}
        self.units: dict[int, int] = {}
        self._engine = engine
        self._function = function
        self._on_progress = on_progress
        self._done = 0

    def through(self, numbers: list[int], workers: int) -> Lost | None:
        """Runs the tasks of these indices; returns at the first lost worker, with all others ended."""
        for number in numbers:
            self._done -= self.units.pop(number, 0)
        tasks = [self.tasks[number] for number in numbers]
        # Closed whatever happens, so that no worker outlives an error or Ctrl-C.
        with contextlib.closing(self._engine(self._function, tasks, workers)) as events:
            for event in events:
                if isinstance(event, Lost):
                    return event
                number = numbers[event.task]
                if isinstance(event, Finished):
                    self.results[number] = event.result
                elif isinstance(event, Begun):
                    self._done -= self.units.get(number, 0)
                    self.units[number] = 0
                elif isinstance(event, UnitDone):
                    self.units[number] += 1
                    self._done += 1
                    self._on_progress(self._done)
        return None


class _Blame(Generic[Task]):
    """Records where workers were lost, and decides what to retry or drop."""

    def __init__(self, without: Callable[[Task, int, str], Task] | None) -> None:
        self._without = without
        self._units: dict[int, list[int]] = {}  # task -> units at which it lost a worker
        self._idle = 0

    def nobody(self, how: str) -> None:
        """Records the loss of a worker that had no task; MachineError where that recurs."""
        self._idle += 1
        if self._idle == MAX_DEATHS:
            raise _lost_worker(how)

    def one(self, task: Any, number: int, unit: int, how: str, *, is_alone: bool) -> Any:
        """Returns the task to retry: without the unit at which it lost a second worker while running alone."""
        before = self._units.setdefault(number, [])
        if is_alone and unit in before:
            if self._without is None:
                raise _lost_worker(how)
            before.clear()
            return self._without(task, unit, how)
        if len(before) + 1 == MAX_DEATHS:
            raise _lost_worker(how)
        before.append(unit)
        return task


def _lost_worker(how: str) -> MachineError:
    what = f"was killed or crashed ({how}); the usual reason is too little memory"
    return MachineError("a worker", what, "Run again, with fewer workers (-j 1) if it recurs.", "E_WORKER")
