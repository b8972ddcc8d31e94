"""Label Studio: shapes in per cent, brushes by their bits, links to photographs, brushes as PNG."""

from __future__ import annotations

import numpy as np
import pytest
from annotation_files import SIZE, drawing, parsed, photograph, png, problems, write

from converter.annotations.documents import Documents
from converter.annotations.drawing import Canvas, draw
from converter.annotations.label_studio import brushes, decoded_brush, read
from converter.errors import DataError
from converter.sources.tree import list_tree

INDICES = {"road": 1, "car": 2}


def region(kind, label="car", **value):
    size = {"original_height": SIZE[0], "original_width": SIZE[1]}
    return {"id": "x", "type": kind, "from_name": "tag", "to_name": "image", **size, "value": {kind: [label], **value}}


def tasks(*regions, image="/data/upload/1/0a1b2c3d-a.jpg", **more):
    return [{"id": 7, "data": {"image": image}, "annotations": [{"id": 1, "result": list(regions), **more}]}]


def brush_bits(pixels):
    """Returns a brush as Label Studio writes it: bits of red, green, blue and alpha of each pixel."""
    rgba = np.repeat(pixels.ravel().astype(np.uint8) * 255, 4)
    bits = f"{len(rgba):032b}{7:05b}" + "".join(f"{width - 1:04b}" for width in (2, 4, 8, 16))
    place = 0
    while place < len(rgba):
        length = 1
        while place + length < len(rgba) and rgba[place + length] == rgba[place]:
            length += 1
        which, width = next((n, w) for n, w in enumerate((2, 4, 8, 16)) if length <= 1 << w)
        if length == 4:  # as single numbers, too, which the format allows
            bits += f"0{which:02b}{length - 1:0{width}b}" + f"{rgba[place]:08b}" * length
        else:
            bits += f"1{which:02b}{length - 1:0{width}b}{rgba[place]:08b}"
        place += length
    bits += "0" * (-len(bits) % 8)
    return [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]


def rows_of(found):
    (picture,) = found.pictures
    return drawing(draw(picture.objects, Canvas(SIZE, lambda path: b""), SIZE, INDICES, "file").mask)


def test_shapes_are_in_per_cent_of_the_sides(tmp_path):
    photograph(tmp_path / "a.jpg")
    polygon = region("polygonlabels", points=[[12.5, 25], [50, 25], [50, 50], [12.5, 50]])
    found = parsed(read, tmp_path, "p.json", tasks(polygon, region("keypointlabels", x=1, y=1)))
    assert problems(found) == []
    assert rows_of(found)[2:8] == ["." * 16, *["..2222222" + "." * 7] * 4, "." * 16]
    assert found.left_out == {"keypointlabels of Label Studio": 1}
    assert found.pictures[0].size == SIZE


def test_a_box_is_turned_about_its_upper_left_corner(tmp_path):
    photograph(tmp_path / "a.jpg")
    turned = region("rectanglelabels", x=50, y=25, width=25, height=50, rotation=90)  # 4 wide and 6 high, to the left
    assert rows_of(parsed(read, tmp_path, "p.json", tasks(turned)))[3:8] == ["..2222222" + "." * 7] * 5
    upright = region("rectanglelabels", x=12.5, y=25, width=37.5, height=25)
    assert rows_of(parsed(read, tmp_path, "p.json", tasks(upright)))[3:7] == ["..2222222" + "." * 7] * 4
    ellipse = region("ellipselabels", x=50, y=50, radiusX=25, radiusY=25, rotation=0)
    assert rows_of(parsed(read, tmp_path, "p.json", tasks(ellipse)))[6] == "....222222222..."


@pytest.mark.parametrize("seed", range(5))
def test_a_brush_is_the_pixels_whose_alpha_is_not_0(tmp_path, seed):
    photograph(tmp_path / "a.jpg")
    pixels = np.random.default_rng(seed).random(SIZE) < (0.5, 0.01, 0.99, 0.2, 0)[seed]
    found = parsed(read, tmp_path, "p.json", tasks(region("brushlabels", format="rle", rle=brush_bits(pixels))))
    assert rows_of(found) == drawing(pixels * 2)


@pytest.mark.parametrize(("link", "path"), [
    ("/data/upload/1/0a1b2c3d-a.jpg", "a.jpg"), ("/data/local-files/?d=photos%2Fa.jpg", "a.jpg"), ("a.jpg", "a.jpg"),
    ("s3://bucket/folder/a.jpg", "a.jpg"),
    ("s3://bucket/%61.jpg", "a.jpg"), ("https://example.org/x/a.jpg?y=1", "a.jpg"),
    ("/data/upload/1/0a1b2c3d-b.jpg", "0a1b2c3d-b.jpg"),
])  # fmt: skip
def test_the_photograph_is_the_last_part_of_the_link(tmp_path, link, path):
    photograph(tmp_path / "a.jpg")
    photograph(tmp_path / "0a1b2c3d-b.jpg")
    assert parsed(read, tmp_path, "p.json", tasks(image=link)).pictures[0].path == path


