"""Plan: names and seed alone decide the shard of a pair, and what cannot be built is refused here."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from builds import config
from conftest import visible, write_dataset
from made_pairs import CLASSES, REFS

from converter.building import plan
from converter.building.build import build
from converter.building.plan import plan_build, plan_shards
from converter.building.store import LocalStore
from converter.config import BuildConfig, SourceConfig
from converter.dataset.reader import RecordSource
from converter.errors import UsageError
from converter.sources.packed import PackedRefs
from converter.sources.refs import ExampleRef

STORE = LocalStore(Path("records"))


def test_a_missing_class_map_names_the_file(dataset, tmp_path):
    (dataset / "classes.csv").unlink()
    with pytest.raises(UsageError, match=r"classes\.csv: does not exist"):
        plan_build(config(dataset, tmp_path / "out"))


def test_limit_takes_some_pairs_of_each_split_whatever_the_order_of_the_lists(tmp_path):
    dataset = write_dataset(tmp_path / "d", train=5, val=3)
    build(config(dataset, tmp_path / "a", limit=2))
    assert [len(RecordSource(tmp_path / "a", split)) for split in ("train", "val")] == [2, 2]
    lines = (dataset / "train.txt").read_text().splitlines()
    (dataset / "train.txt").write_text("\n".join(reversed(lines)))
    build(config(dataset, tmp_path / "b", limit=2))
    assert visible(tmp_path / "a") == visible(tmp_path / "b")


def test_lists_and_class_map_that_are_links_out_of_the_source_are_refused(dataset, tmp_path):
    for name in ("val.txt", "classes.csv"):
        (dataset / name).rename(tmp_path / name)
        (dataset / name).symlink_to(tmp_path / name)
        with pytest.raises(UsageError, match="is a link out of the source folder"):
            build(config(dataset, tmp_path / "out"))
        (dataset / name).unlink()
        (tmp_path / name).rename(dataset / name)


def test_every_pair_is_in_one_shard_and_shards_differ_by_one_at_most():
    tasks = plan_shards("train", REFS, BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES, STORE)
    dealt = [ref for task in tasks for ref in task.refs]
    assert sorted(dealt, key=lambda ref: ref.line) == REFS
    assert {len(task.refs) for task in tasks} == {14, 15}
    assert (tasks[6].name, tasks[6].store) == ("d-train.tfrecord-00006-of-00007", STORE)


def test_never_more_shards_than_pairs():
    assert len(plan_shards("train", REFS[:3], BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES, STORE)) == 3


def test_more_shards_than_their_names_can_count_are_refused(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "MAX_SHARDS", 3)
    assert len(plan_build(config(dataset, tmp_path / "out", shards=1)).all_tasks) == 2
    with pytest.raises(UsageError, match="--shards: gives 4 shards, and a dataset has at most 3"):
        plan_build(config(dataset, tmp_path / "out", shards=2))


def test_to_plan_takes_less_than_150_bytes_a_pair(tmp_path):
    count = 50_000
    refs = (ExampleRef("train", f"jpg/{n:07}.jpg", f"png/{n:07}.png", "train.txt", n + 1) for n in range(count))
    wanted = BuildConfig(SourceConfig(tmp_path), tmp_path / "out")
    tracemalloc.start()
    tasks = plan_shards("train", PackedRefs(refs), wanted, CLASSES, STORE)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(task.refs) for task in tasks) == count
    assert kept / count < 80
    assert peak / count < 150
