"""Verify: a folder of records -> all problems in it, compared with its manifest and, if asked, its sources.

Every byte of the folder is accounted for: by the manifest's seal, the hash of each shard, what can be derived from
those two (indices, TFDS files), and the hash of errors.jsonl. Of each shard the first damaged record is reported.
Images and masks are decoded only where that is asked for: bytes with the right hash are those that build wrote.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from converter.building.beside import remarks
from converter.building.commit import FIX_FOREIGN
from converter.building.output import unknown_files
from converter.building.places import store_for
from converter.building.receipts import receipt_name
from converter.building.store import Store
from converter.config import num_workers
from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import Manifest, ShardInfo, text_of
from converter.dataset.parse import manifest_text, parse_manifest
from converter.dataset.store import size_of
from converter.dataset.tfds import tfds_files
from converter.dataset.tfrecord import ShardError, index_name, open_shard
from converter.engines.events import Engine
from converter.engines.local import local, local_forked
from converter.engines.supervise import supervise
from converter.errors import REBUILD, DataError, SegconvError, UsageError
from converter.limits import MAX_FILE_BYTES
from converter.schema import ERRORS, MANIFEST
from converter.system.console import Progress
from converter.system.files import TEMPORARY
from converter.verifying.derive import derive
from converter.verifying.repair import repair
from converter.verifying.report import RecordProblem, Verification, VerifyConfig
from converter.verifying.scan import ShardCheck, ShardFacts, check_shard
from converter.verifying.source_plan import plan_source

MOST_RECORDS = 2**62  # counted at most, whatever a forged manifest says


def verify(config: VerifyConfig, *, engine: Engine | None = None, store: Store | None = None) -> Verification:
    """Reads a whole folder of records, and repairs it if asked to.

    Args:
      config: what to do.
      engine: runs the tasks; by default one on this machine.
      store: where the records are; None is the local folder config.folder.

    Raises:
      UsageError: the folder is not a finished dataset, or was replaced meanwhile; the source cannot be read; or a
        repair is asked for where a build is running, or was interrupted while it replaced the dataset.
      MachineError: a repair cannot be written, or workers were lost.
    """
    start = time.monotonic()
    report = Verification(config.folder, config.source.src if config.source else None, config.repair)
    engine = engine or (local if config.decode or config.source else local_forked)
    store = store or store_for(config.folder)
    with store.lock() if config.repair and store.exists("") else contextlib.nullcontext():
        if config.repair and store.is_publishing():
            fix = "Run the same `segconv build` again, which finishes the replacement."
            raise UsageError(store.where(), "is only partly replaced by another dataset", fix, "E_OUT")
        text = None
        try:
            text = manifest_text(store)
            manifest = parse_manifest(text, store.where(MANIFEST))
        except DataError as error:
            # Without a manifest there is nothing to compare with.
            report.problems.append(RecordProblem(store.blocked(MANIFEST) or error))
        else:
            _verify(_Job(config, store, engine, manifest), text, report)
    if report.problems and text is not None and not _holds(store, text):
        what = "was replaced by another dataset while it was read"
        raise UsageError(store.where(), what, "Run `segconv verify` again.", "E_LOCKED")
    report.seconds = time.monotonic() - start
    return report


@dataclass(frozen=True)
class _Job:
    """What is verified, and how; the manifest is intact."""

    config: VerifyConfig
    store: Store
    engine: Engine
    manifest: Manifest


def _holds(store: Store, text: str) -> bool:
    """Returns whether the manifest of a store is still this text."""
    try:
        return manifest_text(store) == text
    except SegconvError:
        return False


def _verify(job: _Job, text: str, report: Verification) -> None:
    """Fills in the report on a dataset whose manifest is intact."""
    config, store, manifest = job.config, job.store, job.manifest
    plan = plan_source(store, config.source, manifest, config.workers) if config.source else None
    shards = [shard for _, shard in manifest.shards()]
    wanted = sampled_records(shards, config.records) if plan else {}
    facts = _check_shards(job, shards, wanted)
    refused: list[tuple[str, DataError]] = []
    if config.repair and plan:
        texts = {name: text for name, text in tfds_files(manifest).items() if _text_problem(store, name, text)}
        texts |= {index_name(name): one.index for name, one in facts.items() if one.index is not None}
        damaged = [shard for shard in shards if facts[shard.name].problem]
        report.repaired, refused = repair(plan, manifest, damaged, texts, job.engine)
        fixed = set(report.repaired)
        again = [shard for shard in shards if fixed & {shard.name, index_name(shard.name)}]
        facts |= _check_shards(job, again, wanted)
    report.shards, report.records = len(shards), sum(shard.records for shard in shards)
    problems, report.notes = _file_problems(store, manifest, text)
    for shard in shards:
        one = facts[shard.name]
        problems += [RecordProblem(error, shard.name) for error in (one.problem, one.index_problem) if error]
    problems += _count_problems(store, manifest, facts, decode=config.decode)
    problems += [RecordProblem(error, name) for name, error in refused]
    if plan:
        problems += [RecordProblem(error) for error in plan.errors]
        stored = {name: one.stored for name, one in facts.items() if one.problem is None}
        report.derived, others = derive(plan, manifest, stored, job.engine)
        problems += [RecordProblem(error, name) for name, error in others]
    report.problems = problems


def _check_shards(
    job: _Job, shards: list[ShardInfo], wanted: Mapping[str, frozenset[int] | None]
) -> dict[str, ShardFacts]:
    """Reads shards, each as a separate task; returns what was found, by their names."""
    num_classes, size, decode = job.manifest.num_classes, job.manifest.size, job.config.decode
    none: frozenset[int] = frozenset()
    tasks = [ShardCheck(job.store, shard, size, num_classes, wanted.get(shard.name, none), decode) for shard in shards]
    if not tasks:
        return {}
    with Progress(sum(shard.records for shard in shards), "record") as progress:
        workers = num_workers(job.config.workers)
        results = supervise(job.engine, check_shard, tasks, workers, progress.show, _without)
    everything = [shard for _, shard in job.manifest.shards()]
    for shard, facts in zip(shards, results, strict=True):
        if facts.problem:
            # Again, with the entries of all shards, to recognise a swap; in every task they would take too much memory.
            try:
                check_shard_file(job.store, shard, everything)
            except DataError as error:
                facts.problem = error
    return {shard.name: facts for shard, facts in zip(shards, results, strict=True)}


def _without(task: ShardCheck, unit: int, how: str) -> ShardCheck:
    """Returns the task with the number of the record that ended its worker twice."""
    return dataclasses.replace(task, fatal=(unit, how))


def _file_problems(store: Store, manifest: Manifest, text: str) -> tuple[list[RecordProblem], list[str]]:
    """Returns (problems in all files but the shards and their indices, notes)."""
    problems = []
    if text != text_of(json.loads(text)):
        what = "is not as it was written: its content is the same, its bytes are not"
        problems.append(RecordProblem(DataError(store.where(MANIFEST), what, REBUILD, "E_MANIFEST")))
    texts = tfds_files(manifest)
    problems += [RecordProblem(error) for name, text in texts.items() if (error := _text_problem(store, name, text))]
    if manifest.errors_sha256:
        path = store.where(ERRORS)
        try:
            with open_shard(store, ERRORS) as file:
                digest = hashlib.sha256(file.read(min(size_of(file), MAX_FILE_BYTES))).hexdigest()
            if digest != manifest.errors_sha256:
                what = "is not the file that was built: its SHA-256 is not the manifest's"
                problems.append(RecordProblem(DataError(path, what, REBUILD, "E_ERRORS")))
        except ShardError as error:
            problems.append(RecordProblem(DataError(path, error.what, REBUILD, "E_ERRORS")))
    for name in unknown_files(store, manifest):
        unknown_file = DataError(store.where(name), "is not a file of the dataset", FIX_FOREIGN, "E_FOREIGN")
        problems.append(RecordProblem(unknown_file))
    receipts = {receipt_name(shard.name) for _, shard in manifest.shards()}
    hidden = [name for name in store.names() if name.startswith(TEMPORARY) and name not in receipts]
    left = f"temporary files of an interrupted build: {len(hidden)}; the next build resumes from them or deletes them"
    return problems, [*remarks(store, manifest), *([left] if hidden else [])]


def _text_problem(store: Store, name: str, text: str) -> DataError | None:
    """Returns what is wrong with a file whose text follows from the manifest."""
    path = store.where(name)
    right = text.encode()
    try:
        with open_shard(store, name) as file:
            found = file.read(len(right) + 1)
    except ShardError as error:
        return ShardError(path, error.what, "E_TFDS")
    return None if found == right else ShardError(path, "does not match the manifest", "E_TFDS")


def _count_problems(
    store: Store, manifest: Manifest, facts: Mapping[str, ShardFacts], *, decode: bool
) -> Iterable[RecordProblem]:
    """Yields where counts of the manifest differ from those of its shards, for splits whose shards are intact.

    Args:
      store: where the records are.
      manifest: of them.
      facts: of each shard, by its name.
      decode: whether pixels were counted.
    """
    for split, info in manifest.splits.items():
        own = [facts[shard.name] for shard in info.shards]
        if any(one.problem for one in own):
            continue
        counts = _counts(own, manifest.num_classes) if decode else {"example_bytes": _example_bytes(own)}
        for name, found in counts.items():
            expected = getattr(info, name)
            if expected != found:
                what = f"says {name} {expected} of split {split!r}, its shards hold {found}"
                yield RecordProblem(DataError(store.where(MANIFEST), what, REBUILD, "E_COUNTS"))


def _counts(facts: list[ShardFacts], num_classes: int) -> dict[str, int | tuple[int, ...]]:
    """Returns the counts of SplitInfo that can be read from its shards, by their names."""
    return {
        "example_bytes": _example_bytes(facts),
        "pixels": tuple(sum(one.pixels[index] for one in facts) for index in range(num_classes)),
        "images": tuple(sum(one.images[index] for one in facts) for index in range(num_classes)),
        "ignored_pixels": sum(one.ignored_pixels for one in facts),
    }


def _example_bytes(facts: list[ShardFacts]) -> int:
    return sum(one.example_bytes for one in facts)


def sampled_records(shards: list[ShardInfo], count: int | None) -> dict[str, frozenset[int] | None]:
    """Returns the numbers of records to derive again, by shard, the same in every run; None means all."""
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
