"""The folder of records: damaged, missing and empty splits are refused."""

from __future__ import annotations

import dataclasses

import pytest
from trainer_fixtures import NEEDS_TF, write_records

from converter.errors import DataError, UsageError

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, SIZE, records={"train": [7, 5, 4], "val": [3]})


def test_one_flipped_bit_is_found_before_tensorflow_reads(tmp_path):
    from trainer.input.records import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3], "val": [2]})
    path = tmp_path / "records" / manifest.splits["train"].shards[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_records(tmp_path / "records", ("train", "val"))
    assert caught.value.code == "E_SHARD_CRC"
    assert open_records(tmp_path / "records", ("val",)).name == "tiny"  # a shard that is not read is not checked


def test_an_absent_split_is_named_with_those_that_are_there(records):
    from trainer.input.records import open_records

    with pytest.raises(UsageError, match="has no split 'test', but 'train', 'val'"):
        open_records(records[0], ("test",))


def test_an_empty_split_is_refused(tmp_path):
    from trainer.input.records import open_records

    write_records(tmp_path / "records", records={"train": [3], "val": []})
    with pytest.raises(UsageError, match="split 'val' holds no records"):
        open_records(tmp_path / "records", ("train", "val"))


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    from trainer.input.records import open_records

    with pytest.raises(UsageError, match="segconv build --src"):
        open_records(tmp_path, ("train",))


def test_records_of_different_sizes_are_refused_without_windows(tmp_path):
    from trainer.input.records import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3]})
    text = dataclasses.replace(manifest, size=None).to_json()
    (tmp_path / "records/manifest.json").write_text(text)
    with pytest.raises(
        UsageError, match=r"records: records have no common size\. Build .* --size HEIGHTxWIDTH"
    ) as caught:
        open_records(tmp_path / "records", ("train",))
    assert caught.value.code == "E_SIZE"
    assert open_records(tmp_path / "records", ("train",), any_size=True).size is None
