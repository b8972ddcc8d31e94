"""CLI: the commands train and evaluate.

Whatever imports TensorFlow is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path

import click

from converter.console import print_json, print_result
from trainer.config import AUGMENT_NAMES, MODEL_NAMES, TrainConfig

DEFAULT = TrainConfig()


@click.command(context_settings={"show_default": True})
@click.option("--data", type=click.Path(path_type=Path), default=DEFAULT.data, help="Folder of records.")
@click.option("--runs", type=click.Path(path_type=Path), default=DEFAULT.runs, help="Folder for the run's own folder.")
@click.option("--model", type=click.Choice(MODEL_NAMES), default=DEFAULT.model, help="Network to train.")
@click.option(
    "--weights",
    metavar="none|imagenet|PATH",
    default=DEFAULT.weights,
    help="What to start from: nothing, ImageNet, a .keras file, or an encoder's .h5 file.",
)
@click.option("--epochs", type=click.IntRange(1), default=DEFAULT.epochs, help="Passes over the records, at most.")
@click.option("--batch", type=click.IntRange(1), default=DEFAULT.batch, help="Records per step.")
@click.option("--learning-rate", type=float, default=DEFAULT.learning_rate, help="Of Adam, at the start.")
@click.option(
    "--plateau-patience",
    type=click.IntRange(1),
    default=DEFAULT.plateau_patience,
    help="Epochs without a lower validation loss after which the learning rate is halved.",
)
@click.option(
    "--stop-patience",
    type=click.IntRange(1),
    default=DEFAULT.stop_patience,
    help="Epochs without a lower validation loss or a higher mIoU after which training ends.",
)
@click.option(
    "--augment",
    type=click.Choice(AUGMENT_NAMES),
    default=DEFAULT.augment,
    help="Chance flips: none; light: left-right; nadir: up-down as well, for views from straight above.",
)
@click.option("--seed", type=click.IntRange(0), default=DEFAULT.seed, help="Of weights, order and augmentation.")
def train(
    data: Path,
    runs: Path,
    model: str,
    weights: str,
    epochs: int,
    batch: int,
    learning_rate: float,
    plateau_patience: int,
    stop_patience: int,
    augment: str,
    seed: int,
) -> None:
    """Train a segmentation model from records.

    Reads the splits train and val of a folder that `segconv build` finished. Writes a folder RUNS/<time> with
    config.json, metrics.csv (one row per epoch), log.txt, best.keras (the epoch of the highest validation mIoU) and
    predictions.png, and prints the name of that folder.

    \b
    Example:
      segconv train --model unet_small --epochs 20
    """  # noqa: D301 - \b is click's mark for lines that are not to be rewrapped
    config = TrainConfig(
        data=data,
        runs=runs,
        model=model,
        weights=weights,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        plateau_patience=plateau_patience,
        stop_patience=stop_patience,
        augment=augment,
        seed=seed,
    )
    from trainer.train import train as run_training

    print_result(str(run_training(config).run))


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--runs", type=click.Path(path_type=Path), default=DEFAULT.runs, help="Where to find the newest run.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of records.  [default: the run's]")
@click.option("--split", default="val", help="Split to score the model on.")
@click.option("--batch", type=click.IntRange(1), help="Records per step.  [default: the run's]")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def evaluate(run: Path | None, runs: Path, data: Path | None, split: str, batch: int | None, json: bool) -> None:
    """Score a trained model, class by class.

    Reads best.keras of the run folder RUN, by default the newest one, and the records that it was trained on. Prints
    IoU, precision, recall and F1 of every class, mIoU and pixel accuracy, and writes evaluation-SPLIT.json,
    confusion-SPLIT.png and predictions-SPLIT.png into the run folder.

    \b
    Example:
      segconv evaluate --split test
    """  # noqa: D301
    from trainer.runs import newest_run

    run = newest_run(runs) if run is None else run
    from trainer.evaluate import evaluate_run

    evaluation = evaluate_run(run, split, data=data, batch=batch)
    if json:
        print_json(evaluation.to_json())
    else:
        print_result(evaluation.to_text())
