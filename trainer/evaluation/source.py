"""Source: a trained model on a dataset as it lies in its source folder, without records.

Photographs are predicted as `segconv predict` does, and held against their masks: at the size of the photograph, or at
that of the records that the run was trained on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.find import find_class_map
from converter.classes.mapper import MaskMapper
from converter.config import BuildConfig, SourceConfig
from converter.errors import DataError, UsageError
from converter.limits import MAX_TOLERANCE
from converter.pixels.geometry import scaled_size
from converter.pixels.images import render
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef
from converter.system.console import Progress
from trainer.choices.augments import GREY
from trainer.evaluation.counts import chosen
from trainer.evaluation.drawing import EXAMPLES, Example, drawn_image, drawn_size
from trainer.evaluation.pairs import PairReader, name_of
from trainer.evaluation.records import warn_if_collapsed
from trainer.evaluation.scoring import Evaluation, Tally, evaluated, matched_classes, scored, write_examples
from trainer.prediction.predictor import Look, Predictor, ahead
from trainer.prediction.restoring import ClassMap as Predicted
from trainer.prediction.restoring import Wanted
from trainer.prediction.views import View
from trainer.run.info import RunInfo

STORED, SOURCE = "stored", "source"


@dataclass(frozen=True)
class HowScored:
    """How a source folder is scored.

    Attributes:
      at: "source" at the size of each photograph; "stored" at that of the run's records, as build would make them.
      tolerance: maximum difference per channel of a mask's value from a listed one, as for build.
      mask_resample: "nearest" or "vote", how masks are resized to the size of records.
      boundaries: whether boundary IoU is counted, too.
    """

    at: str = SOURCE
    tolerance: int = 0
    mask_resample: str = "nearest"
    boundaries: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance <= MAX_TOLERANCE:
            raise UsageError("--tolerance", f"is {self.tolerance}", f"Use a value in 0..{MAX_TOLERANCE}.")


AS_SOURCE = HowScored()


@dataclass(frozen=True)
class _Pair:
    """A pair of the source folder, and its truth, uint8 [H, W], in the model's classes."""

    ref: ExampleRef
    truth: np.ndarray


def evaluate_source(
    run: Path,
    source: SourceConfig,
    split: str = "val",
    *,
    how: HowScored = AS_SOURCE,
    predictor: Predictor | None = None,
) -> Evaluation:
    """Scores the best model of a run on a source folder, and writes the scores into the run folder.

    The class map is the one that `source` names, else the run's own: what its source values mean is in its config.json.

    Args:
      run: the run folder.
      source: where the dataset is.
      split: name of the split.
      how: at which size, and how masks are read.
      predictor: of the run, with options of its own; None for the run's.

    Raises:
      UsageError: no run, no such split, or a dataset with none of the model's classes.
      DataError: a pair that build would refuse, or a damaged model.
      MachineError: the run folder cannot be written to, or the device is out of memory.
    """
    predictor = predictor or Predictor(run, wanted=Wanted(confidence=True))
    info = predictor.info
    layout = find_layout(source)
    at = how.at
    refs = _refs(layout, split, source)
    if at == STORED and info.fit != "tile" and any(ref.window for ref in refs):
        what = "is stored, but the run has no records of blocks, which are cut by --fit tile alone"
        raise UsageError("--at", what, "Pass --at source.")
    classes = _class_map(info, source, layout)
    matched = matched_classes(info.classes, classes.names, source.src)
    pairs = PairReader(source, MaskMapper(classes, how.tolerance), how.mask_resample)
    reader = _Reader(predictor, pairs, matched, info.records_size if at == STORED else None)
    tally = Tally(len(info.classes), has_boundaries=how.boundaries)
    counted: list[ExampleRef] = []  # in the order of the tally, in which a large photograph may come early
    with Progress(len(refs), "photo") as progress:
        for number, (pair, found) in enumerate(reader.class_maps(refs), start=1):
            tally.add(name_of(pair.ref), pair.truth, found.mask, found.confidence)
            counted.append(pair.ref)
            progress.show(number)
    name = BuildConfig(source).dataset_name
    label, title = f"{name}-{_place(source.src)}-{split}-{at}", f"{name}, {split}"
    examples = _examples(reader, tally, counted)
    write_examples(run, examples, info.drawn_classes, label=label, title=title)
    evaluation = scored(evaluated(run, source.src, split, info.classes, tally, at), tally, label, title)
    warn_if_collapsed(evaluation.scores, info.classes)
    return evaluation


@dataclass(frozen=True)
class _Reader:
    """Reads pairs of a source folder, and predicts them.

    Attributes:
      predictor: of the run.
      pairs: opens the pairs of the source folder.
      matched: uint8 [256], the model's class of each of its classes.
      stored: (height, width) of the run's records, at which is scored; None for the size of each photograph.
    """

    predictor: Predictor
    pairs: PairReader
    matched: np.ndarray
    stored: tuple[int, int] | None

    def class_maps(self, refs: Iterable[ExampleRef]) -> Iterator[tuple[_Pair, Predicted]]:
        """Yields each pair with its prediction; large photographs before others that came first."""
        for pair, found in self.predictor.class_maps(ahead(self._read, refs, 2 * self.predictor.batch)):
            if isinstance(found, DataError):
                raise found
            yield pair, found

    def image(self, ref: ExampleRef) -> np.ndarray:
        """Returns a photograph as it is drawn as an example, uint8 [H, W, 3]: what is scored of it."""
        image = self.pairs.open(ref).image
        if self.stored is not None and self.predictor.info.fit != "tile":
            return drawn_image(np.asarray(render(image, self.stored, self.predictor.info.fit)))
        return np.asarray(render(image, drawn_size(image.size), "stretch"))

    def _read(self, ref: ExampleRef) -> tuple[_Pair, Look]:
        opened = self.pairs.open(ref)
        image = opened.image
        info = self.predictor.info
        metres = None if info.tile_gsd is None else self.pairs.metres(ref)
        if self.stored is None:
            look = self.predictor.look(image, metres=metres)
            return _Pair(ref, self.matched[opened.truth(image.size, "pad")]), look
        stored, fit = self.stored, info.fit
        if fit == "tile":  # as it was cut
            stored, fit = scaled_size(image.size, self.predictor.tile_scale(ref.image, metres)), "stretch"
        truth = opened.truth(stored, fit)
        canvas = max(stored[0], info.size[0]), max(stored[1], info.size[1])
        record = np.full((*canvas, 3), GREY, np.uint8)
        record[: stored[0], : stored[1]] = np.asarray(render(image, stored, fit))
        look = Look(image, View(stored, stored, (0, 0), stored, canvas), record)
        return _Pair(ref, self.matched[truth]), look


def _examples(reader: _Reader, tally: Tally, counted: list[ExampleRef]) -> list[Example]:
    """Returns the worst, the median and the best photographs, predicted once more: nobody knew them before the end."""
    picked = {counted[number]: (kind, number) for kind, number in chosen(tally.counts, EXAMPLES, tally.names)}
    examples = {
        pair.ref: tally.example(*picked[pair.ref], reader.image(pair.ref), (pair.truth, found.mask))
        for pair, found in reader.class_maps(picked)
    }
    return [examples[ref] for ref in picked]


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
    return tuple(layout.refs[split])


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
