"""Build: real processes on tiny datasets; the records hold against an independent computation."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import COLORS, EXPECTED, draw_pair, write_dataset
from PIL import Image

from converter.building.build import build
from converter.building.output import check_out
from converter.building.plan import plan_build
from converter.building.report import RefusedPairsError
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.integrity import check_shard_file
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import MachineError, UsageError
from converter.sources.layouts.find import find_layout


def config(dataset: Path, out: Path, **options) -> BuildConfig:
    pair = PairConfig(size=options.pop("size", (24, 24)), fit=options.pop("fit", "pad"))
    return BuildConfig(SourceConfig(dataset), out, pair=pair, **({"workers": 1} | options))


def visible(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".segconv-")}


def hidden(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(".segconv-*")}


def nearest(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Samples a mask by the formula, without Pillow."""
    rows, columns = (
        np.floor((np.arange(n) + 0.5) * old / n).astype(int) for n, old in zip(size, mask.shape, strict=True)
    )
    return mask[rows][:, columns]


@pytest.mark.parametrize(("size", "fit", "box"), [
    ((24, 24), "pad", (4, 0, 16, 24)),
    ((24, 24), "stretch", (0, 0, 24, 24)),
    ((40, 90), "pad", (0, 15, 40, 60)),
    ((20, 30), "pad", (0, 0, 20, 30)),
])  # fmt: skip
def test_stored_masks_equal_an_independent_computation(dataset, tmp_path, size, fit, box):
    build(config(dataset, tmp_path / "out", size=size, fit=fit))
    top, left, height, width = box
    seen = set()
    for split, first in (("train", 0), ("val", 100_000)):
        for record in RecordSource(tmp_path / "out", split):
            number = int(Path(record.mask_name).stem[1:])
            seen.add((split, number))
            expected = np.full(size, 255, np.uint8)
            drawn = EXPECTED[draw_pair(first + number)[1]]
            expected[top : top + height, left : left + width] = nearest(drawn, (height, width))
            np.testing.assert_array_equal(record.mask, expected)
            assert record.image.shape == (*size, 3)
            assert record.original_size == (20, 30)
    assert seen == {("train", n) for n in range(6)} | {("val", n) for n in range(2)}


def test_manifest_counts_what_the_shards_hold(dataset, tmp_path):
    report = build(config(dataset, tmp_path / "out", shards=2))
    manifest = read_manifest(tmp_path / "out")
    assert manifest == report.manifest
    for split, info in manifest.splits.items():
        masks = np.stack([record.mask for record in RecordSource(tmp_path / "out", split)])
        assert list(info.pixels) == [int((masks == index).sum()) for index in range(3)]
        assert list(info.images) == [int((masks == index).any((1, 2)).sum()) for index in range(3)]
        assert info.ignored_pixels == int((masks == 255).sum())
        for shard in info.shards:
            check_shard_file(tmp_path / "out", shard)
    assert [info.name for info in manifest.classes] == ["background", "building", "vegetation"]
    assert manifest.classes[1].color == tuple(COLORS[1])


def test_same_bytes_for_any_number_of_workers_order_of_lists_and_place(dataset, tmp_path):
    build(config(dataset, tmp_path / "one", shards=3, name="d"))
    moved = tmp_path / "elsewhere" / "other"
    shutil.copytree(dataset, moved)
    lines = (moved / "train.txt").read_text().splitlines()
    (moved / "train.txt").write_text("\r\n".join(reversed(lines)))
    build(config(moved, tmp_path / "two", shards=3, name="d", workers=3))
    assert visible(tmp_path / "one") == visible(tmp_path / "two")


def test_another_seed_gives_another_order_of_the_same_records(dataset, tmp_path):
    build(config(dataset, tmp_path / "a"))
    build(config(dataset, tmp_path / "b", seed=1))
    a, b = ([record.file_name for record in RecordSource(tmp_path / name, "train")] for name in "ab")
    assert a != b
    assert sorted(a) == sorted(b)


