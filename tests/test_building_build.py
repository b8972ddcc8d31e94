"""Build: real processes on tiny datasets; the records match an independent computation."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from builds import config, hidden
from conftest import COLORS, EXPECTED, draw_pair, visible
from PIL import Image

from converter.building.build import build
from converter.building.report import RefusedPairsError
from converter.dataset.reader import RecordSource
from converter.errors import MachineError, UsageError


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
    extra = ["README.md", "dataset_info.json", "features.json", "manifest.json", "segmentation_mask.labels.txt"]
    assert names == sorted([*shards, *(f"{name}.idx" for name in shards), *extra])
    assert hidden(tmp_path / "out") == {f".segconv-{name}.receipt" for name in shards}


def spoil_one_of_each(dataset: Path) -> None:
    """Damages pairs p0 to p4 of train, each in a different way, and adds two invalid lines."""
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
    with pytest.raises(RefusedPairsError, match="No pair is left: fix them"):
        build(config(dataset, tmp_path / "out", on_error="skip", max_bad=100))
    assert visible(tmp_path / "out") == {}


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


def test_a_photograph_in_two_splits_is_refused_unless_allowed(dataset, tmp_path):
    shutil.rmtree(dataset / "val_jpg")
    shutil.rmtree(dataset / "val_png")
    (dataset / "val.txt").write_text("./p3.jpg;m3.png\np0.jpg;m0.png\n")
    leak = r"val\.txt:1: names jpg/p3\.jpg, which train\.txt:4 names too \(and 1 more\)"
    with pytest.raises(UsageError, match=leak):
        build(config(dataset, tmp_path / "out"))
    assert len(list(RecordSource(build(config(dataset, tmp_path / "out", allow_leak=True)).out, "val"))) == 2


def test_a_damaged_manifest_is_refused_with_a_way_out(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"))
    (tmp_path / "out/manifest.json").write_text("{")
    with pytest.raises(UsageError, match="Pass --overwrite to rebuild it"):
        build(config(dataset, tmp_path / "out"))
    build(config(dataset, tmp_path / "out", overwrite=True))
    assert visible(tmp_path / "out") == visible(build(config(dataset, tmp_path / "fresh")).out)


def test_an_empty_shard_is_read_by_all_after_skipping(dataset, tmp_path):
    (dataset / "jpg/p0.jpg").unlink()
    build(config(dataset, tmp_path / "out", shards=6, on_error="skip"))
    assert len(list(RecordSource(tmp_path / "out", "train"))) == 5
