"""Verify: a folder of records -> all that is wrong with it, held against its manifest and, if asked, its sources.

Every byte of the folder is accounted for: by the manifest's seal, the hash of each shard, what can be derived from
those two (indices, TFDS files), and the hash of errors.jsonl. Each shard is told by its first damaged record. A repair
puts nothing back but the very bytes that the manifest has the hash of.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from converter.class_files import find_class_map
from converter.classes import ClassMap, ClassMapBuilder
from converter.commit import is_begun, locked
from converter.config import MAX_FILE_BYTES, BuildConfig, PairConfig, SourceConfig, num_workers
from converter.console import Progress
from converter.engines import run_local
from converter.errors import REBUILD, SHOWN_WHAT_CHARS, DataError, SegconvError, UsageError, shown
from converter.layouts import LAYOUTS, Layout, find_layout
from converter.manifest import (
    Manifest,
    ShardInfo,
    check_shard_file,
    manifest_text,
    parse_manifest,
    text_of,
)
from converter.masks import MaskMapper, count_classes
from converter.receipts import receipt_path, written_by
from converter.records import Record, decode_record, encode_record
from converter.schema import ERRORS, IGNORE_INDEX, INDEX_SUFFIX, MANIFEST
from converter.shards import ShardResult, ShardTask, make_record, plan_shards, run_shard_task, without_pair
from converter.splits import ExampleRef
from converter.storage import TEMPORARY, sync_folder, temporary_path, write_error, write_whole
from converter.tfds import tfds_files
from converter.tfrecord import (
    FRAME_BYTES,
    REPAIR,
    ShardError,
    open_shard,
    read_frame,
    read_index_text,
    read_shard,
    size_of,
)

SHOWN_PROBLEMS = 50  # in the text; --json has them all
RECORDS = 16  # that are derived again from their sources unless the user asks for more
MOST_RECORDS = 2**62  # that are counted; more cannot be, whatever a manifest says

MEND_SOURCE = "Restore the sources, or build the dataset again with `segconv build --overwrite`."
MEND_FOREIGN = "Move it out of the folder."


@dataclass(frozen=True)
class VerifyConfig:
    """What `segconv verify` is to do.

    Attributes:
      folder: of the records.
      source: where the dataset is that they were made of; None holds them against nothing but their manifest.
      records: so many, by chance, are derived again from the source; None takes all.
      repair: puts faulty files back as they were built.
      workers: processes; 0 is one for each processor that this process may use.
    """

    folder: Path = Path("records")
    source: SourceConfig | None = None
    records: int | None = RECORDS
    repair: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.repair and self.source is None:
            raise UsageError("--repair", "makes shards anew", "Name what they were made of with --src DIR.")


@dataclass(frozen=True)
class Problem:
    """Something that is wrong.

    Attributes:
      error: where, what, and how to mend it.
      shard: file name of the shard that it is in; "" where it is in none.
    """

    error: SegconvError
    shard: str = ""

    def __str__(self) -> str:
        error = self.error
        told = f"{shown(error.where)}: {shown(error.what, SHOWN_WHAT_CHARS)}"
        return told if error.mend == REPAIR else f"{told}. {error.mend}"  # which the last line says for all

    def to_json(self) -> dict[str, Any]:
        """Returns the object that stands for it in `segconv verify --json`; record and offset may be null."""
        error = self.error
        record, offset = (error.record, error.offset) if isinstance(error, ShardError) else (None, None)
        return {
            "code": error.code,
            "where": error.where,
            "what": error.what,
            "mend": error.mend,
            "shard": self.shard or None,
            "record": record,
            "offset": offset,
        }


@dataclass
class Verification:
    """What was found.

    Attributes:
      folder: of the records.
      source: of the dataset, if it was read.
      shards: number that the manifest accounts for.
      records: number that it accounts for.
      problems: all that is wrong, in the order of the files.
      derived: records that were derived again from the source and compared.
      repaired: names of the files that were put back.
      notes: what is no fault, but should be known.
      seconds: wall time.
    """

    folder: Path
    source: Path | None = None
    shards: int = 0
    records: int = 0
    problems: list[Problem] = field(default_factory=list)
    derived: int = 0
    repaired: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def damaged(self) -> list[str]:
        """Names of the shards that something is wrong with."""
        return sorted({problem.shard for problem in self.problems if problem.shard})

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv verify --json` prints."""
        return {
            "path": str(self.folder),
            "ok": not self.problems,
            "shards": self.shards,
            "records": self.records,
            "damaged": self.damaged,
            "derived": self.derived,
            "repaired": self.repaired,
            "problems": [problem.to_json() for problem in self.problems],
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv verify` prints it: one line for each problem, the verdict last."""
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f"... and {len(self.problems) - SHOWN_PROBLEMS} more; all of them with --json")
        lines += self.notes
        if self.repaired:
            lines.append(f"repaired: {shown(', '.join(self.repaired), SHOWN_WHAT_CHARS)}")
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        if not self.problems:
            derived = f"; {self.derived} of them derived again from the source, byte for byte" if self.derived else ""
            return f"{self.shards} shards, {self.records} records: whole{derived}"
        damaged = f"{len(self.damaged)} of {self.shards} shards are damaged" if self.damaged else "not whole"
        can_repair = self.source is None and any(problem.error.mend == REPAIR for problem in self.problems)
        path = "" if self.folder == VerifyConfig.folder else f" {shlex.quote(str(self.folder))}"
        return f"{damaged}: run segconv verify{path} --repair --src dataset/" if can_repair else damaged


@dataclass(frozen=True)
class ShardCheck:
    """One shard to be read from end to end.

    Attributes:
      folder: of the records.
      shard: what the manifest says of it.
      size: (height, width) of its pictures in pixels; None where they differ.
      num_classes: in the manifest.
      wanted: numbers of the records whose pairs are to be named; None for all.
      deadly: number of a record that kills whoever decodes it, and how; None for none.
    """

    folder: Path
    shard: ShardInfo
    size: tuple[int, int] | None
    num_classes: int
    wanted: frozenset[int] | None = frozenset()
    deadly: tuple[int, str] | None = None


@dataclass
class ShardFacts:
    """What was read of a shard, as far as its first fault.

    Attributes:
      fault: the first one.
      index_fault: what is wrong with the index beside it.
      index: text of the index that belongs to the shard, where that beside it is wrong and the shard is whole.
      records: number of whole ones.
      example_bytes: sum of the serialized examples, without framing.
      pixels: per class index.
      images: records in which the class occurs, per class index.
      ignored_pixels: those that hold IGNORE_INDEX.
      pairs: (number, offset, photograph, mask) of the wanted records.
    """

    pixels: list[int]
    images: list[int]
    fault: DataError | None = None
    index_fault: DataError | None = None
    index: str | None = None
    records: int = 0
    example_bytes: int = 0
    ignored_pixels: int = 0
    pairs: list[tuple[int, int, str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class SourceCheck:
    """Records of one shard to be derived again.

    Attributes:
      path: of the shard, which is whole.
      records: number, offset and pair of each.
      source: where the pairs lie.
      classes: which mask value is which class.
      pair: what was done to each pair.
    """

    path: Path
    records: tuple[tuple[int, int, ExampleRef], ...]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig


@dataclass(frozen=True)
class Origin:
    """The source as it is now, planned as the manifest says that it was built.

    Attributes:
      config: of that build, but for the number of shards.
      layout: what lies there.
      classes: the class map that the records were made with.
      tasks: by name of their shards.
      problems: what is no longer as it was.
    """

    config: BuildConfig
    layout: Layout
    classes: ClassMap
    tasks: Mapping[str, ShardTask]
    problems: list[Problem]


def verify(config: VerifyConfig) -> Verification:
    """Reads all of a folder of records, and mends it where it is told to.

    Raises:
      UsageError: the folder is no finished dataset, or the source cannot be read.
      MachineError: a repair cannot be written, or workers were lost.
    """
    start = time.monotonic()
    report = Verification(config.folder, config.source.src if config.source else None)
    try:
        text = manifest_text(config.folder)
        manifest = parse_manifest(text, config.folder / MANIFEST)
    except DataError as error:
        report.problems.append(Problem(error))  # against what nothing else could be held
    else:
        _verify(config, manifest, text, report)
    report.seconds = time.monotonic() - start
    return report


def _verify(config: VerifyConfig, manifest: Manifest, text: str, report: Verification) -> None:
    """Fills in a report on a dataset whose manifest is whole."""
    origin = read_origin(config.folder, config.source, manifest) if config.source else None
    shards = [shard for _, shard in manifest.shards()]
    wanted = chosen(shards, config.records) if origin else {}
    facts = _check_shards(config, manifest, shards, wanted)
    refused: list[Problem] = []
    if config.repair and origin:
        report.repaired, refused = _repair(config, manifest, facts, origin)
        mended = set(report.repaired)
        again = [shard for shard in shards if mended & {shard.name, shard.name + INDEX_SUFFIX}]
        facts |= _check_shards(config, manifest, again, wanted)
    report.shards, report.records = len(shards), sum(shard.records for shard in shards)
    problems, report.notes = _file_problems(config.folder, manifest, text)
    for shard in shards:
        one = facts[shard.name]
        problems += [Problem(error, shard.name) for error in (one.fault, one.index_fault) if error]
    problems += [*_count_problems(config.folder, manifest, facts), *refused]
    if origin:
        problems += origin.problems
        problems += _derive(config, manifest, origin, facts, report)
    report.problems = problems


def check_shard(task: ShardCheck, tick: Callable[[], None]) -> ShardFacts:
    """Reads one shard: its hash, every checksum, every record, and the index beside it.

    Args:
      task: what to read; nothing in the file is trusted.
      tick: called after each record.
    """
    path = task.folder / task.shard.name
    facts = ShardFacts([0] * task.num_classes, [0] * task.num_classes)
    lines: list[str] = []
    offset = 0
    try:
        check_shard_file(task.folder, task.shard)
        for number, data in enumerate(read_shard(path)):
            _take(task, facts, data, number, offset)
            lines.append(f"{offset} {len(data) + FRAME_BYTES}\n")
            offset += len(data) + FRAME_BYTES
            tick()
        if facts.records != task.shard.records:
            what = f"holds {facts.records} records, the manifest says {task.shard.records}"
            raise ShardError(path, what, "E_COUNTS")
    except DataError as error:
        facts.fault = error
    facts.index_fault = _index_fault(path, task.shard.records, None if facts.fault else lines)
    if facts.index_fault and not facts.fault:
        facts.index = "".join(lines)
    return facts


def _take(task: ShardCheck, facts: ShardFacts, data: bytes, number: int, offset: int) -> None:
    """Takes a record into the facts of its shard, if its pictures are whole, of the right size, and of known classes.

    Raises:
      ShardError: they are not.
    """
    path = task.folder / task.shard.name
    if task.deadly and task.deadly[0] == number:
        what = f"ends the process that decodes it, at byte {offset} ({task.deadly[1]})"
        raise ShardError(path, what, "E_RECORD", number, offset)
    try:
        record = decode_record(data, path)
        mask, image = record.mask, record.image
    except DataError as error:
        name = "" if error.where == str(path) else f": {error.where}"
        raise ShardError(path, f"at byte {offset}{name} {error.what}", error.code, number, offset) from None
    if mask.shape != (task.size or mask.shape) or image.shape[:2] != mask.shape:
        sizes = f"an image of {image.shape[0]}x{image.shape[1]} and a mask of {mask.shape[0]}x{mask.shape[1]}"
        told = f", the manifest says {task.size[0]}x{task.size[1]}" if task.size else ""
        raise ShardError(path, f"at byte {offset} holds {sizes}{told}", "E_SIZE", number, offset)
    counts, ignored = count_classes(mask, IGNORE_INDEX)
    stray = next((index for index in range(task.num_classes, IGNORE_INDEX) if counts[index]), None)
    if stray is not None:
        what = f"at byte {offset} holds class {stray}, the manifest has 0..{task.num_classes - 1}"
        raise ShardError(path, what, "E_MASK_VALUE", number, offset)
    for index, count in enumerate(counts[: task.num_classes]):
        facts.pixels[index] += count
        facts.images[index] += count > 0
    facts.ignored_pixels += ignored
    facts.example_bytes += len(data)
    facts.records += 1
    if task.wanted is None or number in task.wanted:
        facts.pairs.append((number, offset, record.file_name, record.mask_name))


def _index_fault(shard: Path, records: int, lines: list[str] | None) -> DataError | None:
    """Returns what is wrong with the index of a shard; of a damaged shard (None) it is only known to be there."""
    path = shard.with_name(shard.name + INDEX_SUFFIX)
    try:
        found = read_index_text(shard, records).splitlines(keepends=True)
    except DataError as error:
        return ShardError(path, error.what, "E_INDEX")
    except ValueError:
        return ShardError(path, "is no index: it is not ASCII", "E_INDEX")
    if lines is None or found == lines:
        return None
    pairs = zip(found, lines, strict=False)
    number = next((n for n, (line, right) in enumerate(pairs) if line != right), min(len(found), len(lines)))
    said, right = (repr(each[number]) if number < len(each) else "nothing" for each in (found, lines))
    return ShardError(path, f"says {shown(said)} of record {number}, where its shard says {right}", "E_INDEX")


def _check_shards(
    config: VerifyConfig,
    manifest: Manifest,
    shards: list[ShardInfo],
    wanted: Mapping[str, frozenset[int] | None],
) -> dict[str, ShardFacts]:
    """Reads shards, each in a process of its own; returns what was found, by their names."""
    num_classes, size = manifest.num_classes, manifest.size
    tasks = [
        ShardCheck(config.folder, shard, size, num_classes, wanted.get(shard.name, frozenset())) for shard in shards
    ]
    if not tasks:
        return {}
    with Progress(sum(shard.records for shard in shards), "record") as progress:
        results = run_local(check_shard, tasks, num_workers(config.workers), progress.show, _without)
    everything = [shard for _, shard in manifest.shards()]
    for shard, facts in zip(shards, results, strict=True):
        if facts.fault:
            # Once more, with all others in view, which would be a burden on every task: only so a swap is recognised.
            try:
                check_shard_file(config.folder, shard, everything)
            except DataError as error:
                facts.fault = error
    return {shard.name: facts for shard, facts in zip(shards, results, strict=True)}


def _without(task: ShardCheck, unit: int, how: str) -> ShardCheck:
    """Returns the task with the record named that ended its worker twice."""
    return dataclasses.replace(task, deadly=(unit, how))


def _file_problems(folder: Path, manifest: Manifest, text: str) -> tuple[list[Problem], list[str]]:
    """Returns (what is wrong with all files but the shards and their indices, notes)."""
    problems = []
    if text != text_of(json.loads(text)):
        what = "is not as it was written: the content is the same, the bytes are not"
        problems.append(Problem(DataError(folder / MANIFEST, what, REBUILD, "E_MANIFEST")))
    texts = tfds_files(manifest)
    problems += [Problem(error) for name, text in texts.items() if (error := _text_fault(folder / name, text))]
    if manifest.errors_sha256:
        path = folder / ERRORS
        try:
            with open_shard(path) as file:
                digest = hashlib.sha256(file.read(min(size_of(file), MAX_FILE_BYTES))).hexdigest()
            if digest != manifest.errors_sha256:
                what = "is not the file that was built: its SHA-256 is not the manifest's"
                problems.append(Problem(DataError(path, what, REBUILD, "E_ERRORS")))
        except ShardError as error:
            problems.append(Problem(DataError(path, error.what, REBUILD, "E_ERRORS")))
    known = {MANIFEST, *manifest.files(), *texts}
    receipts = {receipt_path(folder / shard.name).name for _, shard in manifest.shards()}
    names = sorted({path.name for path in folder.iterdir()} - known - receipts)
    hidden = [name for name in names if name.startswith(TEMPORARY)]
    for name in names:
        if name not in hidden:
            problems.append(Problem(DataError(folder / name, "is no file of the dataset", MEND_FOREIGN, "E_FOREIGN")))
    left = (
        f"{len(hidden)} hidden files are left of a build that was ended; the next one goes on from them or deletes them"
    )
    return problems, [left] if hidden else []


def _text_fault(path: Path, text: str) -> DataError | None:
    """Returns what is wrong with a file that should hold a text which the manifest decides."""
    right = text.encode()
    try:
        with open_shard(path) as file:
            found = file.read(len(right) + 1)
    except ShardError as error:
        return ShardError(path, error.what, "E_TFDS")
    return None if found == right else ShardError(path, "is not what the manifest says", "E_TFDS")


def _count_problems(folder: Path, manifest: Manifest, facts: Mapping[str, ShardFacts]) -> Iterable[Problem]:
    """Yields where the manifest counts otherwise than its shards hold; of splits whose shards are whole."""
    for split, info in manifest.splits.items():
        own = [facts[shard.name] for shard in info.shards]
        if any(one.fault for one in own):
            continue
        for name, found in _counts(own, manifest.num_classes).items():
            said = getattr(info, name)
            if said != found:
                what = f"says {name} {said} of split {split!r}, its shards hold {found}"
                yield Problem(DataError(folder / MANIFEST, what, REBUILD, "E_COUNTS"))


def _counts(facts: list[ShardFacts], num_classes: int) -> dict[str, int | tuple[int, ...]]:
    """Returns the counts of SplitInfo that can be read from its shards, by their names."""
    return {
        "example_bytes": sum(one.example_bytes for one in facts),
        "pixels": tuple(sum(one.pixels[index] for one in facts) for index in range(num_classes)),
        "images": tuple(sum(one.images[index] for one in facts) for index in range(num_classes)),
        "ignored_pixels": sum(one.ignored_pixels for one in facts),
    }


def chosen(shards: list[ShardInfo], count: int | None) -> dict[str, frozenset[int] | None]:
    """Returns the numbers of records to be derived again, by shard, the same at every run; None is all."""
    if count is None:
        return dict.fromkeys((shard.name for shard in shards), None)
    counts = [min(shard.records, MOST_RECORDS // len(shards)) for shard in shards]
    numbers = np.random.default_rng(0).choice(sum(counts), min(count, sum(counts)), replace=False)
    picked: dict[str, frozenset[int] | None] = {}
    start = 0
    for shard, own in zip(shards, counts, strict=True):
        inside = numbers[(start <= numbers) & (numbers < start + own)] - start
        picked[shard.name] = frozenset(inside.tolist())
        start += own
    return picked


def restored_classes(folder: Path, manifest: Manifest) -> ClassMap:
    """Returns the class map that the records were made with.

    Raises:
      DataError: the manifest does not hold one.
    """
    builder = ClassMapBuilder()
    try:
        for info in manifest.classes:
            for value in info.values:
                builder.add(info.name, value, info.id)
        for value in manifest.ignore_values:
            builder.add("ignore", value)
        return builder.finish()
    except ValueError as error:
        raise DataError(folder / MANIFEST, f"holds no class map: {error}", REBUILD, "E_MANIFEST") from None


def restored_config(folder: Path, manifest: Manifest, source: SourceConfig) -> BuildConfig:
    """Returns the build that the manifest tells of, into the same folder, but for the number of shards.

    Raises:
      DataError: the manifest does not tell it.
    """
    options = manifest.options
    try:
        texts = {name: str(options[name]) for name in ("mask_resample", "image_format")}
        size = tuple(options["size"]) if options["size"] else None
        pair = PairConfig(size, manifest.fit, tolerance=int(options["tolerance"]), **texts)
        limit = None if options["limit"] is None else int(options["limit"])
        return BuildConfig(source, folder, manifest.name, pair, seed=int(options["seed"]), limit=limit)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        what = f"does not tell the options of its build ({error})"
        raise DataError(folder / MANIFEST, what, REBUILD, "E_MANIFEST") from None


def read_origin(folder: Path, source: SourceConfig, manifest: Manifest) -> Origin:
    """Plans the build that the manifest tells of, from the source as it is now.

    Raises:
      UsageError: the source cannot be read.
      DataError: the manifest does not tell how it was built.
    """
    if source.layout is None and source.image is None and manifest.layout in LAYOUTS:
        source = dataclasses.replace(source, layout=manifest.layout)
    layout = find_layout(source)
    classes = restored_classes(folder, manifest)
    problems = list(_class_problems(source, layout, classes, manifest))
    config = restored_config(folder, manifest, source)
    tasks: dict[str, ShardTask] = {}
    for split, info in manifest.splits.items():
        own = plan_shards(
            split, layout.refs.get(split, ()), dataclasses.replace(config, shards=len(info.shards)), classes
        )
        tasks |= {task.path.name: task for task in own}
        pairs = sum(len(task.refs) for task in own) + sum(reject.split == split for reject in layout.rejects)
        # Of a build with a limit it is not known which pairs of the list it passed over.
        if config.limit is None and pairs != info.records + info.skipped:
            what = f"has {pairs} pairs for split {split!r}, the records were made of {info.records + info.skipped}"
            problems.append(Problem(DataError(source.src, what, MEND_SOURCE, "E_SOURCE")))
    return Origin(config, layout, classes, tasks, problems)


def _class_problems(source: SourceConfig, layout: Layout, classes: ClassMap, manifest: Manifest) -> Iterable[Problem]:
    """Yields where the class map of the source is no longer that of the records."""
    try:
        found = find_class_map(source, layout)
    except UsageError:
        if source.classes is not None:
            raise
        return  # the build was given one that does not lie there; the manifest has it
    if source.classes is None and Path(found.origin).name != manifest.class_map:
        return
    if found.classes != classes:
        indices = (*range(max(classes.num_classes, found.classes.num_classes)), IGNORE_INDEX)
        index = next((i for i in indices if _values(classes, i) != _values(found.classes, i)), IGNORE_INDEX)
        now, then = (_values(each, index) for each in (found.classes, classes))
        what = f"has for class {index} {now}, the records were made with {then}"
        yield Problem(DataError(found.origin, what, MEND_SOURCE, "E_SOURCE"))


def _values(classes: ClassMap, index: int) -> str:
    """Returns name and values of a class in words; "nothing" where there is none of that index."""
    if index != IGNORE_INDEX and index >= classes.num_classes:
        return "nothing"
    return f"{classes.name_of(index)}: {' '.join(sorted(classes.values_of(index)))}"


def _derive(
    config: VerifyConfig, manifest: Manifest, origin: Origin, facts: Mapping[str, ShardFacts], report: Verification
) -> Iterable[Problem]:
    """Derives the wanted records of all whole shards again; returns where other bytes come out."""
    problems: list[Problem] = []
    checks = []
    for split, shard in manifest.shards():
        if facts[shard.name].fault is None and facts[shard.name].pairs:
            check, strangers = _source_check(origin, split, config.folder / shard.name, facts[shard.name])
            problems += [Problem(error, shard.name) for error in strangers]
            checks.append(check)
    total = sum(len(check.records) for check in checks)
    if checks:
        with Progress(total, "record") as progress:
            results = run_local(check_against_source, checks, num_workers(config.workers), progress.show)
        for check, errors in zip(checks, results, strict=True):
            problems += [Problem(error, check.path.name) for error in errors]
    report.derived = total
    return problems


def _source_check(origin: Origin, split: str, path: Path, facts: ShardFacts) -> tuple[SourceCheck, list[ShardError]]:
    """Returns the wanted records of a shard with their pairs, and those whose pairs are no longer in the source."""
    known = {(ref.image, ref.mask): ref for ref in origin.layout.refs.get(split, ())}
    refused = {reject.error.where: reject.error.what for reject in origin.layout.rejects}
    records = []
    strangers = []
    for number, offset, image, mask in facts.pairs:
        if (image, mask) in known:
            records.append((number, offset, known[image, mask]))
            continue
        name = next((name for name in (image, mask) if name in refused), None)
        what = f"cannot be made again: {name} {refused[name]}" if name else f"is of {image} and {mask}, no pair now"
        strangers.append(ShardError(path, what, "E_SOURCE", number, offset, MEND_SOURCE))
    config = origin.config
    return SourceCheck(path, tuple(records), config.source, origin.classes, config.pair), strangers


def check_against_source(task: SourceCheck, tick: Callable[[], None]) -> list[ShardError]:
    """Derives records again from their sources; returns how they differ from those that are stored.

    Args:
      task: which records, and where their pairs lie.
      tick: called after each record.
    """
    mapper = MaskMapper(task.classes, task.pair.tolerance)
    errors = []
    with open_shard(task.path) as file:
        end = file.seek(0, os.SEEK_END)
        for number, offset, ref in task.records:
            file.seek(offset)
            stored = read_frame(file, end, task.path, number) or b""
            try:
                record, _ = make_record(ref, task.source, mapper, task.pair)
                what = "" if encode_record(record) == stored else _difference(stored, record)
            except DataError as error:
                what = f"cannot be made again: {error.where} {error.what}"
            if what:
                errors.append(ShardError(task.path, what, "E_SOURCE", number, offset, MEND_SOURCE))
            tick()
    return errors


def _difference(stored: bytes, record: Record) -> str:
    """Returns in words what a record says otherwise than its sources do now."""
    old = decode_record(stored, "record")
    parts = []
    if old.image_bytes != record.image_bytes or old.original_size != record.original_size:
        parts.append(record.file_name)
    if old.mask_bytes != record.mask_bytes:
        mask, other = old.mask, record.mask
        count = f"{int((mask != other).sum())} pixels" if mask.shape == other.shape else "another size"
        parts.append(f"{record.mask_name} ({count})")
    return f"is no longer what its sources give: {', '.join(parts) or 'its numbers'} changed since, or Pillow did"


def _repair(
    config: VerifyConfig, manifest: Manifest, facts: Mapping[str, ShardFacts], origin: Origin
) -> tuple[list[str], list[Problem]]:
    """Puts faulty files back as they were built, and touches no other.

    Returns:
      (names of the files that were put back, shards that could not be).

    Raises:
      UsageError: a build is at work in the folder, or was ended while it exchanged the dataset.
      MachineError: the disk failed.
    """
    folder = config.folder
    texts = {name: text for name, text in tfds_files(manifest).items() if _text_fault(folder / name, text)}
    texts |= {name + INDEX_SUFFIX: one.index for name, one in facts.items() if one.index is not None}
    faulty = [shard for _, shard in manifest.shards() if facts[shard.name].fault]
    tasks = [origin.tasks[shard.name] for shard in faulty if shard.name in origin.tasks]
    repaired: list[str] = []
    problems: list[Problem] = []
    with locked(folder):
        if is_begun(folder):
            mend = "Run the same `segconv build` again, which finishes that."
            raise UsageError(folder, "is half exchanged for another dataset", mend, "E_OUT")
        for name, text in texts.items():
            write_whole(folder / name, text.encode())
            repaired.append(name)
        try:
            results: list[ShardResult] = []
            if tasks:
                with Progress(sum(len(task.refs) for task in tasks), "image") as progress:
                    results = run_local(run_shard_task, tasks, num_workers(config.workers), progress.show, without_pair)
            made = {result.info.name: result.info for result in results}
            for shard in faulty:
                if _same(shard, made.get(shard.name)):
                    _put_back(folder, shard.name)
                    repaired += [shard.name, shard.name + INDEX_SUFFIX]
                else:
                    problems.append(Problem(_not_repaired(folder, shard, manifest), shard.name))
            sync_folder(folder)
        except OSError as error:
            raise write_error(folder, error) from error
        finally:
            for task in tasks:
                for name in (task.path.name, task.path.name + INDEX_SUFFIX):
                    temporary_path(folder / name).unlink(missing_ok=True)
    return repaired, problems


def _same(shard: ShardInfo, made: ShardInfo | None) -> bool:
    return made is not None and (made.records, made.bytes, made.sha256) == (shard.records, shard.bytes, shard.sha256)


def _put_back(folder: Path, name: str) -> None:
    """Gives a shard that was made again, and its index, their names."""
    for each in (name, name + INDEX_SUFFIX):
        temporary_path(folder / each).replace(folder / each)


def _not_repaired(folder: Path, shard: ShardInfo, manifest: Manifest) -> DataError:
    """Returns why a shard stays as it is."""
    what = "cannot be repaired: made again from the source it has another SHA-256, so the source has changed"
    now = written_by()
    others = [f"{name} {now[name]} ({was})" for name, was in manifest.written_by.items() if now.get(name, was) != was]
    if others:
        what = f"{what}, or it is another version that made it: {', '.join(others)}"
    return DataError(folder / shard.name, what, MEND_SOURCE, "E_SOURCE")
