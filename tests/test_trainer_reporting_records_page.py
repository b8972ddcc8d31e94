"""The page of records: shares and sizes are those of the manifest, images those of the shards."""

from __future__ import annotations

import pytest
from check_pages import Page
from conftest import CLASSES, write_dataset
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import DataError, UsageError
from trainer.reporting.records_page import SHOWN_RECORDS, records_page

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def records(tmp_path):
    source = write_dataset(tmp_path / "town", train=7, val=2)
    (source / "classes.csv").write_text(CLASSES.replace("building", HOSTILE))
    (source / "jpg" / "p3.jpg").write_bytes(b"no photograph")
    Image.new("RGB", (40, 30)).save(source / "jpg" / "p4.jpg")
    Image.new("RGB", (40, 30)).save(source / "png" / "m4.png")
    build(
        BuildConfig(
            SourceConfig(source), out=tmp_path / "records", pair=PairConfig((20, 30)), on_error="skip", max_bad=50
        )
    )
    return tmp_path / "records"


def test_the_page_says_what_the_manifest_says(records):
    page = Page(records_page(records))
    assert page.open == []
    assert page.all("script") == []
    said = ["town", "8 records", "2 splits", "3 classes", "20 high × 30 wide", "train 6", "val 2", "1 pair skipped"]
    said += ["20 × 30", "30 × 40", "train.txt:4: jpg/p3.jpg", "E_FORMAT", HOSTILE, f"segconv verify {records}"]
    assert [word for word in said if word not in page.text] == []


def test_images_are_read_back_from_every_split_with_their_classes_in_words(records):
    page = Page(records_page(records))
    pictures = page.pictures()
    assert len(pictures) == 6 + 2 <= SHOWN_RECORDS
    assert {picture.shape for picture in pictures} == {(20, 30, 3)}
    assert "val 1" in page.text
    assert "ignored 25%" in page.text or "ignored 2" in page.text


def test_the_same_records_give_the_same_page(records):
    assert records_page(records) == records_page(records)


def test_a_split_without_a_class_is_warned_of(records):
    from converter.dataset.parse import read_manifest

    manifest = read_manifest(records)
    assert "has no pixel of" not in records_page(records)
    text = manifest.to_json()
    splits = {**manifest.splits}
    pixels = (0, *splits["val"].pixels[1:])
    import dataclasses

    splits["val"] = dataclasses.replace(splits["val"], pixels=pixels)
    (records / "manifest.json").write_text(dataclasses.replace(manifest, splits=splits).to_json())
    assert text
    assert "Split 'val' has no pixel of: background." in Page(records_page(records)).text


def test_a_damaged_shard_is_refused_and_no_records_too(records, tmp_path):
    (shard,) = records.glob("*-val.tfrecord-*-of-00001")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataError, match="val"):
        records_page(records)
    with pytest.raises(UsageError):
        records_page(tmp_path)