def test_shards_have_their_index_and_nothing_hidden_stays_but_their_receipts(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", shards=2))
    names = sorted(visible(tmp_path / "out"))
    shards = [f"dataset-{s}.tfrecord-0000{n}-of-00002" for s in ("train", "val") for n in (0, 1)]
    extra = ["dataset_info.json", "features.json", "manifest.json", "segmentation_mask.labels.txt"]
    assert names == sorted([*shards, *(f"{name}.idx" for name in shards), *extra])
    assert hidden(tmp_path / "out") == {f".segconv-{name}.receipt" for name in shards}


def spoil_one_of_each(dataset: Path) -> None:
    """Damages pairs p0 to p4 of train, each in its own way, and adds two bad lines."""
    (dataset / "jpg/p0.jpg").unlink()
    (dataset / "jpg/p1.jpg").write_bytes((dataset / "jpg/p1.jpg").read_bytes()[:-200])
    Image.new("RGB", (20, 30)).save(dataset / "png/m2.png")
    mask = COLORS[draw_pair(3)[1]]
    mask[0, :4] = (22, 0, 250)
    Image.fromarray(mask).save(dataset / "png/m3.png")
    png = bytearray((dataset / "png/m4.png").read_bytes())
    png[60] ^= 1
    (dataset / "png/m4.png").write_bytes(png)
    with (dataset / "train.txt").open("a") as file:
        file.write("p5.jpg m5.png\n../jpg/p5.jpg;m5.png\n")


CODES = ["E_MISSING", "E_DAMAGED", "E_SIZE", "E_MASK_VALUE", "E_DAMAGED", "E_LINE", "E_PATH"]


def test_all_bad_pairs_are_named_in_one_run_and_nothing_is_built(dataset, tmp_path):
    spoil_one_of_each(dataset)
    with pytest.raises(RefusedPairsError) as caught:
        build(config(dataset, tmp_path / "out"))
    rejects = caught.value.rejects
    assert [(r.line, r.error.code) for r in rejects] == [(1 + n, code) for n, code in enumerate(CODES[:5])] + [
        (7, "E_LINE"),
        (8, "E_PATH"),
    ]
    assert visible(tmp_path / "out") == {}
    text = str(rejects[3])
    assert text.startswith(
        "train.txt:4: png/m3.png: holds 1 unlisted value: (22, 0, 250) (4 pixels, nearest: 'building'"
    )
    assert "with height and width swapped" in str(rejects[2])


def test_skip_builds_the_others_and_lists_every_skipped_pair(dataset, tmp_path):
    spoil_one_of_each(dataset)
    report = build(config(dataset, tmp_path / "out", on_error="skip", max_bad=70))
    listed = [json.loads(line) for line in (tmp_path / "out/errors.jsonl").read_text().splitlines()]
    assert [entry["code"] for entry in listed] == CODES
    assert {entry["list"] for entry in listed} == {"train.txt"}
    names = [record.file_name for record in RecordSource(tmp_path / "out", "train")]
    assert names == ["jpg/p5.jpg"]
    manifest = report.manifest
    assert (manifest.splits["train"].skipped, manifest.splits["val"].skipped) == (7, 0)
    assert manifest.errors_sha256 == hashlib.sha256((tmp_path / "out/errors.jsonl").read_bytes()).hexdigest()
    assert report.to_json()["skipped"] == 7


def test_skip_with_no_good_pair_left_builds_nothing(dataset, tmp_path):
    shutil.rmtree(dataset / "png")
    shutil.rmtree(dataset / "val_png")
    (dataset / "png").mkdir()
    (dataset / "val_png").mkdir()
    with pytest.raises(RefusedPairsError, match="No pair is left: mend them"):
        build(config(dataset, tmp_path / "out", on_error="skip", max_bad=100))
    assert visible(tmp_path / "out") == {}


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds something else"):
            build(config(dataset, tmp_path / "out", overwrite=overwrite))
    assert visible(tmp_path / "out") == {"thesis.tex": b"x"}


def test_a_finished_dataset_is_replaced_only_on_request_and_without_leftovers(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", shards=3))
    before = visible(tmp_path / "out")
    with pytest.raises(UsageError, match=r"built otherwise \(shards 3 -> none\)\. Pass --overwrite to replace it"):
        build(config(dataset, tmp_path / "out"))
    assert visible(tmp_path / "out") == before
    (tmp_path / "out/notes.txt").write_text("mine")
    build(config(dataset, tmp_path / "out", shards=1, overwrite=True))
    build(config(dataset, tmp_path / "fresh", shards=1))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh") | {"notes.txt": b"mine"}


def test_a_refused_rebuild_leaves_the_old_dataset_whole(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"))
    before = visible(tmp_path / "out")
    (dataset / "png/m0.png").unlink()
    with pytest.raises(RefusedPairsError):
        build(config(dataset, tmp_path / "out", overwrite=True))
    assert visible(tmp_path / "out") == before


def test_the_source_is_not_changed(dataset, tmp_path):
    def state() -> dict[Path, tuple[bytes, int]]:
        files = [path for path in dataset.rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    before = state()
    build(config(dataset, tmp_path / "out"))
    assert state() == before


def test_an_output_folder_that_cannot_be_made_is_a_fault_of_the_machine(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot be written"):
        build(config(dataset, tmp_path / "file" / "out"))


def test_a_folder_with_half_a_shard_is_taken_and_nothing_of_it_is_believed(dataset, tmp_path):
    build(config(dataset, tmp_path / "undisturbed"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.segconv-dataset-train.tfrecord-00000-of-00001").write_bytes(b"half")
    (tmp_path / "out/.segconv-from-another-version").write_bytes(b"")
    wanted = config(dataset, tmp_path / "out")
    assert check_out(wanted, plan_build(wanted)) is None
    assert build(wanted).reused == 0
    assert visible(tmp_path / "out") == visible(tmp_path / "undisturbed")
    assert hidden(tmp_path / "out") == hidden(tmp_path / "undisturbed")


def test_a_missing_class_map_names_the_file(dataset, tmp_path):
    (dataset / "classes.csv").unlink()
    with pytest.raises(UsageError, match=r"classes\.csv: does not exist"):
        plan_build(config(dataset, tmp_path / "out"))


def test_limit_takes_some_pairs_of_each_split_whatever_the_order_of_the_lists(tmp_path):
    dataset = write_dataset(tmp_path / "d", train=5, val=3)
    build(config(dataset, tmp_path / "a", limit=2))
    assert [len(RecordSource(tmp_path / "a", split)) for split in ("train", "val")] == [2, 2]
    lines = (dataset / "train.txt").read_text().splitlines()
    (dataset / "train.txt").write_text("\n".join(reversed(lines)))
    build(config(dataset, tmp_path / "b", limit=2))
    assert visible(tmp_path / "a") == visible(tmp_path / "b")


def test_a_photograph_in_two_splits_is_refused_unless_allowed(dataset, tmp_path):
    shutil.rmtree(dataset / "val_jpg")
    shutil.rmtree(dataset / "val_png")
    (dataset / "val.txt").write_text("./p3.jpg;m3.png\np0.jpg;m0.png\n")
    leak = r"val\.txt:1: names jpg/p3\.jpg, which train\.txt:4 names too, and so for 1 more"
    with pytest.raises(UsageError, match=leak):
        build(config(dataset, tmp_path / "out"))
    assert len(list(RecordSource(build(config(dataset, tmp_path / "out", allow_leak=True)).out, "val"))) == 2


def test_lists_and_class_map_that_are_links_out_of_the_source_are_refused(dataset, tmp_path):
    for name in ("val.txt", "classes.csv"):
        (dataset / name).rename(tmp_path / name)
        (dataset / name).symlink_to(tmp_path / name)
        with pytest.raises(UsageError, match="is a link out of the source folder"):
            build(config(dataset, tmp_path / "out"))
        (dataset / name).unlink()
        (tmp_path / name).rename(dataset / name)


def test_a_damaged_manifest_is_refused_with_a_way_out(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"))
    (tmp_path / "out/manifest.json").write_text("{")
    with pytest.raises(UsageError, match="Delete the folder"):
        build(config(dataset, tmp_path / "out", overwrite=True))


def test_an_empty_shard_is_read_by_all_after_skipping(dataset, tmp_path):
    (dataset / "jpg/p0.jpg").unlink()
    build(config(dataset, tmp_path / "out", shards=6, on_error="skip"))
    assert len(list(RecordSource(tmp_path / "out", "train"))) == 5


def test_class_weights_come_from_the_manifest_alone(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", size=(20, 30)))
    masks = np.stack([record.mask for record in RecordSource(tmp_path / "out", "train")])
    counts = np.array([(masks == index).sum() for index in range(3)])
    expected = counts.sum() / (3 * counts)  # balanced: each class weighs the same in all
    info = read_manifest(tmp_path / "out").splits["train"]
    np.testing.assert_array_equal(sum(info.pixels) / (3 * np.array(info.pixels)), expected)


def test_the_manifest_tells_channels_and_sizes_of_each_split(dataset, tmp_path):
    image, mask = draw_pair(7, (10, 15))
    Image.fromarray(image).save(dataset / "jpg/p0.jpg")
    Image.fromarray(COLORS[mask]).save(dataset / "png/m0.png")
    build(config(dataset, tmp_path / "one", size=(40, 60)))
    build(config(dataset, tmp_path / "many", size=(40, 60), shards=3, workers=3))
    splits, others = read_manifest(tmp_path / "one").splits, read_manifest(tmp_path / "many").splits
    assert splits["train"].sizes == ((20, 30, 5), (10, 15, 1))
    assert splits["val"].sizes == ((20, 30, 2),)
    for split, folder in (("train", "jpg"), ("val", "val_jpg")):
        pictures = [
            Image.open(path).resize((60, 40), Image.Resampling.BILINEAR) for path in (dataset / folder).iterdir()
        ]
        pixels = np.stack([np.asarray(picture) for picture in pictures]).astype(np.float64)
        channels = splits[split].channels
        np.testing.assert_allclose(channels.mean, pixels.mean((0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(channels.std, pixels.std((0, 1, 2)), rtol=1e-12)
        assert channels == others[split].channels


def test_the_manifest_tells_what_was_done_but_no_path_of_this_machine(dataset, tmp_path):
    (dataset / "classes.csv").rename(tmp_path / "mine.csv")
    source = SourceConfig(dataset, classes=str(tmp_path / "mine.csv"))
    pair = PairConfig((24, 24), "crop", "vote", "jpeg:80", 2)
    manifest = build(BuildConfig(source, tmp_path / "out", pair=pair, seed=3, limit=2, workers=1)).manifest
    assert (manifest.class_map, manifest.layout, manifest.fit) == ("mine.csv", find_layout(source).name, "crop")
    assert manifest.ignore_values == ("#FFFF00",)
    assert manifest.options == {
        "size": [24, 24], "image_format": "jpeg:80", "mask_resample": "vote", "tolerance": 2, "seed": 3, "limit": 2,
        "shards": None, "shard_mb": 128,
    }  # fmt: skip
    assert str(tmp_path) not in (tmp_path / "out/manifest.json").read_text()


def test_records_that_keep_their_sizes_have_one_in_the_manifest_only_where_all_have_it(dataset, tmp_path):
    assert build(config(dataset, tmp_path / "same", size=None)).manifest.size == (20, 30)
    image, mask = draw_pair(7, (10, 15))
    Image.fromarray(image).save(dataset / "jpg/p0.jpg")
    Image.fromarray(COLORS[mask]).save(dataset / "png/m0.png")
    report = build(config(dataset, tmp_path / "mixed", size=None))
    assert read_manifest(tmp_path / "mixed").size is report.manifest.size is report.to_json()["size"] is None
    shapes = sorted(record.image.shape[:2] for record in RecordSource(tmp_path / "mixed", "train"))
    assert shapes == [(10, 15)] + [(20, 30)] * 5


def test_the_report_remarks_on_what_was_turned_corrected_and_kept(dataset, tmp_path):
    assert build(config(dataset, tmp_path / "plain")).to_text().endswith("0")  # the table's last cell
    exif = Image.Exif()
    exif[0x0112] = 3
    for number in range(2):
        image, mask = draw_pair(number)
        Image.fromarray(image).save(dataset / f"jpg/p{number}.jpg", exif=exif)
        drawing = COLORS[mask]
        drawing[0, 0] ^= 1
        Image.fromarray(drawing).save(dataset / f"png/m{number}.png")
    pair = PairConfig((20, 30), image_format="keep", tolerance=1)
    report = build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, workers=1))
    assert report.to_text().splitlines()[-3:] == [
        "photographs turned upright by EXIF: 2",
        "mask pixels taken for the nearest listed colour: 2",
        "photographs stored with their own bytes: 6",
    ]
    facts = report.to_json()
    assert [facts[key] for key in ("turned", "unturned", "corrected_pixels", "kept")] == [2, 0, 2, 6]


def test_all_255_classes_are_counted(dataset, tmp_path):
    (dataset / "classes.csv").write_text("name,value\n" + "".join(f"c{n},{n}\n" for n in range(255)) + "ignore,255\n")
    for folder in ("png", "val_png"):
        for path in (dataset / folder).iterdir():
            Image.fromarray(np.arange(600).reshape(20, 30).astype(np.uint8)).save(path)
    manifest = build(config(dataset, tmp_path / "out", size=(20, 30))).manifest
    counts = np.bincount(np.arange(600) % 256)
    assert manifest.splits["val"].pixels == tuple(2 * counts[:255])
    assert manifest.splits["val"].images == (2,) * 255
    assert manifest.splits["val"].ignored_pixels == 2 * counts[255]
