"""Others: what a file is that is not read, by its name and first bytes, and which of them a report names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from layout_files import draw, numbered, refused
from PIL import Image

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.find import find_layout
from converter.sources.others import KINDS, kind_of, masks_fix, unread_files

LABELME = '{"version": "5.0.1", "shapes": [], "imagePath": "p.jpg", "imageHeight": 48, "imageWidth": 64}'
COCO = '{"images": [], "annotations": [], "categories": []}'
YOLO = "0 0.1 0.1 0.5 0.1 0.5 0.5\n"
TEXTS = {
    "labelme": [("p.json", '{"version": "5", "flags": {}, "shapes": [{"label": "a", "points": [[1, '),
                ("p0.json", LABELME), ("x/a.b.JSON", json.dumps(json.loads(LABELME), indent=2))],
    "coco": [("i.json", '{"info": {}, "images": [{"id": 1, "file_name": "a", "height": 1, "width": 1}, '),
             ("_annotations.coco.json", COCO),
             ("instances.json", '\ufeff{"info": {},\n "images": [], "annotations": []')],
    "cvat": [("annotations.xml", '<?xml version="1.0"?>\n<annotations>\n<version>1.1</version>')],
    "voc": [("p.xml", "<annotation><folder>VOC2007</folder><object><bndbox>")],
    "yolo": [("p.txt", YOLO), ("p.txt", "12 .5 .5 1 0 0.25 1.0 0.1 1e-05\r\n3 0.5 0.5")],
    "boxes": [("p.txt", "3 0.5 0.5 0.25 0.125\n0 0.5 0.5 0.1 0.1\n")],
    "via": [("via.json", '{"_via_settings": {}, "_via_img_metadata": {}}'),
            ("v.csv", "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,x\n"),
            ("v.csv", "# Exported\n# CSV_HEADER = metadata_id,file_list,flags\n"),
            ("v.json", '{"project": {}, "config": {}, "attribute": {}, "file": {}, "metadata": {}, "view": {}}'),
            ("v.json", '{"a.jpg1": {"regions": [{"shape_attributes": {"name": "polygon"}}]}}')],
    "labelstudio": [("p.json", '[{"id": 1, "annotations": [{"result": []}], "data": {"image": "x"}}]')],
    "supervisely": [("a.jpg.json", '{"description": "", "tags": [], "size": {"height": 1}, "objects": []}')],
    "geojson": [("x.geojson", ""), ("x.json", '{"type": "FeatureCollection", "features": []}')],
    "npy": [("m.npy", "")], "npz": [("m.NPZ", "")], "heic": [("p.HEIC", ""), ("p.heif", "")],
    "nifti": [("v.nii.gz", "")],
    "jxl": [("p.jxl", "")], "jp2": [("p.jp2", "")], "dicom": [("p.dcm", "")], "video": [("clip.MP4", "")],
}  # fmt: skip


MASKS = "Draw it into masks: segconv masks --src {src} --out {src}-masks."


@pytest.mark.parametrize(("kind", "name", "text"), [(k, *each) for k, files in TEXTS.items() for each in files])
def test_a_file_is_what_its_name_and_its_first_bytes_say(kind, name, text):
    assert kind_of(name, text.encode()) == kind
    assert KINDS[kind].fix.endswith(".")


@pytest.mark.parametrize(("name", "text"), [
    ("README.txt", "Three images.\n"), ("train.txt", "a.jpg;a.png\n"), ("classes.txt", "road\ncar\n"),
    ("1.txt", "0 1 2\n"),
    ("labels.txt", "0 road\n1 car\n"), ("colors.txt", "0 0 0\n255 0 0\n"), ("meta.json", '{"classes": []}'),
    ("a.xml", ""),
    ("numbers.txt", "1 0 1 0 1 0\n"), ("dataset.json", '{"labels": {"a": 0}, "numTraining": 3}'),
    ("a.py", COCO), ("a", YOLO), ("train.csv", "image,mask\na.jpg,a.png\n"),
])  # fmt: skip
def test_files_with_another_purpose_are_of_no_kind(name, text):
    assert kind_of(name, text.encode()) is None


def save(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6), number, np.uint8)).save(path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(("image", "other", "text", "words"), [
    ("p{}.jpg", "p{}.json", LABELME, ("p0.json is a labelme file with 2 more such in its folder", MASKS)),
    ("train/p{}.jpg", "train/_annotations.coco.json", COCO, ("is a COCO file, not drawn", MASKS)),
    ("images/train/p{}.jpg", "labels/train/p{}.txt", YOLO, ("train/p0.txt is a YOLO file of polygons", MASKS)),
    ("images/p{}.png", "masks/p{}.npy", "", ("masks/p0.npy is a NumPy array", "Image.fromarray(np.load(file)")),
    ("images/p{}.png", "masks/p{}.mat", "", ("masks/p0.mat is a MATLAB file", "scipy.io.loadmat")),
    ("p{}.jpg", "annotations.xml", "<annotations><image/></annotations>", ("is a CVAT XML file", MASKS)),
    ("p{}.png", "p{}.heic", "", ("p0.heic is a HEIC image", "heif-convert")),
    ("p{}.jpg", "project-1.json", TEXTS["labelstudio"][0][1], ("is a Label Studio file", MASKS)),
])  # fmt: skip
def test_a_dataset_of_annotations_is_named_for_what_it_is(tmp_path, image, other, text, words):
    for number in range(3):
        save(tmp_path / image.format(number), number)
        write(tmp_path / other.format(number), text)
    with pytest.raises(UsageError) as caught:
        find_layout(SourceConfig(tmp_path))
    assert caught.value.code == "E_LAYOUT"
    for word in words:
        assert word.format(src=tmp_path) in str(caught.value)


@pytest.mark.parametrize(("src", "command"), [
    ("/a/b", "--src /a/b --out /a/b-masks"), ("my set", "--src 'my set' --out 'my set-masks'"),
    (".", "--src . --out ../here-masks"), ("../here", "--src ../here --out ../here-masks"),
])  # fmt: skip
def test_the_command_that_draws_masks_names_a_folder_beside_the_source(tmp_path, monkeypatch, src, command):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert masks_fix(Path(src), "--src {src} --out {out}") == command


def test_annotations_of_images_with_a_mask_are_no_warning_and_those_of_others_are(tmp_path):
    for number in range(3):
        save(tmp_path / f"images/p{number}.jpg", number)
        save(tmp_path / f"masks/p{number}.png", number)
        write(tmp_path / f"images/p{number}.json", LABELME)
    write(tmp_path / "annotations/instances_2017.json", COCO)
    assert find_layout(SourceConfig(tmp_path)).unused == ()
    for number in (7, 8):
        write(tmp_path / f"images/p{number}.json", LABELME)
    write(tmp_path / "images/p9.HEIC", "")
    unused = {each.where: each for each in find_layout(SourceConfig(tmp_path)).unused}
    assert {each.code for each in unused.values()} == {"W_UNREAD_FILES"}
    assert unused["images/p7.json"].what == "is a labelme file with 1 more such in its folder, not drawn into masks yet"
    assert unused["images/p9.HEIC"].what == "is a HEIC image, which segconv does not read"


def test_links_that_lead_out_are_counted(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "src").mkdir()
    for number in range(2):
        (tmp_path / f"src/x{number}").symlink_to(tmp_path / "far")
        save(tmp_path / f"src/images/p{number}.jpg", number)
        save(tmp_path / f"src/masks/p{number}.png", number)
    (link,) = find_layout(SourceConfig(tmp_path / "src")).unused
    assert (link.where, link.what) == ("x0", "2 links lead out of the source folder and are not followed")
    assert "--follow-links" in link.fix
    assert find_layout(SourceConfig(tmp_path / "src", follow_links=True)).unused == ()


def test_a_file_that_cannot_be_read_is_of_no_kind(tmp_path):
    (tmp_path / "folder.json").mkdir()
    assert unread_files(tmp_path, ["folder.json", "gone.xml"], (), None) == []


@pytest.mark.parametrize(("extension", "kind"), [
    (".heic", "a HEIC image"), (".jxl", "a JPEG XL image"), (".jp2", "a JPEG 2000 image"), (".npy", "a NumPy array"),
])  # fmt: skip
def test_a_dataset_whose_images_are_not_read_says_so_and_never_that_there_is_no_folder(tmp_path, extension, kind):
    text = refused(draw(tmp_path, *numbered(f"images/{{}}{extension}"), *numbered("masks/{}.png")))
    assert f"images/0{extension} is {kind} with 3 more such in its folder, which segconv does not read" in text
    assert "no folder of" not in text
