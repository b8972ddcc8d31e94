"""Scan: one shard is read completely, or up to its first problem."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builds import config

from converter.building.build import build
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.dataset.store import LocalFolder
from converter.schema import IGNORE_INDEX, INDEX_SUFFIX
from converter.verifying.scan import ShardCheck, ShardFacts, check_shard


@pytest.fixture
def manifest(dataset, tmp_path) -> Manifest:
    build(config(dataset, tmp_path / "records", shards=1))
    return read_manifest(tmp_path / "records")


def scanned(folder: Path, manifest: Manifest, **options: object) -> ShardFacts:
    check = ShardCheck(LocalFolder(folder / "records"), manifest.splits["train"].shards[0], (24, 24), 3, decode=True)
    ticks: list[None] = []
    facts = check_shard(dataclasses.replace(check, **options), lambda: ticks.append(None))  # type: ignore[arg-type]
    assert len(ticks) == facts.records
    return facts


def test_a_whole_shard_is_counted_pixel_by_pixel(manifest, tmp_path):
    facts = scanned(tmp_path, manifest, wanted=None)
    masks = [record.mask for record in RecordSource(tmp_path / "records", "train")]
    assert (facts.problem, facts.index_problem, facts.index) == (None, None, None)
    assert facts.records == len(masks) == 6
    assert facts.pixels == [sum(int(np.sum(mask == index)) for mask in masks) for index in range(3)]
    assert facts.images == [sum(bool((mask == index).any()) for mask in masks) for index in range(3)]
    assert facts.ignored_pixels == sum(int(np.sum(mask == IGNORE_INDEX)) for mask in masks)
    assert [number for number, *_ in facts.stored] == list(range(6))
    assert sorted(key[0] for *_, key in facts.stored) == [f"jpg/p{number}.jpg" for number in range(6)]


def test_only_the_pairs_that_are_wanted_are_named(manifest, tmp_path):
    assert scanned(tmp_path, manifest).stored == []
    assert [number for number, *_ in scanned(tmp_path, manifest, wanted=frozenset({1, 4})).stored] == [1, 4]


def test_what_has_the_right_hash_is_not_decoded_unless_it_is_asked_for(manifest, tmp_path):
    facts = scanned(tmp_path, manifest, decode=False, num_classes=1, fatal=(0, "signal 11"))
    assert (facts.problem, facts.index_problem, facts.records, facts.pixels) == (None, None, 6, [0])
    assert facts.example_bytes == scanned(tmp_path, manifest).example_bytes > 0


@pytest.mark.parametrize(
    ("options", "code"),
    [({"size": (24, 25)}, "E_SIZE"), ({"num_classes": 2}, "E_MASK_VALUE"), ({"fatal": (0, "signal 11")}, "E_RECORD")],
)
def test_what_contradicts_the_manifest_is_the_first_fault(manifest, tmp_path, options, code):
    facts = scanned(tmp_path, manifest, **options)
    assert facts.problem is not None
    assert (facts.problem.code, facts.records) == (code, 0)


def test_the_index_of_a_whole_shard_is_made_again_where_that_beside_it_is_wrong(manifest, tmp_path):
    index = tmp_path / "records" / f"{manifest.splits['train'].shards[0].name}{INDEX_SUFFIX}"
    text = index.read_text()
    index.write_text(text.replace("0 ", "1 ", 1))
    facts = scanned(tmp_path, manifest)
    assert facts.problem is None
    assert facts.index_problem is not None
    assert "of record 0, its shard says" in str(facts.index_problem)
    assert facts.index == text
    index.unlink()
    assert scanned(tmp_path, manifest).index == text
