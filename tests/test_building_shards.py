"""Shards: one task writes one complete shard, or says why not."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import write_dataset
from made_pairs import CLASSES

from converter.building.plan import plan_shards
from converter.building.shards import run_shard_task
from converter.building.store import LocalStore
from converter.config import BuildConfig, SourceConfig
from converter.errors import MachineError
from converter.sources.refs import ExampleRef


def test_a_shard_that_cannot_be_written_is_a_fault_of_the_machine(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    refs = [ExampleRef("train", "jpg/p0.jpg", "png/m0.png", "train.txt", 1)]
    (task,) = plan_shards(
        "train", refs, BuildConfig(SourceConfig(dataset), tmp_path), CLASSES, LocalStore(tmp_path / "gone")
    )
    with pytest.raises(MachineError, match="No such file or directory"):
        run_shard_task(task, lambda: None)


def test_ticks_once_for_each_pair_good_or_bad(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    (dataset / "jpg/p1.jpg").unlink()
    refs = [ExampleRef("train", f"jpg/p{n}.jpg", f"png/m{n}.png", "train.txt", n + 1) for n in range(3)]
    (task,) = plan_shards("train", refs, BuildConfig(SourceConfig(dataset), tmp_path), CLASSES, LocalStore(tmp_path))
    ticks: list[int] = []
    result = run_shard_task(task, lambda: ticks.append(1))
    assert (len(ticks), result.info.records, [r.line for r in result.rejects(task)]) == (3, 2, [2])
    assert np.sum(result.tally.pixels) + result.tally.ignored_pixels == 2 * 512 * 512
    assert result.tally.sizes == {(20, 30): 2}
