"""The commands build and inspect, as a user runs them."""

from __future__ import annotations

import json
import resource
import subprocess

import pytest
from command_line import COMMAND, SMALL, assert_one_line, names_in
from conftest import write_dataset


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


def test_dry_run_tells_the_plan_and_writes_nothing(segconv, dataset, tmp_path):
    done = segconv("build", "--src", dataset, "--dry-run")
    assert done.returncode == 0
    assert "#1600FF" in done.stdout
    assert not (tmp_path / "records").exists()


def test_a_bad_pair_exits_1_with_its_line_and_a_summary(segconv, dataset, tmp_path):
    (dataset / "jpg/p3.jpg").write_bytes(b"no photograph")
    done = segconv("build", "--src", dataset, *SMALL)
    assert done.returncode == 1
    pair, summary = done.stderr.splitlines()[-2:]
    assert pair.startswith("Error: train.txt:4: jpg/p3.jpg: is not a JPEG, PNG, TIFF, BMP, GIF, WebP or PNM file")
    assert "1 of 8 pairs were refused (1 E_FORMAT), so nothing was built" in summary
    assert names_in(tmp_path / "records") == []


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


def test_a_full_disk_exits_4_and_leaves_whole_shards_alone_to_go_on_from(segconv, tmp_path):
    write_dataset(tmp_path / "dataset", train=6, val=1)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # a record has some 40 kB

    done = segconv("build", "--src", "dataset", "-j", "1", preexec_fn=limit)
    assert done.returncode == 4, done.stderr
    assert "cannot be written (File too large). Free up disk space" in done.stderr.splitlines()[-1]
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
        expected = "Error: records: holds a finished dataset built with other options (size 24x24 -> 32x40). Pass"
        assert (done.returncode, done.stderr.splitlines()[-1][: len(expected)]) == (2, expected)
        return
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1" if command == "again" else "2")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "records: dataset, 3 classes; up to date")
    assert "up to date: nothing was written" in done.stderr
