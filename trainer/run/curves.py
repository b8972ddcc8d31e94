"""Curves: the epochs in metrics.csv as plots.

One panel each for the loss, the mIoU, the validation IoU of classes and the learning rate, and for the fraction of time
spent waiting for records where it was measured. A value that is not finite is a gap in its line, and an outlier that
would flatten all others is off the axis, with a note. Pillow only.
"""

from __future__ import annotations

import csv
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from converter.errors import DataError, shown
from trainer.run.runs import read_metrics_file

Color: TypeAlias = tuple[int, int, int]
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom; the right and bottom pixels are inside

WIDTH_PX = 1200
PANEL_PX = 296  # height of a panel, with its title and tick labels
TITLE_PX = 36
MARGIN_LEFT, MARGIN_TOP, MARGIN_RIGHT, MARGIN_BOTTOM = 64, 34, 24, 38  # of a panel: space for tick labels and title
NAMES_PX = 230  # right of the panel of classes: their names, at the ends of their lines
NAME_STEP_PX = 17  # minimum distance between names
LINE_PX, DOT_PX, DASH_PX = 2, 3, 6
SMOOTH = 3  # supersampling factor of lines, because Pillow does not antialias them

MAX_CLASSES = 12  # maximum number of lines; if there are more classes, half are the worst, half the best
TICKS, LOG_TICKS = 6, 7  # maximum number per axis
OUTLIER = 10  # times the median magnitude: a loss that far out would flatten the rest of its curve
DECADES = 6  # powers of ten that a log axis covers below its highest value
NICE = (1.0, 2.0, 5.0, 10.0)

WHITE: Color = (255, 255, 255)
INK: Color = (30, 30, 30)
FAINT: Color = (113, 113, 122)
GRID: Color = (229, 229, 229)
# Okabe and Ito's palette, which people with any common colour blindness can distinguish, without its yellow, which is
# too light for a line on white.
BLUE: Color = (0, 114, 178)
VERMILION: Color = (213, 94, 0)
PALETTE: tuple[Color, ...] = (
    BLUE,
    VERMILION,
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (0, 0, 0),
)
BEST: Color = FAINT


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
      low: value at its start.
      high: value at its end.
      ticks: labelled values, in rising order.
      is_log: whether the axis is logarithmic.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def pixel(self, value: float, start: float, end: float) -> float:
        """Returns the pixel of `value`, from `start` (of `low`) to `end` (of `high`); may be outside of them."""
        low, high, value = (math.log10(v) if self.is_log else v for v in (self.low, self.high, value))
        return start + (value - low) / (high - low) * (end - start)

    def labels(self) -> list[str]:
        """Returns the ticks as texts, all with as many decimals as the step between them needs."""
        step = min((b - a for a, b in itertools.pairwise(self.ticks)), default=0)
        if self.is_log or not 1e-4 <= step < 1e5:
            return [f"{tick:g}" for tick in self.ticks]
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return [f"{tick:.{decimals}f}" for tick in self.ticks]


class Line(NamedTuple):
    """One curve: its name, its colour, whether it is dashed, and its values, one per epoch."""

    name: str
    color: Color
    is_dashed: bool
    values: Sequence[float]

    @property
    def last(self) -> float:
        """The last finite value, shown at its end; NaN where there is none."""
        return next((value for value in reversed(self.values) if math.isfinite(value)), math.nan)


