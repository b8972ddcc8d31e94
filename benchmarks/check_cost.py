"""What a check costs, against decoding each file of the dataset once.

    python benchmarks/check_cost.py [DIR] [--classes FILE|preset:NAME] [--rounds N]

The yardstick is a loop in one process that opens each listed file with Pillow and decodes it, and does nothing else.
Both are commands of their own, run in turn; what is compared is CPU time (user + system) of the whole tree of
processes, starts included. Shown are the least and the median of the rounds: where other work shares the processors,
it can only add to a round, so the least ones are nearest to the truth. Python's compiled files are kept for the run,
as they are wherever a package is installed, and a first round that writes them does not count. Without DIR the sample
dataset is drawn.
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
    """Returns the CPU seconds of a Python process and of all that it started; `compiled` keeps the compiled files."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(compiled)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False, env=environment)
    if done.returncode not in (0, 1):  # 1: the dataset has faults, which cost what they cost
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(source: SourceConfig, rounds: int, scratch: Path) -> None:
    """Prints the cost of a check of one dataset."""
    refs = [ref for split_refs in find_layout(source).refs.values() for ref in split_refs]
    files = "\n".join(str(source.src / name) for ref in refs for name in (ref.image, ref.mask))
    options = ["--src", str(source.src)] + (["--classes", source.classes] if source.classes else [])
    plain, ours = [], []
    for _ in range(rounds + 1):
        plain.append(cpu_of(scratch, DECODE, stdin=files))
        ours.append(cpu_of(scratch, CHECK, "-q", "check", *options))
    print(f"{len(refs)} pairs, {rounds} rounds, CPU seconds of all processes")
    print(f"{'':24}{'least':>8}{'median':>8}")
    for name, times in (("decode each file once", plain[1:]), ("segconv check", ours[1:])):
        print(f"{name:24}{min(times):8.2f}{statistics.median(times):8.2f}")
    least, median = min(ours[1:]) / min(plain[1:]), statistics.median(ours[1:]) / statistics.median(plain[1:])
    print(f"{'ratio':24}{least:8.2f}{median:8.2f}")


def main() -> None:
    """Measures the dataset that is named, or a drawn one."""
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
