"""Reliability: how often a model is right, by how sure it is, as an image. Pillow only.

A bar is one of the BINS of the calibration. Where it ends below the diagonal, the model is overconfident; the distance
is filled. Below is how many of the pixels are in each bin: a distance where there are few hardly counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from converter.pixels.colors import Color
from trainer.evaluation.calibration import BINS, Bin, calibration_error

SIDE = 480  # of the diagram, in pixels
SHARES_PX = 120  # height of the diagram below it
LEFT, TOP, RIGHT, BETWEEN, BOTTOM = 76, 64, 28, 40, 52
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

WHITE: Color = (255, 255, 255)
INK: Color = (30, 30, 30)
FAINT: Color = (120, 120, 120)
GRID: Color = (229, 229, 229)
BAR: Color = (86, 140, 190)  # a blue that colour-blind people tell from both others
OVERCONFIDENT: Color = (213, 94, 0)  # vermilion
UNDERCONFIDENT: Color = (240, 200, 80)


def draw_reliability(bins: Sequence[Bin], title: str) -> Image.Image:
    """Returns a reliability diagram as an RGB image: accuracy over confidence, and the share of the pixels below.

    Args:
      bins: those that have pixels.
      title: one line above it.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, figure 1.
    """
    heading = ImageFont.load_default(17)
    width = max(LEFT + SIDE + RIGHT, round(heading.getlength(title)) + 2 * RIGHT)
    image = Image.new("RGB", (width, TOP + SIDE + BETWEEN + SHARES_PX + BOTTOM), WHITE)
    draw = ImageDraw.Draw(image)
    draw.text((RIGHT, 10), title, fill=INK, font=heading)
    error = f"calibration error (ECE) {calibration_error(tuple(bins)):.1%}" if bins else "no valid pixel"
    draw.text((RIGHT, 34), error, fill=FAINT, font=ImageFont.load_default(14))
    _draw_grid(draw, TOP, SIDE, "accuracy")
    for each in bins:
        _draw_bar(draw, each)
    draw.line((LEFT, TOP + SIDE, LEFT + SIDE, TOP), fill=INK, width=2)
    _draw_key(draw)
    below = TOP + SIDE + BETWEEN
    _draw_grid(draw, below, SHARES_PX, "pixels", ticks=(0.0, 0.5, 1.0))
    total = sum(each.pixels for each in bins)
    for each in bins:
        left, right = _columns(each)
        height = round(SHARES_PX * each.pixels / total)
        draw.rectangle((left, below + SHARES_PX - max(1, height), right, below + SHARES_PX), fill=BAR)
    text = ImageFont.load_default(13)
    draw.text((LEFT + SIDE / 2, below + SHARES_PX + 34), "confidence", fill=INK, font=text, anchor="mm")
    return image


def _draw_bar(draw: ImageDraw.ImageDraw, each: Bin) -> None:
    """Draws the accuracy of a bin, and its distance from the mean confidence."""
    left, right = _columns(each)
    accuracy, confidence = (TOP + SIDE - round(SIDE * share) for share in (each.accuracy, each.confidence))
    draw.rectangle((left, min(accuracy, TOP + SIDE - 1), right, TOP + SIDE), fill=BAR)
    color = OVERCONFIDENT if each.accuracy < each.confidence else UNDERCONFIDENT
    top, bottom = sorted((accuracy, confidence))
    if bottom > top:
        draw.rectangle((left, top, right, bottom), fill=color)


def _columns(each: Bin) -> tuple[int, int]:
    """Returns the first and the last column of a bin; bin m holds confidences of ((m - 1) / BINS, m / BINS]."""
    number = min(BINS - 1, int(each.confidence * BINS))
    left, right = (LEFT + round(SIDE * place / BINS) for place in (number, number + 1))
    return left + 1, right - 2


def _draw_grid(draw: ImageDraw.ImageDraw, top: int, height: int, name: str, ticks: Sequence[float] = TICKS) -> None:
    """Draws lines with their shares in percent, along both axes, and the name of the vertical one."""
    font = ImageFont.load_default(13)
    bottom = top + height
    for tick in ticks:
        y = bottom - round(height * tick)
        draw.line((LEFT - 4, y, LEFT + SIDE, y), fill=GRID)
        draw.text((LEFT - 8, y), f"{tick:.0%}", fill=FAINT, font=font, anchor="rm")
    for tick in TICKS:
        x = LEFT + round(SIDE * tick)
        draw.line((x, bottom, x, bottom + 4), fill=GRID)
        draw.text((x, bottom + 12), f"{tick:.0%}", fill=FAINT, font=font, anchor="mm")
    label = Image.new("L", (round(font.getlength(name)) + 2, 18), 0)
    ImageDraw.Draw(label).text((1, 1), name, fill=255, font=font)
    turned = label.rotate(90, expand=True)
    draw.bitmap((8, top + (height - turned.height) // 2), turned, fill=INK)


def _draw_key(draw: ImageDraw.ImageDraw) -> None:
    """Draws what the colours mean into the empty corner above the diagonal."""
    font = ImageFont.load_default(13)
    rows = ((BAR, "accuracy"), (OVERCONFIDENT, "overconfident"), (UNDERCONFIDENT, "underconfident"))
    for number, (color, text) in enumerate(rows):
        y = TOP + 16 + 22 * number
        draw.rectangle((LEFT + 14, y, LEFT + 28, y + 14), fill=color)
        draw.text((LEFT + 36, y + 7), text, fill=INK, font=font, anchor="lm")
