"""The command as a user starts it: exit codes, one line for each failure, streams, signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soak
from conftest import write_dataset

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-c", "from converter.cli import main; main()"]
SMALL = ("--size", "24", "-j", "1")


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    """Holds a failed run against its exit code and its one line on stderr."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    said = ("24 high x 24 wide", "layout ", "classes: ")  # what is being done, before it fails
    lines = [line for line in done.stderr.splitlines() if not line.startswith(said)]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert text in lines[0]


def test_the_three_commands_of_a_user_run_as_written(segconv, tmp_path):
    write_dataset(tmp_path / "dataset")
    done = segconv("build", "--src", "dataset/")
    assert done.returncode == 0, done.stderr
    assert re.search(r"train +6 +1 ", done.stdout)
    done = segconv("inspect", "shard")
    assert done.returncode == 0, done.stderr
    assert "records  6, 512 high x 512 wide" in done.stdout
    assert segconv("inspect", "shard", "records").stdout == done.stdout


def test_build_json_is_one_object_with_the_promised_keys(segconv, dataset):
    done = segconv("build", "--src", dataset, "--json", *SMALL)
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    promised = {"out", "name", "size", "classes", "splits", "skipped", "shards_built", "shards_reused", "seconds"}
    assert promised <= set(report)
    assert report["size"] == [24, 24]
    assert report["classes"] == ["background", "building", "vegetation"]
    assert {split: facts["records"] for split, facts in report["splits"].items()} == {"train": 6, "val": 2}


def test_a_second_build_into_the_same_folder_is_refused_at_once(segconv, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=300, val=1)
    command = [*COMMAND, "build", "--src", str(dataset), "--shards", "2", "-j", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while first.poll() is None and not list((tmp_path / "records").glob(".segconv-*.tfrecord-*")):
            pass
        done = segconv("build", "--src", dataset, *SMALL)
        assert_one_line(done, 2, f"records: is being written by another segconv (process {first.pid} on ")
        first.communicate(timeout=120)
    assert first.returncode == 0
    done = segconv("inspect", "dataset", "--json")
    assert (done.returncode, json.loads(done.stdout)["splits"]["train"]["records"]) == (0, 300)


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


def test_dry_run_tells_the_plan_and_writes_nothing(segconv, dataset, tmp_path):
    done = segconv("build", "--src", dataset, "--dry-run")
    assert done.returncode == 0
    assert "#1600FF" in done.stdout
    assert not (tmp_path / "records").exists()


def test_sides_are_height_by_width(segconv, dataset):
    done = segconv("build", "--src", dataset, "--size", "10x40", "-j", "1", "--json")
    assert json.loads(done.stdout)["size"] == [10, 40]
    assert "10 high x 40 wide" in done.stderr


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
    assert_one_line(segconv("build", "--src", "nowhere", *SMALL), 2, "nowhere: is no folder")


def test_a_bad_pair_exits_1_with_its_line_and_a_summary(segconv, dataset, tmp_path):
    (dataset / "jpg/p3.jpg").write_bytes(b"no photograph")
    done = segconv("build", "--src", dataset, *SMALL)
    assert done.returncode == 1
    pair, summary = done.stderr.splitlines()[-2:]
    assert pair.startswith("Error: train.txt:4: jpg/p3.jpg: is no JPEG, PNG, TIFF or BMP file")
    assert "1 of 8 pairs were refused (1 E_FORMAT), so nothing was built" in summary
    assert names_in(tmp_path / "records") == []


def names_in(folder: Path) -> list[str]:
    """Returns the visible names in a folder, which need not be there."""
    paths = folder.iterdir() if folder.exists() else ()
    return sorted(path.name for path in paths if not path.name.startswith(".segconv-"))


def test_skipping_a_bad_pair_exits_3_and_names_it(segconv, dataset, tmp_path):
    (dataset / "jpg/p3.jpg").write_bytes(b"no photograph")
    done = segconv("build", "--src", dataset, "--on-error", "skip", *SMALL)
    assert done.returncode == 3
    assert "Skipped: train.txt:4: jpg/p3.jpg" in done.stderr
    assert (tmp_path / "records/errors.jsonl").is_file()


def test_an_output_folder_of_somebody_else_exits_2(segconv, dataset, tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records/mine.txt").write_text("")
    assert_one_line(segconv("build", "--src", dataset, *SMALL), 2, "records: holds something else (mine.txt)")


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


def test_a_size_that_is_none_exits_2(segconv):
    assert_one_line(segconv("build", "--src", "d", "--size", "12by13"), 2, "--size: '12by13' is no size")


def test_without_a_command_the_help_is_shown(segconv):
    done = segconv()
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_variables_set_options(segconv, dataset):
    done = segconv("build", "--src", dataset, "--json", env=os.environ | {"SEGCONV_BUILD_SIZE": "8x9"})
    assert json.loads(done.stdout)["size"] == [8, 9]


def test_a_damaged_shard_exits_1_and_is_named_after_the_report(segconv, dataset, tmp_path):
    assert segconv("build", "--src", dataset, *SMALL).returncode == 0
    shard = tmp_path / "records/dataset-train.tfrecord-00000-of-00001"
    data = bytearray(shard.read_bytes())
    data[-20] ^= 1
    shard.write_bytes(data)
    done = segconv("inspect", "shard", shard, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["crc_ok"] is False
    assert json.loads(done.stdout)["records"] == 5
    assert re.search(r"record 5: has a wrong checksum of its data at byte \d+", done.stderr)


def test_a_full_disk_exits_4_and_leaves_whole_shards_alone_to_go_on_from(segconv, tmp_path):
    write_dataset(tmp_path / "dataset", train=6, val=1)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # a record has some 40 kB

    done = segconv("build", "--src", "dataset", "-j", "1", preexec_fn=limit)
    assert done.returncode == 4, done.stderr
    assert "cannot be written (File too large). Make room" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert names_in(tmp_path / "records") == []
    assert not [path for path in (tmp_path / "records").glob(".segconv-*") if "-train." in path.name]
    assert segconv("build", "--src", "dataset").returncode == 0
    assert segconv("inspect", "dataset", "--json").returncode == 0


@pytest.mark.parametrize("command", ["again", "with another size", "with more workers"])
def test_the_same_command_again_says_in_a_word_what_it_did(segconv, dataset, command):
    assert segconv("build", "--src", dataset, *SMALL).returncode == 0
    if command == "with another size":
        done = segconv("build", "--src", dataset, "--size", "32x40")
        expected = "Error: records: holds a finished dataset that was built otherwise (size 24x24 -> 32x40). Pass"
        assert (done.returncode, done.stderr.splitlines()[-1][: len(expected)]) == (2, expected)
        return
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1" if command == "again" else "2")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "records: dataset, 3 classes; up to date")
    assert "up to date: nothing was written" in done.stderr


def hear_signals() -> None:
    """Undoes in a child what a shell that put the tests into the background has told them to ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_build_with_its_code_and_leaves_nothing_half_done(tmp_path, number, code):
    dataset = write_dataset(tmp_path / "dataset", train=300, val=1)
    command = [*COMMAND, "build", "--src", str(dataset), "--shards", "2", "-j", "2"]
    # A group of its own, as a terminal gives it: Ctrl-C reaches the workers as well.
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
