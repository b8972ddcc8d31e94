"""Command: segconv report. What needs TensorFlow is imported inside, to keep `--help` fast."""

from __future__ import annotations

from pathlib import Path

import click

from converter.errors import UsageError
from converter.schema import MANIFEST
from converter.system.console import print_result
from trainer.config import TrainConfig

SUFFIXES = (".html", ".htm")
REPORT = "report.html"


@click.command(context_settings={"show_default": True})
@click.argument("path", metavar="[RUN|RECORDS]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--runs", type=click.Path(path_type=Path), default=TrainConfig.runs, help="Folder in which to find the newest run."
)
@click.option("--out", type=click.Path(path_type=Path), help="HTML file to write.  [default: report.html in the run]")
@click.option("--split", default="val", help="Split of the run's scores.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of records to score on.  [default: the run's]")
def report(path: Path | None, runs: Path, out: Path | None, split: str, data: Path | None) -> None:
    """Write an HTML page about a run or about records, to read, mail or print.

    Of a run, by default the newest: curves, scores of each class with their intervals, what is confused, the worst,
    median and best images, options, time, and the command that repeats it. A run that has no scores is scored first.
    Of a folder of records: classes, sizes, skipped pairs and images read back from the shards. The page is one file,
    loads nothing and needs no script.

    \b
    Examples:
      segconv report
      segconv report records/ --out records.html
    """  # noqa: D301
    from converter.system.files import write_whole
    from converter.system.outputs import check_output_file
    from trainer.run.runs import newest_run

    path = newest_run(runs) if path is None else path
    is_run = _is_run(path)
    if out is None:  # not in the folder of records, in which verify would call it foreign
        out = path / REPORT if is_run else _named(path).with_name(f"{_named(path).name}-{REPORT}")
    check_output_file(out, SUFFIXES)  # before minutes of scoring
    if is_run:
        from trainer.reporting.gather import gather
        from trainer.reporting.run_page import run_page

        text = run_page(gather(path, split, data))
    else:
        from trainer.reporting.records_page import records_page

        text = records_page(path)
    check_output_file(out, SUFFIXES)
    write_whole(out, text.encode("utf-8", "backslashreplace"))
    print_result(str(out))


def _named(path: Path) -> Path:
    """Returns a path that ends in the name of its folder, as "." does not."""
    return path if path.name not in ("", "..") else path.resolve()


def _is_run(path: Path) -> bool:
    """Returns whether a folder is a run, not records.

    Raises:
      UsageError: it is neither.
    """
    from trainer.run.info import CONFIG

    if (path / CONFIG).is_file():
        return True
    if (path / MANIFEST).is_file():
        return False
    what = f"is neither a run, which has a {CONFIG}, nor a folder of records, which has a {MANIFEST}"
    raise UsageError(path, what, "Name one of them: segconv report runs/RUN", "E_NO_RUN")
