"""COCO: polygons, both kinds of runs, crowds, panoptic segments; against pycocotools where it is installed."""

from __future__ import annotations

import io
import json
import tracemalloc

import numpy as np
import pytest
from annotation_files import SIZE, coco, drawing, in_parts, parsed, photograph, problems, runs_of, to_border
from PIL import Image

from converter.annotations.coco import coco_runs, decoded_counts, read, stored_shape
from converter.annotations.documents import Documents
from converter.annotations.drawing import Canvas, draw
from converter.annotations.found import Found, Stored
from converter.annotations.shapes import Drawable
from converter.annotations.texts import AnnotationFile
from converter.errors import DataError
from converter.sources.tree import list_tree

INDICES = {"road": 1, "car": 2, "ignore": 255}
SQUARE = [1, 1, 6, 1, 6, 6, 1, 6]
# Two masks as pycocotools 2.0.11 encodes them: a ring of 3x3 with a hole, and one pixel in the last corner.
RING = np.zeros((6, 7), bool)
RING[1:4, 2:5] = True
RING[2, 3] = False
RING[5, 6] = True
RING_TEXT = "=33NN022:N"


def found_in(folder, content, name="instances_val.json"):
    for number, image in enumerate(content["images"]):
        photograph(folder / "images" / image["file_name"], seed=number)
    return parsed(in_parts(read), folder, name, content)


def mask_of(picture, folder, size=SIZE):
    canvas = Canvas(size, lambda path: (folder / path).read_bytes())
    objects = picture.objects
    if isinstance(objects, Stored):
        data = (folder / objects.path).read_bytes()
        objects = [Drawable(label, stored_shape(data[start : start + length]), is_under)
                   for start, length, label, is_under in objects]  # fmt: skip
    return draw(objects, canvas, size, INDICES, "file").mask


def test_polygons_of_one_object_are_drawn_together(tmp_path):
    annotation = {"image_id": 1, "category_id": 2, "segmentation": [SQUARE, [8, 8, 14, 8, 14, 10, 8, 10]]}
    found = found_in(tmp_path, coco(["a.jpg", "b.jpg"], [annotation]))
    assert problems(found) == []
    assert found.names == ["road", "car"]
    assert [(picture.path, picture.split, picture.size) for picture in found.pictures] == [
        ("images/a.jpg", "val", SIZE), ("images/b.jpg", "val", SIZE)]  # fmt: skip
    mask = mask_of(found.pictures[0], tmp_path)
    assert (mask == 2).sum() == 6 * 6 + 7 * 3
    assert not mask_of(found.pictures[1], tmp_path).any()


def test_a_box_without_a_shape_is_counted_and_not_drawn(tmp_path):
    box = {"image_id": 1, "category_id": 1, "segmentation": [], "bbox": [1, 1, 4, 4]}
    found = found_in(tmp_path, coco(["a.jpg"], [box, {**box, "segmentation": [SQUARE]}]))
    assert (problems(found), found.left_out, len(found.pictures[0].objects)) == ([], {"box of COCO": 1}, 1)


def test_the_members_of_a_file_may_stand_in_any_order(tmp_path):
    annotation = {"image_id": 1, "category_id": 1, "segmentation": [SQUARE]}
    content = coco(["a.jpg"], [annotation])
    turned = {key: content[key] for key in ("annotations", "categories", "images")}
    assert len(found_in(tmp_path, turned).pictures[0].objects) == 1


def test_runs_as_numbers_and_as_text_are_the_pixels_that_pycocotools_encoded():
    size = RING.shape
    for counts in (runs_of(RING.T), RING_TEXT):
        assert np.array_equal(coco_runs({"size": list(size), "counts": counts}).pixels(), RING)


def written(counts):
    """Returns runs as text, by the description of the format: differences, groups of 5 bits, sign, more."""
    text = ""
    for place, count in enumerate(counts):
        value = count - (counts[place - 2] if place > 2 else 0)
        more = True
        while more:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            text += chr(48 + group + (32 if more else 0))
    return text


@pytest.mark.parametrize("seed", range(50))
def test_runs_are_the_same_after_they_were_text(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 1 << rng.integers(1, 24), rng.integers(1, 40)).tolist()
    assert decoded_counts(written(counts)) == counts


