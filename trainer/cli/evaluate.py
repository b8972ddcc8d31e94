"""Command: segconv evaluate. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from converter.config import MASK_RESAMPLES, MISSING_MASK
from converter.errors import UsageError
from converter.options import layout_options, list_options, source_of
from converter.system.console import print_json, print_result
from converter.system.urls import UrlPath
from trainer.config import TTA_NAMES, TrainConfig


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=TrainConfig.runs, help="Folder in which to find the newest run."
)
@click.option("--data", type=click.Path(path_type=UrlPath), help="Folder of records.  [default: the run's]")
@click.option("--split", default="val", help="Split to evaluate on.")
@click.option("--batch", type=click.IntRange(1), help="Records per step.  [default: the run's]")
@click.option("--tta", type=click.Choice(TTA_NAMES), help="Test-time augmentation.  [default: the run's]")
@click.option(
    "--src", type=click.Path(path_type=UrlPath), help="Score photographs and masks of this source folder, not records."
)
@click.option("--classes", metavar="FILE|preset:NAME", help="Class map of --src.  [default: the run's]")
@layout_options
@list_options
@click.option(
    "--missing-mask", type=click.Choice(MISSING_MASK), help="What an image without a mask is.  [default: error]"
)
@click.option("--tolerance", type=int, help="Maximum difference per channel from a listed mask colour.  [default: 0]")
@click.option(
    "--mask-resample",
    type=click.Choice(MASK_RESAMPLES),
    help="With --at stored: take the nearest pixel, or the class with the most area.  [default: nearest]",
)
@click.option(
    "--at",
    type=click.Choice(("stored", "source")),
    show_default="stored, with --src source",
    help="Score at the size of the records, or at that of the photographs.",
)
@click.option("--boundary", is_flag=True, help="Also print boundary IoU, which looks at contours alone.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def evaluate(run: Path | None, runs: Path, json: bool, **choices: Any) -> None:
    """Evaluate a trained model, class by class.

    Reads best.keras of the run folder RUN, by default the newest one, and the records that it was trained on, those of
    --data, or the dataset in --src. Classes are matched by name. Prints IoU, precision, recall and F1 of every class,
    mIoU with its 95 % interval and pixel accuracy, and writes evaluation-SPLIT.json, confusion-SPLIT.png and .csv,
    reliability-SPLIT.png, images-SPLIT.csv (scores of each image), examples-SPLIT.png (the worst, median and best
    images) and predictions-SPLIT.png into the run folder; the names have the dataset, too, where it is not the run's.

    \b
    Example:
      segconv evaluate --split test
    """  # noqa: D301
    from trainer.run.runs import newest_run

    run = newest_run(runs) if run is None else run
    evaluation = _evaluated(run, **choices)
    if json:
        print_json(evaluation.to_json())
    else:
        print_result(evaluation.to_text())


def _evaluated(run: Path, at: str | None, split: str, boundary: bool, **choices: Any) -> Any:
    """Returns the evaluation on records, or on a source folder."""
    of_records = {name: choices.pop(name) for name in ("data", "batch", "tta")}
    if choices["src"] is None:
        _check_needs_no_source({"at": None if at == "stored" else at} | choices)
        from trainer.evaluation.records import evaluate as score

        return score(run, split, boundaries=boundary, **of_records)
    if of_records["data"] is not None:
        raise UsageError("--src", "and --data contradict each other", "Leave one of them out.")
    from converter.sources.mirror import local_source
    from trainer.evaluation.source import SOURCE, HowScored, evaluate_source
    from trainer.prediction.predictor import Predictor
    from trainer.prediction.restoring import Wanted

    tolerance, mask_resample = choices.pop("tolerance"), choices.pop("mask_resample")
    choices["missing_mask"] = choices["missing_mask"] or MISSING_MASK[0]
    predictor = Predictor(run, batch=of_records["batch"], tta=of_records["tta"], wanted=Wanted(confidence=True))
    samples = predictor.info.samples
    source = local_source(dataclasses.replace(source_of(choices), bands=samples.bands, levels=samples.levels))
    how = HowScored(at or SOURCE, tolerance or 0, mask_resample or MASK_RESAMPLES[0], boundary)
    return evaluate_source(run, source, split, how=how, predictor=predictor)


def _check_needs_no_source(options: dict[str, Any]) -> None:
    """Raises UsageError where an option is given that says how to read a source folder."""
    for name, value in options.items():
        if value is not None and value is not False and value != ():  # 0 is a fold
            option = f"--{name.removesuffix('s') if name == 'lists' else name.replace('_', '-')}"
            what = "is about photographs and masks, not records"
            raise UsageError(option, what, "Pass the folder that they were built from: --src dataset/")
