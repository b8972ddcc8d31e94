"""Events: what an engine reports of the tasks that it runs.

An engine is a function from tasks to events and nothing else. What a lost worker means, which unit is to blame, what is
retried and what is dropped is decided in `supervise`, once for all engines.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Tick = Callable[[], None]  # called after each unit of work, such as one pair


class Begun(NamedTuple):
    """A worker has started a task, given by its index among the tasks of the engine."""

    task: int


class UnitDone(NamedTuple):
    """One more unit of a task is done."""

    task: int


class Finished(NamedTuple):
    """A task is done, with its result."""

    task: int
    result: Any


class Lost(NamedTuple):
    """A worker ended before its task did; `how` says how it ended, such as "signal 9"."""

    how: str


Event = Begun | UnitDone | Finished | Lost


class Engine(Protocol):
    """Runs tasks, in any order, anywhere."""

    def __call__(
        self, function: Callable[[Any, Tick], Any], tasks: Sequence[Any], workers: int
    ) -> Generator[Event, None, None]:
        """Yields what happens to the tasks.

        A task is Begun when a worker starts it, then come its UnitDone events, then it is Finished, in this order; the
        events of several tasks may interleave. A worker that ends without a result is Lost: that is the last event, and
        the other workers are ended with it. Nothing keeps running once the iterator is exhausted or closed.

        Args:
          function: importable; gets a task and a function to call after each unit of work.
          tasks: picklable, at least one.
          workers: maximum number of tasks that run at a time.

        Raises:
          Whatever `function` raises, unchanged; the other workers are ended first.
        """


def run_task(
    function: Callable[[Task, Tick], Result], number: int, task: Task, send: Callable[[Event], None]
) -> Result:
    """Runs one task in a worker and sends its events; for engines that send them from the worker.

    Args:
      function: as in Engine.
      number: index of the task among those of the engine.
      task: the task.
      send: sends an event to the engine.
    """
    send(Begun(number))
    return function(task, lambda: send(UnitDone(number)))
