"""Write: one dataset from every format; up to date, resumed, refused; nothing half-written, always the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from annotation_files import SIZE, TRIANGLE, drawing, labelme, photograph, scanned, scene, write
from PIL import Image

from converter.annotations.config import MasksConfig
from converter.annotations.report import RefusedAnnotationsError
from converter.annotations.write import FACTS, draw_masks, dry_run_text
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import UsageError

FORMS = ("labelme", "coco", "cvat", "yolo", "label-studio", "via", "supervisely", "binary-masks")
CORNERS = [[5, 4], [10, 4], [10, 7], [5, 7]]


def config(folder, **more):
    return MasksConfig(folder / "src", out=folder / "out", workers=1, **more)


def files(folder: Path) -> dict[str, bytes]:
    """Returns the content of every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def decode_size(data: bytes) -> tuple[int, int]:
    """Returns (height, width) in the header of a PNG."""
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_masks_that_were_drawn_by_hand_and_build_takes_them(tmp_path, form):
    from converter.building.build import build

    scene(tmp_path / "src", form)
    order = "class" if form == "binary-masks" else "file"  # whose files have no order but that of their names
    report = draw_masks(config(tmp_path, order=order))
    assert (report.plan.format, report.plan.classes.names) == (form, ("background", "car", "road"))
    expected = np.where(scanned(TRIANGLE, SIZE), 2, 0)
    box = scanned(CORNERS, SIZE)
    expected[box & ((expected == 0) | (order == "file"))] = 1
    for name in "abc":
        with Image.open(tmp_path / f"out/png/{name}.png") as mask:
            assert (mask.mode, mask.getpalette()[:9]) == ("P", [0, 0, 0, 128, 0, 0, 0, 128, 0])
            assert drawing(np.asarray(mask)) == drawing(expected)
        assert (tmp_path / f"out/jpg/{name}.jpg").samefile(tmp_path / f"src/images/{name}.jpg")
    overlap = int((box & scanned(TRIANGLE, SIZE)).sum())
    below, above = ("car", "road") if order == "class" else ("road", "car")
    assert report.facts["overlaps"] == [{"below": below, "above": above, "pixels": 3 * overlap}]
    assert (tmp_path / "out/classes.csv").read_text() == "name,value\nbackground,0\ncar,1\nroad,2\nignore,255\n"
    assert hidden(tmp_path) == []
    records = build(
        BuildConfig(SourceConfig(tmp_path / "out"), out=tmp_path / "records", pair=PairConfig(size=None), workers=1)
    )
    assert {name: split.records for name, split in records.manifest.splits.items()} == {"train": 2, "val": 1}
    pixels = records.manifest.splits["train"].pixels[1] + records.manifest.splits["val"].pixels[1]
    assert pixels == 3 * int((expected == 1).sum())


def test_a_second_run_finds_that_all_is_done_and_the_bytes_do_not_depend_on_the_workers(tmp_path):
    names = tuple(f"p{number}" for number in range(40))
    scene(tmp_path / "src", "labelme", names)
    draw_masks(config(tmp_path))
    first = files(tmp_path / "out")
    assert draw_masks(config(tmp_path)).is_up_to_date
    shutil.rmtree(tmp_path / "out")
    draw_masks(MasksConfig(tmp_path / "src", out=tmp_path / "out", workers=2))
    assert files(tmp_path / "out") == first
    assert len(first) == 40 * 2 + 4


def test_other_options_are_refused_without_overwrite_and_replace_with_it(tmp_path):
    scene(tmp_path / "src", "coco")
    draw_masks(config(tmp_path))
    before = files(tmp_path / "out")
    with pytest.raises(UsageError, match="holds a dataset of other annotations or options") as caught:
        draw_masks(config(tmp_path, order="area"))
    assert (caught.value.code, files(tmp_path / "out")) == ("E_OUT", before)
    report = draw_masks(config(tmp_path, order="area", overwrite=True))
    assert not report.is_up_to_date
    assert files(tmp_path / "out") != before
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("there", ["notes.txt", "train.txt", "jpg/a.jpg"])
def test_a_folder_of_others_is_never_replaced(tmp_path, there):
    scene(tmp_path / "src", "coco")
    write(tmp_path / "out" / there, "mine")
    with pytest.raises(UsageError, match="holds something that `segconv masks` did not write"):
        draw_masks(config(tmp_path, overwrite=True))
    assert files(tmp_path / "out") == {there: b"mine"}


