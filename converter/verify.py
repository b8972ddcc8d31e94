"""Verify: a folder of records -> all that is wrong with it, held against its manifest and, if asked, its sources.

Every byte of the folder is accounted for: by the manifest's seal, the hash of each shard, what can be derived from
those two (indices, TFDS files), and the hash of errors.jsonl. Each shard is told by its first damaged record.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from converter.commit import MEND_FOREIGN, is_begun, locked
from converter.config import MAX_FILE_BYTES, SourceConfig, num_workers
from converter.console import Progress
from converter.engines import run_local
from converter.errors import REBUILD, SHOWN_WHAT_CHARS, DataError, SegconvError, UsageError, shown
from converter.manifest import Manifest, ShardInfo, check_shard_file, manifest_text, parse_manifest, text_of
from converter.masks import count_classes
from converter.receipts import receipt_path
from converter.records import decode_record
from converter.repair import StoredPair, derive, read_origin, repair
from converter.schema import ERRORS, IGNORE_INDEX, INDEX_SUFFIX, MANIFEST
from converter.storage import TEMPORARY
from converter.tfds import tfds_files
from converter.tfrecord import FRAME_BYTES, REPAIR, ShardError, open_shard, read_index_text, read_shard, size_of

SHOWN_PROBLEMS = 50  # in the text; --json has them all
RECORDS = 16  # that are derived again from their sources unless the user asks for more
MOST_RECORDS = 2**62  # that are counted; more cannot be, whatever a manifest says


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

    @property
    def is_of_source(self) -> bool:
        """Tells whether the sources have changed, which is no fault of the records."""
        return self.error.code == "E_SOURCE"

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
      repair: faulty files were to be put back.
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
    repair: bool = False
    shards: int = 0
    records: int = 0
    problems: list[Problem] = field(default_factory=list)
    derived: int = 0
    repaired: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def damaged(self) -> list[str]:
        """Names of the shards that are not as they were built."""
        return sorted({problem.shard for problem in self.problems if problem.shard and not problem.is_of_source})

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
        if all(problem.is_of_source for problem in self.problems):
            return f"{self.shards} shards, {self.records} records: whole, but the source has changed"
        damaged = f"{len(self.damaged)} of {self.shards} shards are damaged" if self.damaged else "not whole"
        if self.repair or not any(problem.error.mend == REPAIR for problem in self.problems):
            return damaged
        path = "" if self.folder == VerifyConfig.folder else f" {shlex.quote(str(self.folder))}"
        source = "dataset/" if self.source is None else shlex.quote(str(self.source))
        return f"{damaged}: run segconv verify{path} --repair --src {source}"


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
    pairs: list[StoredPair] = field(default_factory=list)


def verify(config: VerifyConfig) -> Verification:
    """Reads all of a folder of records, and mends it where it is told to.

    Raises:
      UsageError: the folder is no finished dataset, or became another one meanwhile; the source cannot be read; or
        a repair is wanted where a build is at work, or was ended while it exchanged the dataset.
      MachineError: a repair cannot be written, or workers were lost.
    """
    start = time.monotonic()
    report = Verification(config.folder, config.source.src if config.source else None, config.repair)
    with locked(config.folder) if config.repair and config.folder.is_dir() else contextlib.nullcontext():
        if config.repair and is_begun(config.folder):
            mend = "Run the same `segconv build` again, which finishes that."
            raise UsageError(config.folder, "is half exchanged for another dataset", mend, "E_OUT")
        text = None
        try:
            text = manifest_text(config.folder)
            manifest = parse_manifest(text, config.folder / MANIFEST)
        except DataError as error:
            report.problems.append(Problem(error))  # against what nothing else could be held
        else:
            _verify(config, manifest, text, report)
    if report.problems and text is not None and not _holds(config.folder, text):
        what = "became another dataset while it was read"
        raise UsageError(config.folder, what, "Run `segconv verify` again.", "E_LOCKED")
    report.seconds = time.monotonic() - start
    return report


def _holds(folder: Path, text: str) -> bool:
    """Tells whether the manifest of a folder still is this text."""
    try:
        return manifest_text(folder) == text
    except SegconvError:
        return False


def _verify(config: VerifyConfig, manifest: Manifest, text: str, report: Verification) -> None:
    """Fills in a report on a dataset whose manifest is whole."""
    origin = read_origin(config.folder, config.source, manifest, config.workers) if config.source else None
    shards = [shard for _, shard in manifest.shards()]
    wanted = chosen(shards, config.records) if origin else {}
    facts = _check_shards(config, manifest, shards, wanted)
    refused: list[tuple[str, DataError]] = []
    if config.repair and origin:
        texts = {name: text for name, text in tfds_files(manifest).items() if _text_fault(config.folder / name, text)}
        texts |= {name + INDEX_SUFFIX: one.index for name, one in facts.items() if one.index is not None}
        report.repaired, refused = repair(origin, manifest, [s for s in shards if facts[s.name].fault], texts)
        mended = set(report.repaired)
        again = [shard for shard in shards if mended & {shard.name, shard.name + INDEX_SUFFIX}]
        facts |= _check_shards(config, manifest, again, wanted)
    report.shards, report.records = len(shards), sum(shard.records for shard in shards)
    problems, report.notes = _file_problems(config.folder, manifest, text)
    for shard in shards:
        one = facts[shard.name]
        problems += [Problem(error, shard.name) for error in (one.fault, one.index_fault) if error]
    problems += _count_problems(config.folder, manifest, facts)
    problems += [Problem(error, name) for name, error in refused]
    if origin:
        problems += [Problem(error) for error in origin.errors]
        pairs = {name: one.pairs for name, one in facts.items() if one.fault is None}
        report.derived, others = derive(origin, manifest, pairs)
        problems += [Problem(error, name) for name, error in others]
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
    left = f"hidden files of a build that was ended: {len(hidden)}; the next one goes on from them or deletes them"
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
