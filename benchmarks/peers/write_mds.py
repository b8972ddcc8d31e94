"""Writes MDS shards with mosaicml-streaming's MDSWriter.

It imports torchvision for its image readers, which writing never uses. A torchvision that was built for another torch
than the installed one (CUDA and CPU) cannot be imported; an empty stub replaces it.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from step import read_job


class StandIn(ModuleType):
    """A module in which every name is an empty class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__spec__ = ModuleSpec(name, None)  # read by other packages to see whether it is installed

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def import_torchvision() -> None:
    """Imports torchvision, or replaces it by stubs."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        for name in ("", ".datasets", ".transforms", ".transforms.functional"):
            sys.modules[f"torchvision{name}"] = StandIn(f"torchvision{name}")


def main() -> None:
    """Converts the job of the command line."""
    import_torchvision()
    from streaming import MDSWriter

    job = read_job()
    with MDSWriter(out=str(job.out), columns={"name": "str", "image": "bytes", "mask": "bytes"}) as sink:
        for pair in job.pairs:
            image, mask = job.encode(pair)
            sink.write({"name": pair.image.stem, "image": image, "mask": mask})


if __name__ == "__main__":
    main()