class Panel(NamedTuple):
    """The content of one panel.

    Attributes:
      title: title above it.
      lines: its curves.
      axis: axis of their values.
      note: note in small print next to the title.
      is_named_at_ends: whether the name is at the end of each line, instead of in the title line.
    """

    title: str
    lines: Sequence[Line]
    axis: Axis
    note: str = ""
    is_named_at_ends: bool = False


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Returns the epochs in a metrics.csv; an empty cell is NaN.

    An incomplete last line is left out: a run was killed, or is still writing it.

    Raises:
      FileNotFoundError: no epoch was finished yet.
      DataError: a cell holds no number, or it is not a regular file.
    """
    whole = read_metrics_file(path).rpartition(b"\n")[0]
    lines = csv.DictReader(whole.decode("utf-8", "replace").split("\n"), restval="")
    rows = []
    for cells in lines:
        try:
            rows.append({name: float(cells[name] or "nan") for name in lines.fieldnames or ()})
        except ValueError as error:
            fix = "Restore the line, or delete it."
            raise DataError(f"{path}:{lines.line_num}", f"is not an epoch ({error})", fix, "E_METRICS") from None
    return rows


def best_epoch(rows: Sequence[Mapping[str, float]]) -> int | None:
    """Returns the index of the row with the highest validation mIoU, the first of equals; None where there is none."""
    scores = _column(rows, "val_miou")
    finite = [score for score in scores if math.isfinite(score)]
    return scores.index(max(finite)) if finite else None


def draw_curves(rows: Sequence[Mapping[str, float]], title: str) -> Image.Image:
    """Returns the curves of a run as an RGB image, 1200 pixels wide.

    Args:
      rows: one per epoch, with the columns of metrics.csv; a column may be missing.
      title: one line above it.
    """
    epochs = _column(rows, "epoch")
    marked = best_epoch(rows)
    rate = Line("", BLUE, False, _column(rows, "learning_rate"))
    panels = [
        _pair_panel("loss", rows, "loss"),
        _pair_panel("mIoU", rows, "miou"),
        _class_panel(rows),
        Panel("learning rate", [rate], log_axis(rate.values)),
    ]
    if any("input_wait" in row for row in rows):
        waits = Line("", BLUE, False, [100 * wait for wait in _column(rows, "input_wait")])
        axis = linear_axis([0.0, *waits.values], lowest=0.0, highest=100.0)
        panels.append(Panel("waiting for records, % of the time", [waits], axis))
    half = WIDTH_PX // 2
    boxes = [(0, 0, half), (half, 0, WIDTH_PX), (0, 1, WIDTH_PX - NAMES_PX), (0, 2, half), (half, 2, WIDTH_PX)]
    image = Image.new("RGB", (WIDTH_PX, TITLE_PX + 3 * PANEL_PX), WHITE)
    heading, font = (TITLE_PX // 2, TITLE_PX // 2), ImageFont.load_default(18)
    ImageDraw.Draw(image).text(heading, _cut(title, font, WIDTH_PX - TITLE_PX), INK, font, anchor="lm")
    for panel, (left, line, right) in zip(panels, boxes, strict=False):
        top = TITLE_PX + line * PANEL_PX
        plot = (left + MARGIN_LEFT, top + MARGIN_TOP, right - MARGIN_RIGHT, top + PANEL_PX - MARGIN_BOTTOM)
        _draw_panel(image, plot, panel, epochs=epochs, marked=marked)
    return image


def linear_axis(values: Sequence[float], *, lowest: float = -math.inf, highest: float = math.inf) -> Axis:
    """Returns an axis with round ends that covers all finite values, except outliers where values have no limit.

    Args:
      values: NaN and infinity are left out.
      lowest: lower limit of all values.
      highest: upper limit of all values.
    """
    finite = [min(max(value, lowest), highest) for value in values if math.isfinite(value)] or [0.0, 1.0]
    bound = OUTLIER * statistics.median_low([abs(value) for value in finite])
    inside = [value for value in finite if bound == 0 or highest < math.inf or abs(value) <= bound]
    low, high = min(inside), max(inside)
    if high - low <= 1e-6 * max(abs(low), abs(high)):  # one epoch, or no change
        spare = 0.1 * abs(high) or 0.1
        low, high = low - spare, high + spare
    step = nice_step(high - low, TICKS - 1)
    first, last = (round(v / step, 6) for v in (low, high))  # 0.3 / 0.1 is a little less than 3
    ends = range(math.floor(first), math.ceil(last) + 1)
    ticks = tuple(n * step for n in ends if lowest <= round(n * step, 12) <= highest)
    return Axis(max(ends[0] * step, lowest), min(ends[-1] * step, highest), ticks)


def log_axis(values: Sequence[float]) -> Axis:
    """Returns a logarithmic axis that covers all values above 0 that are at most 6 powers of ten below the highest.

    Its ticks are powers of ten, or 1, 2 and 5 times them where there are few.
    """
    finite = [value for value in values if math.isfinite(value) and value > 0] or [0.1, 1.0]
    high = max(finite)
    low = max(min(finite), high / 10**DECADES)
    # Space above and below, to keep a constant off the frame.
    low, high = low / 1.5, high * 1.5
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1,)):
        ticks = [float(f"{factor}e{decade}") for decade in decades for factor in factors]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= LOG_TICKS:
            break
    return Axis(low, high, tuple(ticks), is_log=True)


def epoch_axis(epochs: Sequence[float]) -> Axis:
    """Returns the axis of the epochs: integers, with half an epoch on both sides where there are few."""
    finite = [epoch for epoch in epochs if math.isfinite(epoch)] or [1.0]
    low, high = min(finite), max(finite)
    step = max(1, int(nice_step(high - low, 2 * TICKS)))
    ticks = [n for n in range(int(low), int(high) + 1) if n % step == 0]
    spare = max(0.5 if high == low else 0, (high - low) / 100)
    return Axis(low - spare, high + spare, tuple(ticks))


def nice_step(span: float, most: int) -> float:
    """Returns the smallest of 1, 2 and 5 times a power of ten that divides `span` into at most `most` steps."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in NICE if factor * power * most >= span * (1 - 1e-9))


