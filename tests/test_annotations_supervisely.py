"""Supervisely: polygons with holes, bitmaps in a deflated PNG, rectangles; what is refused is named by object."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from annotation_files import SIZE, bitmap, drawing, in_base64, parsed, photograph, png, problems
from PIL import Image

from converter.annotations.drawing import Canvas, draw
from converter.annotations.supervisely import read
from converter.errors import DataError

SQUARE = [[1, 1], [6, 1], [6, 6], [1, 6]]
HOLE = [[3, 3], [4, 3], [4, 4], [3, 4]]
RING = np.array([[1, 1, 1], [1, 0, 1]], bool)


def item(kind, label="car", **more):
    return {"id": 1, "classTitle": label, "geometryType": kind, "tags": [], **more}


def content(*objects, size=SIZE):
    return {"description": "", "tags": [], "size": {"height": size[0], "width": size[1]}, "objects": list(objects)}


def found_in(folder, *objects):
    photograph(folder / "val/img/a.jpg")
    photograph(folder / "train/img/a.jpg")
    return parsed(read, folder, "val/ann/a.jpg.json", content(*objects))


def rows_of(found):
    (picture,) = found.pictures
    return drawing(draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, {"car": 2, "road": 1}, "file").mask)


def test_a_polygon_has_its_holes_and_the_photograph_is_that_of_its_folder(tmp_path):
    found = found_in(tmp_path, item("polygon", points={"exterior": SQUARE, "interior": [HOLE]}))
    assert problems(found) == []
    assert (found.pictures[0].path, found.pictures[0].split) == ("val/img/a.jpg", "val")
    assert rows_of(found)[:5] == ["." * 16, *["2".join(["." , "....."]).replace(".....", "22222") + "." * 9] * 2,
                                  *[".22..22" + "." * 9] * 2]  # fmt: skip


@pytest.mark.parametrize("mode", ["1", "P", "RGBA"])
def test_a_bitmap_lies_at_its_origin_in_every_mode_of_png(tmp_path, mode):
    import io

    buffer = io.BytesIO()
    picture = Image.fromarray(RING.astype(np.uint8) * 255)
    if mode == "RGBA":
        transparent = np.zeros((*RING.shape, 4), np.uint8)
        transparent[RING] = 255
        picture = Image.fromarray(transparent)
    (picture if mode == "RGBA" else picture.convert(mode)).save(buffer, "PNG")
    data = in_base64(zlib.compress(buffer.getvalue()))
    found = found_in(tmp_path, item("bitmap", bitmap={"data": data, "origin": [3, 5]}))
    assert rows_of(found)[5:7] == ["...222" + "." * 10, "...2.2" + "." * 10]


def test_rectangles_and_lines_are_drawn_and_points_are_counted(tmp_path):
    objects = (item("rectangle", points={"exterior": [[6, 3], [2, 1]], "interior": []}), item("point"), item("cuboid"))
    found = found_in(tmp_path, *objects)
    assert rows_of(found)[1:4] == ["..22222" + "." * 9] * 3
    assert found.left_out == {"point of Supervisely": 1, "cuboid of Supervisely": 1}
    line = found_in(tmp_path, item("line", points={"exterior": [[0, 5], [15, 5]]}))
    assert rows_of(line)[5] == "2" * 16


@pytest.mark.parametrize(("bad", "what"), [
    (item("polygon", points={"exterior": SQUARE[:2]}), "object 1 (car) has 2 points, and needs 3"),
    (item("polygon", points={"exterior": SQUARE, "interior": [HOLE[:1]]}), "object 1 (car) has 1 points, and needs 3"),
    (item("polygon"), "object 1 (car) has no valid 'points'"),
    (item("bitmap", bitmap={"data": "?", "origin": [0, 0]}), "object 1 (car) has a text that is not base64"),
    (item("bitmap", bitmap={"data": in_base64(b"no"), "origin": [0, 0]}), "object 1 (car) has a bitmap that zlib"),
    (item("bitmap", bitmap={"data": in_base64(zlib.compress(b"x")), "origin": [0, 0]}),
     "object 1 (car) holds a bitmap that is no PNG"),
    (item("bitmap", bitmap={"data": in_base64(zlib.compress(png(RING))[:-9]), "origin": [0, 0]}),
     "object 1 (car) has a bitmap that is truncated, or inflates to more than 67,108,864 bytes"),
    (item("bitmap", bitmap={"data": bitmap(RING), "origin": [0]}), "object 1 (car) has an odd number of coordinates"),
    (item("polygon", label=" "), "object 1 ( ) has a class name that is empty"),
    ([], "object 1 is no object"),
])  # fmt: skip
def test_an_invalid_object_is_named_by_its_number(tmp_path, bad, what):
    (problem,) = problems(found_in(tmp_path, bad))
    assert problem.partition(" ")[2].startswith(f"val/ann/a.jpg.json: {what}")


def test_a_file_without_a_size_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no valid 'size'"):
        parsed(read, tmp_path, "ann/a.jpg.json", {"objects": []})
