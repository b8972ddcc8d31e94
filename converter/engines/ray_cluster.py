"""Ray cluster: the connection to it, what its nodes must have, and where their events are collected."""

from __future__ import annotations

import os
import socket
from typing import Any

from converter.engines import nodes
from converter.engines.events import Event
from converter.errors import UsageError

CONNECT_S = 10.0


def started(address: str, needs: nodes.Needs) -> Any:
    """Returns the module ray, connected to a cluster whose nodes all have what is needed.

    Raises:
      UsageError: Ray is not installed, or there is no such cluster, or a node lacks something.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers over the network
    try:
        import ray
    except ImportError:
        fix = "Install it: pip install 'segconv[ray]'"
        raise UsageError("--engine ray", "needs Ray, which is not installed", fix, "E_NO_RAY") from None
    if not ray.is_initialized():
        if ":" in address:
            _check_answers(address)
        own = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if address == "local" else {}
        try:
            ray.init(address=address, log_to_driver=False, logging_level="error", **own)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_cluster(address, str(error).partition("\n")[0]) from None
        ray.cloudpickle.register_pickle_by_value(nodes)
        look = ray.remote(num_cpus=0, max_retries=0)(nodes.problem_of)
        there = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        asked = (needs.version, needs.folder, needs.paths)
        answers = [look.options(scheduling_strategy=_on(ray, node)).remote(*asked) for node in there]
        nodes.check([_answer(ray, answer) for answer in answers])
    return ray


def _check_answers(address: str) -> None:
    """Raises UsageError where nothing listens at HOST:PORT: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise _no_cluster(address, str(error)) from None


def _no_cluster(address: str, why: str) -> UsageError:
    return UsageError(
        "--engine ray", f"finds no cluster at {address} ({why})", "Start one: ray start --head", "E_NO_CLUSTER"
    )


def _answer(ray: Any, answer: Any) -> str:
    """Returns the problem of a node; "" where it has vanished: it will get no work."""
    try:
        return str(ray.get(answer))
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError:
        return ""


def board_of(ray: Any) -> Any:
    """Returns a new `Board`, as an actor on the node of the command: it is there as long as the command."""
    here = _on(ray, ray.get_runtime_context().get_node_id())
    return ray.remote(num_cpus=0, scheduling_strategy=here)(Board).remote()


def _on(ray: Any, node: str) -> Any:
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)


class Board:
    """Holds the events of all tasks until they are taken."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """Adds an event."""
        self.events.append(event)

    def take(self) -> list[Event]:
        """Returns the events since the last call."""
        taken, self.events = self.events, []
        return taken
