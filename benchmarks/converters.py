"""Converters: runs and measures segconv and its peers, which convert the same folder of pairs to records.

The cost of an image is the difference between a run on all pairs and one on START_PAIRS, divided by the difference in
pairs, which excludes imports and start-up. A peer also marks the end of its imports, which are subtracted first: their
variation of seconds would hide the milliseconds of an image. Labels are compared with the slow reference first.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import Kind, write_part
from environments import Environment
from measure import Cost, cost_of, first_byte
from PIL import Image
from reference import difference_db, reference_mask

from converter.building.sharding import num_shards
from converter.classes.native import read_class_map
from converter.config import BuildConfig, PairConfig
from converter.dataset.example import decode_example
from converter.dataset.reader import RecordSource
from converter.dataset.tfrecord import read_shard

BENCHMARKS = Path(__file__).resolve().parent
SEGCONV = [sys.executable, "-c", "from converter.cli import main; main()"]
START_PAIRS = 2  # the run that is subtracted: imports, start and end of a program, and almost no work
CHECKED_PAIRS = 6  # compared with the reference, which takes a second each
MOST_LOSS_DB = 0.5  # maximum loss of a stored image, beyond that of the same JPEG quality after a full decode
SHARDS = 4  # at least, for two workers
PEER_VARIABLES = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
OURS, OURS_2 = "segconv -j 1", "segconv -j 2"


@dataclass(frozen=True)
class Peer:
    """A program that writes records.

    Attributes:
      environment: that it runs in.
      script: in peers/.
      step: of peers/step.py; None: the one of the command line.
      most: maximum number of pairs, for slow programs; None for all.
      start_of: another peer with the same start-up cost; empty measures its own.
      is_rival: whether it is a writer in real use, and so a candidate for the best peer.
    """

    environment: str
    script: str
    step: str | None = None
    most: int | None = None
    start_of: str = ""
    is_rival: bool = True


PEERS = {
    "tensorflow": Peer("tensorflow", "write_tensorflow.py"),
    "tensorflow ops": Peer("tensorflow", "write_tensorflow_ops.py", start_of="tensorflow"),
    "tfds": Peer("tfds", "write_tfds.py"),
    "webdataset": Peer("webdataset", "write_webdataset.py"),
    "mds": Peer("mds", "write_mds.py"),
    "litdata": Peer("litdata", "write_litdata.py"),
    "ffcv": Peer("ffcv", "write_ffcv.py"),
    "boolean masks": Peer("tensorflow", "write_tensorflow.py", "boolean", 40, "tensorflow", is_rival=False),
    "double loop": Peer("tensorflow", "write_tensorflow.py", "loop", 8, "tensorflow", is_rival=False),
}


@dataclass
class Measured:
    """The measurements on one dataset; every list has one entry per round.

    Attributes:
      cpu_ms: program -> CPU time per image.
      wall_ms: program -> wall time per image.
      start_s: program -> CPU time of a run on START_PAIRS.
      whole_ms: program -> CPU time per pair, start-up and imports included.
      peak_mb: program -> peak resident memory of its largest process.
      kilobytes: program -> bytes on disk per pair, / 1000.
      floor: sum of `floor.py` -> milliseconds per pair.
      stages: of the last round, stage -> rival -> milliseconds.
      first_byte_s: CPU time until segconv has written its first byte.
      start_up_s: segconv command -> CPU seconds.
      failures: program -> why it could not be measured.
    """

    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    wall_ms: dict[str, list[float]] = field(default_factory=dict)
    start_s: dict[str, list[float]] = field(default_factory=dict)
    whole_ms: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: dict[str, list[float]] = field(default_factory=dict)
    kilobytes: dict[str, list[float]] = field(default_factory=dict)
    floor: dict[str, list[float]] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    first_byte_s: list[float] = field(default_factory=list)
    start_up_s: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, start: Cost, run: Cost, pairs: int, size: int) -> None:
        """Adds one run of a program on `pairs` pairs that wrote `size` bytes."""
        rows = {
            "cpu_ms": (run.work_s - start.work_s) * 1e3 / (pairs - START_PAIRS),
            "wall_ms": (run.wall_s - start.wall_s) * 1e3 / (pairs - START_PAIRS),
            "start_s": start.cpu_s,
            "whole_ms": run.cpu_s * 1e3 / pairs,
            "peak_mb": run.peak_mb,
            "kilobytes": size / pairs / 1e3,
        }
        for row, value in rows.items():
            getattr(self, row).setdefault(name, []).append(value)


def ratio(figures: dict[str, list[float]], name: str, other: str) -> float | None:
    """Returns the median of the ratios of each round; None where one of the two was not measured."""
    pairs = list(zip(figures.get(name, []), figures.get(other, []), strict=False))
    return statistics.median(a / b for a, b in pairs) if pairs else None


class Bench:
    """Runs all programs on one dataset.

    Attributes:
      kind: of the pairs.
      source: folder of the dataset.
      pairs: number of pairs in it.
      measured: the measurements so far.
    """

    def __init__(self, kind: Kind, pairs: int, work: Path, environments: dict[str, Environment], step: str) -> None:
        self.kind, self.pairs, self.step = kind, pairs, step
        self.source = work / "datasets" / kind.name
        self.scratch = work / "scratch" / kind.name
        self.environments = environments
        self.starts: dict[str, Cost] = {}
        self.measured = Measured()
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        for part in {START_PAIRS, *(peer.most for peer in PEERS.values() if peer.most and peer.most < pairs)}:
            write_part(self.source, self.scratch / f"{part} pairs", part)

    def round(self, names: list[str], number: int) -> None:
        """Runs every program once, in a different order each round; round -1 only fills caches and is not counted."""
        self.starts.clear()
        # Programs whose start-up others reuse come first; within these two groups the order rotates.
        order = [*names[number % len(names) :], *names[: number % len(names)]]
        for name in sorted(order, key=lambda name: bool(name in PEERS and PEERS[name].start_of)):
            if name in self.measured.failures:
                continue
            try:
                self.one(name, is_counted=number >= 0)
            except RuntimeError as error:
                self.measured.failures[name] = str(error).strip().split("\n")[-1][:200]
        floor = self.floor()
        if number < 0:
            return
        for name, value in floor["sums"].items():
            self.measured.floor.setdefault(name, []).append(value)
        self.measured.stages = floor["stages"]
        out = self.fresh("first byte")
        command = self.ours(self.source, out, 1)
        seconds, _ = first_byte(command, out, "*.tfrecord-*", self.scratch / "log", our_variables())
        self.measured.first_byte_s.append(seconds)

    def one(self, name: str, *, is_counted: bool) -> None:
        """Runs one program on START_PAIRS, then on all its pairs."""
        peer = PEERS.get(name)
        source, pairs = self.source, self.pairs
        if peer and peer.most and peer.most < pairs:
            source, pairs = self.scratch / f"{peer.most} pairs", peer.most
        if peer and peer.start_of in self.starts and is_counted:
            start = self.starts[peer.start_of]
        else:
            start, _ = self.run(name, self.scratch / f"{START_PAIRS} pairs")
        self.starts[name] = start
        if is_counted or name == OURS:  # its labels are checked before anything counts
            cost, size = self.run(name, source)
        if is_counted:
            self.measured.add(name, start, cost, pairs, size)

    def run(self, name: str, source: Path) -> tuple[Cost, int]:
        """Returns (cost of a run, bytes that it wrote)."""
        out = self.fresh(name)
        if name in (OURS, OURS_2):
            cost = cost_of(self.ours(source, out, 2 if name == OURS_2 else 1), self.scratch / "log", our_variables())
        else:
            peer = PEERS[name]
            size = "x".join(map(str, self.kind.stored))
            python = self.environments[peer.environment].python
            command = [python, BENCHMARKS / "peers" / peer.script, source, out, size, peer.step or self.step]
            cost = cost_of(command, self.scratch / "log", PEER_VARIABLES, marks=True)
        return cost, sum(path.stat().st_size for path in out.rglob("*") if path.is_file())

    def start_up(self) -> dict[str, float]:
        """Returns the CPU seconds of interactive commands, on the records of the last segconv run."""
        out = self.scratch / f"out {OURS}"
        inspect = [*SEGCONV, "inspect", "shard", *sorted(out.glob("*.tfrecord-*-of-*[0-9]"))[:1]]
        commands = {
            "--help": [*SEGCONV, "--help"],
            "inspect shard": inspect,
            "verify": [*SEGCONV, "-q", "verify", out],
            "build, up to date": self.ours(self.source, out, 1),
        }
        log = self.scratch / "log"
        costs = {name: [cost_of(command, log, our_variables()) for _ in range(3)] for name, command in commands.items()}
        return {name: statistics.median(cost.cpu_s for cost in found) for name, found in costs.items()}

    def ours(self, source: Path, out: Path, workers: int) -> list[str | Path]:
        """Returns the segconv build command: default options except size, workers and shards."""
        size = "x".join(map(str, self.kind.stored))
        shards = max(SHARDS, num_shards(self.pairs, PairConfig(self.kind.stored), BuildConfig.shard_mb))
        options = ["--size", size, "-j", str(workers), "--shards", str(shards)]
        return [*SEGCONV, "-q", "build", "--src", source, "--out", out, *options]

    def fresh(self, name: str) -> Path:
        """Returns the path of an output folder that does not exist."""
        out = self.scratch / f"out {name}"
        shutil.rmtree(out, ignore_errors=True)
        return out

    def floor(self) -> dict[str, dict[str, float]]:
        """Returns what `floor.py` prints."""
        environment = self.environments["floor"]
        size = "x".join(map(str, self.kind.stored))
        pairs = str(20 if self.kind.size[0] < 1000 else 6)
        command = [environment.python, BENCHMARKS / "floor.py", self.source, size, "--pairs", pairs, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=our_environment())
        if done.returncode:
            sys.exit(f"floor.py failed: {done.stderr}")
        return json.loads(done.stdout)

    def check(self, names: list[str]) -> str:
        """Compares the built labels with the reference, and the images with a full decode.

        Returns a summary; exits where a pixel differs.
        """
        colors = read_class_map(self.source / "classes.csv").rgb
        wanted: dict[str, np.ndarray] = {}

        def compare(name: str, stem: str, mask: np.ndarray) -> None:
            if stem not in wanted:
                wanted[stem] = reference_mask(self.source / "png" / f"{stem}.png", self.kind.stored, colors)
            must_be_equal(f"{name}: {stem}", mask, wanted[stem])

        records, loss_db = RecordSource(self.scratch / f"out {OURS}", "train"), 0.0
        for number in range(min(CHECKED_PAIRS, len(records))):
            record = records[number]
            stem = Path(record.mask_name).stem
            compare("segconv", stem, record.mask)
            loss_db = max(loss_db, self.loss_db(stem, record.image))
        if loss_db > MOST_LOSS_DB:
            sys.exit(f"{self.kind.name}: an image of segconv is {loss_db:.2f} dB worse than a full decode")
        checked = ["segconv"]
        for name in names:  # only peers whose files are readable here; all but the TensorFlow ops share step.py
            if name in PEERS and PEERS[name].environment == "tensorflow" and name not in self.measured.failures:
                for data in read_shard(self.scratch / f"out {name}", "pairs.tfrecord"):
                    features = decode_example(data, name)
                    mask = np.asarray(Image.open(io.BytesIO(bytes(features["mask"]))))
                    compare(name, bytes(features["name"]).decode(), mask)
                checked.append(name)
        return f"labels of {', '.join(checked)} equal the reference; images lose at most {loss_db:.2f} dB"

    def loss_db(self, stem: str, stored: np.ndarray) -> float:
        """Returns by how much a stored image is worse than one fully decoded and encoded at the same quality."""
        with Image.open(self.source / "jpg" / f"{stem}.jpg") as file:
            image = file.convert("RGB")
        height, width = self.kind.stored
        scale = min(height / image.height, width / image.width)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        padded, buffer = Image.new("RGB", (width, height)), io.BytesIO()
        padded.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
        padded.save(buffer, "JPEG", quality=95)
        exact = np.asarray(padded)
        return difference_db(np.asarray(Image.open(buffer)), exact) - difference_db(stored, exact)


def must_be_equal(name: str, mask: np.ndarray, wanted: np.ndarray) -> None:
    """Exits where two masks differ."""
    if mask.shape != wanted.shape or not np.array_equal(mask, wanted):
        pixels = int((mask != wanted).sum()) if mask.shape == wanted.shape else wanted.size
        sys.exit(f"{name}: {pixels} of {wanted.size} pixels differ from the reference")


def our_variables() -> dict[str, str]:
    """Returns the environment variables that run the segconv of this tree, with its compiled files kept."""
    compiled = str(BENCHMARKS.parent / "build" / "bench" / "compiled")
    return {"PYTHONPATH": str(BENCHMARKS.parent), "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}


def our_environment() -> dict[str, str]:
    """Returns the whole environment with `our_variables`."""
    return {**os.environ, **our_variables()}
