"""Find: the format by the content of the files, companions that do not look like it, and what is refused."""

from __future__ import annotations

import pytest
from annotation_files import labelme, photograph, problems, scene, write

from converter.annotations.config import MasksConfig
from converter.annotations.find import find_annotations
from converter.annotations.plan import plan_masks
from converter.annotations.registry import FORMATS
from converter.errors import UsageError
from converter.limits import MAX_ANNOTATION_BYTES


def found_in(folder, **more):
    name, _, results = find_annotations(MasksConfig(folder, workers=1, **more))
    return name, results


@pytest.mark.parametrize(
    "form", ["labelme", "coco", "cvat", "yolo", "label-studio", "via", "supervisely", "binary-masks"]
)
def test_the_format_is_detected_from_the_files(tmp_path, form):
    name, results = found_in(scene(tmp_path, form))
    assert name == form
    assert sum(len(found.pictures) for found in results) == 3
    assert [found.where for found in results] == sorted(found.where for found in results)


def test_a_file_beside_with_the_name_of_a_photograph_is_one_of_the_format(tmp_path):
    scene(tmp_path, "yolo")
    write(tmp_path / "labels/a.txt", "")  # without objects
    write(tmp_path / "labels/b.txt", "0 nan nan 0.1 0.1 0.2 0.2\n")
    write(tmp_path / "labels/notes.txt", "not of a photograph")
    _, results = found_in(tmp_path)
    assert [(found.where, len(found.pictures[0].objects), len(found.problems)) for found in results] == [
        ("labels/a.txt", 0, 0), ("labels/b.txt", 0, 1), ("labels/c.txt", 2, 0)]  # fmt: skip


def test_two_formats_are_a_choice_by_name_or_by_pattern(tmp_path):
    scene(tmp_path, "labelme")
    scene(tmp_path, "coco")
    with pytest.raises(UsageError, match="more than one format: 1 file of coco, 3 files of labelme") as caught:
        found_in(tmp_path)
    assert caught.value.fix.startswith("Pass one of --format coco, --format labelme, or --files")
    assert found_in(tmp_path, format="labelme")[0] == "labelme"
    assert found_in(tmp_path, files="annotations.json")[0] == "coco"
    assert [found.where for found in found_in(tmp_path, files="json/[ab].json")[1]] == ["json/a.json", "json/b.json"]


def test_an_unknown_format_and_a_folder_without_annotations_are_refused(tmp_path):
    photograph(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match="'labelm' is unknown") as caught:
        found_in(tmp_path, format="labelm")
    assert caught.value.fix.startswith("Did you mean labelme? Known are labelme,")
    for more in ({}, {"format": "coco"}, {"format": "binary-masks"}):
        with pytest.raises(UsageError, match="holds no annotations") as caught:
            found_in(tmp_path, **more)
        assert caught.value.code == "E_LAYOUT"
        assert all(name in caught.value.fix for name in FORMATS)


def test_of_the_files_of_coco_those_of_instances_are_read_unless_a_pattern_says_otherwise(tmp_path):
    content = scene(tmp_path, "coco") / "annotations.json"
    for name in ("captions_val.json", "instances_val.json", "person_keypoints_val.json"):
        write(tmp_path / "annotations" / name, content.read_text())
    content.unlink()
    _, documents, results = find_annotations(MasksConfig(tmp_path))
    assert [found.where for found in results] == ["annotations/instances_val.json"]
    warnings = plan_masks(MasksConfig(tmp_path), "coco", documents, results).warnings
    assert [warning.partition(",")[0] for warning in warnings] == [
        "W_UNUSED_FILE: annotations/captions_val.json: is not read",
        "W_UNUSED_FILE: annotations/person_keypoints_val.json: is not read",
    ]
    assert [found.where for found in found_in(tmp_path, files="person*")[1]] == [
        "annotations/person_keypoints_val.json"
    ]


def test_boxes_alone_are_no_masks(tmp_path):
    photograph(tmp_path / "images/a.jpg")
    write(tmp_path / "labels/a.txt", "0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(UsageError, match="holds no annotations"):
        found_in(tmp_path)


def test_a_problem_of_a_whole_file_is_one_of_its_problems(tmp_path):
    photograph(tmp_path / "a.jpg")
    write(tmp_path / "a.json", labelme("a.jpg"))
    write(tmp_path / "b.json", '{"shapes": [], "imagePath": "b.jpg"')
    with (tmp_path / "c.json").open("w") as file:
        file.write('{"shapes": [], "imagePath": "c.jpg"}')
        file.truncate(MAX_ANNOTATION_BYTES + 1)
    _, (a, b, c) = found_in(tmp_path)
    assert (problems(a), len(a.pictures)) == ([], 1)
    assert problems(b)[0].startswith("E_ANNOTATION b.json: is not valid JSON (Expecting ',' delimiter")
    assert problems(c)[0].startswith("E_FILE_SIZE c.json: has more than 1,073,741,824 bytes")
