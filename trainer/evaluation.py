"""Evaluate: a trained model on one split of the records: scores, confusion matrix, images.

Scores are counted at the stored size, over valid pixels only, in int64 on the host.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converter.dataset.manifest import Manifest
from converter.dataset.reader import RecordSource
from converter.errors import UsageError
from converter.pixels.overlays import contact_sheet, hatch, overlay
from converter.schema import IGNORE_INDEX
from converter.system.console import log, table
from converter.system.files import whole_file, write_whole
from trainer.choices.augments import GREY
from trainer.devices import is_out_of_memory, out_of_memory
from trainer.input.batches import eval_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records
from trainer.learning.metrics import Scores, confusion_matrix, scores_from_confusion
from trainer.learning.sliding import num_windows
from trainer.learning.step import ClassMaps
from trainer.models.load import load_model
from trainer.run.heatmap import draw_confusion
from trainer.run.info import RunInfo, read_run
from trainer.run.runs import BEST

PICTURE_RECORDS = 4  # rows of predictions.png: as many as fit on a screen
CELL_WIDTH = 400  # pixels: smaller images are enlarged, to make small objects such as poles visible
WRONG = (213, 94, 0)  # vermilion, which colour-blind people can distinguish from grey


class Sample(NamedTuple):
    """One record to draw: uint8 [H, W, 3], uint8 [H, W], and the name of the image file."""

    image: np.ndarray
    mask: np.ndarray
    name: str


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on one split.

    Attributes:
      run: run folder of the model.
      data: folder of the records.
      split: name of the split.
      records: number of records in it.
      classes: class names in order of their indices.
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      scores: all scores of `matrix`.
    """

    run: Path
    data: Path
    split: str
    records: int
    classes: tuple[str, ...]
    matrix: np.ndarray
    scores: Scores

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints; an undefined score is None."""
        columns = ("iou", "precision", "recall", "f1")
        return {
            "run": str(self.run),
            "data": str(self.data),
            "split": self.split,
            "records": self.records,
            "miou": _or_none(self.scores.miou),
            "fwiou": _or_none(self.scores.fwiou),
            "pixel_accuracy": _or_none(self.scores.pixel_accuracy),
            "classes": [
                {"id": index, "name": name}
                | {column: _or_none(getattr(self.scores, column)[index]) for column in columns}
                | {"pixels": self.scores.pixels[index]}
                for index, name in enumerate(self.classes)
            ],
        }

    def to_text(self) -> str:
        """Returns the scores as a table."""
        rows: list[tuple[str, ...]] = [("class", "IoU", "precision", "recall", "F1", "pixels")]
        scores = self.scores
        columns = (scores.iou, scores.precision, scores.recall, scores.f1)
        for index, name in enumerate(self.classes):
            rows.append((name, *(percent(column[index]) for column in columns), str(scores.pixels[index])))
        means = f"mIoU {percent(scores.miou)}, frequency-weighted IoU {percent(scores.fwiou)}"
        means += f", pixel accuracy {percent(scores.pixel_accuracy)}"
        return f"{table(rows)}\n\n{means}, {self.records} records of split {self.split!r}, {self.run}"


def evaluate(
    run: Path, split: str = "val", *, data: Path | None = None, batch: int | None = None, tta: str | None = None
) -> Evaluation:
    """Scores the best model of a run and writes scores, confusion matrix and predictions into the run folder.

    Args:
      run: the run folder.
      split: name of the split.
      data: folder of records; None for the run's.
      batch: records per step; None for the run's.
      tta: one of TTA_NAMES; None for the run's.

    Raises:
      UsageError: no run, no such split, or records with other classes or another size than the model's.
      DataError: a shard or the model is damaged.
      MachineError: the run folder cannot be written to.
    """
    info = read_run(run)
    folder = info.config.data if data is None else data
    maps = ClassMaps(load_model(run / BEST, info.config.model), tta or info.config.tta)
    manifest = open_records(folder, (split,), any_size=info.config.crop is not None)
    _check_fits(info, manifest, folder)
    samples = read_samples(folder, split)
    batch = batch or info.config.batch
    records = InputConfig(manifest, folder, split, batch, cache="off")
    windows = num_windows(maps.net, records.size)
    try:
        matrix = count(maps, dataclasses.replace(records, batch=max(1, batch // windows)))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(run, batch) from error
    scores = scores_from_confusion(matrix)
    evaluation = Evaluation(run, folder, split, manifest.splits[split].records, manifest.class_names, matrix, scores)
    text = json.dumps(evaluation.to_json(), indent=1, ensure_ascii=False) + "\n"
    write_whole(run / f"evaluation-{split}.json", text.encode())
    with whole_file(run / f"confusion-{split}.png") as path:
        title = f"{manifest.name}, {split}: mIoU {percent(scores.miou)}; rows in percent"
        draw_confusion(matrix, manifest.class_names, title).save(path)
    draw_predictions(maps, records, samples, run / f"predictions-{split}.png")
    warn_if_collapsed(scores, manifest.class_names)
    return evaluation


def count(maps: ClassMaps, records: InputConfig) -> np.ndarray:
    """Returns the confusion matrix of a model on a split, int64 [num_classes, num_classes]."""
    num_classes = records.manifest.num_classes
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for (pairs,) in eval_batches(records).dataset:
        truth = pairs["mask"].numpy()
        matrix += confusion_matrix(truth, maps.predict_on_batch(pairs["image"].numpy()), num_classes)
    return matrix


def read_samples(folder: Path, split: str, records: int = 0) -> list[Sample]:
    """Returns a few records, evenly spaced over the split, to draw predictions on.

    Args:
      folder: folder of records.
      split: name of the split.
      records: number of records to choose from, the first of the split; 0 for all.

    Raises:
      DataError: a shard or its index is damaged. Reading them first reports this before training.
    """
    source = RecordSource(folder, split)
    last = min(records or len(source), len(source)) - 1
    numbers = np.linspace(0, last, min(PICTURE_RECORDS, last + 1)).round().astype(int)
    found = [source[int(number)] for number in numbers]
    return [Sample(record.image, record.mask, record.file_name) for record in found]


def draw_predictions(maps: ClassMaps, records: InputConfig, samples: list[Sample], path: Path) -> None:
    """Writes an image with one row per sample of these records: image, truth, prediction, and errors."""
    manifest, (height, width) = records.manifest, records.size
    predictions = []
    for image, mask, _ in samples:  # one at a time: the device may have no memory for more
        below, right = height - mask.shape[0], width - mask.shape[1]  # of one size, the model is compiled once
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=GREY)
        predictions.append(maps.predict_on_batch(padded[None])[0][: mask.shape[0], : mask.shape[1]])
    colors = [info.color for info in manifest.classes]
    rows, captions = [], []
    for (image, mask, name), prediction in zip(samples, predictions, strict=True):
        seen = [overlay(image, indices, colors) for indices in (mask, prediction)]
        cells = [image, *seen, errors(image, mask, prediction)]
        factor = max(1, CELL_WIDTH // image.shape[1])  # an integer factor: nothing is smoothed
        rows.append([cell.repeat(factor, axis=0).repeat(factor, axis=1) for cell in cells])
        valid = mask != IGNORE_INDEX
        share = float((prediction == mask)[valid].mean()) if valid.any() else math.nan
        captions.append(f"{name}: {percent(share)} of valid pixels correct")
    sheet = contact_sheet(
        rows,
        captions=captions,
        legend=[*zip(manifest.class_names, colors, strict=True), ("ignored", None), ("wrong", WRONG)],
        title=f"{manifest.name}, {records.split}: image, truth, prediction, errors",
    )
    with whole_file(path) as temporary:
        sheet.save(temporary)


def errors(image: np.ndarray, mask: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Returns uint8 [H, W, 3]: the image in pale grey, wrong pixels in WRONG, ignored ones hatched.

    Args:
      image: uint8 [H, W, 3].
      mask: uint8 [H, W], the truth, with IGNORE_INDEX.
      prediction: uint8 [H, W].
    """
    grey = 128 + image.mean(axis=2, keepdims=True) / 2  # the upper half of the range: a light background
    drawn = np.broadcast_to(grey.astype(np.uint8), image.shape).copy()
    drawn[(prediction != mask) & (mask != IGNORE_INDEX)] = WRONG
    hatch(drawn, mask == IGNORE_INDEX)
    return drawn


