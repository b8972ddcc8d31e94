"""Page: a check -> one self-contained HTML page, for a browser, a colleague, or a printer.

Input: a CheckReport and the files of its samples. Output: text. The page embeds its images and its style and loads
nothing: no script, no font, no second file. Everything from a dataset (file names, class names, values) is untrusted.
It appears only escaped and in bounded amounts. The same report gives the same bytes: the page has no date, no duration
and no path that the user did not pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath

from converter.checking.page_samples import SampleImage, SamplePainter, drawn_samples
from converter.checking.problems import Problem
from converter.checking.report import CheckReport, ValueRow
from converter.config import SourceConfig
from converter.errors import SHOWN_WHAT_CHARS, shown
from converter.limits import MAX_CLASSES, MAX_PAGE_LISTED, MAX_PAGE_PLACES, MAX_PAGE_UNLISTED
from converter.pages.parts import (
    DOT,
    bar,
    command,
    counted,
    facts,
    image,
    legend,
    page_of,
    percent,
    section,
    split_key,
    swatch,
    table,
    text_of,
    with_code,
    with_note,
)
from converter.pixels.colors import Color
from converter.schema import IGNORE_INDEX
from converter.sources.refs import ExampleRef

OPEN_PLACES = 5  # places shown before the reader expands the rest


def check_page(report: CheckReport, source: SourceConfig) -> str:
    """Returns the HTML text of a report; reads the files of `report.samples` for the sample images.

    A sample that cannot be read is left out. Unlisted values of a mask are striped, and the mask itself is shown next
    to its image.
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
    return page_of(f"{name}: segconv check", sections)


def _count(problems: Iterable[Problem], severity: str) -> int:
    return sum(max(1, len(problem.places)) for problem in problems if problem.severity == severity)


