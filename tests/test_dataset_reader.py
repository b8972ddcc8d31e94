"""Facts about random access: any record by its number, across shards, and damage is reported."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.dataset.example import Record, encode_record
from converter.dataset.manifest import ClassInfo, Manifest, ShardInfo, SplitInfo
from converter.dataset.reader import RecordSource, read_index, read_record
from converter.dataset.tfrecord import ShardWriter
from converter.errors import DataError, UsageError
from converter.pixels.masks import encode_png

SIZE = (4, 6)
COUNTS = (3, 0, 2)  # records per shard; one shard is empty


def draw(number: int) -> Record:
    mask = np.full(SIZE, number % 2, np.uint8)
    buffer = io.BytesIO()
    Image.new("RGB", (SIZE[1], SIZE[0]), (number * 40, 0, 0)).save(buffer, "JPEG")
    return Record(buffer.getvalue(), encode_png(mask), f"jpg/{number}.jpg", f"png/{number}.png", (10 + number, 20))


RECORDS = [draw(number) for number in range(sum(COUNTS))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shards, number = [], 0
    for shard, count in enumerate(COUNTS):
        path = tmp_path / f"tiny-train.tfrecord-{shard:05d}-of-{len(COUNTS):05d}"
        with path.open("wb") as file:
            writer = ShardWriter(file)
            for record in RECORDS[number : number + count]:
                writer.write(encode_record(record))
        number += count
        path.with_name(path.name + ".idx").write_text(writer.index, "ascii")
        shards.append(ShardInfo(path.name, writer.records, writer.size, writer.sha256))
    classes = (ClassInfo(0, "a", (0, 0, 0)), ClassInfo(1, "b", (9, 9, 9)))
    splits = {
        "train": SplitInfo(tuple(shards), 0, (0, 0), (0, 0), 0),
        "val": SplitInfo((), 0, (0, 0), (0, 0), 0),
    }
    (tmp_path / "manifest.json").write_text(Manifest("tiny", SIZE, "pad", classes, splits).to_json(), "utf-8")
    return tmp_path


def shard_of(folder: Path, number: int) -> Path:
    return folder / f"tiny-train.tfrecord-{number:05d}-of-00003"


def test_a_split_is_a_sequence_of_its_records_in_the_order_of_the_shards(folder):
    source = RecordSource(folder, "train")
    assert len(source) == 5
    assert [source[number] for number in range(5)] == RECORDS


def test_records_may_be_asked_for_in_any_order_and_again(folder):
    source = RecordSource(folder, "train")
    for number in (4, 0, 3, 2, 2, 4, 1):
        assert source[number] == RECORDS[number]


def test_the_sequence_ends_so_that_a_for_loop_does(folder):
    assert list(RecordSource(folder, "train")) == RECORDS


@pytest.mark.parametrize("number", [-1, 5, 10**9])
def test_a_number_beyond_the_split_is_an_index_error(folder, number):
    with pytest.raises(IndexError, match=f"record {number} of 5"):
        RecordSource(folder, "train")[number]


def test_a_split_without_shards_is_empty(folder):
    source = RecordSource(folder, "val")
    assert (len(source), list(source)) == (0, [])


def test_a_split_that_is_not_there_is_refused_with_those_that_are(folder):
    with pytest.raises(UsageError, match=r"has no split 'test'\. Use one of: train, val\."):
        RecordSource(folder, "test")


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no manifest"):
        RecordSource(tmp_path / "nothing", "train")


def test_a_source_can_be_sent_to_workers_before_and_after_its_first_read(folder):
    source = RecordSource(folder, "train")
    fresh = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert fresh[4] == source[4] == RECORDS[4]
    assert pickle.loads(pickle.dumps(source))[3] == RECORDS[3]  # noqa: S301 - our own bytes


def test_a_record_decodes_to_its_pixels(folder):
    record = RecordSource(folder, "train")[3]
    assert (record.image.shape, record.image.dtype) == ((4, 6, 3), np.uint8)
    assert np.abs(record.image.astype(int) - (120, 0, 0)).max() <= 3
    assert record.mask.tolist() == [[1] * 6] * 4
    assert record.original_size == (13, 20)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "is not a readable index"),
        (b"", "has 0 lines for 3 records"),
        (b"0 1\n", "has 1 lines for 3 records"),
        (b"0 1\n1 1\n2 1\n3 1\n", "has 4 lines for 3 records"),
        (b"zero 1\n1 1\n2 1\n", "is not a readable index"),
        (b"0 1\n\n2 1\n", "is not a readable index"),
        (b"0 1\n-5 1\n2 1\n", "lines for 3 records"),
        (b"\xff\xfe 1\n1 1\n2 1\n", "is not a readable index"),
        (b"9" * 5000 + b" 1\n1 1\n2 1\n", "has 1 lines for 3 records"),
    ],
)
def test_a_damaged_index_is_refused_by_name(folder, content, reason):
    index = shard_of(folder, 0).with_name(shard_of(folder, 0).name + ".idx")
    if content is None:
        index.unlink()
    else:
        index.write_bytes(content)
    source = RecordSource(folder, "train")
    with pytest.raises(DataError, match=reason) as caught:
        source[0]
    assert caught.value.code == "E_INDEX"
    assert source[4] == RECORDS[4]  # the other shards are still readable


def test_a_pipe_or_an_endless_file_in_the_place_of_an_index_is_refused(folder):
    index = shard_of(folder, 0).with_name(shard_of(folder, 0).name + ".idx")
    for make in (os.mkfifo, lambda path: (path.touch(), os.truncate(path, 2**40))):
        index.unlink()
        make(index)
        with pytest.raises(DataError) as caught:
            RecordSource(folder, "train")[0]
        assert caught.value.code == "E_INDEX"


@pytest.mark.parametrize("offset", [1, 7, 10**6, 10**30])
def test_an_index_that_points_elsewhere_is_noticed_by_the_checksums(folder, offset):
    index = shard_of(folder, 2).with_name(shard_of(folder, 2).name + ".idx")
    index.write_text(f"0 1\n{offset} 1\n", "ascii")
    source = RecordSource(folder, "train")
    assert source[3] == RECORDS[3]
    with pytest.raises(DataError, match="record 1"):
        source[4]


def test_a_lost_record_is_asked_for_by_its_number_in_its_shard(folder):
    with pytest.raises(DataError, match=r"00002-of-00003: record 7: should begin at byte 1000000000000"):
        read_record(folder, shard_of(folder, 2).name, 7, 10**12)


def test_an_index_is_the_offsets_of_the_records(folder):
    offsets = read_index(folder, shard_of(folder, 0).name, 3)
    assert offsets[0] == 0
    assert offsets == sorted(offsets)
    data = shard_of(folder, 0).read_bytes()
    for offset, record in zip(offsets, RECORDS, strict=False):
        assert data[offset + 12 :].startswith(encode_record(record))


def test_a_damaged_record_is_refused_and_its_neighbours_are_read(folder):
    path = shard_of(folder, 0)
    data = bytearray(path.read_bytes())
    data[read_index(folder, path.name, 3)[1] + 40] ^= 1
    path.write_bytes(bytes(data))
    source = RecordSource(folder, "train")
    assert source[0] == RECORDS[0]
    assert source[2] == RECORDS[2]
    with pytest.raises(DataError, match="record 1: has a wrong checksum of its data") as caught:
        source[1]
    assert caught.value.code == "E_SHARD_CRC"


def test_a_missing_shard_is_refused(folder):
    shard_of(folder, 2).unlink()
    with pytest.raises(DataError) as caught:
        RecordSource(folder, "train")[4]
    assert caught.value.code == "E_SHARD_MISSING"
