"""Tables: the classes of a run with their intervals, and its confusion matrix, as HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from converter.dataset.manifest import ClassInfo
from converter.pages.parts import counted, percent, swatch, table, text_of
from converter.pixels.colors import Color
from trainer.evaluation import drawing
from trainer.evaluation.files import ClassScores, Interval, Scored

MATRIX_CLASSES = 20  # of a matrix that can be read on a page; of a larger one only the largest confusions are shown
CONFUSIONS = 8
DARK = 0.55  # of the share of a cell, above which its number is light


def share_text(share: float) -> str:
    """Returns a score in percent, or n/a."""
    return drawing.percent(share)


def interval_text(interval: Interval | None) -> str:
    """Returns an interval in percent, or nothing where there is none."""
    if interval is None or math.isnan(interval.low):
        return ""
    return f"{100 * interval.low:.1f}–{100 * interval.high:.1f}"


def class_table(scored: Scored, classes: Sequence[ClassInfo]) -> str:
    """Returns the table of the classes: IoU with its interval as a number and as a bar, and the other scores."""
    total = sum(each.pixels for each in scored.classes) or 1
    colors = {info.name: info.color for info in classes}
    has_boundary = any(each.boundary_iou is not None for each in scored.classes)
    heads = [*(["Boundary IoU"] if has_boundary else []), "Precision", "Recall", "F1", "Share of pixels"]
    head = '<th scope="col">Class</th><th scope="col" class="n">IoU</th><th scope="col" class="n">95 % interval</th>'
    head += '<th scope="col">IoU on a scale of 0 to 100 %</th>'
    head += "".join(f'<th scope="col" class="n">{name}</th>' for name in heads)
    rows = [_class_row(each, colors.get(each.name), total, has_boundary=has_boundary) for each in scored.classes]
    return table("classes", head, rows)


def _class_row(each: ClassScores, color: Color | None, total: int, *, has_boundary: bool) -> str:
    numbers = [share_text(each.iou), interval_text(each.interval)]
    if has_boundary:
        numbers.append("" if each.boundary_iou is None else share_text(each.boundary_iou))
    numbers += [share_text(score) for score in (each.precision, each.recall, each.f1)]
    numbers.append(percent(each.pixels / total))
    first, second, *others = (f'<td class="n">{text}</td>' for text in numbers)
    name = f'<th scope="row">{swatch(color)}{text_of(each.name)}</th>'
    return f'<tr>{name}{first}{second}<td class="bars">{_scale(each)}</td>{"".join(others)}</tr>'


def _scale(each: ClassScores) -> str:
    """Returns the IoU as a bar on a linear scale, with its interval as a bracket on it."""
    if math.isnan(each.iou):
        return ""
    bracket = ""
    if each.interval is not None and not math.isnan(each.interval.low):
        low, high = (100 * end for end in each.interval)
        bracket = f'<i style="left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%"></i>'
    bar = f'<span style="width:{100 * each.iou:.1f}%"></span>'
    return f'<span class="bar scale" aria-hidden="true">{bar}{bracket}</span>'


def confusion(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """Returns the confusion matrix as HTML: what is confused most in words, and all of it where it is small.

    Args:
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      classes: their names.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.full(matrix.shape, math.nan), where=totals > 0)
    parts = [_largest(matrix, shares, classes)]
    if len(classes) <= MATRIX_CLASSES:
        parts.append(_matrix(shares, classes))
    else:
        parts.append(f'<p class="note">The matrix of all {len(classes)} classes is in the run folder.</p>')
    return "\n".join(parts)


def _largest(matrix: np.ndarray, shares: np.ndarray, classes: Sequence[str]) -> str:
    """Returns the confusions that cost the most pixels, in words."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:CONFUSIONS]
    items = []
    for cell in order.tolist():
        row, column = divmod(cell, len(classes))
        if wrong[row, column]:
            pair = f"<strong>{text_of(classes[row])}</strong> taken for <strong>{text_of(classes[column])}</strong>"
            share = f"{percent(float(shares[row, column]))} of the former, {counted(int(wrong[row, column]), 'pixel')}"
            items.append(f'<li>{pair} <span class="note">{share}</span></li>')
    return f'<ol class="plain">{"".join(items)}</ol>' if items else "<p>Nothing was confused.</p>"


def _matrix(shares: np.ndarray, classes: Sequence[str]) -> str:
    head = '<th scope="col">Truth \\ prediction</th>'
    head += "".join(f'<th scope="col" class="turned"><span>{text_of(name, 40)}</span></th>' for name in classes)
    rows = []
    for name, row in zip(classes, shares, strict=True):
        cells = "".join(map(_cell, row.tolist()))
        rows.append(f'<tr><th scope="row">{text_of(name, 40)}</th>{cells}</tr>')
    return f'<div class="matrix">{table("confusion", head, rows)}</div>'


def _cell(share: float) -> str:
    if math.isnan(share):
        return "<td></td>"
    text = "" if share == 0 else "&lt;1" if share < 0.005 else f"{100 * share:.0f}"
    kind = ' class="dark"' if share > DARK else ""
    return f'<td{kind} style="background:color-mix(in srgb,var(--accent) {100 * share:.0f}%,var(--paper))">{text}</td>'
