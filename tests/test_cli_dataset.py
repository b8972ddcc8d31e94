"""The commands on source datasets, as a user runs them: check, classes, split."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES, write_dataset
from drawn_datasets import draw, rows
from picture_bytes import saved, tiff
from PIL import Image

from converter.classes.native import parse_class_map
from converter.config import parse_levels
from converter.dataset.example import decode_record
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.dataset.tfrecord import read_shard
from converter.pixels.samples import to_8_bits


def test_check_of_a_good_dataset_exits_0_and_names_the_build_that_follows(segconv, dataset):
    done = segconv("check", "--src", dataset, "-j", "1")
    assert done.returncode == 0, done.stderr
    assert f"next: segconv build --src {dataset}" in done.stdout
    assert segconv("build", "--src", dataset, "--size", "24", "-j", "1").returncode == 0


def test_check_reads_only(segconv, dataset):
    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(dataset.rglob("*"))}

    before = state()
    segconv("check", "--src", dataset)
    segconv("classes", "--src", dataset)
    segconv("split", "--src", dataset, "--overwrite", "--dry-run")
    assert state() == before


def test_check_of_a_bad_dataset_exits_1_with_code_line_and_remedy(segconv, dataset):
    (dataset / "png/m3.png").unlink()
    whole = (dataset / "jpg/p1.jpg").read_bytes()
    (dataset / "jpg/p1.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    done = segconv("check", "--src", dataset, "-j", "1")
    assert done.returncode == 1
    for text in ("E_MISSING", "train.txt:4", "m3.png", "E_DAMAGED", "train.txt:2", "jpg/p1.jpg"):
        assert text in done.stdout, text


def test_check_json_is_one_object_with_the_promised_keys(segconv, dataset):
    done = segconv("check", "--src", dataset, "--json", "-j", "1")
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert {"ok", "layout", "splits", "classes", "problems"} <= set(report)
    assert report["ok"] is True
    assert {name: split["pairs"] for name, split in report["splits"].items()} == {"train": 6, "val": 2}
    assert {"id", "name", "value", "pixels", "share", "images"} <= set(report["classes"][0])
    (dataset / "png/m3.png").unlink()
    report = json.loads(segconv("check", "--src", dataset, "--json", "-j", "1").stdout)
    assert report["ok"] is False
    (problem,) = [one for one in report["problems"] if one["severity"] == "error"]
    assert {"code", "severity", "where", "what", "mend", "count"} <= set(problem)
    assert (problem["code"], problem["where"], problem["count"]) == ("E_MISSING", "train.txt:4", 1)


def test_check_saves_its_page(segconv, dataset, tmp_path):
    done = segconv("check", "--src", dataset, "--html", tmp_path / "report.html", "-j", "1")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_classes_prints_a_map_that_can_be_read_back_and_write_saves_it(segconv, dataset):
    (dataset / "classes.csv").unlink()
    refused = segconv("build", "--src", dataset)
    assert refused.returncode == 2
    assert "segconv classes --src" in refused.stderr
    done = segconv("classes", "--src", dataset, "-j", "1")
    assert done.returncode == 0, done.stderr
    assert set(parse_class_map(done.stdout, "stdout").rgb) == set(parse_class_map(CLASSES, "conftest").rgb)
    assert segconv("classes", "--src", dataset, "--write").returncode == 0
    assert (dataset / "classes.csv").read_text() == done.stdout
    assert segconv("build", "--src", dataset, "--size", "24").returncode == 0


def test_classes_does_not_replace_a_class_map_unasked(segconv, dataset):
    done = segconv("classes", "--src", dataset, "--write")
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert (dataset / "classes.csv").read_text() == CLASSES


def test_split_makes_lists_that_a_build_follows(segconv, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=20)
    shutil.rmtree(dataset / "val_jpg")
    shutil.rmtree(dataset / "val_png")
    for number in range(20):
        (dataset / f"png/m{number}.png").rename(dataset / f"png/p{number}.png")
    for name in ("train.txt", "val.txt"):
        (dataset / name).unlink()
    done = segconv("split", "--src", dataset, "--val", "0.25", "-j", "1")
    assert done.returncode == 0, done.stderr
    lines = {name: (dataset / f"{name}.txt").read_text().splitlines()[1:] for name in ("train", "val")}
    assert {name: len(pairs) for name, pairs in lines.items()} == {"train": 15, "val": 5}
    assert not set(lines["train"]) & set(lines["val"])
    built = segconv("build", "--src", dataset, "--size", "24", "--json", "-j", "1")
    assert {name: split["records"] for name, split in json.loads(built.stdout)["splits"].items()} == {
        "train": 15,
        "val": 5,
    }


def test_split_does_not_divide_anew_what_is_divided(segconv, dataset):
    before = (dataset / "train.txt").read_text()
    done = segconv("split", "--src", dataset)
    assert done.returncode == 2
    assert "is already split" in done.stderr
    assert (dataset / "train.txt").read_text() == before
    assert segconv("split", "--src", dataset, "--overwrite", "--json", "-j", "1").returncode == 0
    assert (dataset / "train.txt").read_text() != before


def test_split_takes_val_from_train_and_keeps_the_test_split_of_folders(segconv, tmp_path):
    dataset = write_dataset(tmp_path / "dataset", train=8)
    for number in range(8):
        (dataset / f"png/m{number}.png").rename(dataset / f"png/p{number}.png")
    for number in range(2):
        (dataset / f"val_png/m{number}.png").rename(dataset / f"val_png/p{number}.png")
    for kind in ("jpg", "png"):
        (dataset / f"val_{kind}").rename(dataset / f"test_{kind}")
    for name in ("train.txt", "val.txt"):
        (dataset / name).unlink()
    done = segconv("split", "--src", dataset, "--val", "0.25", "-j", "1")
    assert done.returncode == 0, done.stderr
    report = json.loads(segconv("check", "--src", dataset, "--json", "-j", "1").stdout)
    assert {name: split["pairs"] for name, split in report["splits"].items()} == {"train": 6, "val": 2, "test": 2}
    assert (dataset / "test.txt").read_text().splitlines()[1:] == [
        f"test_jpg/p{k}.jpg;test_png/p{k}.png" for k in (0, 1)
    ]


def test_a_file_in_the_way_is_told_before_the_pairs_are_read(segconv, dataset):
    (dataset / "val.txt").unlink()
    (dataset / "jpg/p0.jpg").write_bytes(b"")  # reading it would be an error
    for command in ("split", "classes"):
        done = segconv(command, "--src", dataset, *(["--write"] if command == "classes" else []))
        assert (done.returncode, done.stdout) == (2, "")
        assert "exists. Pass --overwrite" in done.stderr


def test_lines_that_are_no_pair_are_not_dropped_by_split_in_silence(segconv, dataset):
    (dataset / "png/m3.png").unlink()
    done = segconv("split", "--src", dataset, "--overwrite")
    assert done.returncode == 0
    assert "left out of the lists: train.txt:4: png/m3.png: does not exist" in done.stderr


def test_classes_says_which_class_file_it_could_not_use(segconv, dataset):
    (dataset / "classes.csv").write_text("name,value\na,0\nb,0\n")
    done = segconv("classes", "--src", dataset)
    assert done.returncode == 0
    assert "not used: " in done.stderr
    assert "classes.csv:3: value '0' already belongs to another class" in done.stderr


def test_lists_of_split_leave_a_known_layout_its_class_map(segconv, tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "deepglobe/train"
    folder.mkdir(parents=True)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(folder / f"{number}_sat.jpg")
        mask = np.where(rng.random((24, 24, 1)) < 0.5, (0, 0, 0), (255, 255, 0)).astype(np.uint8)
        Image.fromarray(mask).save(folder / f"{number}_mask.png")
    assert segconv("split", "--src", folder.parent).returncode == 0
    report = json.loads(segconv("check", "--src", folder.parent, "--json").stdout)
    assert (report["layout"], report["class_map"]) == ("list", "preset:deepglobe")
    assert {row["name"]: row["id"] for row in report["classes"] if row["pixels"]} == {
        "agriculture land": 1,
        "ignore": 255,
    }


def test_a_size_beside_keep_size_is_refused(segconv, dataset):
    done = segconv("build", "--src", dataset, "--size", "24", "--keep-size")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: --keep-size: and --size contradict each other.")


def test_a_draft_of_templates_is_checked_with_them(segconv, tmp_path):
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
        for folder, array in (("a/images", pixels), ("a/x/seg", pixels[..., 0] // 128)):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(tmp_path / folder / f"{number}.png")
    options = ["--src", "a", "--image", "images/{stem}.png", "--mask", "x/seg/{stem}.png"]
    done = segconv("classes", *options, "--write")
    command = "segconv check --src a --image 'images/{stem}.png' --mask 'x/seg/{stem}.png'"
    assert done.stderr.endswith(f"edit the names; next: {command}\n")
    done = segconv("split", *options, "--val", "0.5")
    assert done.stderr.endswith("next: segconv build --src a\n")
    assert segconv("build", "--src", "a", "--size", "8", "-j", "1").returncode == 0


def test_split_finishes_what_a_killed_split_began(segconv, dataset):
    (dataset / ".segconv-val.txt").write_text("val_jpg/p0.jpg;val_png/m0.png\n")
    (dataset / ".segconv-split").write_text(
        '{"give": ["train.txt", "val.txt"], "aside": [], "command": "segconv split"}'
    )
    done = segconv("build", "--src", dataset)
    assert done.returncode == 2
    assert f"Finish it: segconv split --src {dataset} --overwrite" in done.stderr
    done = segconv("split", "--src", dataset)
    assert done.returncode == 0, done.stderr
    assert (dataset / "val.txt").read_text().startswith("# segconv split")
    assert segconv("check", "--src", dataset).returncode == 0


def test_split_refuses_masks_of_which_none_can_be_read(segconv, dataset):
    for path in [*dataset.glob("png/*"), *dataset.glob("val_png/*")]:
        path.write_bytes(b"no image at all")
    before = (dataset / "train.txt").read_text()
    done = segconv("split", "--src", dataset, "--overwrite")
    assert done.returncode == 2
    assert "no mask of the 8 pairs could be read" in done.stderr
    assert (dataset / "train.txt").read_text() == before


def test_classes_drafts_from_jpeg_and_says_which_tolerance_a_build_needs(segconv, tmp_path):
    mask = np.dstack([rows(0, 255, 0)] * 3)
    folder = draw(tmp_path / "src", [mask] * 4, suffix=".jpg", quality=90)
    assert "next: segconv classes --src" in segconv("check", "--src", folder).stdout
    done = segconv("classes", "--src", folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("name,value\nbackground,0\nforeground,255\n")
    assert "# Pass `--tolerance 127` to check and build" in done.stdout
    assert f"next: segconv classes --src {folder} --tolerance 127 --write" in done.stderr
    done = segconv("classes", "--src", folder, "--tolerance", "12", "--write")
    assert f"next: segconv check --src {folder} --tolerance 127" in done.stderr
    assert segconv("check", "--src", folder, "--tolerance", "127").returncode == 0
    out = tmp_path / "out"
    built = segconv("build", "--src", folder, "--tolerance", "127", "--keep-size", "--out", out)
    assert built.returncode == 0, built.stderr
    for shard in out.glob("*.tfrecord-?????-of-?????"):
        for data in read_shard(out, shard.name):
            assert np.array_equal(decode_record(data, "record").mask, mask[..., 0] > 127)


@pytest.mark.parametrize(
    ("quality", "colors", "tolerance"), [(95, [(0, 0, 0), (200, 30, 90)], 1), (60, [(0, 0, 0), (0, 90, 200)], 1)]
)
def test_classes_drafts_colours_from_jpeg_with_a_tolerance_that_the_check_takes(
    segconv, tmp_path, quality, colors, tolerance
):
    mask = np.array(colors, np.uint8)[rows(0, 1, 0, height=64)]
    folder = draw(tmp_path / "src", [mask] * 4, suffix=".jpg", quality=quality, subsampling=0)
    done = segconv("classes", "--src", folder, "--write")
    assert done.returncode == 0, done.stderr
    command = done.stderr[done.stderr.index("segconv check") :].split()[1:]
    assert "--tolerance" in command
    assert int(command[-1]) >= tolerance
    assert segconv(*command).returncode == 0


def test_classes_refuses_where_no_mask_could_be_read_and_says_why(segconv, tmp_path):
    folder = draw(tmp_path / "src", [rows(0, 1)] * 2)
    for number in range(2):
        (folder / f"masks/{number}.png").write_bytes(b"")
    done = segconv("classes", "--src", folder, "--write")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be drafted: no mask could be read (2 pairs; the first: masks/0.png has 0 bytes" in done.stderr
    assert not (folder / "classes.csv").exists()


def test_classes_carries_the_options_of_the_source_into_its_next_command_and_drops_the_file_it_replaces(
    segconv, tmp_path
):
    folder = draw(tmp_path / "my src", [rows(0, 1, 2)] * 2)
    (tmp_path / "names.txt").write_text("road\ncar\nsky\n")
    templates = ("--image", "images/{stem}.png", "--mask", "masks/{stem}.png")
    done = segconv("classes", "--src", folder, *templates, "--classes", tmp_path / "names.txt", "--write")
    assert done.returncode == 0, done.stderr
    expected = f"segconv check --src '{folder}' --image 'images/{{stem}}.png' --mask 'masks/{{stem}}.png'\n"
    assert done.stderr.endswith(expected)
    assert segconv("check", "--src", folder, *templates).returncode == 0
    done = segconv("classes", "--src", folder)
    assert done.stderr.endswith(f"next: segconv classes --src '{folder}' --write --overwrite\n")


def test_classes_drafts_instances_only_when_asked(segconv, tmp_path):
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 256, (4, 3)).astype(np.uint8)[rows(0, 1, 2, 3)] for _ in range(6)]
    folder = draw(tmp_path / "src", masks)
    refused = segconv("classes", "--src", folder, "--write")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "24 values, of which 24 occur in one mask only" in refused.stderr
    assert segconv("classes", "--src", folder, "--instances").stdout.count("class_") == 24


def test_build_warns_of_a_draft_that_nobody_edited(segconv, tmp_path):
    folder = draw(tmp_path / "src", [rows(*range(12))] * 2)
    assert segconv("classes", "--src", folder, "--write").returncode == 0
    done = segconv("build", "--src", folder, "--size", "24", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "Warning W_DRAFT: " in done.stderr
    assert "--classes preset:camvid-index" in done.stderr


DRAWN = np.zeros((12, 16), np.uint8)
DRAWN[3:9, 4:12] = 1


def pairs(folder: Path, images: list[bytes], mask: bytes, names: tuple[str, str]) -> Path:
    """Writes pairs of all the same mask, and a class map; `names` hold {} for their number."""
    for number, image in enumerate(images):
        for data, name in ((image, names[0]), (mask, names[1])):
            path = folder / name.format(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (folder / "classes.csv").write_text("name,value\nground,0\nhouse,1\n")
    return folder


def turned(pixels: np.ndarray) -> list[np.ndarray]:
    """Returns four images that look different and have the same levels."""
    return [np.ascontiguousarray(each) for each in (pixels, pixels[::-1], pixels[:, ::-1], pixels[::-1, ::-1])]


def palette_mask(kind: str, **options: object) -> bytes:
    picture = Image.fromarray(DRAWN, "P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    return saved(picture, kind, **options)


PHOTO = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)


@pytest.mark.parametrize(
    ("image", "mask", "names"),
    [
        ("JPEG", palette_mask("GIF"), ("train/car_{}.jpg", "train_masks/car_{}_mask.gif")),
        ("JPEG", saved(np.stack([DRAWN] * 3, -1), "PPM"), ("images/{}.jpg", "labels/{}.ppm")),
        ("PPM", saved(DRAWN, "PPM"), ("images/{}.ppm", "masks/{}.pgm")),
        ("GIF", saved(DRAWN.astype(bool), "PPM"), ("images/{}.gif", "masks/{}.pbm")),
        ("WEBP", saved(np.stack([DRAWN] * 3, -1), "WEBP", lossless=True), ("images/{}.webp", "masks/{}.webp")),
        ("PNG", saved(Image.fromarray(DRAWN.astype(np.int32)), "TIFF"), ("images/{}.png", "masks/{}.tif")),
        ("PNG", saved(Image.fromarray(DRAWN.astype(np.float32)), "TIFF"), ("images/{}.png", "masks/{}.tiff")),
    ],
    ids=["carvana", "parts", "pgm", "pbm", "webp", "int32", "float"],
)
def test_a_dataset_in_any_of_these_formats_goes_through_with_exactly_its_masks(segconv, tmp_path, image, mask, names):
    folder = pairs(tmp_path / "ds", [saved(photo, image) for photo in turned(PHOTO)], mask, names)
    done = segconv("check", "--src", folder, "-j", "1")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("W_") == done.stdout.count("W_NO_VAL"), done.stdout
    assert segconv("build", "--src", folder, "-o", tmp_path / "out", "--keep-size").returncode == 0
    masks = [record.mask for record in RecordSource(tmp_path / "out", "train")]
    assert len(masks) == 4
    assert all(np.array_equal(found, DRAWN) for found in masks)


BANDS = np.random.default_rng(1).integers(0, 4000, (12, 16, 8), np.uint16)


@pytest.mark.parametrize(
    ("samples", "bits", "options"),
    [
        (BANDS // 16, 8, ["--bands", "3,2,1"]),
        pytest.param(BANDS // 16, 8, ["--bands", "8"], marks=pytest.mark.slow),
        pytest.param(BANDS, 16, ["--bands", "4,3,2", "--range", "0:4000"], marks=pytest.mark.slow),
        (BANDS, 16, ["--bands", "4,3,2", "--range", "0:4000,100:3000,0:1"]),
        (BANDS, 16, ["--bands", "4,3,2", "--range", "percentile:2:98"]),
        pytest.param(BANDS[..., :3], 16, ["--range", "percentile:0:100"], marks=pytest.mark.slow),
        pytest.param(BANDS[..., :1], 16, ["--range", "-100:4000"], marks=pytest.mark.slow),
    ],
    ids=["8-bit", "one", "levels", "own-levels", "percentiles", "rgb", "grey"],
)
def test_a_dataset_of_many_bands_or_bits_goes_through_with_the_options_that_it_asks_for(
    segconv, tmp_path, samples, bits, options
):
    images = [tiff(each, bits=bits) for each in turned(samples)]
    folder = pairs(tmp_path / "ds", images, saved(DRAWN), ("images/{}.tif", "masks/{}.png"))
    asked = segconv("check", "--src", folder, "-j", "1")
    assert asked.returncode == 1
    assert asked.stderr == ""
    assert asked.stdout.count(f"has {samples.shape[2]} band") == 4
    assert all(option in asked.stdout for option in options[::2])
    done = segconv("check", "--src", folder, "-j", "1", *options)
    assert done.returncode == 0, done.stdout
    command = done.stdout.splitlines()[-1].partition("next: segconv ")[2]
    assert all(
        f"{name} {shlex.quote(value)}" in command for name, value in zip(options[::2], options[1::2], strict=True)
    )
    assert segconv(*shlex.split(command)).returncode == 0  # split
    out = ["-o", tmp_path / "out", "--keep-size", "--image-format", "png", "-j", "2"]
    built = segconv("build", "--src", folder, *options, *out)
    assert built.returncode == 0, built.stderr
    bands = (
        [int(band) - 1 for band in options[1].split(",")] if "--bands" in options else range(min(3, samples.shape[2]))
    )
    manifest = read_manifest(tmp_path / "out")
    if "--range" in options:
        levels = parse_levels(manifest.options["levels"])
        levels = levels * len(bands) if len(levels) == 1 else levels
        expected = np.stack(
            [to_8_bits(samples[..., band], *pair) for band, pair in zip(bands, levels, strict=True)], -1
        )
    else:
        expected = samples[..., list(bands)].astype(np.uint8)
    expected = np.broadcast_to(expected, (12, 16, 3))
    records = list(RecordSource(tmp_path / "out", "train"))
    assert records
    for record in records:
        number = int(Path(record.file_name).stem)
        assert np.array_equal(record.image, turned(expected)[number])
    again = segconv("build", "--src", folder, *options, *out)
    assert "up to date" in again.stderr
    assert segconv("verify", tmp_path / "out", "--src", folder, "--records", "all").returncode == 0
    other = segconv("build", "--src", folder, "--bands", "1,1,1", "--range", "0:9", *out)
    assert other.returncode == 2
    assert "bands " in other.stderr
    assert segconv("classes", "--src", folder, *options).returncode == 0
    page = segconv("check", "--src", folder, *options, "--html", tmp_path / "page.html")
    assert page.returncode == 0, page.stderr


def test_a_dry_run_measures_nothing_and_names_the_range(segconv, tmp_path):
    folder = pairs(tmp_path / "ds", [tiff(BANDS[..., :3], bits=16)], saved(DRAWN), ("images/{}.tif", "masks/{}.png"))
    done = segconv("build", "--src", folder, "--range", "percentile:2:98", "--dry-run")
    assert "range percentile:2:98" in done.stdout
    assert segconv("build", "--src", folder, "--range", "2:98:3").returncode == 2
    assert segconv("build", "--src", folder, "--bands", "0,1,2").returncode == 2
