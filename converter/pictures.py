"""Pictures: class indices made visible: overlays, legends, contact sheets. Nothing here is stored in a record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from converter.classes import Color
from converter.schema import IGNORE_INDEX

GAP = 8  # pixels between the cells of a sheet
SWATCH = 14  # pixels a side of a legend's colour field
_TITLE_SIZE, _TEXT_SIZE = 18, 13
_PAPER, _INK, _FAINT = (255, 255, 255), (24, 24, 27), (113, 113, 122)
_HATCH = 6  # pixels from stripe to stripe where a mask is ignored
_IGNORE_DARK, _IGNORE_LIGHT = (60, 60, 66), (128, 128, 136)


def colorize(mask: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Returns uint8 [H, W, 3]: each class in its colour, ignored pixels as grey stripes.

    Args:
      mask: uint8 [H, W] class indices.
      colors: of the classes, in order of their indices; an index beyond them is drawn as ignored.
    """
    table = np.zeros((IGNORE_INDEX + 1, 3), np.uint8)
    table[: len(colors)] = np.array(colors, np.uint8).reshape(-1, 3)
    picture: np.ndarray = table[mask]
    height, width = mask.shape
    stripe = (np.arange(height)[:, None] + np.arange(width)) % _HATCH < _HATCH // 2
    ignored = mask >= len(colors)
    picture[ignored & stripe] = _IGNORE_LIGHT
    picture[ignored & ~stripe] = _IGNORE_DARK
    return picture


def overlay(image: np.ndarray, mask: np.ndarray, colors: Sequence[Color], alpha: float = 0.5) -> np.ndarray:
    """Returns uint8 [H, W, 3]: the photograph with the colours of its classes laid over it.

    Args:
      image: uint8 [H, W, 3].
      mask: uint8 [H, W] class indices.
      colors: of the classes, in order of their indices.
      alpha: share of the colour, 0..1.
    """
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colorize(mask, colors)), alpha))


def contact_sheet(
    rows: list[list[np.ndarray]],
    *,
    captions: list[str] | None = None,
    legend: Sequence[tuple[str, Color]] = (),
    title: str = "",
) -> Image.Image:
    """Returns a sheet of pictures in a grid, with a title above and a legend below.

    Args:
      rows: of cells uint8 [H, W, 3], all of one size; the last row may be shorter.
      captions: one text below each row; None leaves them out.
      legend: (name, colour) of each class.
      title: one line above the grid.
    """
    height, width = rows[0][0].shape[:2]
    text_height = _TEXT_SIZE + GAP if captions else 0
    columns = max(len(row) for row in rows)
    sheet_width = max(GAP + columns * (width + GAP), 320)
    lines = _legend_lines(legend, sheet_width)
    top = GAP + (_TITLE_SIZE + GAP if title else 0)
    grid_height = len(rows) * (height + text_height + GAP)
    sheet = Image.new("RGB", (sheet_width, top + grid_height + len(lines) * (SWATCH + GAP)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((GAP, GAP // 2), title, _INK, ImageFont.load_default(_TITLE_SIZE))
    for number, row in enumerate(rows):
        y = top + number * (height + text_height + GAP)
        for column, cell in enumerate(row):
            sheet.paste(Image.fromarray(cell), (GAP + column * (width + GAP), y))
        if captions:
            draw.text((GAP, y + height + GAP // 4), captions[number], _FAINT, ImageFont.load_default(_TEXT_SIZE))
    for number, line in enumerate(lines):
        _draw_legend(draw, line, top + grid_height + number * (SWATCH + GAP))
    return sheet


def _legend_lines(legend: Sequence[tuple[str, Color]], sheet_width: int) -> list[list[tuple[int, str, Color]]]:
    """Returns the legend broken into lines of (x, name, colour) that fit the sheet."""
    font = ImageFont.load_default(_TEXT_SIZE)
    lines: list[list[tuple[int, str, Color]]] = []
    x = sheet_width
    for name, color in legend:
        width = SWATCH + GAP // 2 + int(font.getlength(name)) + 2 * GAP
        if x + width > sheet_width:
            lines.append([])
            x = GAP
        lines[-1].append((x, name, color))
        x += width
    return lines


def _draw_legend(draw: ImageDraw.ImageDraw, line: list[tuple[int, str, Color]], y: int) -> None:
    font = ImageFont.load_default(_TEXT_SIZE)
    for x, name, color in line:
        draw.rectangle((x, y, x + SWATCH, y + SWATCH), color, _FAINT)  # outlined, so that white stands out on paper
        draw.text((x + SWATCH + GAP // 2, y - 1), name, _INK, font)