def warn_if_collapsed(scores: Scores, names: Sequence[str]) -> None:
    """Warns of a model that predicts one class everywhere: its accuracy may look good where that class is frequent."""
    if scores.only_class is not None:
        log.warning(
            "The model predicts %r for every pixel: it has not learned to distinguish the classes. "
            "Train for more epochs, or with another --learning-rate.",
            names[scores.only_class],
        )


def percent(share: float) -> str:
    """Returns a score in percent with one decimal, or n/a."""
    return "n/a" if math.isnan(share) else f"{share:.1%}"


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number


def _check_fits(info: RunInfo, manifest: Manifest, folder: Path) -> None:
    """Raises UsageError where the records do not fit the model."""
    size = info.size if info.config.crop is not None else manifest.common_size(folder)
    if size != info.size:
        has, wanted = ("x".join(map(str, pixels)) for pixels in (size, info.size))
        what = f"has records of {has} (height x width), but the model takes {wanted}"
        raise UsageError(folder, what, f"Build the dataset with --size {wanted}.", "E_SIZE")
    if manifest.class_names != info.classes:
        what = f"has the classes {', '.join(manifest.class_names)}, but the model knows {', '.join(info.classes)}"
        raise UsageError(folder, what, "Build the dataset with the class map of the run.", "E_CLASSES")