def test_a_file_of_others_in_a_dataset_of_ours_is_not_removed(tmp_path):
    scene(tmp_path / "src", "coco")
    draw_masks(config(tmp_path))
    write(tmp_path / "out/notes.txt", "mine")
    assert draw_masks(config(tmp_path)).is_up_to_date  # which it does not keep from
    with pytest.raises(UsageError, match=r"holds notes.txt, which `segconv masks` did not write"):
        draw_masks(config(tmp_path, order="area", overwrite=True))


@pytest.mark.parametrize("out", ["src", "src/out", "."])
def test_the_output_is_beside_the_source_folder(tmp_path, out):
    scene(tmp_path / "src", "coco")
    with pytest.raises(UsageError, match="is not beside the source folder"):
        draw_masks(MasksConfig(tmp_path / "src", out=tmp_path / out))


def test_the_working_folder_can_be_the_output_while_it_is_empty(tmp_path, monkeypatch):
    scene(tmp_path / "src", "coco")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    draw_masks(MasksConfig(tmp_path / "src", out=Path(), workers=1))
    assert (tmp_path / "here/train.txt").exists()
    assert hidden(tmp_path) == []


def test_all_problems_are_named_in_one_run_and_nothing_is_left(tmp_path):
    scene(tmp_path / "src", "labelme", ("a", "b", "c", "d"))
    for name, change in (("a", {"imageHeight": 13}), ("b", {"shapes": [{"label": "x", "points": [[1, 1]]}]})):
        path = tmp_path / f"src/json/{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    write(tmp_path / "src/images/c.jpg", b"no image")
    with pytest.raises(RefusedAnnotationsError) as caught:
        draw_masks(config(tmp_path))
    assert [str(problem).partition(". ")[0] for problem in caught.value.problems] == [
        "json/b.json: shape 1 (x) has 1 points, and needs 3",
        "json/a.json: is of images/a.jpg, which is 12x16 (height x width), and not 13x16 as annotated",
        "json/c.json: is of images/c.jpg, which is not a JPEG, PNG, TIFF, BMP, GIF, WebP or PNM file",
    ]
    assert str(caught.value).startswith("segconv masks: 3 problems (1 E_ANNOTATION, 1 E_SIZE, 1 E_FORMAT), so nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]


def test_a_photograph_that_is_annotated_twice_is_an_error(tmp_path):
    scene(tmp_path / "src", "labelme", ("a", "b"))
    write(tmp_path / "src/json/z.json", labelme("../images/a.jpg", {"label": "x", "points": TRIANGLE}))
    with pytest.raises(RefusedAnnotationsError) as caught:
        draw_masks(config(tmp_path))
    (problem,) = caught.value.problems
    assert (problem.code, problem.what) == ("E_DUPLICATE", "is of images/a.jpg, and so is json/a.json")


def test_a_turned_photograph_may_be_annotated_upright_or_as_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, size in (("a", (12, 16)), ("b", (16, 12))):
        picture = Image.new("RGB", (16, 12), (9, 9, 200 if name == "a" else 9))
        (tmp_path / "src").mkdir(exist_ok=True)
        picture.save(tmp_path / f"src/{name}.jpg", exif=exif)
        write(tmp_path / f"src/{name}.json", labelme(f"{name}.jpg", {"label": "x", "points": TRIANGLE}, size=size))
    draw_masks(config(tmp_path))
    shapes = [decode_size((tmp_path / f"out/png/{name}.png").read_bytes()) for name in "ab"]
    assert shapes == [(12, 16), (16, 12)]


def test_splits_of_the_annotations_are_kept_and_an_image_without_one_is_train(tmp_path):
    for folder in ("train", "valid", "test", "more"):
        photograph(tmp_path / f"src/{folder}/{folder}.jpg", seed=len(folder))
        write(tmp_path / f"src/{folder}/{folder}.json", labelme(f"{folder}.jpg", {"label": "x", "points": TRIANGLE}))
    draw_masks(config(tmp_path))
    lists = {name: (tmp_path / f"out/{name}.txt").read_text() for name in ("train", "val", "test")}
    assert lists == {
        "train": "more/more.jpg;more/more.png\ntrain/train.jpg;train/train.png\n",
        "val": "valid/valid.jpg;valid/valid.png\n",
        "test": "test/test.jpg;test/test.png\n",
    }


def test_without_splits_the_smallest_hashes_are_val_and_equal_photographs_are_together(tmp_path):
    for number in range(10):
        photograph(tmp_path / f"src/p{number}.png", seed=number % 5)  # each of five twice
        write(tmp_path / f"src/p{number}.json", labelme(f"p{number}.png", {"label": "x", "points": TRIANGLE}))
    draw_masks(config(tmp_path, val=0.3))
    val = (tmp_path / "out/val.txt").read_text().split()
    numbers = {int(line[1]) % 5 for line in val}
    assert (len(val), len(numbers)) == (4, 2)  # three are asked for, and the fourth has the content of the third


def test_a_photograph_is_copied_where_it_cannot_have_a_second_name(tmp_path, monkeypatch):
    import errno

    from converter.annotations import batches
    from converter.engines.events import Begun, Finished

    def in_process(function, tasks, workers):
        for number, task in enumerate(tasks):
            yield Begun(number)
            yield Finished(number, function(task, lambda: None))

    def refuses(self, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    scene(tmp_path / "src", "coco")
    monkeypatch.setattr(batches.Path, "hardlink_to", refuses)
    draw_masks(config(tmp_path), engine=in_process)
    copy, original = tmp_path / "out/jpg/a.jpg", tmp_path / "src/images/a.jpg"
    assert copy.read_bytes() == original.read_bytes()
    assert not copy.samefile(original)


def test_a_dry_run_names_what_would_be_drawn_and_writes_nothing(tmp_path):
    scene(tmp_path / "src", "coco")
    text = dry_run_text(config(tmp_path))
    assert "format coco, train and val 3; objects drawn in the order of the file" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]
    write(tmp_path / "src/annotations.json", "{}}" + '"images" "annotations"')
    with pytest.raises(RefusedAnnotationsError, match="1 problem"):
        dry_run_text(config(tmp_path))


def test_a_run_that_is_killed_goes_on_to_the_same_bytes(tmp_path):
    """A real process, killed by SIGKILL once it has finished a batch; what is done by then is not drawn again."""
    names = tuple(f"p{number:03d}" for number in range(200))
    scene(tmp_path / "src", "labelme", names)
    command = [sys.executable, "-c", "from converter.cli import main; main()", "masks"]
    command += ["--src", str(tmp_path / "src"), "--out", str(tmp_path / "out"), "-j", "1"]
    staging = tmp_path / ".segconv-out"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 60
    while not list(staging.glob("receipts/0*.json")) and process.poll() is None and time.monotonic() < until:
        os.sched_yield()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = {path.name: path.stat().st_mtime_ns for path in staging.glob("receipts/0*.json")}
    assert done
    assert not (tmp_path / "out").exists()
    first = json.loads((staging / "receipts/000000.json").read_text())
    inodes = {path.name: path.stat().st_ino for path in (staging / "dataset/png").glob("p00[0-9].png")}
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert {name: (tmp_path / "out/png" / name).stat().st_ino for name in inodes} == inodes
    assert first["clipped"] == 0
    resumed = files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    draw_masks(config(tmp_path))
    assert files(tmp_path / "out") == resumed
    assert json.loads(resumed[FACTS])["splits"] == {"train": 160, "val": 40}


def test_a_receipt_of_other_annotations_is_not_taken(tmp_path):
    scene(tmp_path / "src", "coco")
    draw_masks(config(tmp_path))
    right = files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    staging = tmp_path / ".segconv-out"
    write(staging / "receipts/000000.json", {"key": "0" * 64, "digests": [], "objects": []})
    for name in ("png/a.png", "png/b.png", "png/c.png", "png/old.png", "jpg/a.jpg", "jpg/b.jpg", "jpg/c.jpg"):
        write(staging / "dataset" / name, "of an earlier run")
    draw_masks(config(tmp_path))
    assert files(tmp_path / "out") == right


def test_two_runs_into_one_folder_do_not_meet(tmp_path):
    from converter.system.locks import locked_folder

    scene(tmp_path / "src", "coco")
    (tmp_path / ".segconv-out").mkdir()
    with locked_folder(tmp_path / ".segconv-out", ""), pytest.raises(UsageError, match="is being written") as caught:
        draw_masks(config(tmp_path))
    assert caught.value.code == "E_LOCKED"
