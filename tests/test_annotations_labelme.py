"""labelme: every shape as labelme's shape_to_mask draws it, photographs inside of the file, and what is refused."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from annotation_files import BOX, SIZE, TRIANGLE, in_base64, labelme, parsed, photograph, png, problems, write
from PIL import Image, ImageDraw

from converter.annotations.drawing import Canvas, draw
from converter.annotations.labelme import photograph as embedded
from converter.annotations.labelme import read
from converter.errors import DataError

BITMAP = np.eye(3, 4, dtype=bool)


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


SHAPES = [
    shape("road", TRIANGLE),
    shape("car", BOX, "rectangle"),
    shape("car", BOX[::-1], "rectangle"),
    shape("tree", [[9, 6], [9, 9]], "circle"),
    shape("lane", [[0, 0], [15, 11]], "line"),
    shape("lane", [[1, 1], [8, 2], [3, 10]], "linestrip"),
    shape("sign", [[3, 4], [6, 6]], "mask", mask=in_base64(png(BITMAP))),
]


def by_labelme(shapes, size):
    """Draws the shapes one over the other, as labelme's shapes_to_label does: by index in the order of the labels."""
    result = np.zeros(size, np.uint8)
    names = sorted({each["label"] for each in shapes})
    for each in shapes:
        picture = Image.new("L", size[::-1], 0)
        pen, xy = ImageDraw.Draw(picture), [tuple(point) for point in each["points"]]
        kind = each["shape_type"]
        if kind == "circle":
            (cx, cy), (px, py) = xy
            radius = math.hypot(cx - px, cy - py)
            pen.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], outline=1, fill=1)
        elif kind == "rectangle":
            pen.rectangle([min(xy), max(xy)], outline=1, fill=1)
        elif kind in ("line", "linestrip"):
            pen.line(xy=xy, fill=1, width=10)
        elif kind == "polygon":
            pen.polygon(xy=xy, outline=1, fill=1)
        pixels = np.array(picture, bool)
        if kind == "mask":
            (x1, y1), (x2, y2) = np.array(each["points"]).astype(int)
            pixels[y1 : y2 + 1, x1 : x2 + 1] = BITMAP
        result[pixels] = names.index(each["label"]) + 1
    return result


def mask_of(found):
    (picture,) = found.pictures
    names = sorted({each.label for each in picture.objects})
    indices = {name: number for number, name in enumerate(names, 1)}
    return draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, indices, "file").mask


@pytest.mark.parametrize("shapes", [*([each] for each in SHAPES), SHAPES], ids=str)
def test_shapes_cover_what_labelme_gives_them(tmp_path, shapes):
    photograph(tmp_path / "p.jpg")
    found = parsed(read, tmp_path, "p.json", labelme("p.jpg", *shapes))
    assert problems(found) == []
    assert np.array_equal(mask_of(found), by_labelme(shapes, SIZE))


def test_a_point_is_counted_and_not_drawn(tmp_path):
    photograph(tmp_path / "p.jpg")
    found = parsed(read, tmp_path, "p.json", labelme("p.jpg", shape("x", [[1, 1]], "point"), shape("road", TRIANGLE)))
    assert found.left_out == {"point of labelme": 1}
    assert [each.label for each in found.pictures[0].objects] == ["road"]


def test_the_photograph_is_the_one_that_the_path_names_from_the_file_on(tmp_path):
    photograph(tmp_path / "a/images/p.jpg")
    photograph(tmp_path / "b/images/p.jpg")
    (picture,) = parsed(read, tmp_path, "a/json/p.json", labelme("..\\images\\p.jpg", shape("r", TRIANGLE))).pictures
    assert (picture.path, picture.size, picture.split) == ("a/images/p.jpg", SIZE, "")


