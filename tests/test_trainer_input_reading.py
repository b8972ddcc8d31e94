"""Reading: the shards hold as many records as the manifest says, and what happens to them in training is told."""

from __future__ import annotations

import dataclasses

import pytest
from trainer_fixtures import NEEDS_TF, write_records

from converter.errors import DataError

pytestmark = NEEDS_TF


def test_a_shard_with_another_number_of_records_than_its_manifest_says_is_refused(tmp_path, monkeypatch):
    from trainer.input import reading
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    manifest = write_records(tmp_path / "records", records={"train": [3]})
    monkeypatch.setattr(reading, "STORED_SHARE", 0.0)
    info = manifest.splits["train"]
    forged = dataclasses.replace(info, shards=(dataclasses.replace(info.shards[0], records=2),))
    manifest = dataclasses.replace(manifest, splits={"train": forged})
    with pytest.raises(DataError, match="does not hold the 2 records") as caught:
        train_batches(InputConfig(manifest, tmp_path / "records", "train", batch=1, cache="off"), seed=0, epochs=1)
    assert caught.value.code == "E_COUNTS"


@pytest.mark.parametrize(("missing", "code"), [(True, "E_SHARD_MISSING"), (False, "E_SHARD_CRC")])
def test_a_shard_that_is_damaged_while_it_is_read_is_named(tmp_path, monkeypatch, missing, code):
    from trainer.input import reading
    from trainer.input.batches import train_batches
    from trainer.input.failures import input_errors
    from trainer.input.reading import InputConfig

    manifest = write_records(tmp_path / "records", records={"train": [3, 3]})
    monkeypatch.setattr(reading, "STORED_SHARE", 0.0)
    config = InputConfig(manifest, tmp_path / "records", "train", batch=2, cache="off")
    batches = train_batches(config, seed=0, epochs=1)
    assert sum(1 for _ in batches.dataset) == 3
    path = tmp_path / "records" / manifest.splits["train"].shards[1].name
    data = path.read_bytes()
    path.unlink()
    if not missing:
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # the last byte of the checksum of its last record
    with pytest.raises(DataError, match="00001-of-00002: ") as caught, input_errors():
        list(batches.dataset)
    assert caught.value.code == code
    assert missing or "record 2: " in str(caught.value)


def test_the_largest_size_is_found_where_the_manifest_lists_none(tmp_path):
    from trainer.input.reading import InputConfig

    manifest = write_records(tmp_path / "records", (40, 70), (64, 33), (20, 90), records={"train": [4]}, listed=False)
    assert InputConfig(manifest, tmp_path / "records", "train", batch=2).size == (64, 90)
