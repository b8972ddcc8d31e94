"""SVG: curves and diagrams of a page: text labels, lines that differ in more than their colour, no script."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from trainer.run.curves import Axis, epoch_axis, linear_axis, spread

WIDTH, HEIGHT = 380, 250  # of the drawing, in its own units: on a phone, one is about a pixel
LEFT, TOP, RIGHT, BOTTOM = 40, 16, 66, 36  # margins: for labels of the axes, and of the lines at their ends
LABEL_STEP = 14  # minimum distance between two labels


class Curve(NamedTuple):
    """A curve: its name at its end, its style ("train" is dashed, "val" is not), and its values, one per epoch."""

    name: str
    style: str
    values: Sequence[float]


def curves(
    label: str, epochs: Sequence[float], lines: Sequence[Curve], *, is_share: bool = False, best: int | None = None
) -> str:
    """Returns curves over epochs as an SVG element.

    Args:
      label: what they are, for the title and for screen readers.
      epochs: number of each epoch.
      lines: the curves; a value that is not finite is a gap.
      is_share: whether values are between 0 and 1; the axis is in percent then.
      best: index of the epoch to be marked on the last curve.
    """
    if is_share:
        lines = [line._replace(values=[100 * value for value in line.values]) for line in lines]
    values = [value for line in lines for value in line.values]
    up = linear_axis(values, lowest=0.0, highest=100.0) if is_share else linear_axis(values, lowest=0.0)
    across = epoch_axis(epochs)
    parts = [_axes(across, up, "epoch")]
    places = [across.pixel(epoch, LEFT, WIDTH - RIGHT) for epoch in epochs]
    if best is not None:
        parts.append(f'<path class="mark" d="M{places[best]:.1f} {TOP}V{HEIGHT - BOTTOM}"></path>')
    parts += [_line(line, places, up) for line in lines]
    if best is not None and math.isfinite(lines[-1].values[best]):
        x, y = places[best], _y(up, lines[-1].values[best])
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"></circle>')
    parts.append(_names(lines, up))
    return _svg(label, parts)


def reliability(label: str, bins: Sequence[tuple[float, float, float]]) -> str:
    """Returns a reliability diagram as an SVG element: accuracy over confidence; a perfect model is on the diagonal.

    Args:
      label: what it is.
      bins: (mean confidence, accuracy, share of the pixels) of each bin that has pixels.
    """
    axis = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
    parts = [_axes(axis, axis, "confidence")]
    start, end = (axis.pixel(x, LEFT, WIDTH - RIGHT) for x in (0.0, 1.0))
    parts.append(f'<path class="mark" d="M{start:.1f} {_y(axis, 0):.1f}L{end:.1f} {_y(axis, 1):.1f}"></path>')
    points = [(axis.pixel(confidence, LEFT, WIDTH - RIGHT), _y(axis, accuracy)) for confidence, accuracy, _ in bins]
    parts.append(f'<path class="line val" d="{_path(points)}"></path>')
    for (x, y), (_, _, share) in zip(points, bins, strict=True):
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="{2 + 6 * math.sqrt(share):.1f}"></circle>')
    return _svg(label, parts)


def _svg(label: str, parts: Iterable[str]) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{body}</svg>'


def _y(axis: Axis, value: float) -> float:
    return min(max(axis.pixel(value, HEIGHT - BOTTOM, TOP), TOP), HEIGHT - BOTTOM)


def _axes(across: Axis, up: Axis, name: str) -> str:
    """Returns grid lines and labels; of close ticks on the horizontal axis only every second has a label."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    for tick, label in zip(up.ticks, up.labels(), strict=True):
        y = _y(up, tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"></path>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    step = 1 if len(across.ticks) <= 7 else 2
    for tick, label in list(zip(across.ticks, across.labels(), strict=True))[::step]:
        x = across.pixel(tick, LEFT, right)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{bottom + 31}" text-anchor="middle">{name}</text>')
    return "".join(parts)


def _line(line: Curve, places: Sequence[float], up: Axis) -> str:
    parts = []
    points = zip(places, line.values, strict=True)
    for is_gap, group in itertools.groupby(points, lambda point: not math.isfinite(point[0] + point[1])):
        run = [(x, _y(up, value)) for x, value in group] if not is_gap else []
        if len(run) == 1:
            parts.append(f'<circle class="dot" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="2.5"></circle>')
        elif run:
            parts.append(f'<path class="line {line.style}" d="{_path(run)}"></path>')
    return "".join(parts)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _names(lines: Sequence[Curve], up: Axis) -> str:
    """Returns the names of the curves at their ends, apart from each other."""
    ends = [next((value for value in reversed(line.values) if math.isfinite(value)), math.nan) for line in lines]
    found = sorted((_y(up, end), line) for line, end in zip(lines, ends, strict=True) if math.isfinite(end))
    places = spread([y for y, _ in found], LABEL_STEP, TOP, HEIGHT - BOTTOM)
    x = WIDTH - RIGHT + 5
    return "".join(
        f'<path class="line {line.style}" d="M{x} {y:.1f}h18"></path>'
        f'<text class="name" x="{x + 22}" y="{y + 4:.1f}">{escape(line.name)}</text>'
        for y, (_, line) in zip(places, found, strict=True)
    )
