"""Files: what an evaluation leaves in the run folder, and reading it again, without a model.

evaluation-LABEL.json is written last: where it is there, the others are those of the same model. LABEL is the split,
with the name and the seal of the records before it where they are not those of the run.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converter.dataset.manifest import Manifest
from converter.errors import DataError, shown
from converter.limits import MAX_EVALUATION_BYTES, MAX_EVALUATION_CELLS
from converter.system.files import open_regular, read_regular
from trainer.evaluation.calibration import Bin
from trainer.evaluation.drawing import CELLS
from trainer.run.info import RunInfo, seal_of_records
from trainer.run.runs import BEST

EVALUATION, COUNTS, CONFUSION, EXAMPLES = "evaluation-{}.json", "counts-{}.csv", "confusion-{}.csv", "examples-{}.json"
PARTS = ("correct", "true", "predicted")  # the three rows of counts
BLOCK_BYTES = 1 << 20
JPEG_START = b"\xff\xd8\xff"


class Interval(NamedTuple):
    """A 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ClassScores:
    """The scores of one class, each 0..1; NaN where undefined.

    Attributes:
      name: of the class.
      iou, precision, recall, f1: as in Scores.
      pixels: in the truth.
      interval: of the IoU; None in an evaluation of an older version.
      boundary_iou: None where it was not asked for.
    """

    name: str
    iou: float
    precision: float
    recall: float
    f1: float
    pixels: int
    interval: Interval | None = None
    boundary_iou: float | None = None


@dataclass(frozen=True)
class Scored:
    """An evaluation as read from its file.

    Attributes:
      label: part of the names of its files.
      split: name of the split.
      records: number of images.
      at: "stored" or "source".
      miou, fwiou, pixel_accuracy: NaN where undefined.
      classes: in order of their indices.
      interval: of the mIoU; None in an evaluation of an older version.
      seal: of the records; "" of a source folder, or in an evaluation of an older version.
      model: SHA-256 of the model, in hex; "" in an evaluation of an older version.
      calibration: accuracy by confidence; empty in an evaluation of an older version.
    """

    label: str
    split: str
    records: int
    at: str
    miou: float
    fwiou: float
    pixel_accuracy: float
    classes: tuple[ClassScores, ...]
    interval: Interval | None = None
    seal: str = ""
    model: str = ""
    calibration: tuple[Bin, ...] = ()


@dataclass(frozen=True)
class ShownExample:
    """An example as read from examples-LABEL.json.

    Attributes:
      kind: "worst", "median" or "best".
      name: of its file.
      miou: its own.
      iou: (class, IoU) of the classes that occur in it.
      size: (height, width) of its images, in pixels.
      jpegs: a JPEG file for each of CELLS.
    """

    kind: str
    name: str
    miou: float
    iou: tuple[tuple[str, float], ...]
    size: tuple[int, int]
    jpegs: tuple[bytes, ...]


def label_of(info: RunInfo, manifest: Manifest, split: str) -> str:
    """Returns the label of the evaluation of a run on a split of some records."""
    seal = seal_of_records(manifest)
    is_own = seal == info.records if info.records else manifest.name == info.dataset
    return split if is_own else f"{manifest.name}-{seal[:8]}-{split}"


def model_digest(run: Path) -> str:
    """Returns the SHA-256 of the model of a run in hex; "" where there is none."""
    try:
        with open_regular(run / BEST) as file:
            digest = hashlib.sha256()
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()


def csv_text(rows: Sequence[Sequence[object]]) -> str:
    """Returns rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def counts_text(names: Sequence[str], counts: np.ndarray, classes: Sequence[str]) -> str:
    """Returns the text of counts-LABEL.csv: a line for each image.

    Args:
      names: of the images.
      counts: int64 [images, 3, num_classes].
      classes: their names.
    """
    head = ["file", *(f"{part}:{name}" for part in PARTS for name in classes)]
    return csv_text([head, *([name, *row.ravel().tolist()] for name, row in zip(names, counts, strict=True))])


def read_counts(run: Path, scored: Scored) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the names of the images, and their counts, int64 [images, 3, num_classes].

    Raises:
      DataError: the file is not there, or is not that of the evaluation.
    """
    path = run / COUNTS.format(scored.label)
    classes = [each.name for each in scored.classes]
    try:
        head, *rows = _cells(path)
        if head != ["file", *(f"{part}:{name}" for part in PARTS for name in classes)]:
            raise ValueError("other columns")
        counts = np.array([row[1:] for row in rows], dtype=np.int64).reshape(len(rows), len(PARTS), len(classes))
        if len(rows) != scored.records or (counts < 0).any() or (counts[:, 0] > counts[:, 1:].min(axis=1)).any():
            raise ValueError("counts that cannot be")
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise _unreadable(path, run, scored.split, error) from None
    return tuple(row[0] for row in rows), counts


