"""Cost of `segconv check`, compared with decoding each file of the dataset once.

    python benchmarks/check_cost.py [DIR] [--classes FILE|preset:NAME] [--rounds N]

The baseline is a loop in one process that only opens and decodes each listed file with Pillow. Both are separate
commands, run in turn. They are compared by CPU time (user + system) of the whole process tree, start-up included.
Minimum and median of the rounds are shown; other work on the machine can only add to a round, so the minimum is the
better estimate. Python's compiled files are kept for the run, as in an installed package, and the first round, which
writes them, does not count. Without DIR a sample dataset is generated.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from converter.config import SourceConfig
from converter.sample.write import write_sample
from converter.sources.layouts.find import find_layout

DECODE = """
import sys
from PIL import Image
for path in sys.stdin.read().split("\\n"):
    Image.open(path).load()
"""
CHECK = "from converter.cli import main; main()"


def cpu_of(compiled: Path, code: str, *arguments: str, stdin: str = "") -> float:
    """Returns the CPU seconds of a Python process and its children; `compiled` is the folder for compiled files."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(compiled)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False, env=environment)
    if done.returncode not in (0, 1):  # 1: the dataset has problems
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(source: SourceConfig, rounds: int, scratch: Path) -> None:
    """Prints the cost of a check of one dataset."""
    refs = [ref for split_refs in find_layout(source).refs.values() for ref in split_refs]
    files = "\n".join(str(source.src / name) for ref in refs for name in (ref.image, ref.mask))
    options = ["--src", str(source.src)] + (["--classes", source.classes] if source.classes else [])
    baseline, ours = [], []
    for _ in range(rounds + 1):
        baseline.append(cpu_of(scratch, DECODE, stdin=files))
        ours.append(cpu_of(scratch, CHECK, "-q", "check", *options))
    print(f"{len(refs)} pairs, {rounds} rounds, CPU seconds of all processes")
    print(f"{'':24}{'min':>8}{'median':>8}")
    for name, times in (("decode each file once", baseline[1:]), ("segconv check", ours[1:])):
        print(f"{name:24}{min(times):8.2f}{statistics.median(times):8.2f}")
    least, median = min(ours[1:]) / min(baseline[1:]), statistics.median(ours[1:]) / statistics.median(baseline[1:])
    print(f"{'ratio':24}{least:8.2f}{median:8.2f}")


def main() -> None:
    """Measures the given dataset, or a generated one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dir", nargs="?", type=Path)
    parser.add_argument("--classes")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = SourceConfig(arguments.dir, classes=arguments.classes) if arguments.dir else None
        if source is None:
            source = SourceConfig(Path(folder) / "sample")
            write_sample(source.src)
        measure(source, arguments.rounds, Path(folder) / "compiled")


if __name__ == "__main__":
    main()
