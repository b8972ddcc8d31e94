"""Growth: how the cost of segconv grows with images, their size, the stored size, classes and workers.

    python benchmarks/growth.py [images] [sizes] [classes] [workers] [--most N] [--rounds R] [--work DIR]

Start-up is subtracted first: the exponent of a curve is the slope of log(cost - cost of the first point) over
log(x - x of the first point), which is 1 for every straight line wherever it begins, and 1.1 for n log n between a
thousand and a hundred thousand. Points that cost less than MIN_RISE times the first one are excluded: there, the noise
of two starts is as large as their difference. A cost that should be flat is compared with its own minimum.

A few images are drawn and written under many names, each with its own comment in the JPEG. No two files are equal, and
their sizes vary as those of photographs do. Memory is the peak resident memory of each process, polled until it ends;
the command and its workers are measured separately. All results are saved in WORK/growth.json and drawn in
WORK/growth.png; a part that is not measured again keeps its earlier results.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from convert import machine
from converters import SEGCONV, our_variables
from datasets import PALETTE, Kind, draw_image, draw_mask
from measure import cost_of
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL import __version__ as pillow_version

from converter.config import num_workers
from trainer.run.curves import DASH_PX, FAINT, GRID, INK, LINE_PX, SMOOTH, WHITE, Axis, Box, log_axis, spread
from trainer.run.curves import PALETTE as LINE_COLORS

FEW = 10  # images of the first point: almost only start-up
IMAGES = (FEW, 100, 1_000, 10_000, 100_000)
LARGE = 10_000
TINY = 48  # pixels per side. At this size, shards of 1 MB hold as many records as the usual 128 MB of 512x512
SOURCE_SIDES = {64: 160, 128: 160, 256: 160, 512: 80, 1024: 40, 2048: 16}  # pixels -> images: some seconds each
STORED_SIDES = {128: 80, 256: 80, 512: 80, 1024: 40}
SMALLEST = 64  # size of the images to enlarge: at its own size an image is not resized, a step in the curve
CLASS_COUNTS = (2, 8, 32, 128, 255)
SIDE, STORED = 512, 256  # of the other measurements
PAIRS = 160  # for the classes; three times as many for the workers
VARIETY = 8  # different images in one dataset
VAL_EVERY = 10
SPREAD = 4096  # maximum difference of image file sizes, in bytes
POLL_S = 0.02

PIXELS = "pixels, as the side of a square"
WIDTH_PX, PANEL_PX, TITLE_PX, NAMES_PX = 1200, 290, 40, 172  # NAMES_PX: names to the right of a plot

LINEAR = (0.9, 1.1)
FLAT = 1.15
MIN_RISE = 1.5


@dataclass(frozen=True)
class Usage:
    """The cost of a segconv run: seconds of all its processes, and MB of the command and its largest worker."""

    cpu_s: float
    wall_s: float
    main_mb: float
    worker_mb: float


@dataclass(frozen=True)
class Curve:
    """One cost against one quantity.

    Attributes:
      name: what is measured.
      x: the quantity, ascending.
      y: the cost, in seconds or MB.
      rule: "linear", "flat", or "" without a goal.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    rule: str

    def rises(self) -> list[bool]:
        """Returns for each point whether it costs enough more than the first to show growth."""
        return [y > MIN_RISE * self.y[0] for y in self.y]

    def exponent(self) -> float | None:
        """Returns the exponent of the growth above the cost of the first point; None where it does not grow."""
        where = np.array(self.rises())
        if where.sum() < 2:
            return None
        x, y = np.array(self.x)[where], np.array(self.y)[where]
        return float(np.polyfit(np.log(x - self.x[0]), np.log(y - self.y[0]), 1)[0])

    def spread(self) -> float:
        """Returns the ratio of maximum to minimum."""
        return max(self.y) / min(self.y)

    def slopes(self) -> dict[float, float]:
        """Returns the cost of one more unit of x up to each x with a rise, divided by the mean over all x."""
        mean = (self.y[-1] - self.y[0]) / (self.x[-1] - self.x[0])
        slopes = np.diff(self.y) / np.diff(self.x) / mean
        return {x: float(slope) for x, slope, rises in zip(self.x[1:], slopes, self.rises()[1:], strict=True) if rises}

    def verdict(self) -> str:
        """Returns the verdict on the rule of the curve."""
        if self.rule == "flat":
            return "flat" if self.spread() <= FLAT else f"NOT FLAT: {self.spread():.2f} times its least"
        exponent = self.exponent()
        if not self.rule or exponent is None:
            return "not judged" if self.rule else ""
        if exponent > LINEAR[1]:
            return "MORE THAN LINEAR"
        return "linear" if exponent >= LINEAR[0] else "less than linear"


