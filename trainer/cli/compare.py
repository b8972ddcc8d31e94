"""Command: segconv compare. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path

import click

from converter.errors import UsageError
from converter.system.console import log, print_json, print_result
from trainer.cli.report import SUFFIXES


@click.command(context_settings={"show_default": True})
@click.argument("runs", metavar="RUN RUN...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--split", default="val", help="Split of the scores.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of records to score all on.  [default: the runs']"
)
@click.option("--folds", is_flag=True, help="The runs are the folds of a cross-validation: average them.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write it as an HTML page.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the tables.")
def compare(runs: tuple[Path, ...], split: str, data: Path | None, folds: bool, html: Path | None, json: bool) -> None:
    """Compare runs: scores side by side, and whether they differ by more than chance.

    Prints mIoU, pixel accuracy and the IoU of each class of every RUN, their differences from the first one with 95 %
    intervals (paired bootstrap over images), and the options that differ. All are scored on the same records; a run
    without scores is scored first. With --folds each is scored on its own records: prints the mean over the runs,
    its deviation, and the scores of all images together.

    \b
    Example:
      segconv compare runs/2026-11-29T18-04-43/ runs/2026-11-29T18-04-44/ --html compare.html
    """  # noqa: D301
    from converter.system.files import write_whole
    from converter.system.outputs import check_output_file
    from trainer.reporting.compare import compare as compare_runs

    if folds:
        from trainer.reporting.folds import read_folds

        for option, given in (("--data", data), ("--html", html)):
            if given is not None:
                raise UsageError(option, "cannot be used with --folds", "Leave one of them out.")
        averaged = read_folds(runs, split)
        print_json(averaged.to_json()) if json else print_result(averaged.to_text())
        return
    if html is not None:  # before minutes of scoring
        check_output_file(html, SUFFIXES)
    found = compare_runs(runs, split, data)
    if json:
        print_json(found.to_json())
    else:
        print_result(found.to_text())
    if html is not None:
        from trainer.reporting.compare_page import compare_page

        check_output_file(html, SUFFIXES)
        write_whole(html, compare_page(found).encode("utf-8", "backslashreplace"))
        log.info("saved %s", html)
