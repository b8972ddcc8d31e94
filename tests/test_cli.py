"""The command as a user starts it: exit codes, one line for each failure, streams, signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soak
from command_line import COMMAND, SMALL, assert_one_line, names_in
from conftest import visible, write_dataset

ROOT = Path(__file__).parent.parent


def test_the_three_commands_of_a_user_run_as_written(segconv, tmp_path):
    write_dataset(tmp_path / "dataset")
    done = segconv("build", "--src", "dataset/")
    assert done.returncode == 0, done.stderr
    assert re.search(r"train +6 +1 ", done.stdout)
    done = segconv("inspect", "shard")
    assert done.returncode == 0, done.stderr
    assert "records  6, 512 high x 512 wide" in done.stdout
    assert segconv("inspect", "shard", "records").stdout == done.stdout


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_is_no_fault(dataset, tmp_path, stream):
    close = {"stdout": ">&-", "stderr": "2>&-"}[stream]
    python = f"{sys.executable} -c 'from converter.cli import main; main()'"
    command = f"{python} build --src {dataset} --size 24 -j 1 {close}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0
    assert (tmp_path / "records/manifest.json").is_file()


def test_a_stream_without_unicode_is_no_fault(segconv, dataset):
    text = (dataset / "classes.csv").read_text().replace("building", "façade")
    (dataset / "classes.csv").write_text(text, encoding="utf-8")
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = segconv("build", "--src", dataset, "--json", *SMALL, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["classes"][1] == "façade"
    assert "fa\\xe7ade" in segconv("inspect", env=ascii_only).stdout


@pytest.mark.parametrize(("spoil", "code", "text"), [
    (lambda d: (d / "train.txt").unlink(), 2, "train.txt: does not exist"),
    (lambda d: (d / "val.txt").write_text(""), 2, "val.txt: names no pair"),
    (lambda d: (d / "train.txt").write_bytes(b"\xff\xfe"), 2, "train.txt: is not UTF-8 text"),
    (lambda d: (d / "classes.csv").unlink(), 2, "classes.csv: does not exist"),
    (lambda d: (d / "classes.csv").write_text("name,value\na,red\n"), 2, "classes.csv:2: value 'red' is neither"),
])  # fmt: skip
def test_a_dataset_that_cannot_be_started_on_exits_2(segconv, dataset, tmp_path, spoil, code, text):
    spoil(dataset)
    assert_one_line(segconv("build", "--src", dataset, *SMALL), code, text)
    assert not (tmp_path / "records").exists()


def test_a_source_that_does_not_exist_exits_2(segconv):
    assert_one_line(segconv("build", "--src", "nowhere", *SMALL), 2, "nowhere: is not a folder")


def test_an_absolute_path_of_a_list_is_refused_for_what_it_is(segconv, dataset):
    with (dataset / "train.txt").open("a") as file:
        file.write("/etc/passwd;m0.png\n")
    done = segconv("build", "--src", dataset, *SMALL)
    assert done.returncode == 1
    assert "Error: train.txt:7: /etc/passwd: leaves the source folder" in done.stderr
    assert "1 of 9 pairs" in done.stderr


def test_control_characters_of_a_list_do_not_reach_the_terminal(segconv, dataset):
    with (dataset / "train.txt").open("a") as file:
        file.write("\x1b[2Jp.jpg;m0.png\n")
    done = segconv("build", "--src", dataset, *SMALL)
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert "\\x1b[2Jp.jpg" in done.stderr


@pytest.mark.parametrize("arguments", [("build",), ("build", "--src", "d", "--fit", "zoom"), ("bild",), ("-x",)])
def test_wrong_usage_exits_2_in_one_line_with_the_way_to_help(segconv, arguments):
    assert_one_line(segconv(*arguments), 2, "--help")


def test_without_a_command_the_help_is_shown(segconv):
    done = segconv()
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def hear_signals() -> None:
    """Resets in a child the signals that a shell made background jobs ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_build_with_its_code_and_leaves_nothing_half_done(tmp_path, number, code):
    dataset = write_dataset(tmp_path / "dataset", train=300, val=1)
    command = [*COMMAND, "build", "--src", str(dataset), "--shards", "2", "-j", "2"]
    # A new process group, as in a terminal: Ctrl-C reaches the workers as well.
    options = {"cwd": tmp_path, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, preexec_fn=hear_signals, **options) as process:
        while process.poll() is None and not list((tmp_path / "records").glob(".segconv-*-train.tfrecord-*")):
            pass  # until a worker has begun to write
        os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    assert "No file was left half-written." in stderr
    assert "Traceback" not in stderr
    assert names_in(tmp_path / "records") == []
    assert workers_of(process.pid) == []


