"""Events: what an engine tells of the tasks that it runs.

An engine is a function from tasks to events and nothing else. What a lost worker means, which unit is to blame, what is
tried again and what is dropped is decided in `supervise`, once for all engines.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Tick = Callable[[], None]  # to be called after each unit of work, such as one pair


class Begun(NamedTuple):
    """A worker has begun with a task, given by its place among the tasks of the engine."""

    task: int


class UnitDone(NamedTuple):
    """One more unit of a task is done."""

    task: int


class Finished(NamedTuple):
    """A task is done, and this is its result."""

    task: int
    result: Any


class Lost(NamedTuple):
    """A worker ended before its task did; `how` it ended in words, such as "signal 9"."""

    how: str


Event = Begun | UnitDone | Finished | Lost


class Engine(Protocol):
    """Runs tasks, in any order, at any place."""

    def __call__(
        self, function: Callable[[Any, Tick], Any], tasks: Sequence[Any], workers: int
    ) -> Generator[Event, None, None]:
        """Yields what happens to the tasks.

        A task that a worker takes up is Begun, then come its units, then it is Finished, all of them in this order;
        the events of several tasks may mix. A worker that ends without a result is Lost: that is the last event, and
        whatever the other workers still do is ended with it. Nothing runs on once the iterator is exhausted or closed.

        Args:
          function: importable; gets a task and a function to call after each unit of work.
          tasks: picklable, at least one.
          workers: number of tasks that are run at a time, at most.

        Raises:
          Whatever `function` raises, as it was raised; the other workers are ended first.
        """


def run_task(
    function: Callable[[Task, Tick], Result], number: int, task: Task, send: Callable[[Event], None]
) -> Result:
    """Runs one task in a worker and tells what happens on the way; for engines that send events from there.

    Args:
      function: as of an engine.
      number: place of the task among those of the engine.
      task: what to do.
      send: sends an event to the engine.
    """
    send(Begun(number))
    return function(task, lambda: send(UnitDone(number)))