def test_a_crowd_is_ignore_under_all_others(tmp_path):
    crowd = {"image_id": 1, "category_id": 1, "iscrowd": 1,
             "segmentation": {"size": list(SIZE), "counts": runs_of(np.ones(SIZE[::-1], bool))}}  # fmt: skip
    found = found_in(tmp_path, coco(["a.jpg"], [{"image_id": 1, "category_id": 2, "segmentation": [SQUARE]}, crowd]))
    rows = drawing(mask_of(found.pictures[0], tmp_path))
    assert rows[0] == "i" * 16
    assert rows[1] == "i222222" + "i" * 9


def test_an_object_takes_the_same_memory_however_many_points_it_has(tmp_path):
    """What stays of twice as many objects of 500 points each: some numbers for each, not their 8,000 bytes."""
    ring = (5 + 4 * np.stack([np.cos(np.arange(500)), np.sin(np.arange(500))], axis=1)).ravel().tolist()
    kept = []
    for count in (500, 1000):
        rows = [{"image_id": 1 + number % 2, "category_id": 1, "segmentation": [ring]} for number in range(count)]
        found_in(tmp_path, coco(["a.jpg", "b.jpg"], rows))  # also makes what is cached
        data = (tmp_path / "instances_val.json").read_bytes()
        source = AnnotationFile(io.BytesIO(data), (len(data), 0))
        documents, found = Documents(list_tree(tmp_path, follow_links=False), ()), Found("instances_val.json")
        tracemalloc.start()
        read(source, found, documents)
        kept.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert sum(len(picture.objects) for picture in found.pictures) == count
    assert (kept[1] - kept[0]) / 500 < 64


def test_an_image_with_panoptic_segments_and_polygons_is_refused(tmp_path):
    panoptic = {"image_id": 1, "file_name": "a.png", "segments_info": [{"id": 263, "category_id": 1}]}
    content = coco(["a.jpg"], [panoptic, {"image_id": 1, "category_id": 1, "segmentation": [SQUARE]}])
    assert problems(found_in(tmp_path, content)) == [
        "E_ANNOTATION instances_val.json: image 1 has panoptic segments and other annotations"
    ]


def test_panoptic_segments_are_the_colours_of_a_png(tmp_path):
    ids = np.zeros((*SIZE, 3), np.uint8)
    ids[2:5, 3:9] = (7, 1, 0)  # 7 + 256
    ids[6:9, 3:9] = (0, 0, 2)  # 2 * 65536
    ids[9:, :2] = (9, 0, 0)
    (tmp_path / "panoptic_val").mkdir()
    Image.fromarray(ids).save(tmp_path / "panoptic_val/a.png")
    segments = [
        {"id": 263, "category_id": 1},
        {"id": 131072, "category_id": 2},
        {"id": 9, "category_id": 2, "iscrowd": 1},
    ]
    content = coco(["a.jpg"], [{"image_id": 1, "file_name": "a.png", "segments_info": segments}])
    found = found_in(tmp_path, content, "panoptic_val.json")
    assert problems(found) == []
    mask = mask_of(found.pictures[0], tmp_path)
    assert [(mask == value).sum() for value in (1, 2, 255)] == [18, 18, 6]


