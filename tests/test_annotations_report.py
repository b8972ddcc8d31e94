"""Report: what was drawn, covered, cut off and left out, as text and as JSON."""

from __future__ import annotations

import pytest
from annotation_files import labelme, photograph, write

from converter.annotations.config import MasksConfig
from converter.annotations.report import RefusedAnnotationsError
from converter.annotations.write import draw_masks
from converter.errors import DataError


def square(label, start, end):
    return {"label": label, "points": [[start, start], [end, start], [end, end], [start, end]]}


@pytest.fixture
def report(tmp_path):
    photograph(tmp_path / "src/a.png")
    shapes = (square("road", 0, 5), square("car", 4, 90), {"label": "x", "points": [[1, 1]], "shape_type": "point"},
              square("car", 50, 60))  # fmt: skip
    write(tmp_path / "src/a.json", labelme("a.png", *shapes))
    return draw_masks(MasksConfig(tmp_path / "src", out=tmp_path / "out", workers=1))


def test_the_text_has_counts_of_classes_overlaps_and_what_was_left_out(report, tmp_path):
    assert report.to_text() == (
        f"{tmp_path}/out: train 1; objects drawn in the order of the file, later over earlier\n"
        "4 pixels of 'road' are under 'car'\n"
        "cut off at the edge of their picture: 2 objects\n"
        "without a pixel: 1 object\n"
        "not drawn, point of labelme: 1\n"
        "\n"
        " id  class       objects  pixels   share\n"
        "  0  background        0      64  33.33%\n"
        "  1  car               2      96  50.00%\n"
        "  2  road              1      32  16.67%\n"
        "255  ignore            0       0   0.00%"
    )


def test_the_json_has_the_same_counts(report, tmp_path):
    facts = report.to_json()
    counts = {"clipped": 2, "empty": 1, "left_out": {"point of labelme": 1}}
    counts["overlaps"] = [{"below": "road", "above": "car", "pixels": 4}]
    head = {"out": str(tmp_path / "out"), "format": "labelme", "order": "file", "splits": {"train": 1}}
    assert {key: value for key, value in facts.items() if key != "classes"} == head | counts
    assert facts["classes"][1] == {"id": 1, "name": "car", "objects": 2, "pixels": 96}


def test_the_error_counts_the_problems_by_their_codes():
    error = RefusedAnnotationsError([DataError("a", "b", "c", "E_X"), DataError("a", "b", "c", "E_Y")])
    assert str(error) == (
        "segconv masks: 2 problems (1 E_X, 1 E_Y), so nothing was written. Fix them, then run the same command again."
    )
    assert error.exit_code == 1