@dataclass(frozen=True)
class Panel:
    """Curves over the same quantity.

    Attributes:
      title: what is measured.
      across: the quantity.
      curves: the costs.
      unit: of the costs; "" for costs shown relative to the first one.
    """

    title: str
    across: str
    curves: Sequence[Curve]
    unit: str = ""

    def shown(self, cost: float) -> float:
        """Returns a cost as shown: seconds only as ratios, because they depend on the machine."""
        return cost if self.unit else cost / self.curves[0].y[0]

    def label(self, x: float) -> str:
        """Returns the label of a quantity: pixels as the side of a square."""
        return str(math.isqrt(int(x))) if self.across == PIXELS else f"{x:,.0f}"


class EncodedPairs(NamedTuple):
    """Encoded images and masks that the pairs of a dataset cycle through, and its class map as "name,value" rows."""

    images: list[bytes]
    masks: list[bytes]
    rows: list[str]


def encoded(pixels: NDArray[np.uint8], quality: int | None = None) -> bytes:
    """Returns the bytes of a JPEG, or of a PNG where `quality` is None."""
    buffer = io.BytesIO()
    if quality is None:
        Image.fromarray(pixels).save(buffer, "PNG")
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def draw_images(side: int) -> EncodedPairs:
    """Draws square images with colour masks of the usual classes, `side` pixels high."""
    kind = Kind("growth", (side, side), quality=95, noise=4.0, texture=12.0, stored=(side, side))
    images, masks = [], []
    for number in range(VARIETY):
        rng = np.random.default_rng([side, number])
        mask = draw_mask(rng, kind.size)
        images.append(encoded(draw_image(rng, mask, kind), kind.quality))
        masks.append(encoded(PALETTE[mask]))
    return EncodedPairs(images, masks, [f"c{n},#{bytes(color).hex()}" for n, color in enumerate(PALETTE)])


def draw_classes(images: list[bytes], count: int, *, in_color: bool) -> EncodedPairs:
    """Draws masks of `count` classes: the same cells with wavy borders for any number of classes.

    Args:
      images: SIDE pixels high and wide.
      count: number of classes.
      in_color: each class is a random colour; otherwise a grey level, its index.
    """
    rng = np.random.default_rng(count)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    waves = rows + 6 * np.sin(columns / 9), columns + 6 * np.sin(rows / 9)
    down, along = (wave.astype(int) // 32 % 16 for wave in waves)
    cells = down * 16 + along
    colors = rng.choice(1 << 24, count, replace=False)
    table = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.uint8)
    masks = []
    for _ in range(VARIETY):
        indices = rng.integers(0, count, 256).astype(np.uint8)[cells]
        masks.append(encoded(table[indices] if in_color else indices))
    values = [f"#{bytes(color).hex()}" for color in table] if in_color else [str(n) for n in range(count)]
    return EncodedPairs(images, masks, [f"c{number},{value}" for number, value in enumerate(values)])