def read_confusion(run: Path, scored: Scored) -> np.ndarray:
    """Returns the confusion matrix, int64 [num_classes, num_classes], rows truth, columns prediction.

    Raises:
      DataError: the file is not there, or is not that of the evaluation.
    """
    path = run / CONFUSION.format(scored.label)
    classes = [each.name for each in scored.classes]
    try:
        head, *rows = _cells(path)
        if head != ["truth", *classes] or [row[0] for row in rows] != classes:
            raise ValueError("other classes")
        matrix = np.array([row[1:] for row in rows], dtype=np.int64).reshape(len(classes), len(classes))
        if (matrix < 0).any() or matrix.sum(axis=1).tolist() != [each.pixels for each in scored.classes]:
            raise ValueError("counts that are not those of the evaluation")
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise _unreadable(path, run, scored.split, error) from None
    return matrix


def read_scored(run: Path, label: str) -> Scored:
    """Returns an evaluation.

    Raises:
      FileNotFoundError: there is none of this label.
      DataError: its file is damaged.
    """
    path = run / EVALUATION.format(label)
    split = "val"
    try:
        raw = json.loads(read_regular(path, MAX_EVALUATION_BYTES))
        split = str(raw["split"])
        classes = tuple(map(_class_scores, raw["classes"]))
        found = Scored(
            label=label,
            split=split,
            records=_count(raw["records"]),
            at=str(raw.get("at", "stored")),
            miou=_share(raw["miou"]),
            fwiou=_share(raw["fwiou"]),
            pixel_accuracy=_share(raw["pixel_accuracy"]),
            classes=classes,
            interval=_interval(raw.get("miou_interval")),
            seal=str(raw.get("seal", "")),
            model=str(raw.get("model", "")),
            calibration=tuple(map(_bin, raw.get("calibration", {"bins": ()})["bins"])),
        )
        if not classes or len({each.name for each in classes}) < len(classes):
            raise ValueError("no classes, or one twice")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, run, split, error) from None
    return found


def labels_in(run: Path) -> list[str]:
    """Returns the labels of all evaluations in a run folder."""
    head, _, tail = EVALUATION.partition("{}")
    return sorted(path.name.removeprefix(head).removesuffix(tail) for path in run.glob(EVALUATION.format("*")))


def read_examples(run: Path, scored: Scored) -> list[ShownExample]:
    """Returns the examples of an evaluation.

    Raises:
      DataError: the file is not there, or damaged.
    """
    path = run / EXAMPLES.format(scored.label)
    try:
        raw = json.loads(read_regular(path, MAX_EVALUATION_BYTES))
        return list(map(_example, raw["examples"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, run, scored.split, error) from None


def _example(raw: dict[str, Any]) -> ShownExample:
    height, width = map(_count, raw["size"])
    jpegs = tuple(base64.b64decode(raw[cell], validate=True) for cell in CELLS)
    if not all(jpeg.startswith(JPEG_START) for jpeg in jpegs):
        raise ValueError("an image that is no JPEG")
    iou = tuple((str(name), _share(score)) for name, score in raw["iou"].items())
    return ShownExample(str(raw["kind"]), str(raw["file"]), _share(raw["miou"]), iou, (height, width), jpegs)


def _class_scores(raw: dict[str, Any]) -> ClassScores:
    boundary = raw.get("boundary_iou")
    iou, precision, recall, f1 = (_share(raw[name]) for name in ("iou", "precision", "recall", "f1"))
    return ClassScores(
        str(raw["name"]),
        iou,
        precision,
        recall,
        f1,
        pixels=_count(raw["pixels"]),
        interval=_interval(raw.get("iou_interval")),
        boundary_iou=None if boundary is None else _share(boundary),
    )


def _bin(raw: dict[str, Any]) -> Bin:
    return Bin(_share(raw["confidence"]), _share(raw["accuracy"]), _count(raw["pixels"]))


def _share(raw: Any) -> float:
    """Returns a score; None stands for one that is undefined."""
    if raw is None:
        return math.nan
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= 1:
        raise ValueError(f"{shown(raw, 40)} is no score")
    return float(raw)


def _count(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw < 2**63:
        raise ValueError(f"{shown(raw, 40)} is no count")
    return raw


def _interval(raw: Any) -> Interval | None:
    if raw is None:
        return None
    low, high = map(_share, raw)
    return Interval(low, high)


def _cells(path: Path) -> list[list[str]]:
    text = read_regular(path, MAX_EVALUATION_BYTES).decode("utf-8", "backslashreplace")
    rows: list[list[str]] = []
    cells = 0
    for row in csv.reader(io.StringIO(text)):
        cells += len(row)
        if cells > MAX_EVALUATION_CELLS or (rows and len(row) != len(rows[0])):
            raise ValueError("too many cells, or lines of several lengths")
        rows.append(row)
    if not rows:
        raise ValueError("an empty file")
    return rows


def _unreadable(path: Path, run: Path, split: str, error: Exception) -> DataError:
    reason = error.strerror if isinstance(error, OSError) else error
    what = f"cannot be read ({shown(reason, 100)})"
    fix = f"Score the run again: segconv evaluate {shlex.quote(str(run))} --split {shlex.quote(shown(split, 60))}"
    return DataError(path, what, fix, "E_EVALUATION")
