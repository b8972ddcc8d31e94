"""Check: all that is wrong with a dataset, in one run, before any work is done on it.

A dataset comes in, and nothing of it is changed; a CheckReport leaves, which says what the files hold, what is wrong,
and which command comes next.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import shlex
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from converter.class_files import FoundClasses, find_class_map
from converter.classes import ClassMap, Color, parse_class_map
from converter.config import BuildConfig, PairConfig
from converter.console import Progress, table
from converter.draft_classes import draft_classes
from converter.errors import SHOWN_WHAT_CHARS, DataError, UsageError, shown
from converter.faults import Material, Problem, find_problems
from converter.layouts import Layout, find_layout
from converter.masks import MaskMapper, MaskValue
from converter.records import encode_record
from converter.schema import IGNORE_INDEX
from converter.shards import make_record
from converter.splits import ExampleRef
from converter.survey import PairFacts, survey

Kind = TypeVar("Kind", bound=Hashable)

FAST_PAIRS = 200  # read by --fast, in all splits together: some seconds, and a fault of 1 % of the pairs is seen
SIZED_PAIRS = 6  # made into records to predict their size; within some 10 % for photographs of one kind
SAMPLES = 12  # for pictures
SHOWN_PLACES = 5  # of a problem, in the text
SHOWN_ROWS = 40  # of the value table, in the text
FRAME_BYTES = 16  # TFRecord: length, its checksum, checksum of the data


@dataclass(frozen=True)
class ValueRow:
    """One value of the masks.

    Attributes:
      id: class index or IGNORE_INDEX; None where the class map does not list the value or there is no class map.
      name: of the class, "ignore", or "" where the class map does not list the value; without a class map, the name
        that `segconv classes` would draft.
      value: in the notation of classes.csv; "*" for all values that only the `*` row takes.
      color: (red, green, blue) to draw the class with.
      pixels: in all masks that were read.
      share: of all their pixels, 0..1.
      images: number of masks that hold it.
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
    """One split: pairs that it lists, and pixels of each class index in those that were read."""

    pairs: int
    class_pixels: tuple[int, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
      src: source folder, as the user named it.
      layout: name of the layout.
      evidence: what it was told by.
      classes: origin of the class map, "" where there is none.
      splits: by name, train first.
      rows: values of the masks, class by class, unlisted ones last; a class that never occurs has a row of 0 pixels.
      problems: errors first.
      read: number of pairs that were read; fewer than there are with --fast.
      image_sizes: ((height, width), number of photographs), most frequent first.
      image_kinds: ("JPEG RGB", number), most frequent first.
      mask_kinds: ("PNG palette", number), most frequent first.
      turned: photographs that EXIF turns; unturned: those whose mask was drawn over the unturned photograph.
      source_mb: of all listed files, in MB (10**6 bytes); records_mb: predicted for the records.
      next_command: what to run next.
      seconds: wall time.
      samples: some pairs, spread over splits and classes, for pictures.
      notes: what a user should know of how the class map was read, one sentence each.
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
        """Whether a build would go through."""
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
        blocks.append(f"{verdict or 'no faults'}\nnext: {shown(self.next_command, SHOWN_WHAT_CHARS)}")
        return "\n\n".join(blocks)


def check(config: BuildConfig, *, fast: bool, on_progress: Callable[[int], None] | None = None) -> CheckReport:
    """Looks at a dataset as `build` with the same options would, and beyond.

    Args:
      config: what a build would do.
      fast: reads a sample of at most FAST_PAIRS pairs, the same ones each time.
      on_progress: called with the number of pairs that are done; None shows the progress on stderr.

    Raises:
      UsageError: there is no dataset to look at.
      MachineError: the disk failed, or a worker was lost.
    """
    start = time.monotonic()
    layout = find_layout(config.source)
    found, class_error = None, None
    try:
        found = find_class_map(config.source, layout)
    except UsageError as error:
        class_error = error
    refs = [ref for split_refs in layout.refs.values() for ref in split_refs]
    if fast and len(refs) > FAST_PAIRS:
        refs = _sample(refs, config.seed)
    with Progress(len(refs), "pair") as progress:
        show, tolerance = on_progress or progress.show, config.pair.tolerance
        facts = survey(refs, config.source, config.num_workers, show, tolerance=tolerance)
    report = judge(config, layout, facts, found, class_error)
    size = _record_bytes(config, facts, found) * report.num_pairs
    return dataclasses.replace(report, records_mb=size / 1e6, seconds=time.monotonic() - start)


def judge(
    config: BuildConfig,
    layout: Layout,
    facts: Sequence[PairFacts],
    found: FoundClasses | None = None,
    class_error: UsageError | None = None,
) -> CheckReport:
    """Returns the report on a dataset whose pairs were read; `check` without its I/O.

    Args:
      config: what a build would do.
      layout: what lies in the source folder.
      facts: of the pairs that were read, in the order of the layout.
      found: the class map; None where there is none.
      class_error: why there is none.
    """
    material = Material(config, layout, facts, found, class_error)
    problems = find_problems(material)
    num_classes = found.classes.num_classes if found else 0
    num_pairs = sum(len(refs) for refs in layout.refs.values())
    upright = [one for one in facts if one.image_size and one.orientation != 1 and not one.error]
    source_mb = sum(one.image_bytes + one.mask_bytes for one in facts) / 1e6
    return CheckReport(
        src=str(config.source.src),
        layout=layout.name,
        evidence=layout.evidence,
        classes=found.origin if found else "",
        splits={
            name: SplitFacts(len(refs), tuple(material.pixels[name][index] for index in range(num_classes)))
            for name, refs in layout.refs.items()
        },
        rows=_rows(material),
        problems=problems,
        read=len(facts),
        image_sizes=_tally(one.image_size for one in facts if one.image_size),
        image_kinds=_tally(one.image_kind for one in facts if one.image_kind),
        mask_kinds=_tally(one.mask_kind for one in facts if one.mask_kind),
        turned=sum(one.turned for one in upright),
        unturned=sum(not one.turned for one in upright),
        source_mb=source_mb * num_pairs / len(facts) if facts else 0.0,
        records_mb=0.0,
        next_command=_next_command(material, problems),
        seconds=0.0,
        samples=_samples(material),
        notes=found.notes if found else (),
    )


def _sample(refs: Sequence[ExampleRef], seed: int) -> list[ExampleRef]:
    """Returns FAST_PAIRS of the pairs in their order, by chance: each split has its part, since all are in one draw."""

    def key(ref: ExampleRef) -> bytes:
        return hashlib.sha256(f"check {seed}\0{ref.image}".encode("utf-8", "surrogateescape")).digest()

    chosen = set(sorted(refs, key=key)[:FAST_PAIRS])
    return [ref for ref in refs if ref in chosen]


def _tally(things: Iterable[Kind]) -> tuple[tuple[Kind, int], ...]:
    return tuple(Counter(things).most_common())


def _rows(material: Material) -> tuple[ValueRow, ...]:
    """Returns the table of values: class by class, ignore after them, then what is not listed."""
    draft = None if material.found else _draft(material)
    classes = material.found.classes if material.found else draft
    colors = classes.colors() if classes else ()
    names = MaskMapper(draft) if draft else None
    pixels: Counter[tuple[int | None, str]] = Counter()
    images: Counter[tuple[int | None, str]] = Counter()
    first: dict[tuple[int | None, str], MaskValue] = {}
    row_key = functools.cache(functools.partial(_row_key, material))  # a few values stand in thousands of masks
    for facts in material.facts:
        keys = set()
        for value, count in facts.values:
            key = row_key(value)
            first.setdefault(key, value)
            pixels[key] += count
            keys.add(key)
        images.update(keys)
    total = sum(one.other_pixels + sum(count for _, count in one.values) for one in material.facts) or 1
    rows = []
    for key, value in first.items():
        index, text = key
        name, color = "", value.color
        shown_as = index if index is not None else _drafted(names, value)
        if classes is not None and shown_as is not None:
            name = classes.name_of(shown_as)
            color = color if shown_as == IGNORE_INDEX else colors[shown_as]
        note = _note(material, value)
        rows.append(ValueRow(index, name, text, color, pixels[key], pixels[key] / total, images[key], note))
    if material.found:
        rows += _absent_rows(material.found.classes, {row.id for row in rows})
    last = 1 << 16
    return tuple(sorted(rows, key=lambda row: (last if row.id is None else row.id, -row.pixels, row.value)))


def _absent_rows(classes: ClassMap, present: set[int | None]) -> list[ValueRow]:
    """Returns a row of 0 pixels for each class that never occurs."""
    rows = []
    for index, name in enumerate(classes.names):
        if index not in present:
            value = next(iter(classes.values_of(index)), "")
            rows.append(ValueRow(index, name, value, classes.colors()[index], 0, 0.0, 0, "never occurs"))
    return rows


def _row_key(material: Material, value: MaskValue) -> tuple[int | None, str]:
    """Returns (class index, notation) of the row that a value belongs to."""
    index = material.index_of(value)
    if isinstance(index, str):
        index = None  # it may be two classes, so it is none; the problem says which
    if index is not None and material.found and index == material.found.classes.default:
        listed = material.found.classes.values_of(index)
        if str(value) not in listed and str(value.number) not in listed and _hex(value) not in listed:
            return index, "*"
    return index, str(value)


def _hex(value: MaskValue) -> str:
    return "#{:02X}{:02X}{:02X}".format(*value.color)


def _draft(material: Material) -> ClassMap | None:
    """Returns the class map that `segconv classes` would draft; None where it could not."""
    if not any(facts.values for facts in material.facts):
        return None
    try:
        return parse_class_map(draft_classes(material.facts, None), "draft")
    except UsageError:
        return None


def _drafted(names: MaskMapper | None, value: MaskValue) -> int | None:
    try:
        return names.index_of(value) if names else None
    except ValueError:
        return None


def _note(material: Material, value: MaskValue) -> str:
    """Returns a remark on a value."""
    frequent = material.strays.get(value)
    if frequent is not None and material.index_of(value) is None:
        return f"rare, near {frequent}: a damaged edge?"
    index = material.index_of(value)
    if isinstance(index, str):
        return index
    if index is not None and frequent is not None and material.config.pair.tolerance:
        return f"near {frequent}; taken with --tolerance"
    if index is None and material.found:
        nearest = material.nearest(value)
        return f"not listed; nearest: {material.found.classes.name_of(nearest[1])!r}" if nearest else "not listed"
    return ""


def _samples(material: Material) -> tuple[ExampleRef, ...]:
    """Returns up to SAMPLES good pairs: for each value the one with most of it, then some spread over the splits."""
    good = [one for one in material.facts if one.error is None and one.values]
    best: dict[object, tuple[int, int]] = {}
    for place, one in enumerate(good):
        for value, count in one.values[:SAMPLES]:
            key = material.index_of(value) if material.found else value
            if best.setdefault(key, (count, place))[0] < count:
                best[key] = (count, place)
    chosen = dict.fromkeys(place for _, place in sorted(best.values(), reverse=True)[: SAMPLES // 2])
    step = max(1, len(good) // SAMPLES)
    chosen |= dict.fromkeys(place for place in range(0, len(good), step))
    return tuple(good[place].ref for place in sorted(list(chosen)[:SAMPLES]))


def _record_bytes(config: BuildConfig, facts: Sequence[PairFacts], found: FoundClasses | None) -> float:
    """Returns the predicted size of one record, in bytes: the mean of some that are made, and thrown away."""
    # Without a class map every value is the same class: a mask is a few per cent of a record.
    classes = found.classes if found else ClassMap(("all",), {}, {}, {}, default=0)
    mapper = MaskMapper(classes, config.pair.tolerance)
    good = [one.ref for one in facts if one.error is None]
    sizes = []
    for number in range(min(SIZED_PAIRS, len(good))):
        ref = good[number * len(good) // min(SIZED_PAIRS, len(good))]
        try:
            sizes.append(len(encode_record(make_record(ref, config.source, mapper, config.pair)[0])) + FRAME_BYTES)
        except DataError:
            continue  # a value that is not listed, or a file that has just changed
    return sum(sizes) / len(sizes) if sizes else 0.0


def _next_command(material: Material, problems: Sequence[Problem]) -> str:
    """Returns what to run next, to be copied into a shell."""
    config, error = material.config, material.class_error
    options = _source_options(config)
    errors = [problem for problem in problems if problem.severity == "error"]
    codes = {problem.code for problem in errors}
    if codes == {"E_CLASSES"} and error and config.source.classes is None and error.what.startswith("does not exist"):
        return f"segconv classes {options} --write"
    tolerance = config.pair.tolerance
    if codes == {"E_MASK_VALUE"} and all(problem.mend.startswith("Pass --tolerance") for problem in errors):
        tolerance = material.tolerance
    elif codes:
        return f"mend the errors above, then run segconv check {options} again"
    if any(problem.code == "W_NO_VAL" for problem in problems):
        has_lists = any(ref.list_name for refs in material.layout.refs.values() for ref in refs)
        return f"segconv split {options}" + (" --overwrite" if has_lists else "")
    pair = [f"--tolerance {tolerance}"] if tolerance else []
    return " ".join(["segconv build", options, *_pair_options(config.pair), *pair])


def _source_options(config: BuildConfig) -> str:
    """Returns the options that say where the dataset is."""
    source = config.source
    words = ["--src", str(source.src)]
    for option in ("layout", "image", "mask", "classes"):
        value = getattr(source, option)
        words += [f"--{option}", value] if value is not None else []
    words += ["--follow-links"] if source.follow_links else []
    return shlex.join(words)


def _pair_options(pair: PairConfig) -> list[str]:
    """Returns the options that differ from what a build does anyway."""
    default = PairConfig()
    words = []
    if pair.size is None:
        words.append("--keep-size")
    elif pair.size != default.size:
        words.append(f"--size {pair.size[0]}x{pair.size[1]}")
    for option in ("fit", "mask_resample", "image_format"):
        value = getattr(pair, option)
        words += [f"--{option.replace('_', '-')} {value}"] if value != getattr(default, option) else []
    return words


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
        "mend": problem.mend,
        "count": len(problem.places),
        "places": [list(place) for place in problem.places],
    }


def _number_of(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _head_text(report: CheckReport) -> str:
    """Returns what was read, in a few aligned lines."""
    pairs = ", ".join(f"{shown(name)} {split.pairs:,}" for name, split in report.splits.items())
    read = f"all {report.read:,} pairs" if report.read == report.num_pairs else ""
    read = read or f"{report.read:,} of {report.num_pairs:,} pairs (--fast)"
    rate = f", {report.read / report.seconds:.0f} pairs/s" if report.seconds else ""
    sizes = [f"{number:,} x {height} high, {width} wide" for (height, width), number in report.image_sizes[:3]]
    more = f", and {len(report.image_sizes) - 3} more sizes" if len(report.image_sizes) > 3 else ""
    lines = [
        ("layout", f"{report.layout} ({shown(', '.join(report.evidence))})" if report.evidence else report.layout),
        ("pairs", pairs),
        ("class map", shown(report.classes) or "none"),
        *(("", shown(note)) for note in report.notes),
        ("read", f"{read} in {report.seconds:.1f} s{rate}"),
        ("images", _kinds_text(report.image_kinds)),
        ("sizes", "; ".join(sizes) + more),
        ("masks", _kinds_text(report.mask_kinds)),
    ]
    if report.turned or report.unturned:
        turned = f"{_number_of(report.turned, 'photograph')} turned as EXIF says"
        lines.append(("turned", f"{turned}, {report.unturned:,} left as stored because their masks fit so"))
    size = f"{report.source_mb:,.1f} MB of files, about {report.records_mb:,.1f} MB of records"
    lines.append(("size", size))
    return f"{shown(report.src)}\n" + "\n".join(f"  {name:9}  {text}" for name, text in lines if text)


def _kinds_text(kinds: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds)


def _problem_text(problem: Problem) -> str:
    """Returns a problem, its first places one a line, and its remedy."""
    count = len(problem.places)
    places = [f"  {shown(where)}: {shown(what, SHOWN_WHAT_CHARS)}" for where, what in problem.places[:SHOWN_PLACES]]
    if count > SHOWN_PLACES:
        places.append(f"  and {count - SHOWN_PLACES:,} more (--json lists all)")
    head = f"{problem.severity.upper()} {problem.code}, {count:,} place{'s' if count > 1 else ''}"
    return "\n".join([head, *places, f"  -> {shown(problem.mend, SHOWN_WHAT_CHARS)}"])


def _rows_text(rows: Sequence[ValueRow]) -> str:
    """Returns the table of values."""
    lines: list[tuple[str, ...]] = [("id", "class", "value", "pixels", "images", "note")]
    for row in rows[:SHOWN_ROWS]:
        index = "" if row.id is None else str(row.id)
        share = f"{row.share:.2%}"
        lines.append((index, shown(row.name), row.value, share, str(row.images), shown(row.note)))
    text = table(lines)
    return f"{text}\nand {len(rows) - SHOWN_ROWS:,} more values (--json lists all)" if len(rows) > SHOWN_ROWS else text
