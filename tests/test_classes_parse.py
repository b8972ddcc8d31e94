"""Parse: a class file gives its map, the number of each line, and whether its lines may be removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from class_file_texts import CLASS_DICT, CLASS_NAMES, CVAT, FORMATS, ROBOFLOW
from drawn_datasets import draw, report_on, rows

from converter.classes.find import read_class_file
from converter.classes.formats import registry
from converter.classes.native import parse_class_map, to_csv
from converter.schema import IGNORE_INDEX

BY_PLACE = {"cvat", "labelme", "datumaro", "object_info", "mapillary", "ultralytics", "names"}


def read(folder: Path, text: str):
    (folder / "a_file").write_text(text)
    return read_class_file(folder / "a_file")


def test_the_number_of_a_line_is_its_place_or_what_the_file_says(tmp_path):
    assert read(tmp_path, CVAT).places == ((0, 0), (1, 1), (2, 2))
    assert read(tmp_path, "id,name,r,g,b\n4,a,1,2,3\n9,b,4,5,6\n").places == ((4, 0), (9, 1))
    assert read(tmp_path, "id,name,r,g,b\n4,a,1,2,3\n4,b,4,5,6\n").places == ()
    assert read(tmp_path, "id,name,r,g,b\n4,a,1,2,3\nx,b,4,5,6\n").places == ((0, 0), (1, 1))
    places = read(tmp_path, CLASS_DICT + "ignore,9,9,9\nAnimal,8,8,8\n").places
    assert dict(places) == {0: 0, 1: 1, 2: IGNORE_INDEX, 3: 0}


def test_the_formats_whose_places_are_values_are_a_fact_of_their_rows():
    assert {name for name, form in registry.FORMATS.items() if form.is_by_place} == BY_PLACE


@pytest.mark.parametrize("name", FORMATS)
def test_a_class_that_never_occurs_is_left_where_its_place_is_its_value(tmp_path, name):
    text = FORMATS[name][0]
    found = read(tmp_path, text)
    drawn = [value for value in sorted(found.classes.grey) if found.classes.grey[value] == 0][:1]
    if not drawn:
        return  # of colours alone: nothing of this kind of mask
    folder = draw(tmp_path / "data", [rows(*drawn)] * 3)
    (folder / "a_file").write_text(text)
    report = report_on(folder, classes=str(folder / "a_file"))
    (problem,) = [one for one in report.problems if one.code == "W_ABSENT_CLASS"] or [None]
    if problem is None:
        assert found.classes.num_classes == 1
    elif found.is_by_place:
        assert problem.fix.startswith("Leave it: the place of a line is its value. `segconv classes --src")
    else:
        assert problem.fix == "Remove it from the class map, or correct its value."


def test_values_that_are_written_out_stay_when_a_row_is_removed(tmp_path):
    classes = read(tmp_path, CLASS_NAMES).classes
    text = "".join(line for line in to_csv(classes).splitlines(keepends=True) if not line.startswith("cat,"))
    again = parse_class_map(text, "classes.csv")
    assert [again.name_of(again.grey[value]) for value in (0, 2)] == ["_background_", "dog"]


def test_a_draft_is_known_by_its_first_line(tmp_path):
    text = "# Draft of a class map from 3 masks.\nname,value\na,0\n"
    assert read(tmp_path, text).is_draft
    assert not read(tmp_path, ROBOFLOW).is_draft
