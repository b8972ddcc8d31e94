"""CLI: the segconv command. Imports only click, pathlib and configuration at the top, so `--help` answers at once.

Modules, in dependency order:

    defaults  segconv.toml, and --show-config of every command
    dataset  the commands sample, check, classes and split
    masks    the command masks
    records  the commands build and inspect
    verify   the command verify
    unpack   the command unpack
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from converter.cli.dataset import check, classes, sample, split
from converter.cli.defaults import WithDefaults
from converter.cli.masks import masks
from converter.cli.records import build, inspect
from converter.cli.unpack import unpack
from converter.cli.verify import verify
from converter.errors import DataError, MachineError, SegconvError, UsageError
from converter.system.console import check_output, log, open_streams, set_verbosity
from converter.version import __version__
from trainer.cli.bench import bench
from trainer.cli.compare import compare
from trainer.cli.doctor import doctor
from trainer.cli.evaluate import evaluate
from trainer.cli.export import export
from trainer.cli.predict import predict
from trainer.cli.report import report
from trainer.cli.train import train

SETTINGS = {
    "auto_envvar_prefix": "SEGCONV",
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    "max_content_width": 100,
}


class Interrupted(BaseException):
    """A signal asked the process to end; no `except Exception` may catch it."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number


@click.group(cls=WithDefaults, context_settings=SETTINGS)
@click.option("-v", "--verbose", count=True, help="Print more detail.")
@click.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")
@click.version_option(__version__)
def segconv(verbose: int, quiet: bool) -> None:
    """Convert images and masks to TFRecords, and train a segmentation model.

    \b
    segconv sample dataset/         generate a synthetic dataset to try things out
    segconv masks --src a/ --out b/ draw polygons and other annotations into masks
    segconv check --src dataset/    report all problems in a dataset
    segconv build --src dataset/    convert dataset/ to TFRecord shards in records/
    segconv inspect shard           show what is inside a shard
    segconv verify                  verify every byte of records/ against its manifest
    segconv unpack records/ dir/    write records back as images, masks and lists
    segconv train                   train a model on records/, save it in runs/<time>/
    segconv evaluate                score the newest run
    segconv predict photos/ --out predictions/    predict photographs with the newest run
    segconv export --format onnx    write the model for another program
    segconv report                  write an HTML page about the newest run, or about records
    segconv compare RUN RUN         compare the scores of runs on the same records
    segconv bench                   measure training speed and find the bottleneck
    segconv doctor                  show what is installed, for a bug report
    """  # noqa: D301 - \b tells click not to rewrap these lines
    set_verbosity(-1 if quiet else verbose)


for command in (sample, masks, check, classes, split, build, inspect, verify, unpack):
    segconv.add_command(command)
for command in (train, evaluate, predict, export, report, compare, bench, doctor):
    segconv.add_command(command)


def main() -> NoReturn:
    """Runs the command; every failure that a user can cause is one line on stderr and an exit code."""
    _use_utf8()
    open_streams()
    # In each process NumPy starts one thread per CPU for linear algebra, which nothing here uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup it stays ignored
            signal.signal(number, _interrupt)
    set_verbosity(0)  # until the options are parsed
    sys.exit(_run())


def _use_utf8() -> None:
    """Starts this process again in Python's UTF-8 mode if the locale has another encoding.

    Names of files are stored in records as UTF-8. Decoded by a locale such as de_DE.ISO-8859-1 they would be stored as
    other names, so that the same files would give other records. The encoding is fixed when Python starts.
    """
    if sys.getfilesystemencoding().lower().replace("-", "") != "utf8" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"  # for workers
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - our own command


def _run() -> int:
    try:
        # Click returns the code of ctx.exit(), or else what the command returned.
        code = segconv.main(standalone_mode=False)
        check_output()
        return code if isinstance(code, int) else 0
    except SegconvError as error:
        return _failed(error)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "segconv"
        log.error("Error: %s: %s See %s --help", command, error.format_message(), command)
        return error.exit_code
    except OSError as error:
        what = error.strerror or str(error)
        return _failed(MachineError(error.filename or "segconv", what, "Fix this, then run the same command again."))
    except (KeyboardInterrupt, click.Abort):
        log.error("Interrupted. No file was left half-written.")
        return 128 + signal.SIGINT
    except Interrupted as interrupted:
        log.error("Ended by a signal. No file was left half-written.")
        return interrupted.exit_code


def _failed(error: SegconvError) -> int:
    """Logs an error in one line; returns its exit code."""
    log.debug("", exc_info=True)
    if error.exit_code != DataError.exit_code and _is_in_deleted_folder(error.where):
        fix = "Change to another folder with `cd`, then run the command again."
        error = UsageError(error.where, "needs the working folder, which was deleted", fix, "E_CWD")
    log.error("Error: %s", error)
    return error.exit_code


def _is_in_deleted_folder(where: str) -> bool:
    """Returns whether `where` may be a relative path, and there is no working folder any more."""
    if where.startswith(("/", "-")):
        return False
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd is the same
    except FileNotFoundError:
        return True
    return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
