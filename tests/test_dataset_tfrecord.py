"""Facts about shard files: the same bytes as TensorFlow's, and our readers detect all damage."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from converter.dataset.tfrecord import (
    FRAME_BYTES,
    ShardError,
    ShardWriter,
    frame_positions,
    masked_crc,
    read_frame,
    read_shard,
)
from converter.errors import DataError
from converter.limits import MAX_RECORD_BYTES

RECORDS = [b"first", b"", b"\0" * 3, bytes(range(20))]


def written(records: list[bytes]) -> bytes:
    file = io.BytesIO()
    writer = ShardWriter(file)
    for record in records:
        writer.write(record)
    return file.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "town.tfrecord"


def records_before_the_error(path: Path, data: bytes) -> tuple[list[bytes], ShardError]:
    """Returns the records read from a damaged shard, and the error."""
    path.write_bytes(data)
    records = []
    with pytest.raises(ShardError) as caught:
        for record in read_shard(path.parent, path.name):
            records.append(record)
    return records, caught.value


def test_the_checksum_is_crc32c_masked_as_tensorflow_does():
    crc = 0x8A9136AA  # of 32 bytes of zeros: RFC 3720, B.4
    assert masked_crc(bytes(32)) == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32
    assert masked_crc(b"") == 0xA282EAD8


def test_a_frame_is_length_checksum_data_checksum():
    data = b"123456789"  # CRC32C 0xE3069283, the check value of the catalogue of CRCs
    masked = ((0xE3069283 >> 15 | 0xE3069283 << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32
    frame = written([data])
    assert frame[:8] == b"\x09" + bytes(7)
    assert frame[8:12] == struct.pack("<I", masked_crc(frame[:8]))
    assert frame[12:21] == data
    assert frame[21:] == struct.pack("<I", masked)


@pytest.mark.tf
def test_a_shard_is_the_bytes_that_tensorflow_writes(path):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    records = [rng.bytes(int(size)) for size in [0, 1, 7, 8, 4095, 4096, 100_000, *rng.integers(0, 500, 50)]]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    assert written(records) == path.read_bytes()
    assert list(read_shard(path.parent, path.name)) == records


@pytest.mark.tf
def test_tensorflow_reads_our_shards(path):
    import tensorflow as tf

    path.write_bytes(written(RECORDS))
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == RECORDS


def test_what_is_written_is_read(path):
    path.write_bytes(written(RECORDS))
    assert list(read_shard(path.parent, path.name)) == RECORDS


def test_an_empty_shard_has_no_records(path):
    path.write_bytes(b"")
    assert list(read_shard(path.parent, path.name)) == []


def test_the_writer_keeps_what_index_and_manifest_need():
    file = io.BytesIO()
    writer = ShardWriter(file)
    for record in RECORDS:
        writer.write(record)
    data = file.getvalue()
    assert (writer.records, writer.size, writer.example_bytes) == (4, len(data), 5 + 0 + 3 + 20)
    assert writer.sha256 == hashlib.sha256(data).hexdigest()
    assert writer.index == "0 21\n21 16\n37 19\n56 36\n"
    for record, line in zip(RECORDS, writer.index.splitlines(), strict=True):
        offset, size = map(int, line.split())
        assert data[offset : offset + 8] == struct.pack("<Q", len(record))
        assert data[offset + 12 : offset + size - 4] == record


def test_a_cut_shard_is_noticed_but_at_the_end_of_a_record_where_the_format_allows_one(path):
    data = written(RECORDS)
    ends = [0, *np.cumsum([len(record) + FRAME_BYTES for record in RECORDS]).tolist()]
    for cut in range(len(data)):
        whole = sum(end <= cut for end in ends) - 1
        if cut in ends:  # detected by the size and hash in the manifest
            path.write_bytes(data[:cut])
            assert list(read_shard(path.parent, path.name)) == RECORDS[:whole]
            continue
        records, error = records_before_the_error(path, data[:cut])
        assert records == RECORDS[:whole]
        assert str(error).startswith(f"{path}: record {whole}: ")
        assert error.code == "E_SHARD_CUT"
        assert (error.record, error.offset) == (whole, ends[whole])


def test_every_flipped_bit_is_noticed_and_the_record_named(path):
    data = written(RECORDS)
    ends = np.cumsum([len(record) + FRAME_BYTES for record in RECORDS])
    for position in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        number = int((ends <= position // 8).sum())
        records, error = records_before_the_error(path, bytes(damaged))
        assert records == RECORDS[:number]
        assert str(error).startswith(f"{path}: record {number}: ")
        assert error.code == "E_SHARD_CRC"


@pytest.mark.parametrize("stray", [b"x", b"stray", bytes(12), bytes(16), bytes(100)])
def test_stray_bytes_behind_the_last_record_are_noticed(path, stray):
    records, error = records_before_the_error(path, written(RECORDS) + stray)
    assert records == RECORDS
    assert "record 4" in str(error)


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**63, 2**32, 21, 6])
def test_a_forged_length_with_a_right_checksum_is_refused_before_memory_is_spent(path, length):
    header = struct.pack("<Q", length)
    forged = header + struct.pack("<I", masked_crc(header)) + b"first" + struct.pack("<I", masked_crc(b"first"))
    tracemalloc.start()
    try:
        records, error = records_before_the_error(path, forged)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert records == []
    assert f"declares {length} bytes at byte 0, but 5 are left" in str(error)
    assert (error.record, error.offset) == (0, 0)
    assert error.code == "E_SHARD_CUT"
    assert peak < 2**20


def test_a_forged_length_that_fits_is_caught_by_the_checksum_of_the_data(path):
    header = struct.pack("<Q", 4)
    forged = header + struct.pack("<I", masked_crc(header)) + b"first" + struct.pack("<I", masked_crc(b"first"))
    assert records_before_the_error(path, forged)[1].code == "E_SHARD_CRC"


def test_a_frame_can_be_read_from_its_offset():
    data = written(RECORDS)
    file = io.BytesIO(data)
    file.seek(37)
    assert read_frame(file, len(data), "shard", 2) == b"\0\0\0"
    assert file.tell() == 56


def test_the_places_of_the_records_are_read_from_the_shard_alone(path):
    data = written(RECORDS)
    path.write_bytes(data)
    places = frame_positions(path.parent, path.name, len(RECORDS))
    assert [data[start : start + length] for start, length in places] == RECORDS


@pytest.mark.parametrize("records", [3, 5])
def test_a_shard_with_another_number_of_records_has_no_places(path, records):
    path.write_bytes(written(RECORDS))
    with pytest.raises(ShardError, match=f"does not hold the {records} records that the manifest lists") as caught:
        frame_positions(path.parent, path.name, records)
    assert caught.value.code == "E_COUNTS"


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_shard_that_cannot_be_read_is_refused(path, kind):
    if kind == "folder":
        path.mkdir()
    with pytest.raises(DataError) as caught:
        list(read_shard(path.parent, path.name))
    assert caught.value.code == "E_SHARD_MISSING"


def test_a_pipe_is_no_shard(path):
    os.mkfifo(path)
    with pytest.raises(ShardError, match="is not a regular file"):
        list(read_shard(path.parent, path.name))


def test_a_record_above_the_limit_is_refused_though_the_file_is_as_long(path):
    header = struct.pack("<Q", MAX_RECORD_BYTES + 1)
    path.write_bytes(header + struct.pack("<I", masked_crc(header)))
    os.truncate(path, 2**40)
    with pytest.raises(ShardError, match=f"at byte 0, but no record has more than {MAX_RECORD_BYTES}"):
        list(read_shard(path.parent, path.name))


def test_a_file_that_shrinks_while_it_is_read_is_noticed():
    data = written(RECORDS)
    for cut in range(1, 21):
        with pytest.raises(ShardError):
            read_frame(io.BytesIO(data[:cut]), len(data), "shard", 0)
