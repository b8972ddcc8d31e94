"""Integrity: a shard matches its manifest entry, or the first damaged record is named."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest
from manifests import CONTENT, EMPTY, SHARD

from converter.dataset.integrity import check_shard_file, find_damage
from converter.dataset.manifest import ShardInfo
from converter.dataset.tfrecord import ShardError, ShardWriter, read_index_text
from converter.errors import DataError


def test_a_shard_as_the_manifest_says_passes(tmp_path):
    (tmp_path / SHARD.name).write_bytes(CONTENT)
    check_shard_file(tmp_path, SHARD)


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        (CONTENT[:7], "E_SHARD_CUT", "record 0: is truncated at byte 7"),
        (b"", "E_SHARD_CUT", "record 0: is missing"),
        (CONTENT[::-1], "E_SHARD_CRC", "record 0: has a wrong checksum of its length at byte 0"),
        (b"r" + CONTENT[1:], "E_SHARD_CRC", "record 0: has a wrong checksum"),  # one bit
        (None, "E_SHARD_MISSING", "is missing"),
    ],
)
def test_a_shard_that_the_manifest_does_not_know_is_refused(tmp_path, content, code, what):
    if content is not None:
        (tmp_path / SHARD.name).write_bytes(content)
    with pytest.raises(ShardError, match=what) as caught:
        check_shard_file(tmp_path, SHARD)
    assert caught.value.code == code


def test_a_shard_of_another_size_is_not_read_to_its_end_before_it_is_refused(tmp_path):
    with (tmp_path / SHARD.name).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match="record 0: has a wrong checksum of its length"):
        check_shard_file(tmp_path, SHARD)


def test_the_content_of_another_shard_is_recognised(tmp_path):
    (tmp_path / SHARD.name).write_bytes(b"other")
    other = ShardInfo(EMPTY.name, 0, 5, hashlib.sha256(b"other").hexdigest())
    with pytest.raises(DataError, match=f"{SHARD.name}: holds the content of {EMPTY.name}") as caught:
        check_shard_file(tmp_path, SHARD, [SHARD, other])
    assert caught.value.code == "E_SHARD_SWAPPED"
    (tmp_path / SHARD.name).write_bytes(b"")
    with pytest.raises(DataError, match="record 0: is missing"):  # an empty file is not recognised as another shard
        check_shard_file(tmp_path, SHARD, [SHARD, EMPTY])


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


def with_index(path: Path, records: list[bytes]) -> int:
    """Writes the index of these records, whatever is in the shard; returns the size of the shard in bytes."""
    file = io.BytesIO()
    writer = ShardWriter(file)
    for record in records:
        writer.write(record)
    path.with_name(path.name + ".idx").write_text(writer.index)
    return writer.size


@pytest.mark.parametrize(("others", "record"), [
    (RECORDS[1:], 0),
    (RECORDS[:2] + RECORDS[3:], 2),
    ([RECORDS[0], *RECORDS], 1),
    ([RECORDS[1], RECORDS[0], *RECORDS[2:]], 0),
    (RECORDS[:3], 3),
    ([], 0),
])  # fmt: skip
def test_where_every_checksum_holds_the_index_names_the_first_record_that_is_not_in_its_place(path, others, record):
    size = with_index(path, RECORDS)
    path.write_bytes(written(others))
    damage = find_damage(path.parent, path.name, len(RECORDS), size)
    assert (damage.record, damage.offset) == (record, sum(len(data) + 16 for data in RECORDS[:record]))


@pytest.mark.parametrize("index", [None, "", "0 21\n", "0 21\n5 16\n37 19\n56 36\n", "0 21 x\n", "\xff"])
def test_an_index_that_contradicts_itself_bears_no_witness(path, index):
    if index is not None:
        path.with_name(path.name + ".idx").write_text(index, "latin-1")
    path.write_bytes(written(RECORDS[1:]))
    damage = find_damage(path.parent, path.name, len(RECORDS), len(written(RECORDS)))
    assert (damage.code, damage.record) == ("E_SHARD_CUT", 3)
    path.write_bytes(written(RECORDS + RECORDS[:1]))
    damage = find_damage(path.parent, path.name, len(RECORDS), len(written(RECORDS)))
    assert (damage.code, damage.record, damage.offset) == ("E_SHARD_SIZE", None, 92)


def test_a_shard_whose_checksums_all_hold_is_told_by_its_hash_alone(path):
    path.write_bytes(written(RECORDS))
    damage = find_damage(path.parent, path.name, len(RECORDS), len(written(RECORDS)))
    assert (damage.code, damage.record, damage.offset) == ("E_SHARD_HASH", None, None)


def test_an_index_is_read_no_further_than_its_records_could_fill_it(path):
    index = path.with_name(path.name + ".idx")
    index.write_bytes(b"0 21\n")
    os.truncate(index, 2**40)
    assert len(read_index_text(path.parent, path.name, 2)) == 81
    assert find_damage(path.parent, path.name, 2**10, 2**60).code == "E_SHARD_MISSING"
