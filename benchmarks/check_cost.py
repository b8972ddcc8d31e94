"""What a check costs, against decoding each file of the dataset once.

    python benchmarks/check_cost.py [DIR] [--classes FILE|preset:NAME]

The yardstick is a loop in one process that opens each listed file with Pillow and decodes it, and does nothing else.
Both are commands of their own, run in turn; what is compared is CPU time (user + system) of the whole tree of
processes, starts included, and the median of the rounds is shown. Without DIR the sample dataset is drawn.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from converter.config import SourceConfig
from converter.layouts import find_layout
from converter.sample import write_sample

ROUNDS = 7
DECODE = """
import sys
from PIL import Image
for path in sys.stdin.read().split("\\n"):
    Image.open(path).load()
"""
CHECK = "from converter.cli import main; main()"


def cpu_of(code: str, *arguments: str, stdin: str = "") -> float:
    """Returns the CPU seconds of a Python process and of all that it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode not in (0, 1):  # 1: the dataset has faults, which cost what they cost
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(source: SourceConfig) -> None:
    """Prints the cost of a check of one dataset."""
    refs = [ref for split_refs in find_layout(source).refs.values() for ref in split_refs]
    files = "\n".join(str(source.src / name) for ref in refs for name in (ref.image, ref.mask))
    options = ["--src", str(source.src)] + (["--classes", source.classes] if source.classes else [])
    plain, ours = [], []
    for _ in range(ROUNDS):
        plain.append(cpu_of(DECODE, stdin=files))
        ours.append(cpu_of(CHECK, "-q", "check", *options))
    decode_s, check_s = statistics.median(plain), statistics.median(ours)
    print(f"{len(refs)} pairs, median of {ROUNDS} rounds, CPU seconds of all processes")
    print(f"  decode each file once  {decode_s:6.2f}")
    print(f"  segconv check          {check_s:6.2f}   {check_s / decode_s:.2f} times")


def main() -> None:
    """Measures the dataset that is named, or a drawn one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dir", nargs="?", type=Path)
    parser.add_argument("--classes")
    arguments = parser.parse_args()
    if arguments.dir:
        measure(SourceConfig(arguments.dir, classes=arguments.classes))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder) / "sample")
        measure(SourceConfig(Path(folder) / "sample"))


if __name__ == "__main__":
    main()
