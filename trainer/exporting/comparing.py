"""Comparing: an exported model, run in its own runtime, held against the model of the run, image by image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.limits import MAX_COMPARED_RECORDS
from converter.schema import IGNORE_INDEX, MANIFEST
from converter.system.console import Progress, log
from trainer.choices.augments import GREY
from trainer.evaluation.scoring import Tally, matched_classes
from trainer.exporting.drawn import drawn_image
from trainer.exporting.serving import Runtime
from trainer.learning.blending import windows_along
from trainer.learning.metrics import scores_from_confusion
from trainer.learning.step import ClassMaps
from trainer.prediction.on_onnx import CLASS_MAP
from trainer.run.info import RunInfo

# Pixels of each image that must have the class that the run's model gives them, by the way weights are stored.
AGREEMENT = {"none": 0.9999, "float16": 0.99, "int8": 0.8}
DRAWN = 8  # images that are drawn where there are no records


@dataclass(frozen=True)
class Samples:
    """Records to compare on, as windows of the model's size.

    Attributes:
      label: what they are, for people.
      size: (height, width) of the windows.
      source: the records; None where there are none, and images are drawn instead.
      numbers: of the records.
      classes: uint8 [256], the model's class of each class of the records.
    """

    label: str
    size: tuple[int, int]
    source: RecordSource | None = None
    numbers: tuple[int, ...] = tuple(range(DRAWN))
    classes: np.ndarray | None = None

    @property
    def split(self) -> str:
        """Name of the split; empty for drawn images."""
        return self.source.split if self.source else ""

    def windows(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields (name, windows uint8 [n, h, w, 3], their masks uint8 [n, h, w]) of each record.

        A record of the model's size is one window; on a larger one they overlap, a smaller one is padded with GREY.
        """
        for number in self.numbers:
            if self.source is None or self.classes is None:
                drawn = drawn_image(self.size, number)
                yield f"drawn {number}", drawn[None], np.full((1, *self.size), IGNORE_INDEX, np.uint8)
                continue
            record = self.source[number]
            sides = list(zip(record.mask.shape, self.size, strict=True))
            padding = [(0, max(0, window - n)) for n, window in sides]
            image = np.pad(record.image, (*padding, (0, 0)), constant_values=GREY)
            mask = np.pad(self.classes[record.mask], padding, constant_values=IGNORE_INDEX)
            starts = itertools.product(*(windows_along(max(n, window), window).starts for n, window in sides))
            parts = [(slice(top, top + self.size[0]), slice(left, left + self.size[1])) for top, left in starts]
            yield record.file_name, np.stack([image[part] for part in parts]), np.stack([mask[part] for part in parts])


@dataclass(frozen=True)
class Comparison:
    """How an exported model compares to that of the run.

    Attributes:
      label: what they were compared on.
      agreement: share of the pixels that both give the same class.
      lowest: that of the image with the lowest one.
      most: share of the pixels that differ in the image with the highest one; a single pixel does not count.
      before: counts of the run's model; without any where there are no records.
      after: counts of the exported model.
    """

    label: str
    agreement: float
    lowest: float
    most: float
    before: Tally
    after: Tally

    @property
    def miou(self) -> tuple[float, float] | None:
        """(mIoU of the run's model, of the exported one) on these records; None where there are none."""
        if not self.before.matrix.any():
            return None
        return scores_from_confusion(self.before.matrix).miou, scores_from_confusion(self.after.matrix).miou