def _header(report: CheckReport, name: str) -> str:
    errors, warnings = (_count(report.problems, severity) for severity in ("error", "warning"))
    counts = [counted(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
    state, verdict = ("bad", "Fail") if errors else ("good", "Pass")
    pairs = sum(split.pairs for split in report.splits.values())
    ids = {row.id for row in report.rows} - {None, IGNORE_INDEX}
    lead = [counted(pairs, "pair"), counted(len(report.splits), "split")]
    lead += [f"{len(ids):,} {'class' if len(ids) == 1 else 'classes'}"] if ids else ["no class map"]
    return f"""<header>
<p class="kicker">segconv check</p>
<h1>{escape(name)}</h1>
<p class="lead">{DOT.join(lead)}</p>
<p class="note">Source folder <code>{text_of(report.src)}</code></p>
<p class="verdict {state}"><strong>{verdict}</strong>{"".join(f"<span>{count}</span>" for count in counts)}</p>
</header>"""


def _facts(report: CheckReport) -> str:
    """Returns the key facts as a description list."""
    pairs = sum(split.pairs for split in report.splits.values())
    read = "all pairs" if report.read >= pairs else "a sample: the other pairs were not checked"
    splits = DOT.join(f"{text_of(name)} {split.pairs:,}" for name, split in report.splits.items())
    items = [
        ("Layout", with_note(text_of(report.layout), "<br>".join(text_of(clause) for clause in report.evidence))),
        ("Splits", with_note(splits, f"{counted(pairs, 'pair')} in total") if splits else "none"),
        ("Class map", _class_map(report)),
        ("Read", with_note(f"{report.read:,} of {counted(pairs, 'pair')}", read)),
        ("Images", with_note(_kinds(report.image_kinds), _orientation(report))),
        ("Image sizes", _sizes(report.image_sizes)),
        ("Masks", _kinds(report.mask_kinds)),
        ("On disk", with_note(f"{report.source_mb:,.1f} MB", f"about {report.records_mb:,.1f} MB as records")),
    ]
    return facts("facts", "Dataset", items)


def _class_map(report: CheckReport) -> str:
    if not report.classes:
        return "none: the mask values have no names yet"
    return with_note(f"<code>{text_of(report.classes)}</code>", " ".join(text_of(note, 400) for note in report.notes))


def _kinds(kinds: Sequence[tuple[str, int]], limit: int = 6) -> str:
    lines = [f"{text_of(kind)}{DOT}{count:,}" for kind, count in kinds[:limit]]
    if len(kinds) > limit:
        lines.append(f"and {len(kinds) - limit:,} other kinds")
    return "<br>".join(lines) or "none were read"


def _sizes(sizes: Sequence[tuple[tuple[int, int], int]]) -> str:
    return _kinds([(f"{height} high × {width} wide", count) for (height, width), count in sizes], limit=3)


def _orientation(report: CheckReport) -> str:
    rotated = f"{report.turned:,} rotated upright by EXIF orientation" if report.turned else ""
    stored = f"{report.unturned:,} left as stored, like their masks" if report.unturned else ""
    return "; ".join(part for part in (rotated, stored) if part)


def _problems(problems: Sequence[Problem]) -> str:
    """Returns all problems, errors first."""
    order = sorted(problems, key=lambda problem: problem.severity != "error")
    items = "\n".join(_problem(problem) for problem in order)
    items = f'<ol class="problems">\n{items}\n</ol>' if items else "<p>No problems were found.</p>"
    return section("problems", "Problems", items)


def _problem(problem: Problem) -> str:
    severity = "error" if problem.severity == "error" else "warning"
    places = [_place(where, what) for where, what in problem.places[:MAX_PAGE_PLACES]]
    rest = len(problem.places) - len(places)
    parts = [f"<ul>{''.join(places[:OPEN_PLACES])}</ul>"] if places else []
    if folded := places[OPEN_PLACES:]:
        more = f'<p class="note">and {rest:,} more (--json lists all)</p>' if rest else ""
        summary = f"{len(problem.places) - OPEN_PLACES:,} more"
        parts.append(f"<details><summary>{summary}</summary><ul>{''.join(folded)}</ul>{more}</details>")
    count = f'<span class="note">{counted(len(problem.places), "place")}</span>' if places else ""
    return f"""<li class="{severity}">
<h3><span class="badge">{severity}</span> <code>{text_of(problem.code)}</code> {count}</h3>
<p class="fix">{with_code(text_of(problem.fix, SHOWN_WHAT_CHARS))}</p>
{"".join(parts)}
</li>"""


def _place(where: str, what: str) -> str:
    return f"<li><code>{text_of(where)}</code> {text_of(what, 400)}</li>"


def _next(line: str) -> str:
    if not line:
        return ""
    return section("next", "Next", command(line))


def _values(report: CheckReport) -> str:
    """Returns the table of the mask values."""
    if not report.rows:
        return ""
    has_map = bool(report.classes)
    has_notes = any(row.note for row in report.rows)
    listed = [row for row in report.rows if row.id is not None]
    unlisted = [row for row in report.rows if row.id is None]
    shown_rows = listed[:MAX_PAGE_LISTED] + unlisted[:MAX_PAGE_UNLISTED]
    rows = [_value(row, has_map=has_map, has_notes=has_notes) for row in shown_rows]
    more = _rest(listed[MAX_PAGE_LISTED:] + unlisted[MAX_PAGE_UNLISTED:])
    columns = ("Class", "Value") if has_map else ("Value", "Suggested name")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    head += '<th scope="col" colspan="2" class="share">Share</th>'
    head += '<th scope="col" class="n">Pixels</th><th scope="col" class="n">Images</th>'
    head += '<th scope="col">Remark</th>' if has_notes else ""
    note = (
        "Share of all pixels read. Bars have a square-root scale, on which rare classes stay visible: "
        "a tenth of the length is a hundredth of the pixels."
    )
    title = "Classes" if has_map else "Mask values"
    return section("classes", title, f'<p class="note">{note}</p>\n{table("classes", head, rows)}{more}')


def _rest(rows: Sequence[ValueRow]) -> str:
    if not rows:
        return ""
    share = percent(sum(row.share for row in rows))
    return f'<p class="note">and {counted(len(rows), "more value")} with {share} of the pixels (--json lists all)</p>'


def _value(row: ValueRow, *, has_map: bool, has_notes: bool) -> str:
    mark = swatch(row.color, "ignored" if row.id == IGNORE_INDEX else "")
    value = f"<code>{text_of(row.value)}</code>"
    name = '<em class="unlisted-name">not listed</em>'
    if row.id is not None:
        index = "" if row.id == IGNORE_INDEX else f'<span class="note index">{row.id}</span> '
        name = index + text_of(row.name)
    cells = [name, value] if has_map else [value, text_of(row.name)]
    head = f'<th scope="row">{mark}{cells[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in cells[1:])
    remark = f'<td class="remark">{text_of(row.note, 400)}</td>' if has_notes else ""
    return (
        f'<tr>{head}<td class="n">{percent(row.share)}</td><td class="bars">{bar(row.share)}</td>'
        f'<td class="n">{row.pixels:,}</td><td class="n">{row.images:,}</td>{remark}</tr>'
    )


@dataclass(frozen=True)
class _Class:
    """A class as shown on the page."""

    index: int
    name: str
    color: Color


def _classes(rows: Sequence[ValueRow]) -> list[_Class]:
    """Returns the classes of a report by index; a class with several values has the first colour."""
    found: dict[int, _Class] = {}
    for row in rows:
        if row.id is not None and row.id != IGNORE_INDEX:
            found.setdefault(row.id, _Class(row.id, row.name, row.color))
    return [found[index] for index in sorted(found)]


def _splits(report: CheckReport) -> str:
    """Returns the share of each class in each split, which shows an imbalance between splits."""
    splits = {name: facts.class_pixels for name, facts in report.splits.items() if sum(facts.class_pixels)}
    classes = _classes(report.rows)
    if len(splits) < 2 or not classes:
        return ""
    heads = "".join(
        f'<th scope="col" class="n">{split_key(number)}{text_of(name)}</th>' for number, name in enumerate(splits)
    )
    rows = []
    for entry in classes:
        shares = [pixels[entry.index] / sum(pixels) if entry.index < len(pixels) else 0.0 for pixels in splits.values()]
        bars = "".join(bar(share, f"split{number % 3}") for number, share in enumerate(shares))
        cells = "".join(f'<td class="n">{percent(share) if share else "none"}</td>' for share in shares)
        label = f"{swatch(entry.color)}{text_of(entry.name)}"
        rows.append(f'<tr><th scope="row">{label}</th>{cells}<td class="bars">{bars}</td></tr>')
    note = (
        "Share of the labelled pixels of each split, on a square-root scale. Different lengths in one row mean that "
        "one split has more of that class than another."
    )
    head = f'<th scope="col">Class</th>{heads}<th scope="col">Share</th>'
    return section("splits", "Classes by split", f'<p class="note">{note}</p>\n{table("splits", head, rows)}')


def _samples(report: CheckReport, source: SourceConfig) -> str:
    """Returns the sample images with captions and a legend."""
    painter = SamplePainter(report.rows, has_map=bool(report.classes))
    drawn = list(drawn_samples(painter, report, source))
    if not drawn:
        return ""
    note = (
        "Images with the classes of their masks overlaid."
        if painter.has_map
        else "Images, each next to its mask in the colours of the table above, where its values are unambiguous."
    )
    if painter.drew_unlisted:
        note += " Unlisted values are striped."
    if painter.has_map and any(len(images) > 1 for _, images in drawn):
        note += " A mask with such values is shown next to its image."
    grids = []
    for kind, is_pair in (("grid pairs", True), ("grid", False)):  # those with problems first
        figures = [_figure(ref, images) for ref, images in drawn if (len(images) > 1) == is_pair]
        if figures:
            grids.append(f'<div class="{kind}">\n' + "\n".join(figures) + "\n</div>")
    body = [f'<p class="note">{note}</p>', _legend(painter, report.rows), *grids]
    return section("samples", "Samples", "\n".join(body))


def _legend(painter: SamplePainter, rows: Sequence[ValueRow]) -> str:
    if painter.has_map:
        items = [f"{swatch(entry.color)}{text_of(entry.name)}" for entry in _classes(rows)]
    else:
        items = [f"{swatch(row.color)}<code>{text_of(row.value)}</code>" for row in rows[:MAX_CLASSES]]
    stripes = [(painter.drew_ignored, "ignored", "ignore"), (painter.drew_unlisted, "unlisted", "not listed")]
    marks = "".join(f"<li>{swatch(None, kind)}{text}</li>" for is_drawn, kind, text in stripes if is_drawn)
    return legend(items, marks)


def _figure(ref: ExampleRef, images: Sequence[SampleImage]) -> str:
    tags = "".join(image(each.alt, each.jpeg, each.size) for each in images)
    listed = f"{text_of(ref.list_name)}:{ref.line}" if ref.list_name else ""
    note = DOT.join(part for part in (text_of(ref.split), listed) if part)
    caption = f'<figcaption>{text_of(ref.image)}<br><span class="note">{note}</span></figcaption>'
    return f'<figure><div class="images">{tags}</div>{caption}</figure>'
