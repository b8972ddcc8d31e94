"""Check: reports all problems in a dataset in one run, before a build.

The dataset is only read. The CheckReport says what the files contain, what is wrong, and which command to run next.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from converter.building.plan import missing_mask_notes
from converter.building.tiles import RecordMaker
from converter.checking.facts import DatasetFacts
from converter.checking.next_command import next_command
from converter.checking.problems import find_problems
from converter.checking.report import CheckReport, SplitFacts
from converter.checking.survey import PairFacts, survey
from converter.checking.values import value_rows
from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses, find_class_map
from converter.classes.mapper import MaskMapper
from converter.config import BuildConfig
from converter.dataset.example import encode_record
from converter.dataset.tfrecord import FRAME_BYTES
from converter.engines.events import Engine
from converter.engines.local import local_forked
from converter.errors import DataError, UsageError
from converter.pixels.geometry import Box, scaled_size, tile_boxes
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout
from converter.sources.levels import with_levels
from converter.sources.mirror import local_source
from converter.sources.rasters import is_raster
from converter.sources.refs import ExampleRef
from converter.sources.sizes import tiled
from converter.system.console import Progress

Kind = TypeVar("Kind", bound=Hashable)

FAST_PAIRS = 200  # read by --fast, over all splits: takes seconds, and still shows a problem that 1 % of the pairs have
SIZED_PAIRS = 6  # encoded to predict the size of the records; within about 10 % for images of one kind
SAMPLES = 12  # pairs shown as images


def check(
    config: BuildConfig,
    *,
    fast: bool = False,
    on_progress: Callable[[int], None] | None = None,
    engine: Engine = local_forked,
) -> CheckReport:
    """Checks everything that `build` with the same options would, and more.

    Args:
      config: of the build.
      fast: reads a fixed sample of at most FAST_PAIRS pairs.
      on_progress: called with the number of pairs done; None shows progress on stderr.
      engine: runs the tasks.

    Raises:
      UsageError: there is no dataset to check.
      MachineError: the disk failed, or a worker was lost.
    """
    start = time.monotonic()
    config = dataclasses.replace(config, source=with_levels(local_source(config.source), config.num_workers, engine))
    layout = find_layout(config.source)
    found, class_error = None, None
    try:
        found = find_class_map(config.source, layout)
        notes = missing_mask_notes(layout, found.classes, config.source.missing_mask)
        found = dataclasses.replace(found, notes=(*found.notes, *notes))
    except UsageError as error:
        class_error = error
    refs = [ref for split_refs in layout.refs.values() for ref in split_refs]
    if fast and len(refs) > FAST_PAIRS:
        refs = _sample(refs, config.seed)
    windowed = [ref for ref in refs if config.pair.tile and _reads_windows(ref, config)]
    refs = [ref for ref in refs if ref not in windowed] if windowed else refs
    with Progress(len(refs), "pair") as progress:
        show, tolerance = on_progress or progress.show, config.pair.tolerance
        facts = survey(refs, config.source, config.num_workers, show, tolerance=tolerance, engine=engine)
    report = judge(config, layout, facts, found, class_error, windowed)
    size = _record_bytes(config, facts, found) * report.num_pairs * _tiles_a_photo(config, facts)
    return dataclasses.replace(report, records_mb=size / 1e6, seconds=time.monotonic() - start)


def judge(
    config: BuildConfig,
    layout: Layout,
    facts: Sequence[PairFacts],
    found: FoundClasses | None = None,
    class_error: UsageError | None = None,
    windowed: Sequence[ExampleRef] = (),
) -> CheckReport:
    """Returns the report on a dataset whose pairs were read; `check` without its I/O.

    Args:
      config: of the build.
      layout: the files in the source folder.
      facts: of the pairs that were read, in the order of the layout.
      found: the class map; None where there is none.
      class_error: why there is none.
      windowed: pairs that were not read, since a build reads them by windows.
    """
    dataset = DatasetFacts(config, layout, facts, found, class_error, tuple(windowed))
    problems = find_problems(dataset)
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
            name: SplitFacts(len(refs), tuple(dataset.pixels[name][index] for index in range(num_classes)))
            for name, refs in layout.refs.items()
        },
        rows=value_rows(dataset),
        problems=problems,
        read=len(facts),
        image_sizes=_tally(one.image_size for one in facts if one.image_size),
        image_kinds=_tally(one.image_kind for one in facts if one.image_kind),
        mask_kinds=_tally(one.mask_kind for one in facts if one.mask_kind),
        turned=sum(one.turned for one in upright),
        unturned=sum(not one.turned for one in upright),
        source_mb=source_mb * num_pairs / len(facts) if facts else 0.0,
        records_mb=0.0,
        next_command=next_command(dataset, problems),
        seconds=0.0,
        samples=_samples(dataset),
        notes=found.notes if found else (),
    )


def _sample(refs: Sequence[ExampleRef], seed: int) -> list[ExampleRef]:
    """Returns a random sample of FAST_PAIRS pairs in their order, drawn over all splits together."""

    def key(ref: ExampleRef) -> bytes:
        return hashlib.sha256(f"check {seed}\0{ref.image}".encode("utf-8", "surrogateescape")).digest()

    chosen = set(sorted(refs, key=key)[:FAST_PAIRS])
    return [ref for ref in refs if ref in chosen]


def _tally(things: Iterable[Kind]) -> tuple[tuple[Kind, int], ...]:
    return tuple(Counter(things).most_common())


def _samples(dataset: DatasetFacts) -> tuple[ExampleRef, ...]:
    """Returns up to SAMPLES valid pairs: for each value the pair with most of it, then some spread over the splits."""
    good = [one for one in dataset.facts if one.error is None and one.values]
    best: dict[object, tuple[int, int]] = {}
    for place, one in enumerate(good):
        for value, count in one.values[:SAMPLES]:
            key = dataset.index_of(value) if dataset.found else value
            if best.setdefault(key, (count, place))[0] < count:
                best[key] = (count, place)
    chosen = dict.fromkeys(place for _, place in sorted(best.values(), reverse=True)[: SAMPLES // 2])
    step = max(1, len(good) // SAMPLES)
    chosen |= dict.fromkeys(place for place in range(0, len(good), step))
    return tuple(good[place].ref for place in sorted(list(chosen)[:SAMPLES]))


def _reads_windows(ref: ExampleRef, config: BuildConfig) -> bool:
    try:
        return is_raster(ref, config.source)
    except DataError:  # which the survey reports
        return False


def _tiles_a_photo(config: BuildConfig, facts: Sequence[PairFacts]) -> float:
    """Returns the mean number of records of a photograph: that of its tiles, or 1."""
    pair, sizes = config.pair, [one.image_size for one in facts if one.image_size]
    if pair.tile is None or pair.size is None or not sizes:
        return 1.0
    areas = [Box(0, 0, *scaled_size(size, pair.tile.scale)) for size in sizes]
    return sum(len(tile_boxes(area, pair.size, pair.tile.overlap, pair.tile.edge)) for area in areas) / len(sizes)


def _record_bytes(config: BuildConfig, facts: Sequence[PairFacts], found: FoundClasses | None) -> float:
    """Returns the predicted size of one record in bytes: the mean of a few that are encoded and discarded."""
    # Without a class map all values are one class: the mask is only a few per cent of a record.
    classes = found.classes if found else ClassMap(("all",), {}, {}, {}, default=0)
    maker = RecordMaker(config.source, MaskMapper(classes, config.pair.tolerance), config.pair)
    good = [one.ref for one in facts if one.error is None]
    sizes = []
    for number in range(min(SIZED_PAIRS, len(good))):
        ref = good[number * len(good) // min(SIZED_PAIRS, len(good))]
        try:
            tiles = tiled([ref], config.source, config.pair)
            if made := maker.make(tiles[len(tiles) // 2]):
                sizes.append(len(encode_record(made[0])) + FRAME_BYTES)
        except (DataError, UsageError):
            continue  # an unlisted value, or a file that has just changed
    return sum(sizes) / len(sizes) if sizes else 0.0
