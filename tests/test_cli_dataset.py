"""The commands that come before records, as a user starts them: check, classes, split."""

from __future__ import annotations

import json
import shutil

from conftest import CLASSES, write_dataset

from converter.classes import parse_class_map


def test_check_of_a_good_dataset_exits_0_and_names_the_build_that_follows(segconv, dataset):
    done = segconv("check", "--src", dataset, "-j", "1")
    assert done.returncode == 0, done.stderr
    assert f"next: segconv build --src {dataset}" in done.stdout
    assert segconv("build", "--src", dataset, "--size", "24", "-j", "1").returncode == 0


def test_check_reads_only(segconv, dataset):
    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(dataset.rglob("*"))}

    before = state()
    segconv("check", "--src", dataset)
    segconv("classes", "--src", dataset)
    segconv("split", "--src", dataset, "--overwrite", "--dry-run")
    assert state() == before


def test_check_of_a_bad_dataset_exits_1_with_code_line_and_remedy(segconv, dataset):
    (dataset / "png/m3.png").unlink()
    whole = (dataset / "jpg/p1.jpg").read_bytes()
    (dataset / "jpg/p1.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    done = segconv("check", "--src", dataset, "-j", "1")
    assert done.returncode == 1
    for text in ("E_MISSING", "train.txt:4", "m3.png", "E_DAMAGED", "train.txt:2", "jpg/p1.jpg"):
        assert text in done.stdout, text


def test_check_json_is_one_object_with_the_promised_keys(segconv, dataset):
    done = segconv("check", "--src", dataset, "--json", "-j", "1")
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert {"ok", "layout", "splits", "classes", "problems"} <= set(report)
    assert report["ok"] is True
    assert {name: split["pairs"] for name, split in report["splits"].items()} == {"train": 6, "val": 2}
    assert {"id", "name", "value", "pixels", "share", "images"} <= set(report["classes"][0])
    (dataset / "png/m3.png").unlink()
    report = json.loads(segconv("check", "--src", dataset, "--json", "-j", "1").stdout)
    assert report["ok"] is False
    (problem,) = [one for one in report["problems"] if one["severity"] == "error"]
    assert {"code", "severity", "where", "what", "mend", "count"} <= set(problem)
    assert (problem["code"], problem["where"], problem["count"]) == ("E_MISSING", "train.txt:4", 1)


def test_check_saves_its_page(segconv, dataset, tmp_path):
    done = segconv("check", "--src", dataset, "--html", tmp_path / "report.html", "-j", "1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_classes_prints_a_map_that_can_be_read_back_and_write_saves_it(segconv, dataset):
    (dataset / "classes.csv").unlink()
    refused = segconv("build", "--src", dataset)
    assert refused.returncode == 2
    assert "segconv classes --src" in refused.stderr
    done = segconv("classes", "--src", dataset, "-j", "1")
    assert done.returncode == 0, done.stderr
    assert set(parse_class_map(done.stdout, "stdout").rgb) == set(parse_class_map(CLASSES, "conftest").rgb)
    assert segconv("classes", "--src", dataset, "--write").returncode == 0
    assert (dataset / "classes.csv").read_text() == done.stdout
    assert segconv("build", "--src", dataset, "--size", "24").returncode == 0


def test_classes_does_not_replace_a_class_map_unasked(segconv, dataset):
    done = segconv("classes", "--src", dataset, "--write")
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert (dataset / "classes.csv").read_text() == CLASSES


def test_split_makes_lists_that_a_build_follows(segconv, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=20)
    shutil.rmtree(dataset / "val_jpg")
    shutil.rmtree(dataset / "val_png")
    for number in range(20):
        (dataset / f"png/m{number}.png").rename(dataset / f"png/p{number}.png")
    for name in ("train.txt", "val.txt"):
        (dataset / name).unlink()
    done = segconv("split", "--src", dataset, "--val", "0.25", "-j", "1")
    assert done.returncode == 0, done.stderr
    lines = {name: (dataset / f"{name}.txt").read_text().splitlines()[1:] for name in ("train", "val")}
    assert {name: len(pairs) for name, pairs in lines.items()} == {"train": 15, "val": 5}
    assert not set(lines["train"]) & set(lines["val"])
    built = segconv("build", "--src", dataset, "--size", "24", "--json", "-j", "1")
    assert {name: split["records"] for name, split in json.loads(built.stdout)["splits"].items()} == {
        "train": 15,
        "val": 5,
    }


def test_split_does_not_divide_anew_what_is_divided(segconv, dataset):
    before = (dataset / "train.txt").read_text()
    done = segconv("split", "--src", dataset)
    assert done.returncode == 2
    assert "is divided already" in done.stderr
    assert (dataset / "train.txt").read_text() == before
    assert segconv("split", "--src", dataset, "--overwrite", "--json", "-j", "1").returncode == 0
    assert (dataset / "train.txt").read_text() != before


def test_a_size_beside_keep_size_is_refused(segconv, dataset):
    done = segconv("build", "--src", dataset, "--size", "24", "--keep-size")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: --keep-size: and --size contradict each other.")
