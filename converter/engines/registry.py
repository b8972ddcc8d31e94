"""Registry: the engines that `segconv build` can be told to use, by name."""

from __future__ import annotations

import functools
from pathlib import Path

from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.nodes import needs_of
from converter.errors import UsageError
from converter.system.urls import UrlPath

NEW_CLUSTER = "local"


def engine_of(name: str, where: str | None, workers: int, src: Path, out: Path) -> Engine:
    """Returns an engine.

    Args:
      name: one of config.ENGINES.
      where: of Ray, the address of a cluster, "auto" or "HOST:PORT"; of Beam, the options of the pipeline; None for
        this machine.
      workers: maximum number of tasks at a time on Ray; 0 for one per CPU of the cluster.
      src: source folder, which every node must see.
      out: output folder, which every node must be able to write to.

    Raises:
      UsageError: `where` means nothing to this engine, or it cannot work with an address.
    """
    if name == "local" and where is not None:
        what = "names a cluster, and --engine is local"
        raise UsageError("--on", what, "Pass --engine ray or --engine beam, or leave out --on.")
    for option, place in {"--src": src, **({"--out": out} if name == "beam" else {})}.items():
        if name != "local" and isinstance(place, UrlPath):
            fix = "Use a folder that all machines share, or build with --engine local or with --task."
            raise UsageError(option, f"is an address, and --engine {name} needs a folder there", fix)
    if name == "ray":
        from converter.engines.ray_engine import ray_engine

        return functools.partial(ray_engine, address=where or NEW_CLUSTER, limit=workers, needs=needs_of(src))
    if name == "beam":
        from converter.engines.beam_engine import beam_engine

        return functools.partial(beam_engine, options=where or "", folder=out, needs=needs_of(src))
    return local
