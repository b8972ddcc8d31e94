"""The command unpack: built again by the command that it prints, the dataset gives the same shards."""

from __future__ import annotations

import shlex

import pytest

from tests.conftest import visible, write_dataset


def shards(folder) -> dict[str, bytes]:
    return {name: data for name, data in visible(folder).items() if ".tfrecord-" in name}


@pytest.mark.parametrize("masks", ["index", "color"])
def test_the_command_that_is_printed_makes_the_same_shards(tmp_path, segconv, masks):
    write_dataset(tmp_path / "dataset")
    words = ["--name", "d", "--keep-size", "--image-format", "keep", "--shards", "2"]
    assert segconv("build", "--src", "dataset", *words).returncode == 0
    done = segconv("unpack", "records", "my data", "--masks", masks)
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()[2:]] == [
        ["split", "records"],
        ["train", "6"],
        ["val", "2"],
    ]
    (command,) = (line.removeprefix("next: ") for line in done.stderr.splitlines() if line.startswith("next: "))
    again = segconv(*shlex.split(command)[1:], "--out", "again")
    assert again.returncode == 0, again.stderr
    assert len(shards(tmp_path / "records")) == 8
    assert shards(tmp_path / "again") == shards(tmp_path / "records")


def test_annotations_lead_back_to_masks_by_the_command_that_is_printed(tmp_path, segconv):
    pytest.importorskip("cv2", reason="needs segconv[polygons]")
    write_dataset(tmp_path / "dataset")
    assert segconv("build", "--src", "dataset", "--size", "16x24", "--image-format", "png").returncode == 0
    done = segconv("unpack", "records", "my data", "--cvat")
    assert done.returncode == 0, done.stderr
    (command,) = (line.removeprefix("next: ") for line in done.stderr.splitlines() if line.startswith("next: "))
    drawn = segconv(*shlex.split(command)[1:])
    assert drawn.returncode == 0, drawn.stderr
    assert segconv("build", "--src", "my data-masks", "-o", "again", "--size", "16x24").returncode == 0


def test_polygons_have_no_colours_of_masks(tmp_path, segconv):
    done = segconv("unpack", "records", "out", "--masks", "color", "--yolo")
    assert done.returncode == 2
    assert done.stderr == "Error: --masks: and --yolo contradict each other. Leave one of them out.\n"
