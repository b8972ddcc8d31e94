"""Shards: how pairs are dealt, and which orientation a photograph takes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image

from converter.classes import parse_class_map
from converter.config import BuildConfig, SourceConfig
from converter.errors import DataError, MachineError
from converter.images import open_photo
from converter.masks import open_mask
from converter.pairs import turned_like
from converter.shards import num_shards, plan_shards, run_shard_task, shuffled
from converter.splits import ExampleRef

CLASSES = parse_class_map("name,value\na,0\nb,*\n", "classes.csv")
REFS = [ExampleRef("train", f"jpg/{n}.jpg", f"png/{n}.png", "train.txt", n + 1) for n in range(100)]


@pytest.mark.parametrize(("pairs", "size", "shard_mb", "expected"), [
    (1, (512, 512), 128, 1),
    (63, (512, 512), 128, 1),
    (367, (512, 512), 128, 11),  # 32 records a shard at least
    (10_000, (512, 512), 128, 16),
    (100_000, (512, 512), 128, 74),  # 94 kB a record: 9.4 GB
    (100_000, (512, 512), 1000, 16),
])  # fmt: skip
def test_number_of_shards(pairs, size, shard_mb, expected):
    assert num_shards(pairs, size, shard_mb) == expected


def test_every_pair_is_in_one_shard_and_shards_differ_by_one_at_most():
    tasks = plan_shards("train", REFS, BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES)
    dealt = [ref for task in tasks for ref in task.refs]
    assert sorted(dealt, key=lambda ref: ref.line) == REFS
    assert {len(task.refs) for task in tasks} == {14, 15}
    assert tasks[6].path == Path("records/d-train.tfrecord-00006-of-00007")


def test_never_more_shards_than_pairs():
    assert len(plan_shards("train", REFS[:3], BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES)) == 3


def test_order_depends_on_names_and_seed_alone():
    assert shuffled(REFS, 0) == shuffled(REFS[::-1], 0)
    assert shuffled(REFS, 0) != shuffled(REFS, 1)
    assert shuffled(REFS, 0) != REFS


def jpeg(height: int, width: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("orientation", "mask_size", "expected"), [
    (6, (30, 20), 6),  # drawn over the turned photograph
    (6, (20, 30), 1),  # drawn over the stored one
    (3, (20, 30), 3),  # both fit: EXIF decides
    (1, (20, 30), 1),
])  # fmt: skip
def test_the_mask_tells_which_way_the_photograph_stands(orientation, mask_size, expected):
    photo = open_photo(jpeg(20, 30, orientation), "a.jpg")
    assert turned_like(photo, open_mask(png(*mask_size), "a.png")).orientation == expected


def test_other_sizes_are_refused_with_both_and_a_hint_on_swapped_sides():
    photo = open_photo(jpeg(20, 30, 1), "a.jpg")
    with pytest.raises(DataError, match=r"is 30 high and 20 wide, its photograph a\.jpg is 20 high.*, with h"):
        turned_like(photo, open_mask(png(30, 20), "a.png"))
    with pytest.raises(DataError, match=r"is 21 high and 30 wide, its photograph a\.jpg is 20 high and 30 wide\."):
        turned_like(photo, open_mask(png(21, 30), "a.png"))


def test_a_shard_that_cannot_be_written_is_a_fault_of_the_machine(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    refs = [ExampleRef("train", "jpg/p0.jpg", "png/m0.png", "train.txt", 1)]
    (task,) = plan_shards("train", refs, BuildConfig(SourceConfig(dataset), tmp_path / "gone"), CLASSES)
    with pytest.raises(MachineError, match="No such file or directory"):
        run_shard_task(task, lambda: None)


def test_ticks_once_for_each_pair_good_or_bad(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    (dataset / "jpg/p1.jpg").unlink()
    refs = [ExampleRef("train", f"jpg/p{n}.jpg", f"png/m{n}.png", "train.txt", n + 1) for n in range(3)]
    (task,) = plan_shards("train", refs, BuildConfig(SourceConfig(dataset), tmp_path), CLASSES)
    ticks: list[int] = []
    result = run_shard_task(task, lambda: ticks.append(1))
    assert (len(ticks), result.info.records, [r.line for r in result.rejects]) == (3, 2, [2])
    assert np.sum(result.pixels) + result.ignored_pixels == 2 * 512 * 512
