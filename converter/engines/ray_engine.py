"""Ray: an engine that runs tasks on the nodes of a Ray cluster. All of them see the same folders."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Sequence
from typing import Any

from converter.engines.events import Event, Finished, Lost, run_task
from converter.engines.local import POLL_S
from converter.engines.nodes import Needs
from converter.engines.ray_cluster import board_of, started

_HOW = {
    "WorkerCrashedError": "its process ended",
    "NodeDiedError": "its node vanished",
    "OutOfMemoryError": "out of memory",
}
RETRIES = 3  # by Ray, of a task whose node vanished or whose worker ended; what ends all of them is looked at alone


def ray_engine(
    function: Callable[..., Any], tasks: Sequence[Any], workers: int, *, address: str, limit: int, needs: Needs
) -> Generator[Event, None, None]:
    """Runs tasks on a Ray cluster: an Engine once the rest is given.

    Args:
      function: as in Engine.
      tasks: as in Engine.
      workers: is not looked at: it counts the CPUs of this machine.
      address: of the cluster: "auto", or "HOST:PORT"; "local" starts one on this machine.
      limit: maximum number of tasks at a time; 0 for one per CPU of the cluster.
      needs: what each node must have.

    Raises:
      UsageError: Ray is not installed, or there is no such cluster, or a node lacks something.
      Whatever `function` raises.
    """
    ray, alone = started(address, needs), len(tasks) == 1
    board = board_of(ray)
    run = ray.remote(max_retries=0 if alone else RETRIES)(_run)
    most = limit or int(ray.cluster_resources()["CPU"])
    todo = iter(enumerate(tasks))
    running: dict[Any, int] = {}
    try:
        while True:
            for number, task in itertools.islice(todo, most - len(running)):
                running[run.remote(function, number, task, board, needs.folder, alone)] = number
            if not running:
                return
            finished, _ = ray.wait([*running], timeout=POLL_S)
            yield from ray.get(board.take.remote())
            for reference in finished:
                yield Finished(running[reference], ray.get(reference))
                del running[reference]
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from None
    except ray.exceptions.RayError as error:
        yield Lost(_HOW.get(type(error).__name__, type(error).__name__))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.wait([*running], num_returns=len(running)) if running else None
        ray.kill(board)


def _run(function: Callable[..., Any], number: int, task: Any, board: Any, folder: str, alone: bool) -> Any:
    """Runs a task on a node; of one that runs alone, each event has arrived before the next unit begins."""
    import ray

    os.chdir(folder)
    sent: list[Any] = []

    def send(event: Event) -> None:
        sent[:] = [board.add.remote(event)]
        if alone:
            ray.get(sent)

    try:
        return run_task(function, number, task, send)
    finally:
        ray.get(sent)
