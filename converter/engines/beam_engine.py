"""Beam: an engine that runs tasks as an Apache Beam pipeline, on any of its runners. All workers see the same folders.

A pipeline returns nothing to the process that starts it: each task leaves its result in a file of a folder that all
workers see, under its final name only when it is whole.
"""

from __future__ import annotations

import hmac
import os
import pickle
import secrets
import shlex
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from converter.engines import nodes
from converter.engines.events import Event, Lost
from converter.engines.local import POLL_S, local
from converter.errors import MachineError, UsageError
from converter.system.files import TEMPORARY, write_whole

# Beam's local runner without the download that its DirectRunner tries.
LOCAL = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner --direct_running_mode=multi_processing"
KEY_BYTES = SEAL_BYTES = 32
QUIET = "--default_sdk_harness_log_level=WARNING"


def beam_engine(
    function: Callable[..., Any], tasks: Sequence[Any], workers: int, *, options: str, folder: Path, needs: nodes.Needs
) -> Generator[Event, None, None]:
    """Runs tasks as a Beam pipeline: an Engine once the rest is given.

    Args:
      function: as in Engine.
      tasks: as in Engine.
      workers: as in Engine, on the local runner; others have an option of their own.
      options: of the pipeline, as on a command line; "" for the local runner.
      folder: that all workers can write to.
      needs: what each worker must have.

    Raises:
      UsageError: Beam is not installed, or takes no such options, or a worker lacks something.
      MachineError: the pipeline failed.
      Whatever `function` raises.
    """
    beam, arguments = _beam(), shlex.split(options or f"{LOCAL} {QUIET} --direct_num_workers={workers}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{TEMPORARY}beam-", dir=folder) as name, ThreadPoolExecutor(1) as thread:
        results, key = Path(name).absolute(), secrets.token_bytes(KEY_BYTES)
        try:
            pipeline = beam.Pipeline(argv=arguments)
        except ValueError as error:
            what = f"{options!r} are no options of a Beam pipeline ({str(error).partition(chr(10))[0]})"
            raise UsageError("--on", what, "Pass those of your runner, such as --on '--runner=FlinkRunner'.") from None
        work = beam.Create(list(enumerate(tasks))) | beam.Reshuffle()  # one bundle for each, on any worker
        _ = pipeline | work | beam.Map(_run, function, results, key, needs)
        running = thread.submit(lambda: pipeline.run().wait_until_finish())
        waiting = set(range(len(tasks)))
        while waiting:
            ended = bool(wait([running], POLL_S).done)  # before the look: what is not there then never comes
            for number in sorted(number for number in waiting if (results / str(number)).exists()):
                yield from _events((results / str(number)).read_bytes(), key, number)
                waiting.discard(number)
            if ended and waiting:
                how = str(running.exception() or "it ended without all results").strip().splitlines()[-1]
                raise MachineError("the Beam pipeline", f"failed: {how}", "Run the same command again.", "E_WORKER")


def _beam() -> Any:
    try:
        import apache_beam
    except ImportError:
        fix = "Install it: pip install 'segconv[beam]'"
        raise UsageError("--engine beam", "needs Apache Beam, which is not installed", fix, "E_NO_BEAM") from None
    return apache_beam


def _events(result: bytes, key: bytes, number: int) -> Generator[Event, None, None]:
    """Yields the events of a task that has ended, as those of task `number`; raises what it raised.

    The folder is shared: only what has the seal of the run is unpickled.
    """
    seal, data = result[:SEAL_BYTES], result[SEAL_BYTES:]
    if not hmac.compare_digest(seal, hmac.digest(key, data, "sha256")):
        raise MachineError("the Beam pipeline", "failed: a result is not of its workers", "Run it again.", "E_WORKER")
    events, error = pickle.loads(data)  # noqa: S301 - from our own worker
    for event in events:
        yield event if isinstance(event, Lost) else event._replace(task=number)
    if error is not None:
        raise error


def _run(item: tuple[int, Any], function: Callable[..., Any], results: Path, key: bytes, needs: nodes.Needs) -> None:
    """Runs a task in a worker, and leaves its events; twice where the runner does so, to the same bytes.

    It runs in a process of its own: should that be killed, the worker lives and tells, which a runner would not do.
    """
    number, task = item
    events: list[Event] = []
    failed = None
    try:
        nodes.check([nodes.problem_of(needs.version, needs.folder, needs.paths)])
        os.chdir(needs.folder)
        events.extend(local(function, [task], 1))
    except Exception as error:  # noqa: BLE001 - raised again by the engine
        failed = error
    data = pickle.dumps((events, failed))
    write_whole(results / str(number), hmac.digest(key, data, "sha256") + data)