def commented(jpeg: bytes, number: int) -> bytes:
    """Returns a JPEG with a unique comment after its first marker: the same image, but different bytes."""
    spare = number * 2_654_435_761 % (1 << 32) * SPREAD >> 32  # Knuth's multiplicative hash spreads them evenly
    comment = bytes(spare) + number.to_bytes(8, "big")
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def write_pairs(folder: Path, encoded_pairs: EncodedPairs, count: int) -> Path:
    """Writes a dataset of `count` pairs, one in VAL_EVERY of them in val.txt, and returns its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("jpg", "png"):
        (folder / name).mkdir(parents=True)
    lines: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(count):
        turn = number % len(encoded_pairs.images)
        (folder / "jpg" / f"{number:06d}.jpg").write_bytes(commented(encoded_pairs.images[turn], number))
        (folder / "png" / f"{number:06d}.png").write_bytes(encoded_pairs.masks[turn])
        lines["train" if number % VAL_EVERY else "val"].append(f"{number:06d}.jpg;{number:06d}.png\n")
    for split, text in lines.items():
        (folder / f"{split}.txt").write_text("".join(text))
    (folder / "classes.csv").write_text("\n".join(["name,value", *encoded_pairs.rows]) + "\n")
    return folder


@contextlib.contextmanager
def watched(peaks: dict[int, tuple[int, int]]) -> Iterator[None]:
    """Updates `peaks` during the block: process -> (generation, peak resident KiB) of all descendants.

    The last value counts: until a child has called exec, the kernel reports the peak of its parent.
    """
    done = threading.Event()

    def look() -> None:
        while not done.wait(POLL_S):
            generation = [os.getpid()]
            for depth in range(1, 4):
                generation = [child for process in generation for child in _children(process)]
                peaks.update((child, (depth, peak)) for child in generation if (peak := _peak_kib(child)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):  # it has ended
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def _peak_kib(process: int) -> int:
    """Returns the peak resident memory of a process in KiB; 0 where it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


class Job(NamedTuple):
    """A build of a dataset of `count` pairs; its start-up is a build of `few` pairs of each of two splits."""

    source: Path
    count: int
    options: tuple[str, ...]
    few: int = 1


class Bench:
    """Runs segconv in a scratch folder.

    Attributes:
      scratch: folder for datasets and records.
      rounds: of each measurement; the minimum counts, because other work can only add CPU time.
      most: number of images of the largest dataset.
    """

    def __init__(self, scratch: Path, rounds: int, most: int) -> None:
        self.scratch, self.rounds, self.most = scratch, rounds, most
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)

    def run(self, *arguments: str | Path) -> Usage:
        """Runs one command of segconv."""
        peaks: dict[int, tuple[int, int]] = {}
        with watched(peaks):
            cost = cost_of([*SEGCONV, "-q", *arguments], self.scratch / "log", our_variables())
        # Generation 1 is the probe that waits for the command.
        main, worker = (max((kib for d, kib in peaks.values() if d == depth), default=0) for depth in (2, 3))
        return Usage(cost.cpu_s, cost.wall_s, main * 1024 / 1e6, worker * 1024 / 1e6)

    def build(self, source: Path, *options: str) -> Usage:
        """Builds a dataset from scratch."""
        shutil.rmtree(self.scratch / "records", ignore_errors=True)
        return self.run("build", "--src", source, "--out", self.scratch / "records", *options)

    def each(self, jobs: Mapping[str, Job]) -> dict[str, Usage]:
        """Returns the cost per image of each job, without start-up, and the memory of the build.

        All jobs run in each round, which spreads other load on the machine over all of them.
        """
        starts: dict[str, list[Usage]] = {}
        wholes: dict[str, list[Usage]] = {}
        for number in range(self.rounds):
            for name, job in jobs.items():
                starts.setdefault(name, []).append(self.build(job.source, *job.options, "--limit", str(job.few)))
                wholes.setdefault(name, []).append(self.build(job.source, *job.options))
                print(f"round {number + 1}, {name}: {wholes[name][-1]}", file=sys.stderr, flush=True)
        found = {}
        for name, job in jobs.items():
            start, whole, pairs = least(starts[name]), least(wholes[name]), job.count - 2 * job.few
            per_image = (whole.cpu_s - start.cpu_s) / pairs, (whole.wall_s - start.wall_s) / pairs
            found[name] = Usage(*per_image, whole.main_mb, whole.worker_mb)
        return found


def least(runs: Sequence[Usage]) -> Usage:
    """Returns the minimum times of some runs and the maximum memory."""
    times = (min(getattr(run, name) for run in runs) for name in ("cpu_s", "wall_s"))
    return Usage(*times, max(run.main_mb for run in runs), max(run.worker_mb for run in runs))


def run_commands(bench: Bench, source: Path) -> dict[str, Usage]:
    """Runs the measured commands on a dataset, in the order in which a user would."""
    records = bench.scratch / "records"
    options = ("--size", str(TINY), "--shard-mb", "1", "-j", "2")
    again = ("build", "--src", source, "--out", records, *options)
    return {
        "build": bench.build(source, *options),
        "up to date": bench.run(*again),
        "up to date, --allow-leak": bench.run(*again, "--allow-leak"),
        "inspect dataset --scan": bench.run("inspect", "dataset", "--scan", records),
        "verify": bench.run("verify", records, "-j", "2"),
    }


