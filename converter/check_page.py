"""Check page: a check -> one self-contained HTML page, for a browser, a colleague, or a printer.

What comes in is a CheckReport and the files of its samples; what leaves is text. The page holds its pictures and its
style and loads nothing: no script, no font, no second file. All that a dataset brings (file names, class names, what
was found) is hostile: it stands in the page only escaped, and in bounded amounts. Same report, same bytes: neither
date nor duration nor a path that the user did not write.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath

import numpy as np
from PIL import Image

from converter import __version__
from converter.check import CheckReport, ValueRow
from converter.classes import IGNORE_NAME, ClassMapBuilder, Color
from converter.config import SourceConfig
from converter.errors import SHOWN_WHAT_CHARS, DataError, SegconvError, shown
from converter.faults import Problem
from converter.images import Photo, encode_jpeg, load, render
from converter.masks import MaskMapper, MaskSource
from converter.pairs import open_pair
from converter.pictures import hatch, overlay
from converter.schema import IGNORE_INDEX, MAX_CLASSES
from converter.splits import ExampleRef

THUMBNAIL = 320  # pixels of a picture's longer side
JPEG_QUALITY = 80
MAX_PICTURE_BYTES = 1_200_000  # of all JPEG files; in base64 they are a third more, so that the page stays below 2 MB
MAX_SAMPLES = 12
MAX_PLACES = 100  # of one problem; the list of all is what --json is for
MAX_LISTED = 512  # rows of the table for values of classes; a class may have several
MAX_UNLISTED = 24  # rows for other values, of which a damaged mask has thousands
OPEN_PLACES = 5  # that stand in the open, before the reader unfolds the rest
OPEN_LEGEND = 24  # names that a legend shows in the open
UNLISTED_STRIPES: tuple[Color, Color] = ((40, 0, 24), (255, 64, 160))  # no photograph and hardly a palette has it
_DOT = " · "


def check_page(report: CheckReport, source: SourceConfig) -> str:
    """Returns the HTML text of a report; reads the files of `report.samples` for its pictures.

    A sample that cannot be read is left out. Where a mask holds values that no class lists, they are striped and the
    mask stands beside the photograph as it is drawn.
    """
    name = shown(PurePath(report.src).name or report.src)
    sections = [
        _header(report, name),
        _facts(report),
        _problems(report.problems),
        _next(report.next_command),
        _values(report),
        _splits(report),
        _samples(report, source),
    ]
    body = "\n".join(section for section in sections if section)
    return _PAGE.format(title=f"{escape(name)}: segconv check", style=_STYLE, body=body, version=escape(__version__))


def _text(value: object, limit: int = 200) -> str:
    """Returns a text from a dataset, fit for HTML: no markup, no control characters, bounded."""
    return escape(shown(value, limit))


def _section(name: str, title: str, body: str) -> str:
    return f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{body}\n</section>'


def _table(labelled_by: str, head: str, rows: Iterable[str]) -> str:
    """Returns a table that scrolls in a box of its own where it is wider than the page, or long."""
    body = "\n".join(rows)
    return (
        f'<div class="scroll" role="region" aria-labelledby="{labelled_by}" tabindex="0"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _percent(share: float) -> str:
    if 0 < share < 0.0001:
        return "&lt;0.01%"
    return f"{share:.1%}" if share >= 0.1 or share == 0 else f"{share:.2%}"


def _bar(share: float, kind: str = "") -> str:
    """Returns a bar as long as the square root of the share; its number stands beside it, so readers skip it."""
    width = 100 * math.sqrt(min(max(share, 0.0), 1.0))
    return f'<span class="bar {kind}" aria-hidden="true"><span style="width:{width:.1f}%"></span></span>'


def _swatch(color: Color | None, stripes: str = "") -> str:
    """Returns a field of colour, or stripes of the kind "ignored" or "unlisted"."""
    if stripes or color is None:
        return f'<span class="swatch {stripes}" aria-hidden="true"></span>'
    return f'<span class="swatch" style="background:rgb{color}" aria-hidden="true"></span>'.replace(", ", ",")


def _count(problems: Iterable[Problem], severity: str) -> int:
    return sum(max(1, len(problem.places)) for problem in problems if problem.severity == severity)


def _header(report: CheckReport, name: str) -> str:
    errors, warnings = (_count(report.problems, severity) for severity in ("error", "warning"))
    counts = [_number(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
    state, verdict = ("bad", "Does not pass") if errors else ("good", "Passes")
    pairs = sum(split.pairs for split in report.splits.values())
    ids = {row.id for row in report.rows} - {None, IGNORE_INDEX}
    lead = [_number(pairs, "pair"), _number(len(report.splits), "split")]
    lead += [f"{len(ids):,} {'class' if len(ids) == 1 else 'classes'}"] if ids else ["no class map"]
    return f"""<header>
