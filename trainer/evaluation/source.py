"""Source: a trained model on a dataset as it lies in its source folder, without records.

Photographs are predicted as `segconv predict` does, and held against their masks: at the size of the photograph, or at
that of the records that the run was trained on.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.find import find_class_map
from converter.classes.mapper import MaskMapper
from converter.config import BuildConfig, SourceConfig
from converter.errors import DataError, UsageError
from converter.pixels.images import render
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout
from converter.sources.pairs import open_pair
from converter.sources.refs import ExampleRef
from converter.system.console import Progress
from trainer.choices.augments import GREY
from trainer.evaluation.records import warn_if_collapsed
from trainer.evaluation.scoring import Evaluation, Tally, evaluated, matched_classes, scored
from trainer.prediction.predictor import Look, Predictor, ahead
from trainer.prediction.views import View
from trainer.run.info import RunInfo

STORED, SOURCE = "stored", "source"


@dataclass(frozen=True)
class _Pair:
    """A pair of the source folder: name of the photograph, and truth, uint8 [H, W], in the model's classes."""

    name: str
    truth: np.ndarray


def evaluate_source(
    run: Path,
    source: SourceConfig,
    split: str = "val",
    *,
    at: str = SOURCE,
    predictor: Predictor | None = None,
    boundaries: bool = False,
) -> Evaluation:
    """Scores the best model of a run on a source folder, and writes the scores into the run folder.

    The class map is the one that `source` names, else the run's own: what its source values mean is in its config.json.

    Args:
      run: the run folder.
      source: where the dataset is.
      split: name of the split.
      at: "source" at the size of each photograph; "stored" at that of the run's records, as build would make them.
      predictor: of the run, with options of its own; None for the run's.
      boundaries: whether boundary IoU is counted, too.

    Raises:
      UsageError: no run, no such split, or a dataset with none of the model's classes.
      DataError: a pair that build would refuse, or a damaged model.
      MachineError: the run folder cannot be written to, or the device is out of memory.
    """
    predictor = predictor or Predictor(run)
    info = predictor.info
    layout = find_layout(source)
    refs = _refs(layout, split, source)
    classes = _class_map(info, source, layout)
    matched = matched_classes(info.classes, classes.names, source.src)
    mapper = MaskMapper(classes)
    stored = info.records_size if at == STORED else None

    def read(ref: ExampleRef) -> tuple[_Pair, Look]:
        image, mask = open_pair(ref, source)
        if mask is None:
            raise DataError(ref.image, "has no mask", "Add it, or remove the photograph from its list.", "E_NO_MASK")
        truth = mapper.map_mask(mask, stored or image.size, info.fit)
        if stored is None:
            return _Pair(ref.image, matched[truth]), predictor.look(image)
        canvas = max(stored[0], info.size[0]), max(stored[1], info.size[1])
        record = np.full((*canvas, 3), GREY, np.uint8)
        record[: stored[0], : stored[1]] = np.asarray(render(image, stored, info.fit))
        look = Look(image, View(stored, stored, (0, 0), stored, canvas), record)
        return _Pair(ref.image, matched[truth]), look

    tally = Tally(len(info.classes), has_boundaries=boundaries)
    with Progress(len(refs), "photo") as progress:
        for number, (pair, found) in enumerate(predictor.class_maps(ahead(read, refs, 2 * predictor.batch)), start=1):
            if isinstance(found, DataError):
                raise found
            tally.add(pair.name, pair.truth, found.mask)
            progress.show(number)
    name = BuildConfig(source).dataset_name
    label = f"{name}-{_place(source.src)}-{split}-{at}"
    evaluation = scored(evaluated(run, source.src, split, info.classes, tally, at), tally, label, f"{name}, {split}")
    warn_if_collapsed(evaluation.scores, info.classes)
    return evaluation


def _place(folder: Path) -> str:
    """Returns eight characters that stand for the path of a folder: two may have the same name."""
    return hashlib.sha256(os.path.realpath(folder).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _refs(layout: Layout, split: str, source: SourceConfig) -> tuple[ExampleRef, ...]:
    for reject in layout.rejects:
        if reject.split == split:
            raise reject.error
    if not layout.refs.get(split):
        what = f"has no split {split!r}, but {', '.join(map(repr, layout.refs)) or 'none'}"
        raise UsageError(source.src, what, "Choose another with --split.", "E_NO_SPLIT")
    return layout.refs[split]


def _class_map(info: RunInfo, source: SourceConfig, layout: Layout) -> ClassMap:
    """Returns the class map that the source names, else the run's, else the one in the source folder."""
    if source.classes is None and info.class_map and all(row.values for row in info.class_map):
        builder = ClassMapBuilder()
        for row in info.class_map:
            for value in row.values:
                builder.add(row.name, value, row.id)
        for value in info.ignore_values:
            builder.add(IGNORE_NAME, value, IGNORE_INDEX)
        return builder.finish()
    return find_class_map(source, layout).classes
