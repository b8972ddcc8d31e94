"""What a build costs, on the sample dataset: against the tutorial's step, in memory, and at the start.

    python benchmarks/build_cost.py

Ratios are of CPU time (user + system), measured in turn in this one process, and the median of the rounds is shown.
The tutorial's step is rebuilt here from its description (open, resize with the library's default filter, one-hot), but
with its loop over the pixels, which takes seconds an image, replaced by NumPy.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from converter.classes import Color, read_class_map
from converter.config import PairConfig, SourceConfig
from converter.layouts import find_layout
from converter.masks import MaskMapper
from converter.records import encode_record
from converter.sample import write_sample
from converter.shards import make_record
from converter.splits import ExampleRef

ROUNDS = 5
IMAGES = 10  # of each round
COMMAND = [sys.executable, "-c", "from converter.cli import main; main()"]


def tutorial_step(source: Path, ref: ExampleRef, colors: dict[Color, int], size: tuple[int, int]) -> None:
    """Does to one pair what the tutorial does before each epoch, with one comparison a class instead of its loop."""
    width, height = size[1], size[0]
    np.asarray(Image.open(source / ref.image).resize((width, height))) / 255
    mask = np.asarray(Image.open(source / ref.mask).resize((width, height)))
    one_hot = np.zeros((height, width, len(colors)))
    for color, index in colors.items():
        one_hot[..., index] = (mask == color).all(axis=-1)


def cpu_of(function: object, *arguments: object) -> float:
    """Returns the CPU seconds of one call in this process."""
    start = time.process_time()
    function(*arguments)  # type: ignore[operator]
    return time.process_time() - start


def child_cost(*arguments: str) -> tuple[float, float]:
    """Returns (CPU seconds, MB resident at the peak of the largest process) of a run of the command."""
    probe = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", probe, *COMMAND, *arguments], capture_output=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    """Prints the figures."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "dataset"
        write_sample(source, train=IMAGES, val=1)
        where = SourceConfig(source)
        refs = find_layout(where).refs["train"]
        classes = read_class_map(source / "classes.csv")
        mapper, config = MaskMapper(classes), PairConfig()
        ratios = []
        for _ in range(ROUNDS):
            theirs = sum(cpu_of(tutorial_step, source, ref, classes.rgb, config.size) for ref in refs)
            ours = sum(cpu_of(lambda ref: encode_record(make_record(ref, where, mapper, config)[0]), r) for r in refs)
            ratios.append(theirs / ours)
        print(f"one pair to one record, against the tutorial's step: {statistics.median(ratios):.1f} times less CPU")
        help_s = statistics.median(child_cost("--help")[0] for _ in range(ROUNDS))
        print(f"segconv --help: {help_s:.2f} s CPU")
        _, megabytes = child_cost("build", "--src", str(source), "--out", str(Path(name) / "records"))
        print(f"segconv build, largest process: {megabytes:.0f} MB resident")


if __name__ == "__main__":
    main()
