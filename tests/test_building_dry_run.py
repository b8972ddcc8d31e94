"""Dry run: what a build would do, as text, and nothing is written."""

from __future__ import annotations

import pytest
from builds import config

from converter.building.dry_run import plan_text
from converter.errors import UsageError


def test_the_text_has_head_splits_and_classes(dataset, tmp_path):
    head, splits, classes = plan_text(config(dataset, tmp_path / "out", shards=2)).split("\n\n")
    assert head.splitlines()[0].startswith(f"{dataset} -> {tmp_path / 'out'}: ")
    assert [line.split()[:3] for line in splits.splitlines()] == [
        ["split", "pairs", "shards"],
        ["train", "6", "2"],
        ["val", "2", "2"],
    ]
    assert [line.split(maxsplit=2) for line in classes.splitlines()[1:]] == [
        ["0", "background", "#000000"],
        ["1", "building", "#1600FF"],
        ["2", "vegetation", "#00FF00"],
        ["255", "(ignored)", "#FFFF00"],
    ]


def test_nothing_is_written_and_no_photograph_is_read(dataset, tmp_path):
    for path in dataset.rglob("*.jpg"):
        path.write_bytes(str(path).encode())  # not an image, and no two files are equal
    plan_text(config(dataset, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_refused_as_by_a_build(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(UsageError):
        plan_text(config(dataset, tmp_path / "out"))
