"""Write: annotations and photographs -> a dataset of images and masks in the native layout.

    jpg/ png/               photographs, and index masks with a palette
    train.txt val.txt ...   the pairs of each split
    classes.csv             the class map
    masks.json              what was drawn, and the key by which the next run knows it again

All of it is made in a hidden folder beside the output folder and renamed when it is complete. A run that was killed
leaves that folder, and the same command goes on in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from converter.annotations.batches import BATCH_IMAGES, IMAGES, MASKS, Batch, BatchResult, draw_batch, without_image
from converter.annotations.config import MasksConfig
from converter.annotations.find import find_annotations
from converter.annotations.plan import Plan, plan_masks
from converter.annotations.report import COUNTS, MasksReport, RefusedAnnotationsError, dataset_facts, plan_text
from converter.classes.class_map import CLASSES_CSV
from converter.classes.native import to_csv
from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.errors import UsageError
from converter.limits import MAX_MANIFEST_BYTES
from converter.sources.names import SPLITS
from converter.system.console import Progress
from converter.system.files import TEMPORARY, read_regular, sync_folder, write_error
from converter.system.locks import LockedError, locked_folder
from converter.system.outputs import MARK
from converter.system.signals import signals_blocked

FACTS = "masks.json"
_DATASET, _RECEIPTS, _OLD = "dataset", "receipts", "old"  # in the hidden folder
_FIX_OUT = "Choose another folder with --out."
_FIX_NO_LOCK = "Write to a folder on a local disk, and copy it there when it is complete."


def draw_masks(config: MasksConfig, *, engine: Engine = local) -> MasksReport:
    """Writes the dataset that a folder of annotations describes.

    Args:
      config: what to do.
      engine: draws the batches.

    Raises:
      UsageError: the source cannot be used, or the output folder holds something else.
      RefusedAnnotationsError: annotations or photographs were refused; its `problems` are all of them.
      MachineError: disk, memory, a lost worker.
    """
    check_out(config)
    plan = read_plan(config)
    if (facts := _facts_there(config.out)) is not None:
        if facts.get("key") == plan.key and _is_whole(config.out, plan):
            return MasksReport(config.out, plan, config.order, facts["splits"], facts, is_up_to_date=True)
        _check_replaced(config)
    try:
        with _staging(config.out) as hidden:
            return _write(config, plan, hidden, engine)
    except OSError as error:
        raise write_error(config.out, error) from error


def dry_run_text(config: MasksConfig) -> str:
    """Returns what would be drawn; reads the annotations, and no photograph.

    Raises:
      UsageError, RefusedAnnotationsError: as `draw_masks`.
    """
    check_out(config)
    plan = read_plan(config)
    if plan.problems:
        raise RefusedAnnotationsError(list(plan.problems))
    return plan_text(config, plan)


def read_plan(config: MasksConfig) -> Plan:
    """Returns the dataset that a folder of annotations describes; reads these alone, and no photograph.

    Raises:
      UsageError: the source cannot be used.
    """
    return plan_masks(config, *find_annotations(config))


def check_out(config: MasksConfig) -> None:
    """Refuses an output folder that is not free, and not one of `segconv masks` either; before anything is read.

    Raises:
      UsageError: it is a file, the source folder, in it or around it, or holds something else.
    """
    out, src = Path(os.path.realpath(config.out)), Path(os.path.realpath(config.src))
    if out.is_relative_to(src) or src.is_relative_to(out):
        raise UsageError(
            config.out, "is not beside the source folder, but the same, or within the other", _FIX_OUT, "E_OUT"
        )
    if not os.path.lexists(config.out):
        return
    if not config.out.is_dir() or config.out.is_symlink():
        raise UsageError(config.out, "is not a folder", _FIX_OUT, "E_OUT")
    if any(config.out.iterdir()) and _facts_there(config.out) is None:
        raise UsageError(config.out, "holds something that `segconv masks` did not write", _FIX_OUT, "E_OUT")


def _check_replaced(config: MasksConfig) -> None:
    """Refuses to replace a dataset without --overwrite, and one with a file of others in any case."""
    if not config.overwrite:
        what = "holds a dataset of other annotations or options, or is not complete"
        raise UsageError(config.out, what, f"Pass --overwrite to replace it. {_FIX_OUT}", "E_OUT")
    ours = {IMAGES, MASKS, CLASSES_CSV, FACTS, *(f"{split}.txt" for split in SPLITS)}
    if foreign := sorted({path.name for path in config.out.iterdir()} - ours):
        what = f"holds {foreign[0]}, which `segconv masks` did not write"
        raise UsageError(config.out, what, f"Move it out of the folder. {_FIX_OUT}", "E_OUT")


def _facts_there(out: Path) -> dict[str, Any] | None:
    """Returns what masks.json of a dataset says; None where there is none of ours."""
    try:
        facts = json.loads(read_regular(out / FACTS, MAX_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(facts, dict) and {"key", "splits", *COUNTS} <= facts.keys() and facts.get("written_by") == MARK
    return facts if is_ours else None


def _is_whole(out: Path, plan: Plan) -> bool:
    """Returns whether every file of a dataset is there."""
    names = [name for item in plan.items for name in (f"{IMAGES}/{item.image}", f"{MASKS}/{item.mask}")]
    return all((out / name).is_file() for name in (*names, CLASSES_CSV, "train.txt"))


@contextlib.contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """Yields the locked hidden folder in which a dataset is made; it stays where the run is interrupted.

    Raises:
      UsageError: another process works in it.
      MachineError: its file system has no locks.
    """
    whole = Path(os.path.abspath(out))  # noqa: PTH100 - "." has no name
    hidden = whole.with_name(TEMPORARY + whole.name)
    with contextlib.ExitStack() as stack:
        for name in (_DATASET, _RECEIPTS):
            (hidden / name).mkdir(parents=True, exist_ok=True)
        try:
            stack.enter_context(locked_folder(hidden, _FIX_NO_LOCK))
        except LockedError:
            raise UsageError(out, "is being written by another segconv", f"Wait. {_FIX_OUT}", "E_LOCKED") from None
        yield hidden


def _write(config: MasksConfig, plan: Plan, hidden: Path, engine: Engine) -> MasksReport:
    """Draws what is not drawn yet, and publishes the dataset; problems leave nothing behind."""
    totals, digests = _drawn(config, plan, hidden, engine)
    problems = [*plan.problems, *totals.problems]
    if problems:
        shutil.rmtree(hidden)
        raise RefusedAnnotationsError(problems)
    lists = _lists(config, plan, digests)
    facts = dataset_facts(plan, totals)
    splits = {split: len(lines) for split, lines in lists.items()}
    head = {"written_by": MARK, "format": plan.format, "order": config.order, "key": plan.key, "splits": splits}
    texts = {f"{split}.txt": "".join(f"{line}\n" for line in lines) for split, lines in lists.items()}
    texts |= {CLASSES_CSV: to_csv(plan.classes), FACTS: json.dumps(head | facts, indent=1, ensure_ascii=False) + "\n"}
    dataset = hidden / _DATASET
    _remove_others(dataset, plan, texts)
    for name, text in texts.items():
        (dataset / name).write_text(text, "utf-8", newline="\n")
    _publish(config.out, hidden)
    return MasksReport(config.out, plan, config.order, splits, facts)


def _drawn(config: MasksConfig, plan: Plan, hidden: Path, engine: Engine) -> tuple[BatchResult, list[str]]:
    """Returns the counts over all batches, and the hash of each photograph."""
    options = (plan.format, config.order, config.line_width)
    batches = []
    for number, start in enumerate(range(0, len(plan.items), BATCH_IMAGES)):
        items = plan.items[start : start + BATCH_IMAGES]
        used = {label for item in items for label in item.picture.labels}
        indices = {label: plan.indices[label] for label in used}
        receipt = hidden / _RECEIPTS / f"{number:06d}.json"
        hashes = not plan.has_splits
        source = Path(os.path.abspath(config.src))  # noqa: PTH100 - links in it stay what they are
        batches.append(Batch(source, hidden / _DATASET, receipt, items, indices, options, hashes, config.follow_links))
    with Progress(len(plan.items), "image") as progress:
        results = supervise(engine, draw_batch, batches, config.num_workers, progress.show, without_image)
    totals = BatchResult()
    for result in results:
        totals.join(result)
    return totals, [digest for result in results for digest in result.digests]


def _lists(config: MasksConfig, plan: Plan, digests: Sequence[str]) -> dict[str, list[str]]:
    """Returns the lines of the list of each split: those of the annotations, an image without one being train.

    Where they name no split, the images whose content has the smallest SHA-256 are val: the same in every run and under
    every name, and images of the same content are together.
    """
    splits = [item.picture.split or "train" for item in plan.items]
    if not plan.has_splits and config.val:
        wanted = max(round(len(digests) * config.val), 1)
        last = sorted(digests)[wanted - 1]
        val = [digest <= last for digest in digests]
        splits = ["val" if is_val and not all(val) else "train" for is_val in val]
    lists: dict[str, list[str]] = {split: [] for split in SPLITS if split in ("train", *splits)}
    for item, split in zip(plan.items, splits, strict=True):
        lists[split].append(f"{item.image};{item.mask}")
    return lists


def _remove_others(dataset: Path, plan: Plan, texts: dict[str, str]) -> None:
    """Removes files that an interrupted run of other annotations has left in the hidden folder."""
    own = {dataset / IMAGES / item.image for item in plan.items} | {dataset / MASKS / item.mask for item in plan.items}
    own |= {dataset / name for name in texts}
    for folder, _, names in os.walk(dataset, topdown=False):
        for path in (Path(folder) / name for name in names):
            if path not in own:
                path.unlink()
        if Path(folder) != dataset and not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def _publish(out: Path, hidden: Path) -> None:
    """Renames a complete dataset to its final name, and removes the old one and the hidden folder."""
    # One sync of all file systems: to sync each of a hundred thousand small files would take longer than to draw it.
    os.sync()
    out = Path(os.path.abspath(out))  # noqa: PTH100 - "." cannot be renamed
    with signals_blocked():
        if out.is_dir():
            shutil.rmtree(hidden / _OLD, ignore_errors=True)
            out.rename(hidden / _OLD)
        (hidden / _DATASET).rename(out)
        sync_folder(out.parent)
        shutil.rmtree(hidden, ignore_errors=True)  # what is left of it, the next run removes