def spread(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Returns positions at least `step` apart, close to the wanted ones, none below `low`, none above `high`.

    Args:
      wanted: positions in pixels, in rising order; they must fit between `low` and `high`.
      step: minimum distance, in pixels.
      low: minimum of the first, in pixels.
      high: maximum of the last, in pixels.
    """
    positions: list[float] = []
    for position in wanted:
        positions.append(max(position, positions[-1] + step if positions else low))
    for index in range(len(positions) - 1, -1, -1):
        positions[index] = min(positions[index], positions[index + 1] - step if index + 1 < len(positions) else high)
    return positions


def _column(rows: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [row.get(name, math.nan) for row in rows]


def _pair_panel(title: str, rows: Sequence[Mapping[str, float]], name: str) -> Panel:
    """Returns the panel of a metric that exists for training and for validation."""
    train, val = _column(rows, name), _column(rows, f"val_{name}")
    is_share = name == "miou"
    limits = {"lowest": 0.0, "highest": 1.0} if is_share else {}
    lines = [Line("train", BLUE, False, train), Line("val", VERMILION, False, val)]
    axis = linear_axis([*train, *val], **limits)
    beyond = [value for value in (*train, *val) if math.isfinite(value) and not axis.low <= value <= axis.high]
    note = f"off the axis: {len(beyond)}, up to {max(beyond, key=abs):.3g}" if beyond else ""
    if is_share and (marked := best_epoch(rows)) is not None:
        note = f"best epoch {rows[marked].get('epoch', math.nan):g}: {val[marked]:.4f}"
    return Panel(title, lines, axis, note)


def _class_panel(rows: Sequence[Mapping[str, float]]) -> Panel:
    """Returns the panel of the classes' IoU, the best class first; a class that occurs in no record has no line."""
    prefix = "val_iou_"
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(prefix))
    lines = [Line(name.removeprefix(prefix), INK, False, _column(rows, name)) for name in names]
    lines = sorted((line for line in lines if math.isfinite(line.last)), key=lambda line: -line.last)
    note = ""
    if len(lines) > MAX_CLASSES:
        half = MAX_CLASSES // 2
        note = f"the {half} best and the {half} worst of {len(lines)} classes"
        lines = lines[:half] + lines[-half:]
    styles = [(color, is_dashed) for is_dashed in (False, True) for color in PALETTE]
    lines = [Line(line.name, *style, line.values) for line, style in zip(lines, styles, strict=False)]
    axis = linear_axis([value for line in lines for value in line.values], lowest=0.0, highest=1.0)
    return Panel("val IoU of classes", lines, axis, note, is_named_at_ends=True)


def _draw_panel(image: Image.Image, plot: Box, panel: Panel, *, epochs: Sequence[float], marked: int | None) -> None:
    """Draws one panel.

    Args:
      image: image to draw on.
      plot: box of the curves; title and tick labels are around it.
      panel: what to draw.
      epochs: number of each epoch.
      marked: index of the best epoch.
    """
    left, top, right, bottom = plot
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    across = epoch_axis(epochs)
    for tick, label in zip(panel.axis.ticks, panel.axis.labels(), strict=True):
        y = round(panel.axis.pixel(tick, bottom, top))
        draw.line((left, y, right, y), GRID)
        draw.text((left - 8, y), label, FAINT, font, anchor="rm")
    for tick in across.ticks:
        x = round(across.pixel(tick, left, right))
        draw.line((x, bottom, x, bottom + 4), FAINT)
        draw.text((x, bottom + 7), f"{tick:.0f}", FAINT, font, anchor="ma")
    draw.text(((left + right) / 2, bottom + 21), "epoch", FAINT, font, anchor="ma")
    places = [across.pixel(epoch, left, right) for epoch in epochs]
    if marked is not None:
        x = round(places[marked])
        for y in range(top, bottom, 2 * DASH_PX):
            draw.line((x, y, x, min(bottom, y + DASH_PX - 1)), BEST)
    draw.line((left, bottom, right, bottom), FAINT)
    _draw_lines(image, plot, panel, places)
    _draw_head(draw, plot, panel)
    if panel.is_named_at_ends:
        _draw_names(draw, plot, panel)
    if not any(math.isfinite(line.last) for line in panel.lines):
        draw.text(((left + right) / 2, (top + bottom) / 2), "no values", FAINT, font, anchor="mm")


