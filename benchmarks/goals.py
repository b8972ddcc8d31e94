"""Goals: the goals of issue 6, and whether the measurements meet them."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from converters import OURS, OURS_2, PEERS, Measured, ratio
from measure import load

TWO_WORKERS = 1.85  # times as fast as one, by wall time
FIRST_BYTE_S = 0.6


@dataclass(frozen=True)
class Limits:
    """The goals on one dataset: maximum ratios of CPU time, and maximum megabytes of a worker."""

    rival: float
    stages: float
    floor: float
    megabytes: float


LIMITS = {"small": Limits(0.75, 1.15, 1.5, 60), "large": Limits(0.55, 1.08, 1.3, 110)}
TUTORIAL = {"boolean masks": 1 / 6, "double loop": 1 / 40}  # small images only


@dataclass(frozen=True)
class Row:
    """One row of the table of goals.

    Attributes:
      text: what is compared.
      goal: the limit.
      figure: the measurement.
      verdict: "pass", "fail", or "not judged" and why.
    """

    text: str
    goal: str
    figure: str
    verdict: str


def print_goals(title: str, rows: Iterable[Row], facts: Mapping[str, str]) -> None:
    """Prints the machine and the settings, then one line for each goal."""
    print("\n" + ", ".join(f"{name} {fact}" for name, fact in facts.items()))
    print(f"{title:50}{'goal':>10}  {'figure':36}verdict")
    for row in rows:
        print(f"{row.text:50}{row.goal:>10}  {row.figure:36}{row.verdict}")


def rows_of(kind: str, measured: Measured) -> Iterator[Row]:
    """Yields the rows of one dataset."""
    limits = LIMITS[kind]
    rival = best_rival(measured)
    if rival:
        yield at_most(f"build, {kind}, best peer", limits.rival, ratio(measured.cpu_ms, OURS, rival), note=rival)
    floor = dict(measured.floor)
    if floor:  # segconv also counts pixels and hashes the sources, which no peer does: both figures are shown
        counted = zip(floor["own stages"], floor["counted and hashed"], strict=True)
        floor["all stages"] = [stages + more for stages, more in counted]
    bare = ratio(floor, "step", "own stages")
    note = f"{bare:.3g} without them" if bare else ""
    yield at_most(
        f"build step, {kind}, bare stages with counts, hashes",
        limits.stages,
        ratio(floor, "step", "all stages"),
        note=note,
    )
    against = {**measured.cpu_ms, "floor": measured.floor.get("fast floor", [])}
    yield at_most(f"build, {kind}, fast floor", limits.floor, ratio(against, OURS, "floor"))
    for name, goal in TUTORIAL.items():
        if kind == "small" and name in measured.cpu_ms:
            yield at_most(f"build, {kind}, {name}", goal, ratio(measured.cpu_ms, OURS, name))
    yield workers_row(f"two workers against one, wall, {kind}", ratio(measured.wall_ms, OURS, OURS_2))
    peak = median(measured.peak_mb.get(OURS_2, []))
    yield at_most(f"memory of a worker, {kind}", limits.megabytes, peak, unit=" MB")
    yield at_most(f"CPU until the first byte, {kind}", FIRST_BYTE_S, median(measured.first_byte_s), unit=" s")


def at_most(text: str, goal: float, figure: float | None, *, note: str = "", unit: str = "") -> Row:
    """Returns the row of a figure with an upper limit; None was not measured."""
    wanted = f"<= {goal:.3g}{unit}"
    if figure is None:
        return Row(text, wanted, "", "not judged: not measured")
    return Row(text, wanted, f"{figure:.3g}{unit}{note and f' ({note})'}", "pass" if figure <= goal else "fail")


def workers_row(text: str, gain: float | None) -> Row:
    """Returns the row of two workers, which is judged only on an otherwise idle machine."""
    wanted = f">= {TWO_WORKERS}"
    if gain is None:
        return Row(text, wanted, "", "not judged: not measured")
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        return Row(text, wanted, f"{gain:.2f}", "not judged: one core")
    if os.getloadavg()[0] > cores + 1:  # includes our own two workers
        return Row(text, wanted, f"{gain:.2f}", f"not judged: {load()}")
    return Row(text, wanted, f"{gain:.2f}", "pass" if gain >= TWO_WORKERS else "fail")


def best_rival(measured: Measured) -> str | None:
    """Returns the peer with the least CPU time per image."""
    rivals = [name for name in measured.cpu_ms if name in PEERS and PEERS[name].is_rival]
    return min(rivals, key=lambda name: statistics.median(measured.cpu_ms[name]), default=None)


def median(figures: list[float]) -> float | None:
    """Returns the median; None of an empty list."""
    return statistics.median(figures) if figures else None
