"""The command that verifies records against their manifest and their sources: verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from converter.errors import DataError, UsageError
from converter.options import DEFAULT, reading_options, source_of, workers_option
from converter.system.console import print_json, print_result
from converter.system.urls import UrlPath


@click.command()
@click.argument("path", default=DEFAULT.out, type=click.Path(path_type=UrlPath))
@click.option("--src", type=click.Path(path_type=UrlPath), help="Source folder from which the records were built.")
@reading_options
@click.option("--records", metavar="K|all", default="16", help="Number of records to rebuild from --src and compare.")
@click.option("--repair", is_flag=True, help="Rebuild damaged files exactly as they were.")
@click.option("--decode", is_flag=True, help="Also decode every image and mask, and count their pixels.")
@workers_option
@click.option("--json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def verify(
    ctx: click.Context, /, path: Path, records: str, repair: bool, workers: int, json: bool, **options: Any
) -> None:
    """Verify records against their manifest.

    Reads every byte of PATH (./records): hashes, checksums, indices and TFDS metadata. With --decode, images, masks,
    classes and counts as well; bytes with the right hash are those that build wrote. With --src, records are rebuilt
    from their sources and compared. --repair rebuilds damaged shards and does not touch intact ones. Exit code 1 if
    there is any problem.

    \b
    Examples:
      segconv verify
      segconv verify records/ --src dataset/ --records all
      segconv verify records/ --src dataset/ --repair
    """  # noqa: D301
    decode = options.pop("decode")
    unset: tuple[object, ...] = ((), "error")
    given = next(
        # 0 is a fold, and equal to False.
        (n for n, v in options.items() if v is not None and v is not False and v not in unset and n != "src"),
        None,
    )
    if options["src"] is None and given:
        raise UsageError(
            f"--{given.replace('lists', 'list').replace('_', '-')}",
            "says how to read --src, which is not given",
            "Name the folder with --src DIR.",
        )
    source = source_of(options) if options["src"] is not None else None
    from converter.verifying import verify as verifying
    from converter.verifying.report import VerifyConfig

    config = VerifyConfig(path, source, number_of(records), repair, workers, decode)
    report = verifying.verify(config)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if report.problems:
        ctx.exit(DataError.exit_code)


def number_of(text: str) -> int | None:
    """Returns the number of records that --records names, None for "all".

    Raises:
      UsageError: it is neither.
    """
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError("--records", f"{text!r} is not a number", "Give a number such as 16, or all.")
    return int(text)
