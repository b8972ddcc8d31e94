"""Report: the result of a check, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from converter.checking.problems import Problem
from converter.errors import SHOWN_WHAT_CHARS, shown
from converter.pixels.colors import Color
from converter.schema import FIX_KEY
from converter.sources.refs import ExampleRef
from converter.system.console import table

SHOWN_PLACES = 5  # of a problem, in the text
SHOWN_ROWS = 40  # of the value table, in the text


@dataclass(frozen=True)
class ValueRow:
    """One value of the masks.

    Attributes:
      id: class index or IGNORE_INDEX; None for an unlisted value or without a class map.
      name: of the class, "ignore", or "" for an unlisted value; without a class map, the name that `segconv classes`
        would draft.
      value: in the notation of classes.csv; "*" for all values that only the `*` row takes.
      color: (red, green, blue) that the class is drawn in.
      pixels: in all masks that were read.
      share: of all their pixels, 0..1.
      images: number of masks that hold the value.
      note: a remark for the user, such as "rare: within 3 levels of #FF0000, an anti-aliased edge"; or "".
    """

    id: int | None
    name: str
    value: str
    color: Color
    pixels: int
    share: float
    images: int
    note: str = ""


@dataclass(frozen=True)
class SplitFacts:
    """One split: the number of its pairs, and the pixels of each class index in those that were read."""

    pairs: int
    class_pixels: tuple[int, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """The result of a check.

    Attributes:
      src: source folder, as the user passed it.
      layout: name of the layout.
      evidence: what the layout was detected from.
      classes: origin of the class map; "" where there is none.
      splits: by name, train first.
      rows: values of the masks, class by class, unlisted ones last; a class that never occurs has a row of 0 pixels.
      problems: errors first.
      read: number of pairs that were read; with --fast only a sample.
      image_sizes: ((height, width), number of images), most frequent first.
      image_kinds: ("JPEG RGB", number), most frequent first.
      mask_kinds: ("PNG palette", number), most frequent first.
      turned: images rotated by EXIF orientation; unturned: images left as stored, because their masks fit so.
      source_mb: of all listed files, in MB (10**6 bytes); records_mb: predicted for the records.
      next_command: the command to run next.
      seconds: wall time.
      samples: some pairs to show, spread over splits and classes.
      notes: remarks on how the class map was read, one sentence each.
    """

    src: str
    layout: str
    evidence: tuple[str, ...]
    classes: str
    splits: dict[str, SplitFacts]
    rows: tuple[ValueRow, ...]
    problems: tuple[Problem, ...]
    read: int
    image_sizes: tuple[tuple[tuple[int, int], int], ...]
    image_kinds: tuple[tuple[str, int], ...]
    mask_kinds: tuple[tuple[str, int], ...]
    turned: int
    unturned: int
    source_mb: float
    records_mb: float
    next_command: str
    seconds: float
    samples: tuple[ExampleRef, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a build would succeed."""
        return all(problem.severity != "error" for problem in self.problems)

    @property
    def num_pairs(self) -> int:
        """Number of pairs in all splits, read or not."""
        return sum(split.pairs for split in self.splits.values())

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv check --json` prints."""
        return {
            "ok": self.ok,
            "src": self.src,
            "layout": self.layout,
            "evidence": list(self.evidence),
            "class_map": self.classes,
            "notes": list(self.notes),
            "splits": {
                name: {"pairs": split.pairs, "class_pixels": list(split.class_pixels)}
                for name, split in self.splits.items()
            },
            "classes": [_class_json(row) for row in self.rows],
            "problems": [_problem_json(problem) for problem in self.problems],
            "read": self.read,
            "sizes": [{"size": list(size), "images": number} for size, number in self.image_sizes],
            "kinds": {"images": dict(self.image_kinds), "masks": dict(self.mask_kinds)},
            "turned": self.turned,
            "unturned": self.unturned,
            "source_mb": round(self.source_mb, 3),
            "records_mb": round(self.records_mb, 3),
            "next": self.next_command,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv check` prints it."""
        blocks = [_head_text(self)]
        blocks += [_problem_text(problem) for problem in self.problems]
        if self.rows:
            blocks.append(_rows_text(self.rows))
        counts: Counter[str] = Counter()
        for problem in self.problems:
            counts[problem.severity] += len(problem.places)
        verdict = ", ".join(_number_of(counts[kind], kind) for kind in ("error", "warning") if counts[kind])
        blocks.append(f"{verdict or 'no problems'}\nnext: {shown(self.next_command, SHOWN_WHAT_CHARS)}")
        return "\n\n".join(blocks)


def _class_json(row: ValueRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "value": row.value,
        "color": list(row.color),
        "pixels": row.pixels,
        "share": row.share,
        "images": row.images,
        "note": row.note,
    }


def _problem_json(problem: Problem) -> dict[str, Any]:
    where, what = problem.places[0]
    return {
        "code": problem.code,
        "severity": problem.severity,
        "where": where,
        "what": what,
        FIX_KEY: problem.fix,
        "count": len(problem.places),
        "places": [list(place) for place in problem.places],
    }


def _number_of(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _head_text(report: CheckReport) -> str:
    """Returns the summary in a few aligned lines."""
    pairs = ", ".join(f"{shown(name)} {split.pairs:,}" for name, split in report.splits.items())
    read = f"all {report.read:,} pairs" if report.read == report.num_pairs else ""
    read = read or f"{report.read:,} of {report.num_pairs:,} pairs (--fast)"
    rate = f", {report.read / report.seconds:.0f} pairs/s" if report.seconds else ""
    sizes = [f"{number:,} x {height} high, {width} wide" for (height, width), number in report.image_sizes[:3]]
    more = f", and {len(report.image_sizes) - 3} more sizes" if len(report.image_sizes) > 3 else ""
    evidence = shown(", ".join(report.evidence), SHOWN_WHAT_CHARS)
    lines = [
        ("layout", f"{report.layout} ({evidence})" if evidence else report.layout),
        ("pairs", pairs),
        ("class map", shown(report.classes) or "none"),
        *(("", shown(note)) for note in report.notes),
        ("read", f"{read} in {report.seconds:.1f} s{rate}"),
        ("images", _kinds_text(report.image_kinds)),
        ("sizes", "; ".join(sizes) + more),
        ("masks", _kinds_text(report.mask_kinds)),
    ]
    if report.turned or report.unturned:
        rotated = f"{_number_of(report.turned, 'image')} rotated by EXIF orientation"
        lines.append(("rotated", f"{rotated}, {report.unturned:,} left as stored because their masks fit so"))
    size = f"{report.source_mb:,.1f} MB of files, about {report.records_mb:,.1f} MB of records"
    lines.append(("size", size))
    return f"{shown(report.src)}\n" + "\n".join(f"  {name:9}  {text}" for name, text in lines if text)


def _kinds_text(kinds: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds)


def _problem_text(problem: Problem) -> str:
    """Returns a problem, its first places one per line, and its fix."""
    count = len(problem.places)
    places = [f"  {shown(where)}: {shown(what, SHOWN_WHAT_CHARS)}" for where, what in problem.places[:SHOWN_PLACES]]
    if count > SHOWN_PLACES:
        places.append(f"  and {count - SHOWN_PLACES:,} more (--json lists all)")
    head = f"{problem.severity.upper()} {problem.code}, {count:,} place{'s' if count > 1 else ''}"
    return "\n".join([head, *places, f"  -> {shown(problem.fix, SHOWN_WHAT_CHARS)}"])


def _rows_text(rows: Sequence[ValueRow]) -> str:
    """Returns the table of values."""
    lines: list[tuple[str, ...]] = [("id", "class", "value", "pixels", "images", "note")]
    for row in rows[:SHOWN_ROWS]:
        index = "" if row.id is None else str(row.id)
        share = f"{row.share:.2%}"
        lines.append((index, shown(row.name), row.value, share, str(row.images), shown(row.note)))
    text = table(lines)
    return f"{text}\nand {len(rows) - SHOWN_ROWS:,} more values (--json lists all)" if len(rows) > SHOWN_ROWS else text
