"""Heatmap: a confusion matrix as an image.

Rows are the truth and add up to 100 %; a good model has a dark diagonal. Pillow only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

CELLS_PX = 1100  # target width of all cells together
MIN_CELL_PX, MAX_CELL_PX = 8, 64
NUMBER_CELL_PX = 26  # a smaller cell has no space for a number of three digits
NAME_CHARS = 24
MARGIN_PX = 16

WHITE = (255, 255, 255)
INK = (30, 30, 30)
FULL = (8, 48, 107)  # colour of 100 %: a dark blue, which also prints well in grey
ABSENT = (235, 235, 235)  # a row without a pixel in the truth


def draw_confusion(matrix: np.ndarray, names: Sequence[str], title: str) -> Image.Image:
    """Returns the row-normalised confusion matrix as an RGB image, with class names, numbers in percent and a title.

    Args:
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      names: one per class; truncated to 24 characters.
      title: one line above it.
    """
    cell = min(MAX_CELL_PX, max(MIN_CELL_PX, CELLS_PX // len(names)))
    font = ImageFont.load_default(min(15, cell))
    labels = [_label(name, font) for name in names]
    label_px = max(label.width for label in labels)
    left = top = label_px + 3 * MARGIN_PX + 20  # names, and the label of the axis
    side = cell * len(names)
    heading = _label(title, ImageFont.load_default(18), len(title))
    image = Image.new("RGB", (max(left + side, heading.width + MARGIN_PX) + MARGIN_PX, top + side + MARGIN_PX), WHITE)
    image.paste(heading, (MARGIN_PX, MARGIN_PX // 2))
    image.paste(_label("truth", font).rotate(90, expand=True), (MARGIN_PX, top))
    image.paste(_label("prediction", font), (left, MARGIN_PX + 20))
    for index, label in enumerate(labels):
        middle = index * cell + (cell - label.height) // 2
        image.paste(label, (left - MARGIN_PX // 2 - label.width, top + middle))
        image.paste(label.rotate(90, expand=True), (left + middle, top - MARGIN_PX // 2 - label.width))
    _draw_cells(ImageDraw.Draw(image), matrix, (left, top), cell)
    return image


def _draw_cells(draw: ImageDraw.ImageDraw, matrix: np.ndarray, corner: tuple[int, int], cell: int) -> None:
    """Draws one square per pair of classes, with its share of the row in percent where there is space."""
    font = ImageFont.load_default(cell // 3) if cell >= NUMBER_CELL_PX else None
    totals = matrix.sum(axis=1)
    for (row, column), pixels in np.ndenumerate(matrix):
        share = float(pixels / totals[row]) if totals[row] else 0.0
        x, y = corner[0] + column * cell, corner[1] + row * cell
        fill = tuple(round(w + (f - w) * share) for w, f in zip(WHITE, FULL, strict=True)) if totals[row] else ABSENT
        draw.rectangle((x, y, x + cell - 1, y + cell - 1), fill=fill, outline=ABSENT)
        if font is not None and pixels:
            text = f"{share:.0%}".rstrip("%") if share >= 0.005 else "<1"
            ink = WHITE if share > 0.5 else INK
            draw.text((x + cell / 2, y + cell / 2), text, fill=ink, font=font, anchor="mm")


def _label(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, chars: int = NAME_CHARS) -> Image.Image:
    """Returns the text as a separate image, which can be rotated."""
    shown = text if len(text) <= chars else text[: chars - 1] + "…"
    left, top, right, bottom = font.getbbox(shown)
    label = Image.new("RGB", (max(1, int(right - left) + 1), max(1, int(bottom - top) + 2)), WHITE)
    ImageDraw.Draw(label).text((-left, -top), shown, fill=INK, font=font)
    return label
