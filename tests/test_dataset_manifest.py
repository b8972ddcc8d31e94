"""Manifest: its text, its totals, and its seal."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from manifests import EMPTY, MANIFEST, SHARD, sealed

from converter.dataset.parse import parse_manifest
from converter.errors import DataError


def test_channels_and_sizes_stand_in_the_text_as_a_reader_expects_them():
    split = json.loads(MANIFEST.to_json())["splits"]["train"]
    assert split["channels"] == {"mean": [1 / 3, 127.5, 255.0], "std": [0.1, 63.75, 0.0]}
    assert split["sizes"] == [[576, 720, 2], [720, 576, 1]]


def test_names_outside_ascii_stand_in_the_text_as_they_are():
    assert "Straße" in MANIFEST.to_json()


def test_a_manifest_sums_its_shards():
    split = MANIFEST.splits["train"]
    assert (split.records, split.bytes) == (3, 16)
    assert [shard.name for _, shard in MANIFEST.shards()] == [SHARD.name, EMPTY.name]
    assert (MANIFEST.num_classes, MANIFEST.class_names) == (2, ("ground", "Straße"))


def test_a_manifest_accounts_for_shards_indices_and_errors():
    names = [SHARD.name, f"{SHARD.name}.idx", EMPTY.name, f"{EMPTY.name}.idx"]
    assert MANIFEST.files() == [*names, "errors.jsonl"]
    assert dataclasses.replace(MANIFEST, errors_sha256=None).files() == names


def test_the_seal_is_the_hash_of_the_canonical_json_without_it():
    raw = json.loads(MANIFEST.to_json())
    seal = raw.pop("seal")
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert seal == hashlib.sha256(canonical.encode("ascii")).hexdigest()
    assert list(json.loads(MANIFEST.to_json()))[-1] == "seal"


def test_another_order_or_layout_of_the_same_content_keeps_the_seal():
    raw = json.loads(MANIFEST.to_json())
    assert parse_manifest(json.dumps(dict(reversed(raw.items()))), "m") == MANIFEST


def test_a_field_that_this_segconv_does_not_know_is_sealed_as_well():
    raw = json.loads(MANIFEST.to_json()) | {"later": [1]}
    assert parse_manifest(sealed(raw), "m") == MANIFEST
    with pytest.raises(DataError, match="its seal does not match its content"):
        parse_manifest(json.dumps(raw), "m")
