"""Source: any record by its number, from a folder that a build left."""

from __future__ import annotations

import pickle

import pytest

from converter.build import build
from converter.config import BuildConfig, PairConfig
from converter.errors import DataError, UsageError
from converter.records import decode_record
from converter.source import RecordSource, read_index, read_record
from converter.tfrecord import read_shard


@pytest.fixture
def records(dataset, tmp_path):
    return build(BuildConfig(dataset, tmp_path / "out", pair=PairConfig(size=(8, 8)), shards=4, workers=1)).out


def test_records_come_in_the_order_of_the_shards(records):
    source = RecordSource(records, "train")
    shards = sorted(records.glob("dataset-train.tfrecord-*-of-00004"))
    sequential = [decode_record(data, shard) for shard in shards for data in read_shard(shard)]
    assert len(source) == len(sequential) == 6
    assert [source[number] for number in range(6)] == sequential
    assert [source[number] for number in (5, 0, 3)] == [sequential[5], sequential[0], sequential[3]]


@pytest.mark.parametrize("number", [-1, 6])
def test_a_number_beyond_the_split_is_an_index_error(records, number):
    with pytest.raises(IndexError):
        RecordSource(records, "train")[number]


def test_it_can_be_sent_to_a_worker(records):
    source = RecordSource(records, "train")
    source[2]
    assert pickle.loads(pickle.dumps(source))[2] == source[2]  # noqa: S301 - our own bytes


def test_a_missing_split_names_those_that_there_are(records):
    with pytest.raises(UsageError, match=r"has no split 'test'\. It has: train, val"):
        RecordSource(records, "test")


@pytest.mark.parametrize("text", ["", "0 10\n", "zero ten\n0 1\n", "0 10\n\n", "-5 10\n7 10\n"])
def test_an_index_that_does_not_fit_is_refused(records, text):
    shard = records / "dataset-train.tfrecord-00001-of-00004"
    (records / (shard.name + ".idx")).write_text(text)
    with pytest.raises(DataError, match=r"00001-of-00004\.idx"):
        read_index(shard, 2)


@pytest.mark.parametrize("offset", [1, 10**12])
def test_an_index_that_points_elsewhere_is_noticed(records, offset):
    shard = records / "dataset-train.tfrecord-00001-of-00004"
    with pytest.raises(DataError, match="record 0"):
        read_record(shard, 0, offset)


def test_a_missing_shard_is_named(records):
    (records / "dataset-train.tfrecord-00000-of-00004").unlink()
    with pytest.raises(DataError, match="00000-of-00004"):
        RecordSource(records, "train")[0]
