"""The commands build and inspect, as a user runs them."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import resource
import subprocess

import pytest
from command_line import COMMAND, SMALL, assert_one_line, names_in
from conftest import write_dataset
from layout_files import numbered, options_in, paint
from PIL import Image


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


def test_a_build_that_changes_a_dataset_says_how_many_records_it_had_and_which_went(segconv, dataset):
    assert segconv("build", "--src", dataset, "--size", "24", "-j", "1").returncode == 0
    lines = (dataset / "train.txt").read_text().splitlines(keepends=True)
    (dataset / "train.txt").write_text("".join(lines[:4]))
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1")
    assert done.returncode == 0
    assert "train: was 6 records, now 4; removed: jpg/p4.jpg, jpg/p5.jpg\n" in done.stderr
    assert "val: was" not in done.stderr


def test_a_build_of_masks_that_are_all_one_class_says_so(segconv, dataset):
    for path in dataset.glob("val_png/*.png"):
        Image.new("RGB", (30, 20), (0, 255, 0)).save(path)
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1")
    assert done.returncode == 0
    assert "Warning W_EMPTY_MASK: val: all masks hold only 'vegetation'. Check" in done.stderr
    assert "train: all masks" not in done.stderr


def without_masks(folder, missing=3):
    """Makes ten images in images/ and masks of all but the last ones in masks/."""
    paint(folder, photos=numbered("images/{}.jpg", 10), masks=numbered("masks/{}.png", 10 - missing), values=2)
    (folder / "classes.csv").write_text("name,value\nroad,1\nbackground,0\n")
    return folder


def test_images_without_a_mask_are_refused_and_each_remedy_that_is_named_works(segconv, tmp_path):
    without_masks(tmp_path / "ds", 9)
    done = segconv("build", "--src", "ds", *SMALL)
    assert done.returncode == 1
    assert "images/1.jpg: has no mask" in done.stderr
    summary = done.stderr.splitlines()[-1]
    assert "9 of 10 pairs were refused (9 E_NO_MASK)" in summary
    skip = re.search(r"pass (--on-error skip --max-bad [0-9.]+) to leave them out", summary)
    assert skip is not None
    done = segconv("build", "--src", "ds", *skip[1].split(), "-o", "skipped", *SMALL)
    assert (done.returncode, done.stderr.count("Skipped: images/")) == (3, 9)
    for name in re.findall(r"--missing-mask [a-z]+", summary):
        done = segconv("build", "--src", "ds", *name.split(), "-o", name.split()[1], "--json", *SMALL)
        assert (done.returncode, json.loads(done.stdout)["splits"]["train"]["records"]) == (0, 10)
    assert "note: 9 images without a mask: all ignored" in done.stderr
    done = segconv("check", "--src", "ds")
    assert done.returncode == 1
    assert "ERROR E_NO_MASK, 9 places" in done.stdout


def test_a_build_with_missing_masks_is_resumed_verified_and_split(segconv, tmp_path):
    without_masks(tmp_path / "ds")
    source = ("--src", "ds", "--missing-mask", "background")
    assert "note: 3 images without a mask: all 'background', class 1" in segconv("build", *source, *SMALL).stderr
    assert "up to date: nothing was written" in segconv("build", *source, *SMALL).stderr
    done = segconv("verify", "--src", "ds", "--records", "all")
    assert (done.returncode, "10 of them rebuilt from the source, with equal bytes" in done.stdout) == (0, True)
    for other in ("ignore", "error"):
        done = segconv("build", "--src", "ds", "--missing-mask", other, *SMALL)
        assert_one_line_in(done, 2, f"missing_mask background -> {other}")
    assert "next: segconv split --src ds --missing-mask background" in segconv("check", *source).stdout
    assert segconv("split", *source, "--no-near").returncode == 0
    assert "images/7.jpg;\n" in (tmp_path / "ds/train.txt").read_text() + (tmp_path / "ds/val.txt").read_text()
    done = segconv("build", *source, "-o", "lists", "--json", *SMALL)
    assert sum(facts["records"] for facts in json.loads(done.stdout)["splits"].values()) == 10
    assert segconv("verify", "lists", "--src", "ds", "--records", "all").returncode == 0
    done = segconv("build", "--src", "ds", "-o", "without", *SMALL)
    assert (done.returncode, "3 E_NO_MASK" in done.stderr) == (1, True)


def assert_one_line_in(done, code, text):
    assert done.returncode == code, done.stderr
    assert text in done.stderr.splitlines()[-1]


def test_a_dataset_of_which_nothing_says_what_background_is_is_refused_before_a_pair_is_read(segconv, tmp_path):
    without_masks(tmp_path / "ds")
    (tmp_path / "ds/classes.csv").write_text("name,value\nroad,1\ntree,0\n")
    done = segconv("build", "--src", "ds", "--missing-mask", "background", *SMALL)
    assert_one_line(done, 2, "--missing-mask: background needs one class called background")
    assert not (tmp_path / "records").exists()
    done = segconv("check", "--src", "ds", "--missing-mask", "background")
    assert (done.returncode, "ERROR E_CLASSES" in done.stdout) == (1, True)


def test_what_lists_leave_out_is_one_line_of_a_build(segconv, tmp_path):
    without_masks(tmp_path / "ds")
    for split, name in (("train", "0"), ("val", "1")):
        (tmp_path / f"ds/{split}.txt").write_text(f"images/{name}.jpg;masks/{name}.png\n")
    done = segconv("build", "--src", "ds", *SMALL)
    assert done.returncode == 0
    line = "Warning W_UNMATCHED: 13 files of the layout's folders are in no pair, such as images/2.jpg."
    assert [text for text in done.stderr.splitlines() if text.startswith("Warning")] == [
        f"{line} `segconv check` lists them."
    ]


@pytest.mark.parametrize("other", ["second/{}_x.png", "masks2/{}.png"])
def test_the_options_of_a_choice_lead_from_check_to_inspect(segconv, tmp_path, other):
    without_masks(tmp_path / "ds", 0)
    paint(tmp_path / "ds", masks=numbered(other, 10), values=2)
    (tmp_path / "ds/masks").rename(tmp_path / "ds/annotations")
    done = segconv("check", "--src", "ds")
    assert_one_line(done, 2, "has 2 folders that could be the masks of images/")
    ways = options_in(done.stderr)
    assert len(ways) == 2
    for number, way in enumerate(ways):
        options = ("--image", way["image"], "--mask", way["mask"])
        assert segconv("check", "--src", "ds", *options).returncode == 0
        assert segconv("classes", "--src", "ds", *options).returncode == 0
        assert segconv("build", "--src", "ds", *options, "-o", f"r{number}", *SMALL).returncode == 0
        assert segconv("inspect", f"r{number}").returncode == 0


def test_the_next_command_is_one_that_accepts_the_records(caplog):
    from converter.cli.records import _log_next
    from converter.dataset.manifest import ClassInfo, Manifest, SplitInfo

    classes = (ClassInfo(0, "ground", (0, 0, 0), ("0",)), ClassInfo(1, "roof", (1, 1, 1), ("1",)))
    full, empty = (SplitInfo((), 0, (pixels, 0), (0, 0), 0, sizes=((300, 200, 2), (9, 9, 1))) for pixels in (5, 0))
    whole = Manifest("tiny", (8, 8), "pad", classes, {"train": full, "val": full})
    caplog.set_level(logging.INFO)
    for manifest in (
        whole,
        dataclasses.replace(whole, size=None),
        dataclasses.replace(whole, classes=classes[:1]),
        dataclasses.replace(whole, splits={"train": full}),
        dataclasses.replace(whole, size=None, splits={"train": full, "val": empty}),
    ):
        _log_next(manifest, "records")
    start = "next: segconv inspect shard records"
    assert [record.getMessage() for record in caplog.records] == [
        f"{start}, then segconv train --data records",
        f"{start}, then segconv train --data records --crop 192x192",
        f"{start}; segconv train needs two classes or more",
        f"{start}; segconv train needs labelled records in a split 'val'",
        f"{start}; segconv train needs labelled records in a split 'val'",
    ]
