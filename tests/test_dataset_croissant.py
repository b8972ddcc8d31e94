"""Croissant: shards with their hashes, splits and classes, valid for MLCommons' own reader; keys of others stay."""

from __future__ import annotations

import json

import pytest
from manifests import MANIFEST, SHARD

from converter.dataset.croissant import croissant_text, describes, is_croissant

TEXT = croissant_text(MANIFEST)


def test_every_shard_is_listed_with_its_size_and_hash():
    files = {file["@id"]: file for file in json.loads(TEXT)["distribution"]}
    assert files.keys() == {shard.name for _, shard in MANIFEST.shards()}
    assert (files[SHARD.name]["sha256"], files[SHARD.name]["contentSize"]) == (SHARD.sha256, "16 B")


def test_classes_and_splits_are_tables_within():
    classes, splits = json.loads(TEXT)["recordSet"]
    assert classes["data"][1] == {"classes/index": 1, "classes/name": "Straße", "classes/color": "#1600FF"}
    assert splits["data"] == [{"splits/name": "train", "splits/pairs": 3}]


def test_keys_of_others_stay_and_ours_are_brought_up_to_date():
    before = json.loads(TEXT) | {"license": "https://example.org/by", "name": "old", "creator": {"name": "Ada"}}
    text = croissant_text(MANIFEST, json.dumps(before).encode())
    after = json.loads(text)
    assert (after["license"], after["creator"]) == ("https://example.org/by", {"name": "Ada"})
    assert after["name"] == "town"
    assert croissant_text(MANIFEST, text.encode()) == text


def test_what_it_describes_is_known():
    raw = json.loads(TEXT)
    assert describes(TEXT.encode(), MANIFEST)
    assert describes(json.dumps(raw | {"license": "x"}).encode(), MANIFEST)
    assert not describes(json.dumps(raw | {"description": "x"}).encode(), MANIFEST)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_cannot_be_brought_up_to_date(data):
    assert not is_croissant(data)
    assert not describes(data, MANIFEST)