<p class="kicker">segconv check</p>
<h1>{escape(name)}</h1>
<p class="lead">{_DOT.join(lead)}</p>
<p class="note">Source folder <code>{_text(report.src)}</code></p>
<p class="verdict {state}"><strong>{verdict}</strong>{"".join(f"<span>{count}</span>" for count in counts)}</p>
</header>"""


def _facts(report: CheckReport) -> str:
    """Returns the key facts as a list of terms."""
    pairs = sum(split.pairs for split in report.splits.values())
    read = "all of them" if report.read >= pairs else "the rest was not looked at"
    splits = _DOT.join(f"{_text(name)} {split.pairs:,}" for name, split in report.splits.items())
    facts = [
        ("Layout", _with_note(_text(report.layout), "<br>".join(_text(clause) for clause in report.evidence))),
        ("Splits", _with_note(splits, f"{_number(pairs, 'pair')} in all") if splits else "none"),
        ("Class map", _class_map(report)),
        ("Read", _with_note(f"{report.read:,} of {_number(pairs, 'pair')}", read)),
        ("Photographs", _with_note(_kinds(report.image_kinds), _orientation(report))),
        ("Sizes", _sizes(report.image_sizes)),
        ("Masks", _kinds(report.mask_kinds)),
        ("On disk", _with_note(f"{report.source_mb:,.1f} MB", f"about {report.records_mb:,.1f} MB as records")),
    ]
    items = "\n".join(f"<div><dt>{term}</dt><dd>{text}</dd></div>" for term, text in facts)
    return _section("facts", "Dataset", f'<dl class="facts">\n{items}\n</dl>')


def _class_map(report: CheckReport) -> str:
    if not report.classes:
        return "none: the values of the masks have no names yet"
    return _with_note(f"<code>{_text(report.classes)}</code>", " ".join(_text(note, 400) for note in report.notes))


def _with_note(text: str, note: str) -> str:
    return f'{text} <span class="note">{note}</span>' if note else text


def _kinds(kinds: Sequence[tuple[str, int]], limit: int = 6) -> str:
    lines = [f"{_text(kind)}{_DOT}{count:,}" for kind, count in kinds[:limit]]
    if len(kinds) > limit:
        lines.append(f"and {len(kinds) - limit:,} other kinds")
    return "<br>".join(lines) or "none was read"


def _sizes(sizes: Sequence[tuple[tuple[int, int], int]]) -> str:
    return _kinds([(f"{height} high × {width} wide", count) for (height, width), count in sizes], limit=3)


def _orientation(report: CheckReport) -> str:
    turned = f"{report.turned:,} turned upright as EXIF says" if report.turned else ""
    unturned = f"{report.unturned:,} left unturned, as their masks are" if report.unturned else ""
    return "; ".join(part for part in (turned, unturned) if part)


def _problems(problems: Sequence[Problem]) -> str:
    """Returns all problems, errors first."""
    order = sorted(problems, key=lambda problem: problem.severity != "error")
    items = "\n".join(_problem(problem) for problem in order)
    items = f'<ol class="problems">\n{items}\n</ol>' if items else "<p>None was found.</p>"
    return _section("problems", "Problems", items)


def _problem(problem: Problem) -> str:
    severity = "error" if problem.severity == "error" else "warning"
    places = [_place(where, what) for where, what in problem.places[:MAX_PLACES]]
    rest = len(problem.places) - len(places)
    parts = [f"<ul>{''.join(places[:OPEN_PLACES])}</ul>"] if places else []
    if folded := places[OPEN_PLACES:]:
        more = f'<p class="note">and {rest:,} more, which --json lists</p>' if rest else ""
        summary = f"{len(problem.places) - OPEN_PLACES:,} more"
        parts.append(f"<details><summary>{summary}</summary><ul>{''.join(folded)}</ul>{more}</details>")
    count = f'<span class="note">{_number(len(problem.places), "place")}</span>' if places else ""
    return f"""<li class="{severity}">
