"""Command: segconv predict. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from converter.errors import EXIT_SKIPPED, UsageError
from converter.limits import MAX_PIXELS
from converter.system.console import log, print_json, print_result
from converter.system.signals import ended_within
from trainer.config import TTA_NAMES, TrainConfig
from trainer.prediction.options import AUTO, KINDS, ON_ERROR, PredictConfig

SECONDS_TO_END = 1.5  # after Ctrl-C: a step of a large model cannot be interrupted


def _log_forced_end() -> None:
    log.error("Interrupted during a step. No file was left half-written; the same command goes on.")


def _run_and_inputs(run: Path | None, runs: Path, words: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """Returns the run folder or exported model, which may be the first word, and what is to be predicted.

    Raises:
      UsageError: there is no run, or nothing to predict.
    """
    from trainer.prediction.on_onnx import SUFFIX
    from trainer.run.info import CONFIG
    from trainer.run.runs import BEST, newest_run

    if run is None and words:
        first = Path(words[0])
        if first.suffix == SUFFIX or all((first / name).is_file() for name in (CONFIG, BEST)):
            run, words = first, words[1:]
    if not words:
        fix = "Pass photographs or folders: segconv predict photos/ --out predictions/"
        raise UsageError("segconv predict", "has nothing to predict", fix)
    return newest_run(runs) if run is None else run, words


@click.command(context_settings={"show_default": True})
@click.argument("words", metavar="[RUN|MODEL.onnx] INPUT...", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the predictions.")
@click.option(
    "--run", type=click.Path(path_type=Path), help="Run folder, or exported ONNX file.  [default: the newest]"
)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=TrainConfig.runs, help="Folder in which to find the newest run."
)
@click.option(
    "--save", metavar="KIND,...", default=KINDS[0], help=f"Pictures to save of each photograph: {', '.join(KINDS)}."
)
@click.option(
    "--scale",
    metavar="auto|fit|FACTOR",
    default=AUTO,
    help="Look at photographs as in training (fit), or resized by a factor, in windows; auto: fit, but large ones"
    " at the scale of training.",
)
@click.option("--tta", type=click.Choice(TTA_NAMES), help="Test-time augmentation.  [default: the run's]")
@click.option("--batch", type=click.IntRange(1), help="Windows per step.  [default: the run's]")
@click.option(
    "--on-error", type=click.Choice(ON_ERROR), default=ON_ERROR[0], help="Stop at an invalid photograph, or skip it."
)
@click.option(
    "--pixel-size",
    type=float,
    metavar="METRES",
    help="Side of a pixel, where a file does not say it: for areas in square metres, and runs of tiles by --gsd.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    help="Maximum number of pixels of a photograph; a larger TIFF is read by windows.",
)
@click.option("--overwrite", is_flag=True, help="Replace predictions of another model, or with other options.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def predict(words: tuple[str, ...], run: Path | None, runs: Path, save: str, json: bool, **choices: Any) -> int:
    """Predict photographs with a trained model.

    Reads best.keras of a run folder, or a file of `segconv export --format onnx`, for which TensorFlow need not be
    installed, and each INPUT: a photograph, a folder, a pattern such as 'photos/*.jpg', a list (.txt) or a folder of
    records. Writes OUT/index/PATH.png for each photograph, its classes at its own size and upright, and OUT/areas.csv.
    What is done and unchanged is not done again, so the same command resumes.

    \b
    Example:
      segconv predict photos/ --out predictions/ --save index,overlay
    """  # noqa: D301
    run, inputs = _run_and_inputs(run, runs, words)
    config = PredictConfig(run=run, inputs=inputs, save=tuple(filter(None, save.split(","))), **choices)
    with ended_within(SECONDS_TO_END, _log_forced_end):
        from trainer.prediction.predict import predict as predict_all

        report = predict_all(config)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    return EXIT_SKIPPED if report.refused else 0