def workers_of(group: int) -> list[str]:
    """Returns the command lines of the worker processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return [command for command in found if "spawn_main" in command]


def test_under_nohup_a_closed_terminal_does_not_end_the_build(tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=60, val=1)
    command = ["nohup", *COMMAND, "build", "--src", str(dataset), "--shards", "2", "-j", "2"]
    options = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        while process.poll() is None and not list((tmp_path / "records").glob(".segconv-*.tfrecord-*")):
            pass
        os.killpg(process.pid, signal.SIGHUP)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert (tmp_path / "records/manifest.json").is_file()


def test_workers_end_with_a_killed_build_and_the_next_one_cleans_up(segconv, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=300, val=1)
    command = [*COMMAND, "build", "--src", str(dataset), "--shards", "2", "-j", "2"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None and not list((tmp_path / "records").glob(".segconv-*-train.tfrecord-*")):
            pass
        process.kill()
    deadline = time.monotonic() + 10
    while workers_of(process.pid):
        assert time.monotonic() < deadline
    assert names_in(tmp_path / "records") == []
    assert segconv("build", "--src", dataset, "--shards", "2").returncode == 0
    assert all(path.name.endswith(".receipt") for path in (tmp_path / "records").glob(".*"))


@pytest.mark.slow
def test_builds_that_are_killed_at_random_moments_end_with_the_bytes_of_an_undisturbed_one(capsys):
    soak.main(["--kills", "3", "--seed", "3", "--pairs", "24"])
    assert "3 kills" in capsys.readouterr().out


def test_sample_then_build_gives_the_sample_classes(segconv, tmp_path):
    assert segconv("sample", "dataset", "--train", "2", "--val", "1").returncode == 0
    done = segconv("build", "--src", "dataset/", "--json", "--size", "64")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["classes"] == ["background", "building", "vegetation", "road"]
    assert_one_line(segconv("sample", "dataset"), 2, "dataset")


def test_version_is_that_of_the_distribution(segconv):
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert segconv("--version").stdout.strip().endswith(project["version"])


@pytest.fixture
def beyond_ascii(tmp_path):
    """Returns a dataset whose names need UTF-8, without lists."""
    folder = write_dataset(tmp_path / "dataset", val=1)
    for name in ("train.txt", "val.txt"):
        (folder / name).unlink()
    for kind in ("jpg", "png"):
        (folder / kind).rename(folder / {"jpg": "images", "png": "masks"}[kind])
        shutil.rmtree(folder / f"val_{kind}")
    for path in [*folder.glob("images/*"), *folder.glob("masks/*")]:
        path.rename(path.with_name(f"ü_日本_{path.name[1:]}"))
    return folder


LATIN = ("LC_ALL=de_DE.ISO-8859-1", "PYTHONUTF8=0")
ASCII = ("LC_ALL=C", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0")


@pytest.mark.parametrize("settings", [ASCII, LATIN, ("LC_ALL=POSIX", "PYTHONUTF8=0", "PYTHONCOERCECLOCALE=0")])
def test_names_are_utf8_whatever_the_locale(segconv, beyond_ascii, tmp_path, settings):
    environment = os.environ | dict(setting.split("=") for setting in settings) | {"LOCPATH": str(tmp_path / "locales")}
    if settings == LATIN:
        (tmp_path / "locales").mkdir()
        command = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "locales/de_DE.ISO-8859-1")]
        if not shutil.which("localedef") or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("a locale with ISO-8859-1 cannot be made here")
    encoding = "import sys; print(sys.getfilesystemencoding())"
    asked = subprocess.run(
        [sys.executable, "-c", encoding], env=environment, capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() != "utf-8"
    build = ("build", "--src", beyond_ascii, "--size", "24", "-j", "2", "--image", "images/ü_日本_{stem}.jpg")
    build = (*build, "--mask", "masks/ü_日本_{stem}.png", "--out")
    assert segconv(*build, "usual").returncode == 0
    done = segconv(*build, "other", env=environment)
    assert done.returncode == 0, done.stderr
    assert visible(tmp_path / "other") == visible(tmp_path / "usual")
    done = segconv("verify", "other", "--src", beyond_ascii, env=environment)
    assert (done.returncode, "no pair now" in done.stdout) == (0, False)


def test_a_program_that_decodes_names_otherwise_is_told_to_use_utf8(beyond_ascii):
    code = "import converter, pathlib, sys; folder = pathlib.Path(sys.argv[1]); "
    code += "converter.check(converter.BuildConfig(converter.SourceConfig(folder)))"
    environment = os.environ | dict(setting.split("=") for setting in ASCII)
    command = [sys.executable, "-c", code, str(beyond_ascii)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "has names beyond ASCII, which this Python decodes as ascii and not as UTF-8" in done.stderr


def test_names_that_are_not_utf8_are_named_and_end_a_build_with_exit_code_3(segconv, dataset, tmp_path):
    for kind in ("jpg", "png"):
        shutil.copy(next((dataset / kind).iterdir()), dataset / kind / os.fsdecode(b"caf\xe9." + kind.encode()))
    for _ in range(2):  # the second run is up to date
        done = segconv("-q", "build", "--src", dataset, "--size", "24", "-j", "1")
        assert done.returncode == 3, done.stderr
        assert "Warning W_NAME_ENCODING: jpg/caf\\udce9.jpg: is left out, since its name is not UTF-8" in done.stderr
        assert "(together 2)" in done.stderr
    report = json.loads(segconv("check", "--src", dataset, "--json", "-j", "1").stdout)
    assert "W_NAME_ENCODING" in {problem["code"] for problem in report["problems"]}
