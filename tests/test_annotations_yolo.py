"""YOLO segmentation: polygons in shares, names by number, photographs beside; what is refused is named by line."""

from __future__ import annotations

import pytest
from annotation_files import SIZE, drawing, parsed, photograph, problems, write

from converter.annotations.drawing import Canvas, draw
from converter.annotations.yolo import names_in, read
from converter.errors import UsageError
from converter.sources.tree import list_tree

NAMES = ("road", "car")
LINE = "1 0.125 0.25 0.5 0.25 0.5 0.5 0.125 0.5\n"


def test_polygons_are_shares_of_the_photograph(tmp_path):
    photograph(tmp_path / "images/train/a.jpg")
    photograph(tmp_path / "images/val/a.jpg")
    found = parsed(read, tmp_path, "labels/val/a.txt", LINE + "\n0 0.5 0.5 0.1 0.1\n", names=NAMES)
    assert (problems(found), found.names, found.left_out) == ([], ["road", "car"], {"box of YOLO": 1})
    (picture,) = found.pictures
    assert (picture.path, picture.split, picture.size, picture.is_relative) == ("images/val/a.jpg", "val", None, True)
    shapes = [each._replace(shape=each.shape.scaled(SIZE)) for each in picture.objects]
    mask = draw(shapes, Canvas(SIZE, lambda path: b""), SIZE, {"car": 2}, "file").mask
    assert drawing(mask)[2:8] == ["." * 16, *["..2222222" + "." * 7] * 4, "." * 16]


def test_an_empty_file_is_a_photograph_without_objects(tmp_path):
    photograph(tmp_path / "a.jpg")
    assert parsed(read, tmp_path, "a.txt", "", names=NAMES).pictures[0].objects == ()


@pytest.mark.parametrize(("line", "names", "what"), [
    ("1 0.1 0.2 0.3 0.4 0.5", NAMES, "has an odd number of coordinates, or points that are not x and y"),
    ("1 0.1 0.2", NAMES, "has 1 points, and needs 3"),
    ("1 0.1 0.2 x 0.4 0.5 0.6", NAMES, "has coordinates that are no numbers"),
    ("1 0.1 0.2 nan 0.4 0.5 0.6", NAMES, "has a coordinate that is no number within 100,000"),
    ("1 10 20 300 20 300 200", NAMES, "has a coordinate that is no share of the photograph, but beyond 100"),
    ("2 0.1 0.2 0.3 0.4 0.5 0.6", NAMES, "has class 2, and data.yaml lists 0..1"),
    ("-1 0.1 0.2 0.3 0.4 0.5 0.6", NAMES, "has class -1, and data.yaml lists 0..1"),
    ("road 0.1 0.2 0.3 0.4 0.5 0.6", NAMES, "has class 'road', which is no number"),
    ("1 0.1 0.2 0.3 0.4 0.5 0.6", (), "has class 1, and no data.yaml says its name"),
])  # fmt: skip
def test_an_invalid_line_is_named_by_its_number(tmp_path, line, names, what):
    photograph(tmp_path / "a.jpg")
    found = parsed(read, tmp_path, "a.txt", f"\n{line}\n", names=names)
    assert problems(found) == [f"E_ANNOTATION a.txt: line 2 {what}"]


def names_of(folder):
    return names_in(list_tree(folder, follow_links=False))


def test_names_are_those_of_the_yaml_file_or_of_classes_txt(tmp_path):
    assert names_of(tmp_path) == ()
    write(tmp_path / "labels/classes.txt", "road\ncar\n\n")
    assert names_of(tmp_path) == ("road", "car")
    write(tmp_path / "other.yaml", "train: images/train\n")
    write(tmp_path / "data.yaml", "path: .\nnames:\n  0: sky\n  1: sea\n")
    write(tmp_path / "copy.yml", "nc: 2\nnames: [sky, sea]\n")
    assert names_of(tmp_path) == ("sky", "sea")
    write(tmp_path / "old.yaml", "names: [sea, sky]\n")
    with pytest.raises(UsageError, match=r"old.yaml: lists other classes than copy.yml"):
        names_of(tmp_path)


def test_a_yaml_file_that_cannot_be_read_is_named_by_its_line(tmp_path):
    write(tmp_path / "data.yaml", "names:\n  0: &x a\n")
    with pytest.raises(UsageError, match=r"data.yaml:2: '&x a' is YAML") as caught:
        names_of(tmp_path)
    assert caught.value.code == "E_CLASSES"
