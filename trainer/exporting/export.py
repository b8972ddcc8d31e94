"""Export: best.keras of a run -> a file for another runtime, tried there before it has its name, and a model card."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from converter.errors import DataError, SegconvError, UsageError
from converter.limits import MAX_CALIBRATION_IMAGES
from converter.system.console import log
from converter.system.files import write_error
from trainer.evaluation.scoring import evaluated, with_intervals
from trainer.exporting.card import CARD, ExportedFile, saved_scores, write_card
from trainer.exporting.comparing import Comparison, Samples, check_agreement, compare, drawn_samples, samples_of
from trainer.exporting.facts import facts_of
from trainer.exporting.options import FOLDER, FORMATS, ExportConfig, Format
from trainer.exporting.serving import PROBABILITIES, Runtime, Served, compute_exactly, in_float32
from trainer.exporting.sizes import for_any_size
from trainer.exporting.staging import staged
from trainer.learning.step import ClassMaps
from trainer.models.load import load_model
from trainer.prediction.on_onnx import CLASS_MAP, LOGITS
from trainer.run.info import RunInfo, read_run
from trainer.run.runs import BEST


@dataclass(frozen=True)
class ExportReport:
    """What an export did.

    Attributes:
      config: its options.
      size: in bytes, of the file or of all files in the folder.
      inputs, outputs: of the model by name, their type and shape.
      comparison: with the model of the run.
      card: the model card; None where it was not written.
      seconds: all of it.
    """

    config: ExportConfig
    size: int
    inputs: dict[str, str]
    outputs: dict[str, str]
    comparison: Comparison
    card: Path | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints."""
        miou = self.comparison.miou
        return {
            "run": str(self.config.run),
            "out": str(self.config.path),
            "format": self.config.format,
            "quantize": self.config.quantize,
            "bytes": self.size,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "compared": self.comparison.label,
            "agreement": self.comparison.agreement,
            "lowest_agreement": self.comparison.lowest,
            "miou": miou and {"run": miou[0], "export": miou[1]},
            "card": self.card and str(self.card),
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns what was written, how it compares, and what to do with it."""
        path = self.config.path
        lines = [f"{path}: {self.size / 1e6:.1f} MB, for {FORMATS[self.config.format].help}"]
        lines += [f"  input   {name}: {form}" for name, form in self.inputs.items()]
        lines += [f"  output  {name}: {form}" for name, form in self.outputs.items()]
        lines += ["", result_of(self.comparison)]
        if self.card:
            lines.append(f"{self.card}: fill in what the model is meant for")
        if self.config.format == "onnx":
            lines.append(f"Next: segconv predict {path} photos/ --out predictions/")
        return "\n".join(lines)


def export(config: ExportConfig) -> ExportReport:
    """Writes the best model of a run in another format and tries it there.

    Raises:
      UsageError: no run, an option that this model does not allow, or a runtime that is not installed.
      DataError: a damaged model, or an export that gives other classes than the model of the run; it is not kept.
      MachineError: it cannot be written.
    """
    start = time.monotonic()
    info = read_run(config.run)
    row, path = FORMATS[config.format], config.path
    samples = samples_of(info, config.data) or drawn_samples(info)
    compute_exactly()
    net = in_float32(load_model(config.run / BEST, info.config.model))
    free, other = for_any_size(net, info) if config.free_size else (net, None)
    served, facts = _served(config, info, free)
    if config.out is None:
        try:
            (config.run / FOLDER).mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(config.run / FOLDER, error) from error
    with staged(path, row.suffix) as temporary:
        _write(row, config, served, temporary)
        size = sum(file.stat().st_size for file in (temporary, *temporary.rglob("*")) if file.is_file())
        run = _loaded(row, temporary, path)
        comparison = compare(run, ClassMaps(net), samples, len(info.classes), config.quantize)
        check_agreement(comparison, path, config.quantize)
        if other is not None:
            drawn = Samples("drawn images of another size", other.output_shape[1:3])
            check_agreement(compare(run, ClassMaps(other), drawn, len(info.classes)), path, config.quantize)
    inputs, outputs = facts["input"], facts["outputs"]
    scores = saved_scores(config.run)
    if not scores and comparison.miou is not None:
        tally = comparison.before
        found = evaluated(config.run, config.data or info.config.data, samples.split, info.classes, tally, "stored")
        scores = [with_intervals(found, tally).to_json()]
    file = ExportedFile(path.name, row.help, result_of(comparison))
    card = path.parent / CARD
    is_written = write_card(card, info, config.run, scores, file)
    seconds = time.monotonic() - start
    return ExportReport(config, size, inputs, outputs, comparison, card if is_written else None, seconds)


def result_of(comparison: Comparison) -> str:
    """Returns how an export compares to the model of the run, in a line."""
    text = f"{comparison.agreement:.4%} of the pixels have the same class as with best.keras"
    text += f" ({comparison.label}, lowest {comparison.lowest:.4%})"
    if comparison.miou is None:
        return text
    before, after = comparison.miou
    return f"{text}; mIoU {after:.2%} instead of {before:.2%}"


def _served(config: ExportConfig, info: RunInfo, net: Any) -> tuple[Served, dict[str, Any]]:
    """Returns what is stored, and what its description says of inputs and outputs."""
    outputs = [CLASS_MAP]
    if config.probabilities:
        outputs.append(PROBABILITIES)
    if config.format == "onnx":
        outputs.append(LOGITS)
    chosen = {"format": config.format, "quantize": config.quantize, "free_size": config.free_size}
    count = 1 if FORMATS[config.format].is_one_image else None
    facts = facts_of(config.run, info, chosen, outputs, count)
    size = (None, None) if config.free_size else info.size
    served = Served(net, size, facts, config.probabilities, config.quantize, _images(config, info))
    return served, json.loads(facts)["export"]


def _images(config: ExportConfig, info: RunInfo) -> Any:
    """Returns what yields images of the training records, to calibrate with.

    Raises:
      UsageError: they are needed, and there are none.
    """
    if config.quantize != "int8":
        return lambda: iter(())
    training = samples_of(info, config.data, ("train", "val", "test"))
    if training is None:
        what = f"is int8, which is calibrated on the training records, and {info.config.data} holds none"
        raise UsageError("--quantize", what, "Pass the folder of the records with --data, or --quantize float16.")

    def images() -> Iterator[np.ndarray]:
        step = -(-len(training.numbers) // MAX_CALIBRATION_IMAGES)
        for number, (_, windows, _) in enumerate(training.windows()):
            if number % step == 0:
                yield windows[0]

    return images


def _write(row: Format, config: ExportConfig, served: Served, path: Path) -> None:
    """Writes an export; what a converter cannot do with a model is an error of one line."""
    try:
        resolve_name(row.write)(served, path)
    except (SegconvError, OSError, MemoryError):
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0][:200]
        what = f"is {config.format}, to which this model cannot be converted ({type(error).__name__}: {reason})"
        raise UsageError("--format", what, "Choose another format; `segconv -v export` shows the details.") from error
    log.debug("Written: %s", path)


def _loaded(row: Format, temporary: Path, path: Path) -> Runtime:
    """Returns an export in its own runtime.

    What fails there, while it is loaded or later, is an error of one line: a converter may write an invalid file
    without a word.
    """

    def attempted(function: Callable[[Any], Any], given: object) -> Any:
        try:
            return function(given)
        except (UsageError, OSError, MemoryError):
            raise
        except Exception as error:
            what = f"was written, but cannot be run ({type(error).__name__}), and was not kept"
            fix = "Choose another format; `segconv -v export` shows the details."
            raise DataError(path, what, fix, "E_EXPORT") from error

    run = attempted(resolve_name(row.load), temporary)
    return lambda images: attempted(run, images)