def measure_images(bench: Bench) -> list[Panel]:
    """Measures commands on growing datasets; large ones once, because their noise is small."""
    pairs = draw_images(TINY)
    counts = [count for count in IMAGES if count <= bench.most]
    found: dict[str, list[Usage]] = {}
    run_commands(bench, write_pairs(bench.scratch / "images", pairs, FEW))  # the first run compiles the modules
    for count in counts:
        source = write_pairs(bench.scratch / "images", pairs, count)
        rounds = [run_commands(bench, source) for _ in range(bench.rounds if count < LARGE else 1)]
        for name in rounds[0]:
            found.setdefault(name, []).append(least([usages[name] for usages in rounds]))
            print(f"{count:,} images, {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    shutil.rmtree(bench.scratch / "images")
    times = [Curve(name, counts, [usage.cpu_s for usage in usages], "linear") for name, usages in found.items()]
    memory = [
        Curve(f"{name}, {who}", counts, [getattr(usage, field) for usage in found[name]], "flat")
        for name in ("build", "verify")
        for who, field in (("command", "main_mb"), ("worker", "worker_mb"))
    ]
    memory.append(Curve("up to date", counts, [usage.main_mb for usage in found["up to date"]], "flat"))
    return [Panel("CPU of a command", "images", times), Panel("memory of a process", "images", memory, "MB")]


def measure_sizes(bench: Bench) -> list[Panel]:
    """Measures builds of growing image sizes and growing record sizes."""
    jobs = {}
    for name, sides in (("photographs", SOURCE_SIDES), ("records", STORED_SIDES)):
        for side, count in sides.items():
            drawn, stored = (side, STORED) if sides is SOURCE_SIDES else (SMALLEST, side)
            source = write_pairs(bench.scratch / f"{name} {side}", draw_images(drawn), count)
            jobs[f"{name} {side}"] = Job(source, count, ("--size", str(stored), "-j", "1"))
    found = bench.each(jobs)
    times, memory = [], []
    for name, sides in (("photographs", SOURCE_SIDES), ("records", STORED_SIDES)):
        usages = [found[f"{name} {side}"] for side in sides]
        pixels = [side * side for side in sides]
        times.append(Curve(f"larger {name}", pixels, [usage.cpu_s for usage in usages], "linear"))
        memory.append(Curve(f"larger {name}", pixels, [usage.worker_mb for usage in usages], ""))
    return [Panel("CPU of an image", PIXELS, times), Panel("memory of a worker", PIXELS, memory, "MB")]


def measure_classes(bench: Bench) -> list[Panel]:
    """Measures builds with growing numbers of classes, as colours and as grey levels."""
    images = draw_images(SIDE).images
    kinds = {"colour masks": True, "index masks": False}
    jobs = {}
    for name, in_color in kinds.items():
        for count in CLASS_COUNTS:
            pairs = draw_classes(images, count, in_color=in_color)
            source = write_pairs(bench.scratch / f"{name} {count}", pairs, PAIRS)
            jobs[f"{name} {count}"] = Job(source, PAIRS, ("--size", str(SIDE), "-j", "1"))
    found = bench.each(jobs)
    curves = {name: [found[f"{name} {count}"] for count in CLASS_COUNTS] for name in kinds}
    times = [Curve(name, CLASS_COUNTS, [one.cpu_s for one in usages], "flat") for name, usages in curves.items()]
    memory = [Curve(name, CLASS_COUNTS, [one.worker_mb for one in usages], "flat") for name, usages in curves.items()]
    return [Panel("CPU of an image", "classes", times), Panel("memory of a worker", "classes", memory, "MB")]


def measure_workers(bench: Bench) -> list[Panel]:
    """Measures builds with one worker, one per core, and two per core, without the start-up of any worker."""
    count, cores = 3 * PAIRS, num_workers(0)
    numbers = sorted({1, cores, 2 * cores})
    source, most = write_pairs(bench.scratch / "workers", draw_images(SIDE), count), 2 * cores
    options = ("--size", str(SIDE), "--shards", str(most), "-j")
    found = bench.each({f"workers {number}": Job(source, count, (*options, str(number)), most) for number in numbers})
    usages = list(found.values())
    times = [
        Curve("CPU", numbers, [usage.cpu_s for usage in usages], "flat"),
        Curve("on the clock", numbers, [usage.wall_s for usage in usages], ""),
    ]
    memory = Curve("worker", numbers, [usage.worker_mb for usage in usages], "flat")
    return [Panel("time of an image", "workers", times), Panel("memory of a worker", "workers", [memory], "MB")]


def print_tables(panels: Sequence[Panel], facts: Mapping[str, str]) -> None:
    """Prints a table for each panel: the relative cost of one more unit for linear costs, else the cost."""
    print(", ".join(f"{name} {fact}" for name, fact in facts.items()))
    for panel in panels:
        xs = sorted({x for curve in panel.curves for x in curve.x})
        unit = f", {panel.unit}" if panel.unit else ""
        print(f"\n{f'{panel.title} over {panel.across}{unit}':44}", *(f"{panel.label(x):>8}" for x in xs), "exponent")
        for curve in panel.curves:
            exponent = curve.exponent()
            if curve.rule == "linear":
                cells = {x: f"{slope:.2f}" for x, slope in curve.slopes().items()}
            else:
                digits = 0 if panel.unit else 2
                cells = {x: f"{panel.shown(y):.{digits}f}" for x, y in zip(curve.x, curve.y, strict=True)}
            name = f"{curve.name}, of one more" if curve.rule == "linear" else curve.name
            tail = "" if exponent is None or curve.rule != "linear" else f"{exponent:.2f}"
            print(f"  {name:56}", *(f"{cells.get(x, ''):>8}" for x in xs), f"{tail:>8}  {curve.verdict()}")


def draw(panels: Sequence[Panel], title: str) -> Image.Image:
    """Returns the panels as one image, two per row, all axes logarithmic."""
    rows = -(-len(panels) // 2)
    figure = Image.new("RGB", (WIDTH_PX, TITLE_PX + rows * PANEL_PX), WHITE)
    heading = (TITLE_PX // 2, TITLE_PX // 2)
    ImageDraw.Draw(figure).text(heading, title, INK, ImageFont.load_default(16), anchor="lm")
    for number, panel in enumerate(panels):
        left, top = number % 2 * WIDTH_PX // 2, TITLE_PX + number // 2 * PANEL_PX
        plot = (left + 58, top + 36, left + WIDTH_PX // 2 - NAMES_PX, top + PANEL_PX - 46)
        draw_panel(figure, plot, panel)
    return figure


def draw_panel(figure: Image.Image, plot: Box, panel: Panel) -> None:
    """Draws one panel: its axes, its curves with names at their ends, and for linear costs a line of slope 1."""
    left, top, right, bottom = plot
    xs = sorted({x for curve in panel.curves for x in curve.x})
    ys = [panel.shown(y) for curve in panel.curves for y in curve.y]
    across = Axis(xs[0] / 1.15, xs[-1] * 1.15, tuple(xs), is_log=True)
    # At least a power of ten, or noise would look like a slope.
    up = log_axis([min(ys) / 1.5, max(ys) * 1.5])
    pen, font = ImageDraw.Draw(figure), ImageFont.load_default(12)
    what = panel.unit or f"{panel.curves[0].name} at {panel.label(xs[0])} = 1"
    pen.text((left, top - 16), panel.title, INK, ImageFont.load_default(14), anchor="lm")
    offset = pen.textlength(panel.title, ImageFont.load_default(14))
    pen.text((left + offset + 10, top - 16), what, FAINT, font, anchor="lm")
    for tick, label in zip(up.ticks, up.labels(), strict=True):
        y = round(up.pixel(tick, bottom, top))
        pen.line((left, y, right, y), GRID)
        pen.text((left - 7, y), label, FAINT, font, anchor="rm")
    for tick in across.ticks:
        x = round(across.pixel(tick, left, right))
        pen.line((x, bottom, x, bottom + 4), FAINT)
        pen.text((x, bottom + 7), panel.label(tick), FAINT, font, anchor="ma")
    pen.text(((left + right) / 2, bottom + 23), panel.across, FAINT, font, anchor="ma")
    pen.line((left, bottom, right, bottom), FAINT)

    def place(x: float, y: float) -> tuple[float, float]:
        return across.pixel(x, 0, right - left) * SMOOTH, up.pixel(panel.shown(y), bottom - top, 0) * SMOOTH

    part = figure.crop((left, top, right, bottom))
    large = part.resize((part.width * SMOOTH, part.height * SMOOTH), Image.Resampling.NEAREST)
    brush = ImageDraw.Draw(large)
    if any(curve.rule == "linear" for curve in panel.curves):
        draw_slope(brush, place, panel.curves[0])
    for curve, color in reversed([*zip(panel.curves, LINE_COLORS, strict=False)]):
        points = [place(x, y) for x, y in zip(curve.x, curve.y, strict=True)]
        brush.line(points, color, LINE_PX * SMOOTH, joint="curve")
        for point in points:
            brush.circle(point, 3 * SMOOTH, color)
    figure.paste(large.reduce(SMOOTH), (left, top))
    draw_names(pen, plot, panel, up)


def draw_slope(brush: ImageDraw.ImageDraw, place: Callable[[float, float], tuple[float, float]], curve: Curve) -> None:
    """Draws a dashed line of slope 1 down from the end of a curve, clipped by the plot."""
    (x1, y1), (x0, y0) = (place(curve.x[-1] / part, curve.y[-1] / part) for part in (1, 1e6))
    dash = DASH_PX * SMOOTH / math.hypot(x1 - x0, y1 - y0)
    for start in np.arange(0, 1, 2 * dash):
        ends = [(x1 + (x0 - x1) * share, y1 + (y0 - y1) * share) for share in (start, start + dash)]
        brush.line(ends, FAINT, SMOOTH)


def draw_names(pen: ImageDraw.ImageDraw, plot: Box, panel: Panel, up: Axis) -> None:
    """Writes the name of each curve next to its end, without overlaps."""
    _, top, right, bottom = plot
    font = ImageFont.load_default(12)
    ends = sorted((up.pixel(panel.shown(curve.y[-1]), bottom, top), n) for n, curve in enumerate(panel.curves))
    places = spread([end for end, _ in ends], 17, top, bottom)
    for (end, number), y in zip(ends, places, strict=True):
        pen.line((right + 2, round(end), right + 12, round(y)), LINE_COLORS[number])
        pen.text((right + 16, y), panel.curves[number].name, LINE_COLORS[number], font, anchor="lm")


PARTS = {"images": measure_images, "sizes": measure_sizes, "classes": measure_classes, "workers": measure_workers}


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all.")
    parser.add_argument("--most", type=int, default=IMAGES[-1], help="Number of images in the largest dataset.")
    parser.add_argument("--rounds", type=int, default=5, help=f"Rounds; only one from {LARGE:,} images.")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="Folder for datasets and results.")
    arguments = parser.parse_args()
    if arguments.most < IMAGES[1]:
        parser.error(f"--most must be at least {IMAGES[1]}")
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    return arguments


def main() -> None:
    """Measures, prints the tables, and draws the figure."""
    arguments = parse()
    results = arguments.work.resolve() / "growth.json"
    report = json.loads(results.read_text()) if results.exists() else {"machine": {}, "parts": {}}
    bench = Bench(results.with_name("scratch") / "growth", arguments.rounds, arguments.most)
    for part in arguments.parts or PARTS:
        measured = PARTS[part](bench)
        report["machine"] = machine() | {"pillow": pillow_version, "numpy": np.__version__}
        report["parts"][part] = [asdict(panel) for panel in measured]
        results.write_text(json.dumps(report, indent=2) + "\n")
    shutil.rmtree(bench.scratch)
    raws = [raw for part in PARTS for raw in report["parts"].get(part, [])]
    panels = [Panel(**{**raw, "curves": [Curve(**curve) for curve in raw["curves"]]}) for raw in raws]
    print_tables(panels, report["machine"])
    path = results.with_suffix(".png")
    draw(panels, "segconv build: what it costs, and how that grows (dashed: slope 1)").quantize(64).save(path)
    print(f"\nsaved {path}")


if __name__ == "__main__":
    main()