def test_the_first_annotation_that_was_not_cancelled_counts(tmp_path):
    photograph(tmp_path / "a.jpg")
    box = region("rectanglelabels", x=0, y=0, width=10, height=10)
    content = tasks(box, box, was_cancelled=True)
    content[0]["annotations"] += [{"result": [box]}, {"result": [box, box]}]
    found = parsed(read, tmp_path, "p.json", content)
    assert len(found.pictures[0].objects) == 1
    assert found.left_out == {"second annotation of a task": 1}


GOOD = brush_bits(np.ones(SIZE, bool))


@pytest.mark.parametrize(("bad", "what"), [
    (region("polygonlabels", points=[[1, 1], [2, 2]]), "task 7: region 1 has 2 points, and needs 3"),
    (region("polygonlabels", points="x"), "task 7: region 1 has no list of points"),
    (region("rectanglelabels", x=1, y=1, width=1), "task 7: region 1 has no valid 'height'"),
    (region("rectanglelabels", x=1, y=1, width=1, height=1e99), "task 7: region 1 has height 1.2e+98, which is no"),
    (region("brushlabels", rle="x"), "task 7: region 1 has no list of bytes as 'rle'"),
    (region("brushlabels", rle=[300]), "task 7: region 1 has no list of bytes as 'rle'"),
    (region("brushlabels", rle=[1, 2]), "task 7: region 1 has an 'rle' that ends early"),
    (region("brushlabels", rle=GOOD[:9]), "task 7: region 1 has an 'rle' that"),
    (region("brushlabels", rle=brush_bits(np.ones((3, 3), bool))), "task 7: region 1 has an 'rle' of 36 numbers"),
    (region("polygonlabels", label=3, points=[[1, 1], [2, 2], [3, 1]]), "task 7: region 1 has no class name"),
    ({"type": "polygonlabels"}, "task 7: region 1 has no valid 'value'"),
    (7, "task 7: region 1 is no object"),
])  # fmt: skip
def test_an_invalid_region_is_named_by_its_task_and_number(tmp_path, bad, what):
    photograph(tmp_path / "a.jpg")
    (problem,) = problems(parsed(read, tmp_path, "p.json", tasks(bad)))
    assert problem.partition(" ")[2].startswith(f"p.json: {what}")


@pytest.mark.parametrize(("task", "what"), [
    ({"id": 7, "data": {"text": "x"}, "annotations": []}, "task 7 has no photograph"),
    ({"id": 7, "data": {"image": "b.jpg"}, "annotations": []}, "task 7 names b.jpg, which does not exist"),
    ({"id": 7, "data": {"image": "../b.jpg"}, "annotations": []}, "task 7 names ../b.jpg, which leaves the source"),
    ({"id": 7, "data": {"image": "a.jpg"}}, "task 7 has no valid 'annotations'"),
    (3, "task 1 is no object"),
])  # fmt: skip
def test_an_invalid_task_is_named(tmp_path, task, what):
    photograph(tmp_path / "a.jpg")
    (problem,) = problems(parsed(read, tmp_path, "p.json", [task]))
    assert problem.partition(" ")[2].startswith(f"p.json: {what}")


def test_a_brush_whose_length_runs_over_the_end_is_refused():
    with pytest.raises(DataError, match="longer than its picture"):
        decoded_brush([*(20).to_bytes(4, "big"), *GOOD[4:]], 20)


def test_brushes_as_png_go_with_the_photograph_called_by_the_number_of_the_task(tmp_path):
    photograph(tmp_path / "7.jpg")
    whole = np.zeros(SIZE, bool)
    whole[2:4] = True
    for name in ("task-7-annotation-3-by-me@x.org-tag-car-0.png", "task-7-annotation-3-by-me@x.org-tag-road side-1.png",
                 "task-9-annotation-4-by-me@x.org-tag-car-0.png"):  # fmt: skip
        write(tmp_path / "brushes" / name, png(whole))
    seven, nine = brushes(Documents(list_tree(tmp_path, follow_links=False), ()))
    assert [each.label for each in seven.pictures[0].objects] == ["car", "road side"]
    assert seven.pictures[0].path == "7.jpg"
    assert problems(nine)[0].startswith(
        "E_MISSING brushes/task-9-annotation-4-by-me@x.org-tag-car-0.png: task 9 has no"
    )
