"""CVAT for images: shapes by z_order, masks row by row, subsets; no entity is ever expanded."""

from __future__ import annotations

import numpy as np
import pytest
from annotation_files import SIZE, drawing, parsed, photograph, problems, runs_of, to_border

from converter.annotations.cvat import read
from converter.annotations.drawing import Canvas, draw
from converter.errors import DataError

INDICES = {"road": 1, "car": 2}
HEAD = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>not a class</name><labels>
<label><name>road</name><color>#ff0000</color><attributes><attribute><name>wet</name></attribute></attributes></label>
<label><name>car</name></label></labels></task></meta>"""
RING = np.array([[1, 1, 1], [1, 0, 1]], bool)


def xml(*shapes, image='id="0" name="a.jpg" width="16" height="12"'):
    return f"{HEAD}<image {image}>{''.join(shapes)}</image></annotations>"


def mask_of(found):
    (picture,) = found.pictures
    return draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, INDICES, "file").mask


def test_labels_shapes_and_attributes_are_told_apart(tmp_path):
    photograph(tmp_path / "images/a.jpg")
    shape = (
        '<polygon label="car" points="2.0,1.0;6.0,1.0;6.0,4.0;2.0,4.0"><attribute name="wet">car</attribute></polygon>'
    )
    found = parsed(read, tmp_path, "annotations.xml", xml(shape))
    assert (problems(found), found.names) == ([], ["road", "car"])
    (picture,) = found.pictures
    assert (picture.path, picture.size, picture.split) == ("images/a.jpg", SIZE, "")
    assert drawing(mask_of(found))[1:5] == ["..22222" + "." * 9] * 4


def test_a_higher_z_order_lies_above_and_equal_ones_stay_in_order(tmp_path):
    photograph(tmp_path / "a.jpg")
    box = '<box label="{}" xtl="1" ytl="1" xbr="{}" ybr="3" z_order="{}"/>'
    found = parsed(read, tmp_path, "a.xml", xml(box.format("road", 5, 2), box.format("car", 7, -1)))
    assert drawing(mask_of(found))[1] == ".1111122" + "." * 8


def test_a_mask_has_runs_along_the_rows_of_its_box(tmp_path):
    photograph(tmp_path / "a.jpg")
    rle = ", ".join(map(str, runs_of(RING)))
    found = parsed(
        read, tmp_path, "a.xml", xml(f'<mask label="car" rle="{rle}" left="3" top="5" width="3" height="2"/>')
    )
    assert drawing(mask_of(found))[5:7] == ["...222" + "." * 10, "...2.2" + "." * 10]


def test_a_box_is_turned_about_its_middle_and_an_ellipse_about_its_own(tmp_path):
    photograph(tmp_path / "a.jpg")
    turned = '<box label="car" xtl="4" ytl="4" xbr="10" ybr="6" rotation="90"/>'
    upright = '<polygon label="car" points="8,2;8,8;6,8;6,2"/>'
    ellipses = [
        '<ellipse label="car" cx="8.5" cy="6.5" rx="5" ry="2" rotation="90"/>',
        '<ellipse label="car" cx="8.5" cy="6.5" rx="2" ry="5" rotation="180"/>',
    ]
    assert np.array_equal(*(mask_of(parsed(read, tmp_path, "a.xml", xml(each))) for each in (turned, upright)))
    first, second = (mask_of(parsed(read, tmp_path, "a.xml", xml(each))) for each in ellipses)
    assert (first != second).sum() <= 8  # one is drawn as a polygon


def test_subsets_are_splits_and_what_has_no_pixels_is_counted(tmp_path):
    photograph(tmp_path / "Validation/a.jpg")
    shapes = '<points label="car" points="1,1"/><polyline label="car" points="1,1;2,2"/><tag label="car"/>'
    skeleton = '<skeleton label="man"><points label="1" points="1,1"/></skeleton>'
    image = 'id="0" name="a.jpg" subset="Validation" width="16" height="12"'
    found = parsed(read, tmp_path, "a.xml", xml(shapes, skeleton, image=image))
    assert found.pictures[0].split == "val"
    assert found.left_out == {f"{kind} of CVAT": 1 for kind in ("points", "polyline", "tag", "skeleton")}


@pytest.mark.parametrize(("shape", "what"), [
    ('<polygon label="car" points="1,1;2,2"/>', "polygon 1 (car) has 2 points, and needs 3"),
    ('<polygon label="car" points="1,1;2;3,3"/>', "polygon 1 (car) has coordinates that are no numbers"),
    ('<polygon label="car" points="1,1;nan,2;3,3"/>', "polygon 1 (car) has a coordinate that is no number within"),
    ('<polygon points="1,1;2,2;3,3"/>', "polygon 1 has no class name"),
    ('<box label="car" xtl="1" ytl="1" xbr="inf" ybr="3"/>', "box 1 (car) has xbr inf"),
    ('<box label="car" xtl="1" ytl="1" ybr="3"/>', "box 1 (car) has no xbr"),
    ('<mask label="car" rle="1, 4" left="0" top="0" width="3" height="2"/>',
     "mask 1 (car) has runs of 5 pixels in all, and not of 3x2 = 6"),
    ('<mask label="car" rle="a" left="0" top="0" width="3" height="2"/>',
     "mask 1 (car) has runs that are no whole numbers"),
    ('<mask label="car" rle="6" left="0" top="0" width="3000000" height="2"/>', "mask 1 (car) has width 3e+06"),
    ('<mask label="car" rle="6" left="-1" top="0" width="3" height="2"/>', "mask 1 (car) has left -1.0, which is not"),
])  # fmt: skip
def test_an_invalid_shape_is_named_by_its_image_and_number(tmp_path, shape, what):
    photograph(tmp_path / "a.jpg")
    good = '<box label="road" xtl="1" ytl="1" xbr="2" ybr="3"/>'
    found = parsed(read, tmp_path, "a.xml", xml(shape, good))
    (problem,) = problems(found)
    assert problem.partition(" ")[2].startswith(f"a.xml: image a.jpg: {what}")
    assert len(found.pictures[0].objects) == 1


@pytest.mark.parametrize(("text", "what"), [
    ('<!DOCTYPE a [<!ENTITY b "bbbb">]><annotations>&b;</annotations>', "declares a document type, in which entities"),
    ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotations/>', "declares a document type, in which entities may be"),
    ("<annotations>&b;</annotations>", "is not valid XML (undefined entity"),
    ("<annotations><image>", "is not valid XML (no element found"),
    ("<annotations><track/></annotations>", "is of CVAT for video"),
    ('<?xml version="1.0" encoding="no-such"?><annotations/>', "cannot be decoded (unknown encod"),
])  # fmt: skip
def test_what_is_no_file_of_cvat_for_images_is_refused(tmp_path, text, what):
    with pytest.raises(DataError) as caught:
        parsed(read, tmp_path, "a.xml", text)
    assert (caught.value.where, caught.value.what[: len(what)]) == ("a.xml", what)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools 2.0.11
def test_polygons_are_those_of_the_library_that_cvat_exports_with(tmp_path):
    """All pixels are the same but some that touch the border: their rule is that of pycocotools."""
    datumaro = pytest.importorskip("datumaro", reason="datumaro is not installed")
    rng = np.random.default_rng(0)
    rings = [(rng.random((rng.integers(3, 12), 2)) * SIZE[::-1]).round(2) for _ in range(30)]
    images = ""
    for number, ring in enumerate(rings):
        photograph(tmp_path / f"images/{number}.png", seed=number)
        points = ";".join(f"{x},{y}" for x, y in ring)
        images += f'<image id="{number}" name="{number}.png" width="16" height="12">'
        images += f'<polygon label="road" points="{points}" z_order="0"/></image>'
    head = "<annotations><version>1.1</version><meta><task><mode>annotation</mode>"
    head += "<labels><label><name>road</name></label></labels></task></meta>"
    found = parsed(read, tmp_path, "annotations.xml", f"{head}{images}</annotations>")
    dataset = datumaro.Dataset.import_from(str(tmp_path), "cvat")
    dataset.transform("polygons_to_masks")
    theirs = {item.id: item.annotations[0].image for item in dataset}
    assert len(theirs) == len(found.pictures) == 30
    for picture, ring in zip(found.pictures, rings, strict=True):
        ours = draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, INDICES, "file").mask > 0
        other = theirs[picture.path.removeprefix("images/").removesuffix(".png")] > 0
        assert other.any()
        assert all(distance < 1.5 for distance in to_border(ours != other, ring))