@pytest.mark.parametrize(("change", "what"), [
    ({"segmentation": [[1, 1, 2, 2]]}, "E_ANNOTATION #1 has 2 points, and needs 3"),
    ({"segmentation": [[1, 1, 2, 2, 3]]},
     "E_ANNOTATION #1 has an odd number of coordinates, or points that are not x and y"),
    ({"segmentation": []}, "E_ANNOTATION #1 has an empty 'segmentation'"),
    ({"segmentation": None}, "E_ANNOTATION #1 has no 'segmentation' of polygons or runs"),
    ({"segmentation": [[0, 0, 1, None, 2, 2]]}, "E_ANNOTATION #1 has a coordinate that is no number within"),
    ({"segmentation": [[0, 0, 1, 10**400, 2, 2]]}, "E_ANNOTATION #1 has coordinates that are no numbers"),
    ({"category_id": 9}, "E_ANNOTATION #1 has category 9, which the file does not list"),
    ({"category_id": None}, "E_ANNOTATION #1 has no valid 'category_id'"),
    ({"image_id": 9}, "E_ANNOTATION #1 is of image 9, which the file does not list"),
    ({"segmentation": {"size": [12, 16], "counts": [100, 91]}},
     "E_ANNOTATION #1 has runs of 191 pixels in all, and not of 16x12 = 192"),
    ({"segmentation": {"size": [12, 16], "counts": [-1, 193]}}, "E_ANNOTATION #1 has runs that are not numbers"),
    ({"segmentation": {"size": [16, 12], "counts": [192]}},
     "E_SIZE #1 has runs of size [16, 12], and not of its image, [12, 16]"),
    ({"segmentation": {"size": [12, 16], "counts": "\u00ff"}}, "E_ANNOTATION #1 has runs in a text that"),
    ({"segmentation": {"size": [12, 16], "counts": "o"}}, "E_ANNOTATION #1 has runs in a text that ends within"),
    ({"segmentation": {"size": [12, 16], "counts": "oooooooooooooooo"}}, "E_ANNOTATION #1 has runs in a text"),
])  # fmt: skip
def test_an_invalid_annotation_is_named_by_its_id(tmp_path, change, what):
    good = {"image_id": 1, "category_id": 1, "segmentation": [SQUARE]}
    found = found_in(tmp_path, coco(["a.jpg"], [{**good, **change}, good]))
    (problem,) = problems(found)
    assert problem.replace("instances_val.json: ", "").startswith(what.replace("#", "annotation "))
    assert len(found.pictures[0].objects) == 1


def test_an_image_that_is_listed_twice_and_one_that_is_not_there_are_named(tmp_path):
    content = coco(["a.jpg"], [])
    content["images"] += [dict(content["images"][0]), {"id": 7, "file_name": "lost.jpg", "height": 12, "width": 16},
                          {"id": 8, "file_name": "../a.jpg", "height": 12, "width": 16},
                          {"id": 9, "file_name": "a.jpg", "height": 0, "width": 16}]  # fmt: skip
    photograph(tmp_path / "images/a.jpg")
    found = parsed(in_parts(read), tmp_path, "x.json", content)
    assert problems(found) == [
        "E_DUPLICATE x.json: image 1 is listed twice",
        "E_MISSING x.json: image 7 names lost.jpg, which does not exist",
        "E_PATH x.json: image 8 names ../a.jpg, which leaves the source folder",
        "E_TOO_LARGE x.json: image 9 has 16x0 pixels, which is not within 1..50,000,000",
    ]


@pytest.mark.parametrize(("text", "what"), [
    ("[]", "is not valid JSON"), ("{", "is not valid JSON"), ('{"images": [1, 2', "is not valid JSON"),
    ('{"a": ' + "[" * 100_000, "is JSON that is nested some 1,000 levels deep"),
    ('{"a": {"b": ' + '{"c":' * 100_000, "is JSON that is nested some 1,000 levels deep"),
])  # fmt: skip
def test_a_file_that_is_no_json_or_too_deep_is_refused(tmp_path, text, what):
    with pytest.raises(DataError) as caught:
        parsed(in_parts(read), tmp_path, "x.json", text)
    assert caught.value.what.startswith(what.replace("#", "annotation "))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools 2.0.11
@pytest.mark.parametrize("seed", range(30))
def test_polygons_and_runs_are_those_of_pycocotools(tmp_path, seed):
    """Runs are the same, pixel by pixel; polygons are the same but for pixels that touch the border of a part."""
    coco_mask = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    rng = np.random.default_rng(seed)
    height, width = size = 40, 60
    random = rng.random(size) < rng.random()
    text = coco_mask.encode(np.asfortranarray(random.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(coco_runs({"size": list(size), "counts": text}).pixels(), random)
    ring = rng.random((rng.integers(3, 12), 2)) * (width, height)
    theirs = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([ring.ravel().tolist()], height, width))) > 0
    content = coco(["a.jpg"], [{"image_id": 1, "category_id": 1, "segmentation": [ring.ravel().tolist()]}])
    content["images"][0] |= {"height": height, "width": width}
    photograph(tmp_path / "images/a.jpg", size)
    (picture,) = parsed(in_parts(read), tmp_path, "x.json", json.loads(json.dumps(content))).pictures
    ours = mask_of(picture, tmp_path, size) > 0
    assert all(distance < 1.5 for distance in to_border(ours != theirs, ring))
