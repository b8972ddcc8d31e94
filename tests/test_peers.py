"""Facts about the first step, from mask values to classes: what the users of other tools complain about."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Run
from PIL import Image

from converter.checking.strays import ValueTotal
from converter.cli import segconv as command
from converter.dataset.reader import RecordSource

SIZE = (24, 32)


def scene(number: int) -> np.ndarray:
    """Returns a mask uint8 [24, 32] of the indices 0, 1, 2 in bands, of which 2 is in even scenes alone."""
    mask = np.zeros(SIZE, np.uint8)
    mask[6 + number :] = 1
    if number % 2 == 0:
        mask[:, 20:] = 2
    return mask


def write(folder: Path, masks: dict[str, Image.Image], images: str = "images/{}.png") -> Path:
    """Writes masks by their paths, and a photograph of noise for the name of each."""
    for number, (name, mask) in enumerate(masks.items()):
        photo = folder / images.format(Path(name).stem)
        for path in (folder / name, photo):
            path.parent.mkdir(parents=True, exist_ok=True)
        mask.save(folder / name)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (*SIZE, 3), np.uint8)).save(photo)
    return folder


def drawn(values: list[int] | list[tuple[int, int, int]], number: int = 4) -> dict[str, Image.Image]:
    """Returns scenes in which each index is drawn as a value."""
    return {f"masks/{k}.png": Image.fromarray(np.array(values, np.uint8)[scene(k)]) for k in range(number)}


def stored(out: Path) -> dict[str, np.ndarray]:
    """Returns the stored mask of each record of train by the name of its file."""
    records = RecordSource(out, "train")
    return {
        record.mask_name: np.asarray(Image.open(io.BytesIO(record.mask_bytes)))
        for record in map(records.__getitem__, range(len(records)))
    }


def built(segconv: Run, source: Path, *options: str) -> dict[str, np.ndarray]:
    out = source.parent / f"{source.name}-records"
    done = segconv("build", "--src", source, "-o", out, "--keep-size", "-j", "1", *options)
    assert done.returncode == 0, done.stderr
    return stored(out)


def test_peers_row_1_values_are_counted_shown_with_a_proposed_class_and_accepted_with_one_flag(segconv, tmp_path):
    source = write(tmp_path / "d", drawn([0, 76, 150]))
    seen = segconv("check", "--src", source, "-j", "1")
    assert seen.returncode == 1  # there is no class map yet
    pixels = np.bincount(np.concatenate([scene(k).ravel() for k in range(4)]))
    totals = [ValueTotal(int(count), images) for count, images in zip(pixels, (4, 4, 2), strict=True)]
    rows = [line.split() for line in seen.stdout.splitlines()]
    for name, value, total in zip(("background", "class_76", "class_150"), ("0", "76", "150"), totals, strict=True):
        assert [name, value, f"{total.pixels / sum(pixels):.2%}", str(total.images)] in rows
    follows = seen.stdout.split("next: ")[1].strip()
    assert follows == f"segconv classes --src {source} --write"
    assert segconv(*follows.split()[1:]).returncode == 0
    assert segconv("check", "--src", source, "-j", "1").returncode == 0
    for name, mask in built(segconv, source).items():
        np.testing.assert_array_equal(mask, scene(int(Path(name).stem)))


COLORS = [(0, 0, 0), (128, 64, 128), (10, 200, 30)]
COLOR_FILES = {
    "class_dict.csv": "name,r,g,b\nnone,0,0,0\nroad,128,64,128\ntree,10,200,30\n",
    "label_colors.txt": "0 0 0\tnone\n128 64 128\troad\n10 200 30\ttree\n",
    "dataset_meta.json": json.dumps({"labels": ["none", "road", "tree"], "segmentation_colors": COLORS}),
    "": "",  # found in the masks
}


@pytest.mark.parametrize("name", COLOR_FILES)
def test_peers_row_2_colours_come_from_csv_txt_json_or_the_masks_themselves(segconv, tmp_path, name):
    source = write(tmp_path / "d", drawn(COLORS))
    if name:
        (source / name).write_text(COLOR_FILES[name])
    else:
        assert segconv("classes", "--src", source, "--write").returncode == 0
        lines = (source / "classes.csv").read_text().splitlines()
        assert lines[-3:] == ["background,#000000", "class_1,#804080", "class_2,#0AC81E"]
    for path, mask in built(segconv, source).items():
        np.testing.assert_array_equal(mask, scene(int(Path(path).stem)))


@pytest.mark.parametrize("kind", ["RGB", "grey", "2-bit palette"])
def test_peers_row_2_the_mode_of_the_masks_is_told_for_each_dataset(segconv, tmp_path, kind):
    masks = drawn({"RGB": COLORS, "grey": [0, 76, 150], "2-bit palette": [0, 1, 2]}[kind])  # type: ignore[arg-type]
    if kind == "2-bit palette":
        for mask in masks.values():
            mask.putpalette([level for color in COLORS for level in color])
    source = write(tmp_path / "d", masks)
    report = json.loads(segconv("check", "--src", source, "--json", "-j", "1").stdout)
    assert report["kinds"]["masks"] == {f"PNG {kind}": 4}
    assert segconv("classes", "--src", source, "--write").returncode == 0
    for path, mask in built(segconv, source).items():
        np.testing.assert_array_equal(mask, scene(int(Path(path).stem)))


def test_peers_row_3_black_and_white_is_background_and_foreground_not_ignore(segconv, tmp_path):
    source = write(tmp_path / "d", drawn([0, 255, 255]))
    done = segconv("classes", "--src", source, "--write")
    assert done.returncode == 0, done.stderr
    text = (source / "classes.csv").read_text()
    assert text.endswith("name,value\nbackground,0\nforeground,255\n")
    assert "Two values, so background and foreground; 255 is not `ignore` as the only other value." in text
    for path, mask in built(segconv, source).items():
        np.testing.assert_array_equal(mask, np.minimum(scene(int(Path(path).stem)), 1))


def test_peers_row_3_255_is_ignore_where_other_ids_stand_beside_it_or_where_it_is_declared(segconv, tmp_path):
    source = write(tmp_path / "ids", drawn([0, 1, 255]))
    assert segconv("classes", "--src", source, "--write").returncode == 0
    assert "ignore,255\n" in (source / "classes.csv").read_text()
    assert "255 next to class ids is taken for `ignore`" in (source / "classes.csv").read_text()
    declared = write(tmp_path / "declared", drawn([0, 255, 255]))
    (declared / "classes.csv").write_text("name,value\nbackground,0\nforeground,1\nignore,255\n")
    for folder, expected in ((source, [0, 1, 255]), (declared, [0, 255, 255])):
        for path, mask in built(segconv, folder).items():
            np.testing.assert_array_equal(mask, np.array(expected, np.uint8)[scene(int(Path(path).stem))])
    assert "W_BINARY" in segconv("check", "--src", declared, "-j", "1").stdout  # and what it means is said


def test_peers_row_4_ids_are_fixed_at_build_with_names_and_colours_and_no_switch_shifts_them(segconv, tmp_path):
    masks = {
        f"annotations/training/ADE_train_0000000{k}.png": Image.fromarray(scene(k)) for k in range(4)
    }  # ADE20K: 0 is no class
    source = write(tmp_path / "d", masks, "images/training/{}.png")
    for path, mask in built(segconv, source).items():
        np.testing.assert_array_equal(mask, np.array([255, 0, 1], np.uint8)[scene(int(path[-5]))])
    out = tmp_path / "d-records"
    manifest = json.loads((out / "manifest.json").read_text())
    first = {key: manifest["classes"][0][key] for key in ("id", "name", "values")}
    assert first == {"id": 0, "name": "wall", "values": ["1"]}
    assert len(manifest["classes"]) == 150
    assert all(len(each["color"]) == 3 for each in manifest["classes"])
    assert manifest["ignore_values"] == ["0"]
    assert (out / "segmentation_mask.labels.txt").read_text().splitlines()[:2] == ["wall", "building"]
    shown = json.loads(segconv("inspect", "dataset", out, "--json").stdout)
    assert [each["name"] for each in shown["classes"][:2]] == ["wall", "building"]
    options = {option for each in command.commands.values() for param in each.params for option in param.opts}
    assert not [option for option in options if "zero" in option or "shift" in option or "offset" in option]


def test_peers_row_26_an_exact_copy_is_an_error_and_a_near_one_a_warning_that_split_puts_on_one_side(segconv, tmp_path):
    rng = np.random.default_rng(5)
    source = write(tmp_path / "d", drawn([0, 76, 150], 6))
    for number in range(6):
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC).save(source / f"images/{number}.png")
    (source / "images/5.png").write_bytes((source / "images/0.png").read_bytes())
    brighter = np.asarray(Image.open(source / "images/1.png")).astype(int) * 9 // 10
    Image.fromarray(brighter.astype(np.uint8)).save(source / "images/4.png")
    (source / "classes.csv").write_text("name,value\na,0\nb,76\nc,150\n")
    lists = {"train": (0, 1, 2), "val": (3, 4, 5)}
    for split, numbers in lists.items():
        (source / f"{split}.txt").write_text("".join(f"images/{n}.png;masks/{n}.png\n" for n in numbers))
    report = json.loads(segconv("check", "--src", source, "--json", "-j", "1").stdout)
    found = {problem["code"]: (problem["severity"], problem["where"]) for problem in report["problems"]}
    assert found["E_LEAK"] == ("error", "val.txt:3")
    assert found["W_NEAR_DUPLICATE"] == ("warning", "val.txt:2")
    refused = segconv("build", "--src", source, "-j", "1")
    assert refused.returncode == 2
    assert "images/5.png has the content of images/0.png (train.txt:1)" in refused.stderr
    assert segconv("split", "--src", source, "--overwrite", "--val", "0.4").returncode == 0
    report = json.loads(segconv("check", "--src", source, "--json", "-j", "1").stdout)
    assert {"E_LEAK", "W_NEAR_DUPLICATE"}.isdisjoint(problem["code"] for problem in report["problems"])