<h3><span class="badge">{severity}</span> <code>{_text(problem.code)}</code> {count}</h3>
<p class="mend">{_with_code(_text(problem.mend, SHOWN_WHAT_CHARS))}</p>
{"".join(parts)}
</li>"""


def _with_code(text: str) -> str:
    """Returns escaped text with what stands in backticks, as our remedies quote commands, set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def _place(where: str, what: str) -> str:
    return f"<li><code>{_text(where)}</code> {_text(what, 400)}</li>"


def _next(command: str) -> str:
    if not command:
        return ""
    code = f'<pre tabindex="0"><code>{_text(command, SHOWN_WHAT_CHARS)}</code></pre>'
    return _section("next", "Next", code)


def _values(report: CheckReport) -> str:
    """Returns the table of the values of the masks."""
    if not report.rows:
        return ""
    has_map = bool(report.classes)
    has_notes = any(row.note for row in report.rows)
    listed = [row for row in report.rows if row.id is not None]
    unlisted = [row for row in report.rows if row.id is None]
    shown_rows = listed[:MAX_LISTED] + unlisted[:MAX_UNLISTED]
    rows = [_value(row, has_map=has_map, has_notes=has_notes) for row in shown_rows]
    more = _rest(listed[MAX_LISTED:] + unlisted[MAX_UNLISTED:])
    columns = ("Class", "Value") if has_map else ("Value", "Name for a start")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    head += '<th scope="col" colspan="2" class="share">Share</th>'
    head += '<th scope="col" class="n">Pixels</th><th scope="col" class="n">Images</th>'
    head += '<th scope="col">Remark</th>' if has_notes else ""
    note = (
        "Share of all pixels that were read. Bars are on a square-root scale, on which rare classes stay visible: "
        "one tenth of the length is one hundredth of the pixels."
    )
    title = "Classes" if has_map else "Values of the masks"
    return _section("classes", title, f'<p class="note">{note}</p>\n{_table("classes", head, rows)}{more}')


def _rest(rows: Sequence[ValueRow]) -> str:
    if not rows:
        return ""
    share = _percent(sum(row.share for row in rows))
    return f'<p class="note">and {_number(len(rows), "value")} more with {share} of the pixels, which --json lists</p>'


def _value(row: ValueRow, *, has_map: bool, has_notes: bool) -> str:
    swatch = _swatch(row.color, "ignored" if row.id == IGNORE_INDEX else "")
    value = f"<code>{_text(row.value)}</code>"
    name = '<em class="unlisted-name">not listed</em>'
    if row.id is not None:
        index = "" if row.id == IGNORE_INDEX else f'<span class="note index">{row.id}</span> '
        name = index + _text(row.name)
    cells = [name, value] if has_map else [value, _text(row.name)]
    head = f'<th scope="row">{swatch}{cells[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in cells[1:])
    remark = f'<td class="remark">{_text(row.note, 400)}</td>' if has_notes else ""
    return (
        f'<tr>{head}<td class="n">{_percent(row.share)}</td><td class="bars">{_bar(row.share)}</td>'
        f'<td class="n">{row.pixels:,}</td><td class="n">{row.images:,}</td>{remark}</tr>'
    )


@dataclass(frozen=True)
class _Class:
    """A class as the page shows it."""

    index: int
    name: str
    color: Color


