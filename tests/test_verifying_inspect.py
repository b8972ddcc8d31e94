"""Inspect: its counts match the arrays that the dataset was drawn from; its images match the records."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import COLORS, EXPECTED, draw_pair
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.manifest import seal_of
from converter.errors import DataError, UsageError
from converter.verifying.inspect import (
    dataset_json,
    dataset_text,
    find_shard,
    inspect_dataset,
    inspect_shard,
    record_at,
    record_json,
    record_text,
)


@pytest.fixture
def records(dataset, tmp_path):
    """Records at the size of their sources, so that every drawn pixel is stored once."""
    return build(
        BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=PairConfig(size=(20, 30)), shards=2, workers=1)
    ).out


def drawn(first: int, count: int) -> np.ndarray:
    return np.stack([EXPECTED[draw_pair(first + number)[1]] for number in range(count)])


def test_dataset_counts_are_those_of_the_drawn_masks(records):
    everything = np.concatenate([drawn(0, 6), drawn(100_000, 2)])
    for scan, crc_ok, words in ((True, True, "CRC ok"), (False, None, "CRC not verified")):
        manifest, reports = inspect_dataset(records, scan=scan)
        facts = dataset_json(records, manifest, reports)
        counts = [int((everything == index).sum()) for index in range(3)]
        assert [entry["pixels"] for entry in facts["classes"]] == counts
        assert facts["ignored_pixels"] == int((everything == 255).sum())
        assert facts["crc_ok"] is crc_ok
        text = dataset_text(records, manifest, reports)
        assert "dataset, 20 high x 30 wide, fit pad" in text
        assert words in text


def test_the_manifest_answers_at_once_and_a_scan_finds_what_has_the_right_size(records):
    shard = find_shard(records)
    data = bytearray(shard.read_bytes())
    data[-9] ^= 1
    shard.write_bytes(data)
    assert inspect_dataset(records)[1] is None
    _, reports = inspect_dataset(records, scan=True)
    assert [report.problem is None for report in reports] == [False] + [True] * (len(reports) - 1)
    shard.write_bytes(data[:-1])
    with pytest.raises(DataError, match=f"has {len(data) - 1} bytes instead of {len(data)}"):
        inspect_dataset(records)


def test_shard_report_has_the_promised_keys(records):
    facts = inspect_shard(find_shard(records)).to_json()
    assert list(facts) == ["path", "records", "bytes", "crc_ok", "keys", "size", "ignored_pixels", "classes"]
    assert (facts["records"], facts["size"]) == (3, [20, 30])
    assert facts["keys"] == [
        *("file_name", "image", "mask_name", "original_height", "original_width", "segmentation_mask")
    ]
    assert [entry["name"] for entry in facts["classes"]] == ["background", "building", "vegetation"]
    json.dumps(facts)


def test_without_a_manifest_the_classes_are_told_by_number(records):
    shard = find_shard(records)
    before = inspect_shard(shard)
    (records / "manifest.json").unlink()
    report = inspect_shard(shard)
    assert [info.name for info in report.classes] == ["class_0", "class_1", "class_2"]
    assert report.pixels == before.pixels


def test_a_shard_that_was_cut_at_a_record_emptied_or_swapped_is_a_fault(records):
    first, second = sorted(records.glob("dataset-train.tfrecord-*-of-00002"))
    whole = first.read_bytes()
    end = int((records / f"{first.name}.idx").read_text().splitlines()[1].split()[0])
    for data in (whole[:end], b"", second.read_bytes()):
        first.write_bytes(data)
        assert inspect_shard(first).problem is not None
    first.write_bytes(whole)
    assert inspect_shard(first).problem is None


def test_one_record_is_told_with_its_files_and_classes(records):
    shard = find_shard(records)
    record = record_at(shard, 1)
    classes = inspect_shard(shard).classes
    facts = record_json(record, 1, classes)
    number = int(facts["file_name"].removeprefix("jpg/p").removesuffix(".jpg"))
    mask = EXPECTED[draw_pair(number)[1]]
    assert [entry["pixels"] for entry in facts["classes"]] == [int((mask == index).sum()) for index in range(3)]
    assert facts["original_size"] == [20, 30]
    assert facts["file_name"] in record_text(record, 1, classes)


def test_a_record_that_is_not_there_names_those_that_are(records):
    with pytest.raises(UsageError, match=r"has no record 3. It has 0\.\.2"):
        record_at(find_shard(records), 3)


def test_a_missing_shard_of_a_dataset_is_named(records):
    find_shard(records).unlink()
    with pytest.raises(DataError, match="00000-of-00002: is missing"):
        inspect_dataset(records)


def test_a_class_beyond_the_manifest_is_a_fault(records):
    path = records / "manifest.json"
    raw = json.loads(path.read_text())
    raw["classes"].pop()
    for split in raw["splits"].values():
        split["pixels"].pop()
        split["images"].pop()
    raw["seal"] = seal_of(raw)
    path.write_text(json.dumps(raw))
    report = inspect_shard(find_shard(records))
    assert "holds class 2, the manifest has 0..1" in str(report.problem)


@pytest.fixture
def mixed(dataset, tmp_path):
    """Records of three sizes, stored as PNG: 0 of train is very high, 1 very wide."""
    for number, size in enumerate([(400, 15), (1, 2000)]):
        image, mask = draw_pair(number, size)
        Image.fromarray(image).save(dataset / f"jpg/p{number}.jpg")
        Image.fromarray(COLORS[mask]).save(dataset / f"png/m{number}.png")
    pair = PairConfig(size=None, image_format="png")
    return build(BuildConfig(SourceConfig(dataset), tmp_path / "mixed", pair=pair, workers=1)).out


def test_records_of_different_sizes_have_none_in_the_reports(mixed):
    manifest, reports = inspect_dataset(mixed, scan=True)
    assert [report.size for report in reports] == [None, (20, 30)]
    assert reports[0].to_json()["size"] is dataset_json(mixed, manifest, reports)["size"] is None
    assert "records  6, sizes differ" in reports[0].to_text()
    assert "dataset, sizes differ, fit pad" in dataset_text(mixed, manifest, reports)
    assert sum(report.to_json()["classes"][1]["pixels"] for report in reports) == sum(
        int((EXPECTED[draw_pair(*which)[1]] == 1).sum())
        for which in [(0, (400, 15)), (1, (1, 2000)), *((number,) for number in (2, 3, 4, 5, 100_000, 100_001))]
    )


def test_a_record_tells_how_its_photograph_is_stored(records, mixed):
    for folder, image_format in ((records, "jpeg"), (mixed, "png")):
        shard = find_shard(folder)
        record, classes = record_at(shard, 0), inspect_shard(shard).classes
        assert record_json(record, 0, classes)["image_format"] == image_format
        assert f"{image_format.upper()} {len(record.image_bytes):,} bytes" in record_text(record, 0, classes)