def test_a_photograph_that_is_only_in_the_file_is_taken_from_it(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", SIZE[::-1]).save(buffer, "JPEG")
    content = labelme("lost.png", shape("r", TRIANGLE), data=buffer.getvalue())
    (picture,) = parsed(read, tmp_path, "val/p.json", content).pictures
    assert (picture.path, picture.embedded_in, picture.name, picture.split) == ("", "val/p.json", "val/p.jpg", "val")
    assert embedded((tmp_path / "val/p.json").read_bytes(), "val/p.json") == buffer.getvalue()


@pytest.mark.parametrize(("bad", "what"), [
    (shape("r", TRIANGLE[:2]), "shape 2 (r) has 2 points, and needs 3"),
    (shape("r", [[0, 0], [1, "x"], [2, 2]]), "shape 2 (r) has coordinates that are no numbers"),
    (shape("r", [[0, 0], [1, float("nan")], [2, 2]]), "shape 2 (r) has a coordinate that is no number within 100,000"),
    (shape("r", [[0, 0], [1, float("inf")], [2, 2]]), "shape 2 (r) has a coordinate that is no number within 100,000"),
    (shape("r", [[0, 0], [1, 1e9], [2, 2]]), "shape 2 (r) has a coordinate that is no number within 100,000"),
    (shape("r", [[0, 0, 0]]), "shape 2 (r) has an odd number of coordinates, or points that are not x and y"),
    (shape("r", "abc"), "shape 2 (r) has no list of points"),
    (shape("r", BOX[:1], "rectangle"), "shape 2 (r) has 1 points, and needs 2"),
    (shape("r", TRIANGLE, "circle"), "shape 2 (r) has 3 points, and a circle has 2"),
    (shape("r", TRIANGLE, "cube"), "shape 2 (r) has the unknown shape_type 'cube'"),
    (shape("", TRIANGLE), "shape 2 has a class name that is empty, unprintable or longer than 200 characters"),
    (shape(7, TRIANGLE), "shape 2 has no valid 'label'"),
    (7, "shape 2 is no object"),
    (shape("r", BOX, "mask", mask="!"), "shape 2 (r) has a text that is not base64"),
    (shape("r", BOX, "mask", mask=in_base64(b"GIF89a")), "shape 2 (r) holds a bitmap that is no PNG"),
])  # fmt: skip
def test_an_invalid_shape_is_named_and_the_others_are_read(tmp_path, bad, what):
    photograph(tmp_path / "p.jpg")
    content = labelme("p.jpg", shape("a", TRIANGLE))
    content["shapes"] += [bad, shape("b", TRIANGLE)]
    found = parsed(read, tmp_path, "p.json", content)
    (problem,) = problems(found)
    assert problem.partition(" ")[2] == f"p.json: {what}"
    assert [each.label for each in found.pictures[0].objects] == ["a", "b"]


@pytest.mark.parametrize(("name", "data", "code", "what"), [
    ("p.jpg", b"", "E_MISSING", "does not exist"),
    ("../p.jpg", b"", "E_PATH", "leaves the source folder"),
    ("/etc/p.jpg", b"", "E_PATH", "leaves the source folder"),
    ("C:\\p.jpg", b"", "E_PATH", "leaves the source folder"),
    ("../p.jpg", b"x", "E_PATH", "leaves the source folder"),
    ("p.jpg", b"no picture", "E_FORMAT", "holds imageData that are no JPEG or PNG"),
    ("p.jpg", b"\x89PNG\r\n\x1a\n", "E_DAMAGED", "holds imageData that truncated"),
])  # fmt: skip
def test_a_photograph_that_cannot_be_had_is_an_error(tmp_path, name, data, code, what):
    write(tmp_path / "other.txt", "")
    with pytest.raises(DataError) as caught:
        parsed(read, tmp_path, "p.json", labelme(name, shape("a", TRIANGLE), data=data))
    assert (caught.value.code, caught.value.what[: len(what)]) == (code, what)


@pytest.mark.parametrize("seed", range(30))
def test_shapes_are_those_that_labelme_itself_draws(tmp_path, seed, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    theirs = pytest.importorskip("labelme.utils", reason="labelme is not installed", exc_type=ImportError)
    photograph(tmp_path / "p.jpg")
    rng = np.random.default_rng(seed)
    for kind, count in (("polygon", 3 + seed % 9), ("rectangle", 2), ("circle", 2), ("line", 2), ("linestrip", 4)):
        ring = (rng.random((count, 2)) * 1.5 - 0.25) * SIZE[::-1]
        found = parsed(read, tmp_path, "p.json", labelme("p.jpg", shape("r", ring.tolist(), kind)), line_width=3)
        expected = theirs.shape_to_mask(SIZE, ring.tolist(), kind, line_width=3)
        assert np.array_equal(mask_of(found) > 0, expected), kind
