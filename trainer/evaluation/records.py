"""Records: a trained model on one split of the records: scores, confusion matrix, images.

Scores are counted at the stored size; `source` has those at the size of the photographs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from converter.dataset.cache import fetch_shard, local_copy
from converter.dataset.manifest import Manifest
from converter.dataset.pieces import pieces_in
from converter.dataset.reader import RecordSource
from converter.errors import UsageError
from converter.pixels.overlays import contact_sheet
from converter.schema import IGNORE_INDEX
from converter.system.console import log
from converter.system.files import whole_file
from trainer.choices.augments import GREY
from trainer.devices import is_out_of_memory, out_of_memory
from trainer.evaluation.calibration import levels_of
from trainer.evaluation.counts import chosen
from trainer.evaluation.drawing import CELLS, EXAMPLES, Example, cells, drawn_image, legend, percent
from trainer.evaluation.files import label_of
from trainer.evaluation.scoring import Evaluation, Tally, evaluated, matched_classes, scored, write_examples
from trainer.input.batches import eval_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records
from trainer.learning.metrics import Scores
from trainer.learning.sliding import num_windows
from trainer.learning.step import ClassMaps
from trainer.models.load import load_model
from trainer.run.info import RunInfo, read_run, seal_of_records
from trainer.run.runs import BEST

PICTURE_RECORDS = 4  # rows of predictions.png: as many as fit on a screen
CELL_WIDTH = 400  # pixels: smaller images are enlarged, to make small objects such as poles visible
WRONG = (213, 94, 0)  # vermilion, which colour-blind people can distinguish from grey


class Sample(NamedTuple):
    """One record to draw: uint8 [H, W, 3], uint8 [H, W], and the name of the image file."""

    image: np.ndarray
    mask: np.ndarray
    name: str


def evaluate(
    run: Path,
    split: str = "val",
    *,
    data: Path | None = None,
    batch: int | None = None,
    tta: str | None = None,
    boundaries: bool = False,
) -> Evaluation:
    """Scores the best model of a run and writes scores, confusion matrix and predictions into the run folder.

    Args:
      run: the run folder.
      split: name of the split.
      data: folder of records; None for the run's.
      batch: records per step; None for the run's.
      tta: one of TTA_NAMES; None for the run's.
      boundaries: whether boundary IoU is counted, too.

    Raises:
      UsageError: no run, no such split, or records with none of the model's classes or of another size.
      DataError: a shard or the model is damaged.
      MachineError: the run folder cannot be written to.
    """
    info = read_run(run)
    place = info.config.data if data is None else data
    folder = local_copy(place, (split,))
    maps = ClassMaps(load_model(run / BEST, info.config.model), tta or info.config.tta, has_confidence=True)
    manifest = open_records(folder, (split,), any_size=info.config.crop is not None)
    _check_size(info, manifest, folder)
    classes = matched_classes(info.classes, manifest.class_names, folder)
    samples = [sample._replace(mask=classes[sample.mask]) for sample in read_samples(folder, split)]
    batch = batch or info.config.batch
    records = InputConfig(dataclasses.replace(manifest, classes=info.drawn_classes), folder, split, batch, cache="off")
    windows = num_windows(maps.net, records.size)
    tally = Tally(len(info.classes), has_boundaries=boundaries)
    try:
        count(maps, dataclasses.replace(records, batch=max(1, batch // windows)), classes, tally)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(run, batch) from error
    label, title = label_of(info, manifest, split), f"{manifest.name}, {split}"
    draw_predictions(maps, records, samples, run / f"predictions-{label}.png")
    examples = _examples(maps, records, tally, classes)
    write_examples(run, examples, info.drawn_classes, label=label, title=title)
    evaluation = evaluated(run, place, split, info.classes, tally, "stored")
    evaluation = scored(dataclasses.replace(evaluation, seal=seal_of_records(manifest)), tally, label, title)
    warn_if_collapsed(evaluation.scores, info.classes)
    return evaluation


def count(maps: ClassMaps, records: InputConfig, classes: np.ndarray, tally: Tally) -> None:
    """Counts the predictions of a model on a split.

    Args:
      maps: the model.
      records: the split.
      classes: uint8 [256], the model's class of each class of the records, as from `matched_classes`.
      tally: takes the counts.
    """
    source = RecordSource(records.folder, records.split)
    number = 0
    for (pairs,) in eval_batches(records).dataset:
        truths = classes[pairs["mask"].numpy()]
        predictions, confidences = _predicted(maps, pairs["image"].numpy())
        sizes = pairs["size"].numpy().astype(int) if records.has_sizes else [records.size] * len(truths)
        for place, (height, width) in enumerate(sizes):
            if number == len(source):  # blanks fill the last batch
                return
            inside = (place, slice(height), slice(width))
            confidence = None if confidences is None else levels_of(confidences[inside])
            tally.add(source[number].name, truths[inside], predictions[inside], confidence)
            number += 1


def _predicted(maps: ClassMaps, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns class indices, uint8 [B, H, W], and their probabilities, float32 [B, H, W], where the model has them."""
    found = maps.predict_on_batch(images)
    if not maps.has_confidence:
        return found, None
    indices, confidences = found
    return indices, confidences