def samples_of(info: RunInfo, data: Path | None, splits: tuple[str, ...] = ("val", "test", "train")) -> Samples | None:
    """Returns the records of a run to look at: of the first of these splits that has any, evenly spaced.

    Args:
      info: of the run.
      data: folder of records; None for the run's.
      splits: names of splits, in the order of preference.

    Returns:
      The records; None where the run's are not on this machine.

    Raises:
      UsageError: `data` holds no records, or none of these splits, or none of the model's classes.
    """
    folder = data or info.config.data
    if data is None and not (folder / MANIFEST).is_file():
        return None
    manifest = read_manifest(folder)
    split = next((name for name in splits if name in manifest.splits and manifest.splits[name].records), None)
    if split is None:
        raise UsageError(folder, f"has no records in {' or '.join(splits)}", "Pass other records with --data.")
    source = RecordSource(folder, split)
    count = min(len(source), MAX_COMPARED_RECORDS)
    numbers = np.linspace(0, len(source) - 1, count).round().astype(int).tolist()
    of_all = "" if count == len(source) else f" of {len(source)}"
    classes = matched_classes(info.classes, manifest.class_names, folder)
    return Samples(f"{count}{of_all} records of split {split!r}", info.size, source, tuple(numbers), classes)


def compare(run: Runtime, maps: ClassMaps, samples: Samples, num_classes: int, quantize: str = "none") -> Comparison:
    """Returns how an exported model compares to that of a run.

    Args:
      run: the exported model, in its own runtime.
      maps: the model of the run.
      samples: what they are compared on.
      num_classes: number of classes.
      quantize: one of QUANTIZE.

    Raises:
      DataError: its class maps have another shape or type, or do not fit its other outputs.
    """
    before, after = Tally(num_classes), Tally(num_classes)
    shares, same, total, most = [], 0, 0, 0.0
    with Progress(len(samples.numbers), "record") as progress:
        for number, (name, images, masks) in enumerate(samples.windows(), start=1):
            expected = maps.predict_on_batch(images)
            found = run(images)
            got = found[CLASS_MAP]
            _check(got, expected, found, is_exact=quantize == "none")
            equal = int((got == expected).sum())
            # Of a small image one pixel is more than the share that may differ, and may be a tie.
            differing = 0.0 if equal == expected.size - 1 else 1 - equal / expected.size
            same, total = same + equal, total + expected.size
            shares.append(equal / expected.size)
            most = max(most, differing)
            before.add(name, masks, expected)
            after.add(name, masks, got)
            progress.show(number)
    return Comparison(samples.label, same / total, min(shares), most, before, after)


def check_agreement(comparison: Comparison, path: Path, quantize: str) -> None:
    """Refuses an export that gives other classes than the model of the run.

    Raises:
      DataError: in some image, fewer than AGREEMENT of the pixels have the same class.
    """
    if comparison.most > 1 - AGREEMENT[quantize]:
        what = f"gives another class to up to {comparison.most:.4%} of the pixels of an image than best.keras"
        what += f" ({comparison.label}; at most {1 - AGREEMENT[quantize]:.4g} of them may differ), and was not kept"
        fix = "Choose another --format." if quantize == "none" else "Export it without --quantize, or train for longer."
        raise DataError(path, what, fix, "E_EXPORT")


def drawn_samples(info: RunInfo) -> Samples:
    """Returns images drawn for want of records, and says so."""
    log.warning(
        "Warning: %s holds no records: compared on drawn images. Pass the folder of the records with --data.",
        info.config.data,
    )
    return Samples(f"{DRAWN} drawn images", info.size)


def _check(got: np.ndarray, expected: np.ndarray, found: Mapping[str, np.ndarray], *, is_exact: bool) -> None:
    if got.dtype != np.uint8 or got.shape != expected.shape:
        what = f"gives class maps of {got.dtype} {got.shape}, expected uint8 {expected.shape}"
        raise DataError("the exported model", what, "Choose another --format.", "E_EXPORT")
    for name, values in found.items() if is_exact else ():  # in 8 bits, probabilities are equal more often
        if name != CLASS_MAP and (values.argmax(axis=-1) != got).mean() > 1 - AGREEMENT["none"]:
            what = f"has {name} that do not fit its class maps"
            raise DataError("the exported model", what, "Choose another --format.", "E_EXPORT")
