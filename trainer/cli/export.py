"""Command: segconv export. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from converter.system.console import print_json, print_result
from trainer.config import TrainConfig
from trainer.exporting.options import FORMATS, QUANTIZE, ExportConfig


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option("--format", type=click.Choice(tuple(FORMATS)), required=True, help="What is to read the model.")
@click.option("--out", type=click.Path(path_type=Path), help="File or folder to write.  [default: one in RUN/export/]")
@click.option(
    "--runs", type=click.Path(path_type=Path), default=TrainConfig.runs, help="Folder in which to find the newest run."
)
@click.option(
    "--quantize", type=click.Choice(QUANTIZE), default=QUANTIZE[0], help="Store LiteRT weights in 16 or 8 bits."
)
@click.option("--probabilities", is_flag=True, help="Also give the probability of every class, float32.")
@click.option("--free-size", is_flag=True, help="Take images of any size, where the model can.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of records to compare on.  [default: the run's]")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the text.")
def export(run: Path | None, runs: Path, json: bool, **choices: Any) -> None:
    """Export a trained model for another program.

    Reads best.keras of the run folder RUN, by default the newest one, and writes a model that takes images, uint8
    RGB, and gives the class of each pixel, uint8; with classes, colours and origin inside. It is loaded again in
    its own runtime and compared with best.keras on the run's records: with more than 0.01 % other pixels in one of
    them, it is not kept. Writes MODEL_CARD.md beside it.

    \b
    Example:
      segconv export --format onnx
    """  # noqa: D301
    from trainer.run.info import read_run
    from trainer.run.runs import newest_run

    config = ExportConfig(run=newest_run(runs) if run is None else run, **choices)
    read_run(config.run)  # refused at once, not when TensorFlow is there
    from trainer.exporting.export import export as export_run

    report = export_run(config)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
