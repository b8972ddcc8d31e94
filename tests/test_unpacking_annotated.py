"""Annotated: `segconv masks` draws the polygons to the masks that they were made of, whatever the format."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from conftest import draw_pair, write_dataset
from PIL import Image

from converter.annotations.config import MasksConfig
from converter.annotations.write import draw_masks
from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import UsageError
from converter.unpacking.annotated import FORMATS, pixels_within
from converter.unpacking.unpack import unpack

needs_opencv = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="needs segconv[polygons]")


def built(tmp_path: Path, classes: str = "") -> Path:
    """Records of noise, in which every kind of border occurs, of which an eighth or so is ignored."""
    source = write_dataset(tmp_path / "source")
    if classes:
        (source / "classes.csv").write_text(classes)
    for number in range(2):  # holes in holes, and what reaches the border
        mask = np.zeros((20, 30), int)
        for edge in range(1 - number, 9):
            mask[edge : 20 - edge, edge : 30 - edge] = edge % 4
        colors = np.array([(0, 0, 0), (22, 0, 255), (0, 255, 0), (255, 255, 0)], np.uint8)
        Image.fromarray(colors[mask]).save(source / f"png/m{number}.png")
    pair = PairConfig(size=None, image_format="keep")
    return build(BuildConfig(SourceConfig(source), tmp_path / "records", "d", pair, workers=1)).out


def names_of(folder: Path) -> dict[int, str]:
    """Returns value -> name of the class map of a drawn dataset."""
    with (folder / "classes.csv").open(newline="") as file:
        return {int(row[-1]): row[0] for row in list(csv.reader(file))[1:]}


def drawn(folder: Path) -> dict[str, dict[str, np.ndarray]]:
    """Returns split -> digest of the photograph -> its mask, as names of classes."""
    names = np.array([names_of(folder).get(value, "") for value in range(256)])
    found: dict[str, dict[str, np.ndarray]] = {}
    for split in ("train", "val"):
        for line in (folder / f"{split}.txt").read_text().splitlines():
            image, mask = line.split(";")
            data, picture = (folder / "jpg" / image).read_bytes(), np.asarray(Image.open(folder / "png" / mask))
            found.setdefault(split, {})[hashlib.sha256(data).hexdigest()] = names[picture]
    return found


CLASSES = {
    "with a background": "",
    "without": 'name,value\n"roof\'s, tiled",0 0 0\n"<water> & ""sea""",#1600FF\nröd,0 255 0\nignore,#FFFF00\n',
}


@needs_opencv
@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("kind", FORMATS)
def test_masks_of_the_polygons_are_those_of_the_records(tmp_path, kind, classes):
    records = built(tmp_path, CLASSES[classes])
    report = unpack(records, tmp_path / "out", annotations=kind)
    assert report.next_command().startswith("segconv masks --src ")
    draw_masks(MasksConfig(src=tmp_path / "out", out=tmp_path / "drawn", workers=1))
    masks = drawn(tmp_path / "drawn")
    names = np.array([*read_manifest(records).class_names, *["ignore"] * 255])
    for split in ("train", "val"):
        source = list(RecordSource(records, split))
        assert len(masks[split]) == len(source)
        for record in source:
            found = masks[split][hashlib.sha256(record.image_bytes).hexdigest()]
            np.testing.assert_array_equal(found, names[record.mask])


@needs_opencv
def test_a_file_of_coco_counts_the_pixels_of_what_its_borders_hold(tmp_path):
    records = built(tmp_path)
    unpack(records, tmp_path / "out", annotations="coco")
    raw = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert [image["id"] for image in raw["images"]] == [1, 2, 3, 4, 5, 6]
    assert [one["id"] for one in raw["annotations"]] == list(range(1, len(raw["annotations"]) + 1))
    assert {one["name"] for one in raw["categories"]} == {"background", "building", "vegetation", "ignore"}
    for one in raw["annotations"]:
        left, top, width, height = one["bbox"]
        points = np.array(one["segmentation"][0]).reshape(-1, 2)
        assert (points.min(axis=0) >= (left, top)).all()
        assert (points.max(axis=0) <= (left + width, top + height)).all()
        assert 1 <= one["area"] <= width * height


@pytest.mark.parametrize(
    ("points", "count"),
    [
        ([(0, 0), (0, 0), (0, 0)], 1),
        ([(0, 0), (3, 0), (3, 0)], 4),
        ([(0, 0), (0, 1), (1, 1), (1, 0)], 4),
        ([(0, 0), (0, 4), (4, 4), (4, 0)], 25),
        ([(1, 0), (0, 1), (1, 2), (2, 1)], 5),
    ],
)
def test_pixels_within_a_border_are_counted_with_it(points, count):
    assert pixels_within(np.array(points) + 0.5) == count


@needs_opencv
def test_a_file_of_cvat_has_labels_with_colours_and_the_order_to_draw_in(tmp_path):
    unpack(built(tmp_path), tmp_path / "out", annotations="cvat")
    root = ET.parse(tmp_path / "out/annotations.xml").getroot()  # noqa: S314 - we wrote it
    labels = [(one.findtext("name"), one.findtext("color")) for one in root.iter("label")]
    assert labels[1:3] == [("building", "#1600ff"), ("vegetation", "#00ff00")]
    for image in root.iter("image"):
        orders = [int(one.get("z_order")) for one in image.iter("polygon")]
        assert orders == list(range(len(orders)))
        assert (tmp_path / "out" / image.get("name")).is_file()


@needs_opencv
def test_photographs_of_one_stem_have_labels_of_their_own_in_yolo(tmp_path):
    source = write_dataset(tmp_path / "source")
    Image.fromarray(draw_pair(50)[0]).save(source / "jpg/p0.png")
    with (source / "train.txt").open("a") as file:
        file.write("p0.png;m0.png\n")
    pair = PairConfig(size=None, image_format="keep")
    records = build(BuildConfig(SourceConfig(source), tmp_path / "records", "d", pair, workers=1)).out
    unpack(records, tmp_path / "out", annotations="yolo")
    stems = [path.stem for path in (tmp_path / "out/images/train").iterdir()]
    assert len(set(stems)) == len(stems) == 7
    assert sorted(stems) == sorted(path.stem for path in (tmp_path / "out/labels/train").iterdir())


def test_without_opencv_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    records = built(tmp_path)
    with pytest.raises(UsageError, match=r"^--yolo: polygons needs opencv.*pip install 'segconv\[polygons\]'"):
        unpack(records, tmp_path / "out", annotations="yolo")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".segconv-*"))