def _classes(rows: Sequence[ValueRow]) -> list[_Class]:
    """Returns the classes of a report in order of their indices; a class of several values has its first colour."""
    found: dict[int, _Class] = {}
    for row in rows:
        if row.id is not None and row.id != IGNORE_INDEX:
            found.setdefault(row.id, _Class(row.id, row.name, row.color))
    return [found[index] for index in sorted(found)]


def _splits(report: CheckReport) -> str:
    """Returns the share of each class in each split, so that an imbalance between splits is seen."""
    splits = {name: facts.class_pixels for name, facts in report.splits.items() if sum(facts.class_pixels)}
    classes = _classes(report.rows)
    if len(splits) < 2 or not classes:
        return ""
    heads = "".join(f'<th scope="col" class="n">{_key(number)}{_text(name)}</th>' for number, name in enumerate(splits))
    rows = []
    for entry in classes:
        shares = [pixels[entry.index] / sum(pixels) if entry.index < len(pixels) else 0.0 for pixels in splits.values()]
        bars = "".join(_bar(share, f"split{number % 3}") for number, share in enumerate(shares))
        cells = "".join(f'<td class="n">{_percent(share) if share else "none"}</td>' for share in shares)
        label = f"{_swatch(entry.color)}{_text(entry.name)}"
        rows.append(f'<tr><th scope="row">{label}</th>{cells}<td class="bars">{bars}</td></tr>')
    note = (
        "Share of the pixels of each split that have a class; square-root scale. Bars of unlike length in one row are "
        "a class that one split has more of than another."
    )
    head = f'<th scope="col">Class</th>{heads}<th scope="col">Share</th>'
    return _section("splits", "Classes by split", f'<p class="note">{note}</p>\n{_table("splits", head, rows)}')


def _key(number: int) -> str:
    return f'<span class="key split{number % 3}" aria-hidden="true"></span>'


@dataclass(frozen=True)
class _Picture:
    """A picture of a sample: what it shows, and its JPEG bytes with (height, width) in pixels."""

    alt: str
    jpeg: bytes
    size: tuple[int, int]


class _Painter:
    """Draws the samples of a report: the classes of its rows, in their colours, laid over the photographs.

    The class map is made from the rows of the report, so that the page shows what the report says, and needs no
    second look for class files. Without a class map each value is a class of its own.

    Attributes:
      has_map: whether the dataset has a class map.
      colors: of the drawn classes.
      drew_ignored: whether a picture drawn so far holds ignored pixels; drew_unlisted: values of no class.
    """

    def __init__(self, rows: Sequence[ValueRow], *, has_map: bool) -> None:
        self.has_map = has_map
        self.drew_ignored = self.drew_unlisted = False
        drawn = [row for row in rows if row.id is not None and row.value] if has_map else rows[: MAX_CLASSES - 1]
        # What is drawn is a colour; so each colour is a class here, whatever it is called.
        self.colors = list(dict.fromkeys(row.color for row in drawn if row.id != IGNORE_INDEX))
        self._unlisted = len(self.colors)  # index of all other values; with 255 colours there is none left
        self._mapper: MaskMapper | None = None
        builder = ClassMapBuilder()
        try:
            for row in drawn:
                builder.add(IGNORE_NAME if row.id == IGNORE_INDEX else str(row.color), row.value)
            if all(row.value != "*" for row in drawn):
                builder.add(IGNORE_NAME if self._unlisted >= MAX_CLASSES else "unlisted", "*")
            self._mapper = MaskMapper(builder.finish())
        except ValueError:
            pass  # two rows contradict each other: the masks are shown as they are drawn

    def draw(self, ref: ExampleRef, source: SourceConfig) -> list[_Picture]:
        """Returns the pictures of a sample.

        Raises:
          SegconvError: a file of it cannot be read.
        """
        photo, mask = open_pair(ref, source)
        size = _thumbnail(photo)
        image = render(photo, size, "stretch")
        indices = self._indices(mask, size)
        name = shown(ref.image)
        plain = _picture(f"Photograph {name}", image)
        if indices is None:
            return [plain, _picture(f"Mask {shown(ref.mask)} as it is drawn", _raw(mask, size))]
        unlisted = (indices == self._unlisted) & (indices != IGNORE_INDEX)
        self.drew_ignored |= bool((indices == IGNORE_INDEX).any())
        self.drew_unlisted |= bool(unlisted.any())
        if not self.has_map:
            return [plain, self._laid_over(f"Values of mask {shown(ref.mask)}", image, indices, unlisted, alpha=1.0)]
        drawn = self._laid_over(f"Photograph {name} with its classes laid over it", image, indices, unlisted, alpha=0.5)
        if not unlisted.any():
            return [drawn]
        return [drawn, _picture(f"Mask {shown(ref.mask)} as it is drawn", _raw(mask, size))]

    def _indices(self, mask: MaskSource, size: tuple[int, int]) -> np.ndarray | None:
        """Returns the class indices of a mask, uint8 [H, W]; None where its values cannot be told exactly.

        Raises:
          DataError: the pixels are cut off or damaged.
        """
        if self._mapper is None:
            return None
        try:
            return self._mapper.map_mask(mask, size)
        except DataError as error:
            if error.code == "E_DAMAGED":  # Pillow shows what there was of it, and nothing tells that it is not all
                raise
            return None

    def _laid_over(
        self, alt: str, image: Image.Image, indices: np.ndarray, unlisted: np.ndarray, *, alpha: float
    ) -> _Picture:
        picture = overlay(np.asarray(image), indices, self.colors, alpha).copy()
        hatch(picture, unlisted, UNLISTED_STRIPES)
        return _picture(alt, Image.fromarray(picture))