def _draw_lines(image: Image.Image, plot: Box, panel: Panel, places: Sequence[float]) -> None:
    """Draws the curves: a line through neighbouring values, a dot where a value has no neighbours."""
    _, top, _, bottom = plot
    # A margin of one dot: a line at the very end of the axis, such as a class that is never predicted, keeps its width.
    edge = DOT_PX + 1
    corner = plot[0] - edge, top - edge
    part = image.crop((*corner, plot[2] + edge + 1, bottom + edge + 1))
    large = part.resize((part.width * SMOOTH, part.height * SMOOTH), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(large)
    for line in reversed(panel.lines):  # the first is on top
        points: list[tuple[float, float] | None] = []
        for x, value in zip(places, line.values, strict=True):
            is_gap = not math.isfinite(x + value) or (panel.axis.is_log and value <= 0)
            # Clamped a little outside of the axis, since Pillow counts pixels in 32 bits.
            y = 0.0 if is_gap else min(max(panel.axis.pixel(value, bottom, top), 2 * top - bottom), 2 * bottom - top)
            # The middle of a pixel is half a pixel from its edge.
            points.append(None if is_gap else ((x - corner[0] + 0.5) * SMOOTH, (y - corner[1] + 0.5) * SMOOTH))
        for is_gap, group in itertools.groupby(points, lambda point: point is None):
            run = [point for point in group if point is not None]
            if is_gap:
                continue
            if len(run) == 1:
                draw.circle(run[0], DOT_PX * SMOOTH, line.color)
            for stroke in _dashes(run) if line.is_dashed else [run]:
                draw.line(stroke, line.color, LINE_PX * SMOOTH, joint="curve")
    image.paste(large.reduce(SMOOTH), corner)


def _dashes(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Returns the dashes of a line, each with the corners of the line within it."""
    x, y = np.array(points).T
    way = np.concatenate([[0], np.hypot(np.diff(x), np.diff(y)).cumsum()])
    dashes = []
    for start in np.arange(0, way[-1], 2 * DASH_PX * SMOOTH):
        end = min(start + DASH_PX * SMOOTH, way[-1])
        at = [start, *way[(way > start) & (way < end)], end]
        dashes.append(list(zip(np.interp(at, way, x).tolist(), np.interp(at, way, y).tolist(), strict=True)))
    return dashes


def _draw_head(draw: ImageDraw.ImageDraw, plot: Box, panel: Panel) -> None:
    """Draws the title, and to its right the note and the names of the lines."""
    left, top, right, _ = plot
    y = top - 16
    draw.text((left, y), panel.title, INK, ImageFont.load_default(14), anchor="lm")
    font = ImageFont.load_default(12)
    if not panel.is_named_at_ends:
        for line in reversed([line for line in panel.lines if line.name]):
            draw.text((right, y), line.name, INK, font, anchor="rm")
            right -= int(font.getlength(line.name)) + 6
            draw.line((right - 18, y, right, y), line.color, LINE_PX)
            right -= 18 + 16
    draw.text((right, y), panel.note, FAINT, font, anchor="rm")


def _draw_names(draw: ImageDraw.ImageDraw, plot: Box, panel: Panel) -> None:
    """Draws the name and the last value of each line at the height of its end, or as close as the others allow."""
    _, top, right, bottom = plot
    font = ImageFont.load_default(12)
    lines = sorted(panel.lines, key=lambda line: -line.last)
    ends = [min(max(panel.axis.pixel(line.last, bottom, top), top), bottom) for line in lines]
    for line, end, y in zip(lines, ends, spread(ends, NAME_STEP_PX, top, bottom), strict=True):
        draw.line((right + 3, round(end), right + 15, round(y)), line.color)
        for x in (right + 17, right + 31) if line.is_dashed else (right + 17, right + 27):
            draw.line((x, round(y), x + 9, round(y)), line.color, LINE_PX)
        draw.text((right + 80, y), f"{line.last:.3f}", FAINT, font, anchor="rm")
        draw.text((right + 88, y), _cut(line.name, font, NAMES_PX + MARGIN_RIGHT - 96), INK, font, anchor="lm")


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """Returns the text on one line, truncated where it is wider than `width` pixels."""
    text = shown(text)
    if font.getlength(text) <= width:
        return text
    return next(cut for n in range(len(text), -1, -1) if font.getlength(cut := text[:n] + "...") <= width)
