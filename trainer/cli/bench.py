"""Command: segconv bench. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from converter.system.console import print_json, print_result
from converter.system.signals import ended_within
from converter.system.urls import UrlPath
from trainer.choices.recipes import DEFAULT_RECIPE
from trainer.cli.train import DEFAULT, SECONDS_TO_END, log_forced_end, train
from trainer.config import AUGMENT_NAMES, of_recipe


@click.command(
    params=[option for option in train.params if option.name in ("model", "encoder", "batch", "precision", "devices")],
    context_settings={"show_default": True},
)
@click.argument("records", type=click.Path(path_type=UrlPath), default=DEFAULT.data)
@click.option(
    "--augment",
    type=click.Choice(AUGMENT_NAMES),
    show_default="that of the default recipe",
    help="Augmentation preset.",
)
@click.option("--seconds", type=click.IntRange(1, 3600), default=5, help="Approximate seconds to time each part.")
@click.option("--xla", is_flag=True, help="Time the step with and without XLA, as is always done on a GPU.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def bench(records: Path, augment: str | None, seconds: int, xla: bool, json: bool, **choices: Any) -> None:
    """Benchmark the input pipeline and the training step.

    Reads a dataset that `segconv build` wrote, and times the input and the step that `segconv train` has by default.
    Prints the images/s of each alone, which of them is the bottleneck, and what to change. Writes nothing.

    \b
    Example:
      segconv bench --model unet_small
    """  # noqa: D301
    from trainer.bench import bench as time_parts

    config = of_recipe(DEFAULT_RECIPE, augment=augment, data=records, **choices)
    with ended_within(SECONDS_TO_END, log_forced_end):
        result = time_parts(config, seconds=seconds, xla=xla)
    if json:
        print_json(result.to_json())
    else:
        print_result(result.to_text())