def read_samples(folder: Path, split: str, among: range | None = None) -> list[Sample]:
    """Returns a few records, evenly spaced over the split or a part of it, to draw predictions on.

    Args:
      folder: folder of records.
      split: name of the split.
      among: the numbers of the records to choose from; None for all.

    Raises:
      DataError: a shard or its index is damaged. Reading them first reports this before training.
    """
    source = RecordSource(folder, split)
    among = range(len(source)) if among is None else among
    places = np.linspace(0, len(among) - 1, min(PICTURE_RECORDS, len(among))).round().astype(int)
    shards = source.manifest.splits[split].shards
    found = []
    for number in (among[place] for place in places):
        (piece,) = pieces_in(shards, range(number, number + 1))
        fetch_shard(folder, shards[piece.shard].name)
        found.append(source[number])
    return [Sample(record.image, record.mask, record.name) for record in found]


def draw_predictions(maps: ClassMaps, records: InputConfig, samples: list[Sample], path: Path) -> None:
    """Writes an image with one row per sample of these records: image, truth, prediction, and errors."""
    manifest = records.manifest
    predictions = _predictions(maps, records, samples)
    colors = [info.color for info in manifest.classes]
    rows, captions = [], []
    for (image, mask, name), prediction in zip(samples, predictions, strict=True):
        rows.append(cells(image, mask, prediction, colors, CELL_WIDTH))
        valid = mask != IGNORE_INDEX
        share = float((prediction == mask)[valid].mean()) if valid.any() else math.nan
        captions.append(f"{name}: {percent(share)} of valid pixels correct")
    sheet = contact_sheet(
        rows,
        captions=captions,
        legend=legend(manifest.classes),
        title=f"{manifest.name}, {records.split}: {', '.join(CELLS)}",
    )
    with whole_file(path) as temporary:
        sheet.save(temporary)


def _predictions(maps: ClassMaps, records: InputConfig, samples: list[Sample]) -> list[np.ndarray]:
    """Returns the class map of each sample, uint8 [H, W]."""
    height, width = records.size
    predictions = []
    for image, mask, _ in samples:  # one at a time: the device may have no memory for more
        below, right = height - mask.shape[0], width - mask.shape[1]  # of one size, the model is compiled once
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), constant_values=GREY)
        predictions.append(_predicted(maps, padded[None])[0][0, : mask.shape[0], : mask.shape[1]])
    return predictions


def _examples(maps: ClassMaps, records: InputConfig, tally: Tally, classes: np.ndarray) -> list[Example]:
    """Returns the worst, the median and the best records of a tally, with what the model makes of them."""
    source = RecordSource(records.folder, records.split)
    picked = list(chosen(tally.counts, EXAMPLES, tally.names))
    found = [source[number] for _, number in picked]
    samples = [Sample(record.image, classes[record.mask], record.file_name) for record in found]
    predictions = _predictions(maps, records, samples)
    return [
        tally.example(kind, number, drawn_image(sample.image), (sample.mask, prediction))
        for (kind, number), sample, prediction in zip(picked, samples, predictions, strict=True)
    ]


def warn_if_collapsed(scores: Scores, names: Sequence[str]) -> None:
    """Warns of a model that predicts one class everywhere: its accuracy may look good where that class is frequent."""
    if scores.only_class is not None:
        log.warning(
            "The model predicts %r for every pixel: it has not learned to distinguish the classes. "
            "Train for more epochs, or with another --learning-rate.",
            names[scores.only_class],
        )


def _check_size(info: RunInfo, manifest: Manifest, folder: Path) -> None:
    """Raises UsageError where the records do not fit the model; warns where they were resized in another way."""
    size = info.size if info.config.crop is not None else manifest.common_size(folder)
    if size != info.size:
        has, wanted = ("x".join(map(str, pixels)) for pixels in (size, info.size))
        what = f"has records of {has} (height x width), but the model takes {wanted}"
        raise UsageError(folder, what, f"Build the dataset with --size {wanted}.", "E_SIZE")
    scale = manifest.options.get("scale", 1.0)
    if manifest.fit == info.fit == "tile" and scale != info.tile_scale:
        what = "Warning: %s has tiles at --scale %g, the run at %g: things have another size in them."
        log.warning(what, folder, scale, info.tile_scale)
    if info.fit and manifest.size is not None and manifest.fit != info.fit:
        log.warning(
            "Warning: %s was built with --fit %s, the records of the run with --fit %s: things look different in them.",
            folder,
            manifest.fit,
            info.fit,
        )
    if info.config.crop is not None and manifest.size != info.records_size and info.photo_size is not None:
        has, trained = ("x".join(map(str, size)) if size else "any size" for size in (manifest.size, info.records_size))
        log.warning("Warning: %s has records of %s, the run had records of %s.", folder, has, trained)
