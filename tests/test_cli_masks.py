"""The command masks: results on stdout, problems one line each, and the commands that follow."""

from __future__ import annotations

import json

from annotation_files import scene, write
from command_line import assert_one_line

from converter.annotations.registry import FORMATS


def test_masks_build_and_inspect_from_a_folder_of_labelme(tmp_path, segconv):
    scene(tmp_path / "src", "labelme")
    drawn = segconv("masks", "--src", "src", "--out", "dataset", "-j", "1")
    assert (drawn.returncode, drawn.stderr.splitlines()) == (0, [
        "next: segconv build --src dataset",
        "or, to keep near-duplicates in one split: segconv split --src dataset --overwrite",
    ])  # fmt: skip
    assert drawn.stdout.startswith("dataset: train 2, val 1; objects drawn in the order of the file")
    built = segconv("build", "--src", "dataset", "--size", "24", "-j", "1")
    assert (built.returncode, "3 classes" in built.stdout) == (0, True)
    again = segconv("split", "--src", "dataset", "--overwrite", "--val", "0.34", "-j", "1")
    assert again.returncode == 0, again.stderr


def test_json_is_one_object_and_a_second_run_is_up_to_date(tmp_path, segconv):
    scene(tmp_path / "src", "coco")
    first = segconv("-q", "masks", "--src", "src", "--out", "o", "--json", "-j", "1")
    assert (json.loads(first.stdout)["format"], first.stderr) == ("coco", "")
    second = segconv("masks", "--src", "src", "--out", "o", "-j", "1")
    assert "up to date: nothing was written" in second.stderr
    assert "; up to date" in second.stdout


def test_every_problem_is_one_line_and_the_last_line_counts_them(tmp_path, segconv):
    scene(tmp_path / "src", "labelme")
    write(tmp_path / "src/json/a.json", '{"shapes": [], "imagePath": "a.jpg",')
    write(tmp_path / "src/json/b.json", '{"shapes": [{"label": "x", "points": []}], "imagePath": "../../b.jpg"}')
    done = segconv("masks", "--src", "src", "--out", "o", "-j", "1")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert [line.split(" (")[0].split(". ")[0] for line in lines] == [
        "Error: json/a.json: is not valid JSON",
        "Error: json/b.json: shape 1",
        "Error: json/b.json: names ../../b.jpg, which leaves the source folder",
        "Error: segconv masks: 3 problems",
    ]
    assert not (tmp_path / "o").exists()


def test_refusals_are_one_line(tmp_path, segconv):
    scene(tmp_path / "src", "coco")
    assert_one_line(segconv("masks", "--src", "none", "--out", "o"), 2, "none: is not a folder")
    assert_one_line(segconv("masks", "--src", "src", "--out", "o", "--format", "x"), 2, "'x' is unknown")
    assert_one_line(segconv("masks", "--src", "src", "--out", "src/o"), 2, "is not beside the source folder")
    both = segconv("masks", "--src", "src", "--out", "o", "--dry-run", "--json")
    assert_one_line(both, 2, "--json: reports what was drawn, and --dry-run draws nothing")


def test_help_names_every_format(segconv):
    text = " ".join(segconv("masks", "--help").stdout.split())
    assert all(name in text for name in FORMATS)
