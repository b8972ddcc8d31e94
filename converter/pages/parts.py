"""Parts: headings, tables, numbers, bars, swatches and images as HTML.

What comes from a dataset or a run (names of files, classes and options) is untrusted: it passes through `text_of`.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Sequence
from html import escape

from converter.errors import SHOWN_WHAT_CHARS, shown
from converter.pages.style import PAGE, STYLE
from converter.pixels.colors import Color
from converter.version import __version__

DOT = " · "
OPEN_LEGEND = 24  # names shown in a legend before the reader expands the rest


def page_of(title: str, sections: Iterable[str]) -> str:
    """Returns a whole page; empty sections are left out.

    Args:
      title: plain text.
      sections: HTML.
    """
    body = "\n".join(section for section in sections if section)
    return PAGE.format(title=escape(title), style=STYLE, body=body, version=escape(__version__))


def text_of(value: object, limit: int = 200) -> str:
    """Returns a text from a dataset as safe HTML: no markup, no control characters, bounded."""
    return escape(shown(value, limit))


def section(name: str, title: str, body: str) -> str:
    """Returns a section with a heading, which has `name` as its id."""
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{body}\n</section>'


def table(labelled_by: str, head: str, rows: Iterable[str]) -> str:
    """Returns a table in its own scroll box, for wide and long tables."""
    body = "\n".join(rows)
    return (
        f'<div class="scroll" role="region" aria-labelledby="{labelled_by}" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def facts(name: str, title: str, items: Iterable[tuple[str, str]]) -> str:
    """Returns a section of terms, each with its HTML, side by side."""
    rows = "\n".join(f"<div><dt>{term}</dt><dd>{text}</dd></div>" for term, text in items)
    return section(name, title, f'<dl class="facts">\n{rows}\n</dl>')


def counted(count: int, noun: str, plural: str = "") -> str:
    """Returns "1 pair" or "1,234 pairs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or noun + 's'}"


def percent(share: float) -> str:
    """Returns a share of the pixels in percent, with as many decimals as a rare class needs."""
    if 0 < share < 0.0001:
        return "&lt;0.01%"
    return f"{share:.1%}" if share >= 0.1 or share == 0 else f"{share:.2%}"


def with_note(text: str, note: str) -> str:
    """Returns HTML with a note after it; without one where it is empty."""
    return f'{text} <span class="note">{note}</span>' if note else text


def with_code(text: str) -> str:
    """Returns escaped text with everything in backticks marked up as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def command(*lines: str) -> str:
    """Returns command lines in a box of their own, where a click selects all of them."""
    text = "\n".join(text_of(line, 4 * SHOWN_WHAT_CHARS) for line in lines)
    return f'<pre tabindex="0"><code>{text}</code></pre>'


def bar(share: float, kind: str = "") -> str:
    """Returns a bar as long as the square root of the share, hidden from screen readers: its number is next to it."""
    width = 100 * math.sqrt(min(max(share, 0.0), 1.0))
    return f'<span class="bar {kind}" aria-hidden="true"><span style="width:{width:.1f}%"></span></span>'


def split_key(place: int) -> str:
    """Returns the mark of the split at a place, counted from 0: the pattern of its bars."""
    return f'<span class="key split{place % 3}" aria-hidden="true"></span>'


def swatch(color: Color | None, stripes: str = "") -> str:
    """Returns a colour swatch, or stripes of the kind "ignored" or "unlisted"."""
    if stripes or color is None:
        return f'<span class="swatch {stripes}" aria-hidden="true"></span>'
    return f'<span class="swatch" style="background:rgb{color}" aria-hidden="true"></span>'.replace(", ", ",")


def legend(items: Sequence[str], marks: str = "") -> str:
    """Returns a legend; of more than OPEN_LEGEND items the reader expands the rest.

    Args:
      items: HTML of each.
      marks: further `<li>`, which are always shown.
    """
    shown_items = "".join(f"<li>{item}</li>" for item in items[:OPEN_LEGEND])
    found = f'<ul class="legend">{shown_items}{marks}</ul>'
    if folded := "".join(f"<li>{item}</li>" for item in items[OPEN_LEGEND:]):
        more = len(items) - OPEN_LEGEND
        found += f'<details><summary>{more} more</summary><ul class="legend">{folded}</ul></details>'
    return found


def image(alt: str, jpeg: bytes, size: tuple[int, int]) -> str:
    """Returns an embedded image.

    Args:
      alt: its alternative text, plain.
      jpeg: a JPEG file.
      size: (height, width) in pixels.
    """
    return (
        f'<img alt="{escape(alt)}" width="{size[1]}" height="{size[0]}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'
    )
