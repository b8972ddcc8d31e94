"""Overlays: class indices drawn as overlays, legends and contact sheets. Nothing here is stored in a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from converter.errors import shown
from converter.pixels.colors import Color
from converter.schema import IGNORE_INDEX

GAP = 8  # pixels between the cells of a sheet
SWATCH = 14  # side of a legend's colour swatch, in pixels
IGNORE_STRIPES: tuple[Color, Color] = ((60, 60, 66), (128, 128, 136))
_TITLE_SIZE, _TEXT_SIZE = 18, 13
_CAPTION_HEIGHT = _TEXT_SIZE + GAP
_ENTRY_WIDTH = 240  # maximum, of a legend; names of about 25 characters
_MIN_WIDTH = 320  # of a sheet: space for a title above the smallest cells
_PAPER, _INK, _FAINT = (255, 255, 255), (24, 24, 27), (113, 113, 122)
_OUTLINE = (212, 212, 216)  # of swatches, so that a white one is visible on white
_HATCH = 6  # distance of the stripes on ignored pixels, in pixels
_ELLIPSIS = "..."  # three dots, because every font has them


def hatch(image: np.ndarray, where: np.ndarray, stripes: tuple[Color, Color] = IGNORE_STRIPES) -> None:
    """Draws diagonal stripes into an image, because any flat colour could be mistaken for a class.

    Args:
      image: uint8 [H, W, 3]; changed in place.
      where: bool [H, W].
      stripes: (dark, light).
    """
    height, width = where.shape
    is_light = (np.arange(height)[:, None] + np.arange(width)) % _HATCH < _HATCH // 2
    image[where & ~is_light], image[where & is_light] = stripes


def colorize(mask: np.ndarray, colors: Sequence[Color]) -> np.ndarray:
    """Returns uint8 [H, W, 3]: each class in its colour, ignored pixels as grey stripes.

    Args:
      mask: uint8 [H, W] class indices.
      colors: of the classes, in order of their indices; an index beyond them is drawn as ignored.
    """
    table = np.zeros((IGNORE_INDEX + 1, 3), np.uint8)
    table[: len(colors)] = np.array(colors, np.uint8).reshape(-1, 3)
    image: np.ndarray = table[mask]
    hatch(image, mask >= len(colors))
    return image


def overlay(image: np.ndarray, mask: np.ndarray, colors: Sequence[Color], alpha: float = 0.5) -> np.ndarray:
    """Returns uint8 [H, W, 3]: the image blended with the colours of its classes.

    Args:
      image: uint8 [H, W, 3].
      mask: uint8 [H, W] class indices.
      colors: of the classes, in order of their indices.
      alpha: opacity of the colours, 0..1.
    """
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colorize(mask, colors)), alpha))


def contact_sheet(
    rows: list[list[np.ndarray]],
    *,
    captions: list[str] | None = None,
    legend: Sequence[tuple[str, Color | None]] = (),
    title: str = "",
) -> Image.Image:
    """Returns a grid of images with a title above and a legend below.

    Text that does not fit is shortened in the middle, since file names differ at their ends.

    Args:
      rows: of cells uint8 [H, W, 3]; rows may differ in length, cells in size.
      captions: one per cell, or one per row, drawn below; None leaves them out.
      legend: (name, colour) of each class; None, for ignored pixels, is drawn as stripes.
      title: one line above the grid.
    """
    columns = max(len(row) for row in rows)
    column_width = max(cell.shape[1] for row in rows for cell in row)
    heights = [max(cell.shape[0] for cell in row) + (_CAPTION_HEIGHT if captions else 0) for row in rows]
    sheet_width = max(GAP + columns * (column_width + GAP), _MIN_WIDTH)
    grid = _legend_grid(legend, sheet_width)
    top = GAP + (_TITLE_SIZE + GAP if title else 0)
    legend_top = top + sum(height + GAP for height in heights)
    sheet = Image.new("RGB", (sheet_width, legend_top + grid.lines * (SWATCH + GAP)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    if title:
        _draw_text(draw, (GAP, GAP // 2), title, sheet_width - 2 * GAP, _INK, _TITLE_SIZE)
    is_by_cell = captions is not None and len(captions) == sum(len(row) for row in rows)
    texts = iter(captions or ())
    y = top
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            x = GAP + column * (column_width + GAP)
            sheet.paste(Image.fromarray(cell), (x, y))
            if captions and (is_by_cell or column == 0):
                width = column_width if is_by_cell and columns > 1 else sheet_width - 2 * GAP
                _draw_text(draw, (x, y + height - _CAPTION_HEIGHT + GAP // 4), next(texts), width, _FAINT)
        y += height + GAP
    for number, (name, color) in enumerate(legend):
        corner = GAP + number % grid.columns * grid.step, legend_top + number // grid.columns * (SWATCH + GAP)
        _draw_entry(sheet, corner, name, color, grid.step)
    return sheet


class _Grid(NamedTuple):
    """Layout of the entries of a legend: in columns `step` pixels apart."""

    columns: int
    lines: int
    step: int


def _legend_grid(legend: Sequence[tuple[str, Color | None]], sheet_width: int) -> _Grid:
    if not legend:
        return _Grid(1, 0, 0)
    font = ImageFont.load_default(_TEXT_SIZE)
    widest = max(int(font.getlength(shown(name))) for name, _ in legend) + SWATCH + GAP // 2 + 2 * GAP
    width = sheet_width - GAP
    columns = max(1, min(len(legend), width // min(widest, _ENTRY_WIDTH)))
    # The fewest columns for this number of lines leave each name the most space.
    lines = -(-len(legend) // columns)
    columns = -(-len(legend) // lines)
    return _Grid(columns, lines, min(widest, width // columns))


def _draw_entry(sheet: Image.Image, corner: tuple[int, int], name: str, color: Color | None, step: int) -> None:
    x, y = corner
    field = np.full((SWATCH, SWATCH, 3), color or 0, np.uint8)
    if color is None:
        hatch(field, np.ones((SWATCH, SWATCH), np.bool_))
    sheet.paste(Image.fromarray(field), corner)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((x - 1, y - 1, x + SWATCH, y + SWATCH), outline=_OUTLINE)
    left = x + SWATCH + GAP // 2
    _draw_text(draw, (left, y - 1), name, step - SWATCH - GAP // 2 - GAP, _INK)


def _draw_text(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, max_width: int, color: Color, size: int = _TEXT_SIZE
) -> None:
    """Draws one line of text, at most `max_width` pixels wide."""
    font = ImageFont.load_default(size)
    text = shown(text)
    shown_chars = len(text)
    line = text
    while shown_chars and font.getlength(line) > max_width:
        shown_chars -= 1
        line = text[: (shown_chars + 1) // 2] + _ELLIPSIS + text[len(text) - shown_chars // 2 :]
    draw.text(corner, line, color, font)
