"""CLI: the segconv command. At its top click, pathlib and configuration alone, so that `--help` answers at once.

Modules, in dependency order:

    options  options that several commands share
    dataset  the commands sample, check, classes and split
    records  the commands build and inspect
    verify   the command verify
"""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from converter.cli.dataset import check, classes, sample, split
from converter.cli.records import build, inspect
from converter.cli.verify import verify
from converter.errors import MachineError, SegconvError, shown
from converter.system.console import log, set_verbosity
from converter.version import __version__
from trainer.cli import bench, evaluate, train

SETTINGS = {
    "auto_envvar_prefix": "SEGCONV",
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    "max_content_width": 100,
}


class Interrupted(BaseException):
    """The process was asked to end; no `except Exception` may hold it up."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number


class InOrder(click.Group):
    """A group whose help lists the commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands, first things first."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings=SETTINGS)
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say only warnings and errors.")
@click.version_option(__version__)
def segconv(verbose: int, quiet: bool) -> None:
    """Photographs and label masks to checked TFRecords, and a trained model.

    \b
    segconv sample dataset/         draw a dataset to try everything on
    segconv check --src dataset/    all that is wrong with a dataset
    segconv build --src dataset/    dataset/ -> records/
    segconv inspect shard           what is inside a shard
    segconv verify                  every byte of records/, held against its manifest
    segconv train                   records/ -> runs/<time>/
    segconv evaluate                scores of the newest run
    segconv bench                   how fast training can be, and what limits it
    """  # noqa: D301 - \b is click's mark for lines that are not to be rewrapped
    set_verbosity(-1 if quiet else verbose)


for command in (sample, check, classes, split, build, inspect, verify, train, evaluate, bench):
    segconv.add_command(command)


def main() -> NoReturn:
    """Runs the command; every failure of a user's is one line on stderr and an exit code."""
    _open_streams()
    # NumPy starts a thread a processor for a linear algebra that nothing here uses, in each of our processes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup it stays ignored
            signal.signal(number, _interrupt)
    set_verbosity(0)  # until the options are read
    sys.exit(_run())


def _open_streams() -> None:
    """Makes sure that stdout and stderr can be written to: some callers close them, some have no Unicode."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for as long as the process lives
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        # Click gives the code of ctx.exit() back, and otherwise what the command returned.
        code = segconv.main(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SegconvError as error:
        log.debug("", exc_info=True)
        log.error("Error: %s", error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "segconv"
        log.error("Error: %s: %s See %s --help", command, error.format_message(), command)
        return error.exit_code
    except OSError as error:
        log.debug("", exc_info=True)
        where = shown(error.filename or "segconv")
        log.error("Error: %s: %s. Mend it, then run the same command again.", where, error.strerror or error)
        return MachineError.exit_code
    except (KeyboardInterrupt, click.Abort):
        log.error("Interrupted. No file was left half-written.")
        return 128 + signal.SIGINT
    except Interrupted as interrupted:
        log.error("Ended by a signal. No file was left half-written.")
        return interrupted.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
