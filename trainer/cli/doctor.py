"""Command: segconv doctor."""

from __future__ import annotations

import click

from converter.system.console import print_result


@click.command()
def doctor() -> None:
    """Show what is installed, for a bug report.

    Prints versions, codecs, memory, free space and GPUs, and what each extra would bring. Names no file and no user.

    \b
    Example:
      segconv doctor
    """  # noqa: D301
    from trainer.doctor import diagnosis

    print_result(diagnosis())
