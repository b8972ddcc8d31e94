"""VIA 2 and 3, projects and exports in JSON and CSV: the same regions in each of them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from annotation_files import SIZE, drawing, parsed, photograph, problems

from converter.annotations.drawing import Canvas, draw
from converter.annotations.via import read
from converter.errors import DataError

POLYGON = {"name": "polygon", "all_points_x": [2, 6, 6, 2], "all_points_y": [1, 1, 4, 4]}
RECT = {"name": "rect", "x": 11, "y": 6, "width": -3, "height": 2}  # drawn from right to left
ROWS = ["..11111" + "." * 9] * 4


def region(shape, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def export(*regions, name="a.jpg"):
    return {f"{name}1234": {"filename": name, "size": 1234, "regions": list(regions), "file_attributes": {}}}


def project(*regions):
    return {"_via_settings": {"ui": {}}, "_via_img_metadata": export(*regions), "_via_attributes": {}}


def table(*regions):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    writer.writerow(header.split(","))
    for number, each in enumerate(regions):
        cells = (json.dumps(each[key]) for key in ("shape_attributes", "region_attributes"))
        writer.writerow(["a.jpg", 1234, "{}", len(regions), number, *cells])
    return buffer.getvalue()


def via_3(*rows):
    return {
        "project": {"pid": "x"},
        "attribute": {"1": {"aname": "label", "options": {"0": "road", "1": "car"}}},
        "file": {"1": {"fid": "1", "fname": "a.jpg", "src": "a.jpg"}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {f"1_{n}": {"vid": "1", "z": [], "xy": xy, "av": {"1": av}} for n, (xy, av) in enumerate(rows)},
    }


def table_3(*rows):
    buffer = io.StringIO()
    buffer.write(
        "# Exported using VGG Image Annotator\n# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,"
    )
    buffer.write("spatial_coordinates,metadata\n")
    for number, (xy, label) in enumerate(rows):
        csv.writer(buffer).writerow([f"1_{number}", '["a.jpg"]', 0, "[]", json.dumps(xy), json.dumps({"label": label})])
    return buffer.getvalue()


TWO = (region(POLYGON, label="road"), region(RECT, label="car"))
TWO_3 = (([7, 2, 1, 6, 1, 6, 4, 2, 4], "0"), ([2, 11, 6, -3, 2], "1"), ([1, 3, 3], "1"), ([], "1"))
NAMED_3 = (([7, 2, 1, 6, 1, 6, 4, 2, 4], "road"), ([2, 11, 6, -3, 2], "car"), ([1, 3, 3], "car"))


@pytest.mark.parametrize(("name", "content"), [
    ("v.json", export(*TWO)), ("v.json", project(*TWO)), ("v.csv", table(*TWO)),
    ("v.json", via_3(*TWO_3)), ("v.csv", table_3(*NAMED_3)),
    ("v.json", {"a": {"filename": "a.jpg", "regions": {"0": TWO[0], "1": TWO[1]}}}),
])  # fmt: skip
def test_the_same_regions_are_read_from_every_kind_of_file(tmp_path, name, content):
    photograph(tmp_path / "a.jpg")
    found = parsed(read, tmp_path, name, content)
    assert problems(found) == []
    (picture,) = found.pictures
    assert [each.label for each in picture.objects] == ["road", "car"]
    mask = draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, {"road": 1, "car": 2}, "file").mask
    assert drawing(mask)[1:5] == ROWS
    assert drawing(mask)[6:9] == ["." * 8 + "2222" + "." * 4] * 3


def test_a_photograph_without_regions_is_one_without_objects(tmp_path):
    photograph(tmp_path / "a.jpg")
    assert parsed(read, tmp_path, "v.json", export()).pictures[0].objects == ()


@pytest.mark.parametrize(("attributes", "label"), [
    ({"label": "road"}, "road"), ({"anything": "road"}, "road"), ({"wet": "no", "Class": "road"}, "road"),
    ({"type": {"road": True, "car": False}}, "road"), ({"label": 7}, "7"),
])  # fmt: skip
def test_the_class_is_the_attribute_called_so_or_the_only_one(tmp_path, attributes, label):
    photograph(tmp_path / "a.jpg")
    found = parsed(read, tmp_path, "v.json", export(region(POLYGON, **attributes)))
    assert [each.label for each in found.pictures[0].objects] == [label]


def test_circles_ellipses_and_lines_are_drawn_and_points_counted(tmp_path):
    photograph(tmp_path / "a.jpg")
    shapes = [{"name": "circle", "cx": 5, "cy": 5, "r": 2.5}, {"name": "ellipse", "cx": 5, "cy": 5, "rx": 3, "ry": 1},
              {"name": "polyline", "all_points_x": [1, 9], "all_points_y": [1, 9]},
              {"name": "point", "cx": 1, "cy": 1}]  # fmt: skip
    found = parsed(read, tmp_path, "v.json", export(*(region(shape, label="a") for shape in shapes)))
    assert [each.shape.kind for each in found.pictures[0].objects] == ["ellipse", "ellipse", "line"]
    assert found.left_out == {"point of VIA": 1}


@pytest.mark.parametrize(("bad", "what"), [
    (region(POLYGON), "a.jpg: region 1 has no attribute with its class"),
    (region(POLYGON, a="x", b="y"), "a.jpg: region 1 has 2 attributes, none of which is called class, label, name"),
    (region(POLYGON, type={"road": True, "car": True}), "a.jpg: region 1 has no class name"),
    (region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1]}, label="a"), "a.jpg: region 1 has 2 x"),
    (region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 2]}, label="a"), "a.jpg: region 1 has 2"),
    (region({"name": "rect", "x": 1, "y": 1, "width": 1}, label="a"), "a.jpg: region 1 has no valid 'height'"),
    (region({"name": "circle", "cx": 1, "cy": 1, "r": 1e300}, label="a"), "a.jpg: region 1 has r 1e+300, which is no"),
    (region({"name": "cube"}, label="a"), "a.jpg: region 1 has the unknown shape 'cube'"),
    (7, "a.jpg: region 1 has no attribute with its class"),
])  # fmt: skip
def test_an_invalid_region_is_named_by_its_photograph_and_number(tmp_path, bad, what):
    photograph(tmp_path / "a.jpg")
    (problem,) = problems(parsed(read, tmp_path, "v.json", export(bad)))
    assert problem.partition(" ")[2].startswith(f"v.json: {what}")


@pytest.mark.parametrize(("name", "content"), [
    ("v.json", "[]"), ("v.json", "{"), ("v.csv", "a,b\n1,2\n"), ("v.json", "[" * 100_000), ("v.csv", ""),
])  # fmt: skip
def test_what_is_no_file_of_via_is_refused(tmp_path, name, content):
    with pytest.raises(DataError):
        parsed(read, tmp_path, name, content)