def _thumbnail(photo: Photo) -> tuple[int, int]:
    height, width = photo.size
    scale = min(1.0, THUMBNAIL / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _raw(mask: MaskSource, size: tuple[int, int]) -> Image.Image:
    """Returns a mask in the colours that any viewer shows it in, 16-bit numbers in their low 8 bits.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    load(mask.picture, mask.name)
    small = mask.picture.resize((size[1], size[0]), Image.Resampling.NEAREST)
    if small.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(small) & 0xFF).astype(np.uint8)).convert("RGB")
    return small.convert("RGB")


def _picture(alt: str, image: Image.Image) -> _Picture:
    return _Picture(alt, encode_jpeg(image, JPEG_QUALITY), (image.size[1], image.size[0]))


def _drawn(painter: _Painter, report: CheckReport, source: SourceConfig) -> Iterator[tuple[ExampleRef, list[_Picture]]]:
    """Yields the samples that can be drawn, as many as the page has room for."""
    room = MAX_PICTURE_BYTES
    for ref in report.samples[:MAX_SAMPLES]:
        try:
            pictures = painter.draw(ref, source)
        except SegconvError:
            continue  # the report names it already
        room -= sum(len(picture.jpeg) for picture in pictures)
        if room < 0:
            return
        yield ref, pictures


def _samples(report: CheckReport, source: SourceConfig) -> str:
    """Returns the pictures of the samples with their captions and a legend."""
    painter = _Painter(report.rows, has_map=bool(report.classes))
    drawn = list(_drawn(painter, report, source))
    if not drawn:
        return ""
    note = (
        "The classes of the masks, laid over their photographs."
        if painter.has_map
        else "Photographs, and beside each its mask, in the colours of the table above where they can be told."
    )
    if painter.drew_unlisted:
        note += " Values that no class lists are striped."
    if painter.has_map and any(len(pictures) > 1 for _, pictures in drawn):
        note += " Masks that hold such values stand as they are drawn beside the photograph."
    grids = []
    for kind, is_pair in (("grid pairs", True), ("grid", False)):  # what is to be mended comes first
        figures = [_figure(ref, pictures) for ref, pictures in drawn if (len(pictures) > 1) == is_pair]
        if figures:
            grids.append(f'<div class="{kind}">\n' + "\n".join(figures) + "\n</div>")
    body = [f'<p class="note">{note}</p>', _legend(painter, report.rows), *grids]
    return _section("samples", "Pictures", "\n".join(body))


def _legend(painter: _Painter, rows: Sequence[ValueRow]) -> str:
    if painter.has_map:
        items = [f"<li>{_swatch(entry.color)}{_text(entry.name)}</li>" for entry in _classes(rows)]
    else:
        items = [f"<li>{_swatch(row.color)}<code>{_text(row.value)}</code></li>" for row in rows[:MAX_CLASSES]]
    stripes = [(painter.drew_ignored, "ignored", "ignore"), (painter.drew_unlisted, "unlisted", "not listed")]
    marks = "".join(f"<li>{_swatch(None, kind)}{text}</li>" for is_drawn, kind, text in stripes if is_drawn)
    legend = f'<ul class="legend">{"".join(items[:OPEN_LEGEND])}{marks}</ul>'
    if folded := items[OPEN_LEGEND:]:
        legend += f'<details><summary>{len(folded)} more</summary><ul class="legend">{"".join(folded)}</ul></details>'
    return legend


def _figure(ref: ExampleRef, pictures: Sequence[_Picture]) -> str:
    images = "".join(
        f'<img alt="{escape(picture.alt)}" width="{picture.size[1]}" height="{picture.size[0]}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(picture.jpeg).decode()}">'
        for picture in pictures
    )
    listed = f"{_text(ref.list_name)}:{ref.line}" if ref.list_name else ""
    note = _DOT.join(part for part in (_text(ref.split), listed) if part)
    caption = f'<figcaption>{_text(ref.image)}<br><span class="note">{note}</span></figcaption>'
    return f'<figure><div class="images">{images}</div>{caption}</figure>'


# The browser itself holds the page to its word: nothing is loaded, no script runs, whatever a file is called.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<footer>segconv {version}</footer>
</body>
</html>
"""

_STYLE = """:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1c1c1e; --faint: #63636b; --line: #e3e3e0; --field: #f3f3f0;
  --accent: #2b5f8f; --accent-2: #c08a3e; --accent-3: #7d8a94;
  --bad: #a8321f; --bad-field: #fbeeeb; --warn: #7f5a00; --warn-field: #fbf4e2; --good: #1f6b45; --good-field: #e9f4ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #151517; --ink: #ececee; --faint: #a2a2ab; --line: #303035; --field: #1f1f23;
    --accent: #74aee0; --accent-2: #d8a55c; --accent-3: #8c99a4;
    --bad: #f39585; --bad-field: #33201d; --warn: #e3bd63; --warn-field: #2c2618; --good: #7ccba0;
    --good-field: #182a21;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main, footer { max-width: 1080px; margin: 0 auto; padding: 0 clamp(16px, 4vw, 40px); }
header { padding: 72px 0 8px; }
section { padding-top: 56px; }
footer { padding-top: 72px; padding-bottom: 48px; color: var(--faint); font-size: 13px; }
h1, h2, h3, p, ul, ol, dl, figure, pre { margin: 0; padding: 0; }
h1 { font-size: clamp(32px, 5vw, 46px); line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; }
h2 { font-size: 21px; line-height: 1.3; letter-spacing: -0.01em; font-weight: 620; margin-bottom: 14px; }
h3 { font-size: 15px; font-weight: 600; }
code, pre { font: 0.875em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.kicker { color: var(--accent); font-size: 14px; font-weight: 600; margin-bottom: 6px; }
.lead { color: var(--faint); font-size: 18px; margin-top: 8px; }
.note { color: var(--faint); font-size: 14px; font-weight: 400; }
section > .note { max-width: 68ch; margin-bottom: 16px; }
.verdict { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 24px; padding: 12px 18px; border-radius: 8px; }
.verdict.good { background: var(--good-field); color: var(--good); }
.verdict.bad { background: var(--bad-field); color: var(--bad); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); gap: 24px 32px; }
.facts div { border-top: 1px solid var(--line); padding-top: 10px; min-width: 0; }
dt { color: var(--faint); font-size: 14px; }
dd { margin: 2px 0 0; font-variant-numeric: tabular-nums; }
dd > .note { display: block; }
.problems { list-style: none; display: grid; gap: 16px; }
.problems > li { border: 1px solid var(--line); border-left: 4px solid; border-radius: 8px; padding: 16px 20px; }
.problems > .error { border-left-color: var(--bad); }
.problems > .warning { border-left-color: var(--warn); }
.badge { font-size: 13px; font-weight: 600; padding: 2px 8px; border-radius: 99px; margin-right: 4px; }
.error .badge { background: var(--bad-field); color: var(--bad); }
.warning .badge { background: var(--warn-field); color: var(--warn); }
.mend { margin-top: 8px; max-width: 75ch; }
.problems ul { list-style: none; margin-top: 10px; font-size: 14px; }
.problems ul li { padding: 5px 0; border-top: 1px solid var(--line); }
.problems ul code { color: var(--accent); margin-right: 8px; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; padding: 4px 0; }
pre { background: var(--field); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px;
  white-space: pre-wrap; user-select: all; }
.scroll { overflow: auto; max-height: 78vh; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-size: 15px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 8px 20px 8px 0; vertical-align: middle; overflow-wrap: normal; }
tbody th { font-weight: 500; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--paper); color: var(--faint); font-size: 13px; font-weight: 500;
  box-shadow: inset 0 -1px var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.scroll + .note { margin-top: 12px; }
.n { text-align: right; white-space: nowrap; }
.n + .bars:last-child { width: 50%; }
th:last-child, td:last-child { padding-right: 0; }
th.share { padding-left: 20px; }
.remark { color: var(--faint); font-size: 14px; min-width: 14em; }
.index { display: inline-block; min-width: 1.6em; text-align: right; margin-right: 4px; }
.unlisted-name { color: var(--bad); font-style: normal; }
.swatch { display: inline-block; width: 16px; height: 16px; border-radius: 3px; margin-right: 9px; vertical-align: -3px;
  box-shadow: 0 0 0 1px color-mix(in srgb, var(--ink) 25%, transparent); print-color-adjust: exact; }
.swatch.ignored { background: repeating-linear-gradient(135deg, #3c3c42 0 3px, #808088 3px 6px); }
.swatch.unlisted { background: repeating-linear-gradient(135deg, #280018 0 3px, #ff40a0 3px 6px); }
.bars { width: 32%; min-width: 130px; }
.bar { display: block; height: 8px; background: var(--field); border-radius: 2px; print-color-adjust: exact; }
.bar + .bar { margin-top: 3px; }
.bar > span { display: block; height: 100%; min-width: 1px; background: var(--accent); border-radius: 2px; }
.bar.split1 > span, .key.split1 { background: var(--accent-2); }
.bar.split2 > span, .key.split2 { background: var(--accent-3); }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px;
  background: var(--accent); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 22px; font-size: 14px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: 28px 24px;
  margin-top: 20px; }
figure { min-width: 0; }
.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); }
.images { display: flex; gap: 6px; }
.images img { flex: 1 1 0; min-width: 0; width: 100%; height: auto; border-radius: 4px; background: var(--field); }
figcaption { font-size: 13px; line-height: 1.45; margin-top: 8px; }
figcaption .note { font-size: 13px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 640px) {
  header { padding-top: 40px; }
  section { padding-top: 44px; }
  .facts { gap: 0; }
  .facts div { display: grid; grid-template-columns: 7em 1fr; gap: 12px; padding: 10px 0; }
  dt { padding-top: 2px; }
  table { font-size: 14px; }
  th, td { padding-right: 14px; }
  .swatch { margin-right: 7px; }
  .bars { min-width: 84px; }
  .problems > li { padding: 14px 16px; }
}
@media print {
  .scroll { max-height: none; overflow: visible; }
  thead th { position: static; }
  figure, .problems > li, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  main, footer { max-width: none; }
}
"""
