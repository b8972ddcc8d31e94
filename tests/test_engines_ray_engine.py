"""Ray: the bytes of a local build from a cluster of two nodes, whatever happens to one of them."""

from __future__ import annotations

import contextlib
import functools
import os

import pytest

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.engines.events import UnitDone
from converter.engines.nodes import needs_of
from converter.engines.ray_engine import ray_engine
from converter.engines.supervise import supervise
from converter.errors import UsageError
from tests.cluster_tasks import (
    ROOT,
    check_blames_only_the_unit_that_kills,
    check_raises_what_a_task_raises,
    count,
    refuse,
)
from tests.conftest import visible, write_dataset

ray = pytest.importorskip("ray", reason="needs segconv[ray]")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


@pytest.fixture(scope="module")
def cluster():
    """A cluster of a node for the command, without CPUs, and of two with one each; on this machine."""
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = ROOT  # of its processes

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    yield cluster, nodes
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def engine(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ray.shutdown()  # so that each test connects anew, and looks at the nodes
    return functools.partial(ray_engine, address=cluster[0].address, limit=0, needs=needs_of())


def config(tmp_path, out):
    source = SourceConfig(tmp_path / "dataset")
    return BuildConfig(source, tmp_path / out, "d", PairConfig(size=(24, 24)), shards=4, workers=2)


def test_a_node_that_vanishes_in_the_middle_changes_no_byte(cluster, engine, tmp_path):
    write_dataset(tmp_path / "dataset", train=40, val=8)
    build(config(tmp_path, "local"))
    removed = []

    def losing(function, tasks, workers):
        with contextlib.closing(engine(function, tasks, workers)) as events:
            for event in events:
                yield event
                if isinstance(event, UnitDone) and not removed:
                    removed.append(cluster[1].pop())
                    cluster[0].remove_node(removed[0], allow_graceful=False)

    build(config(tmp_path, "ray"), engine=losing)
    cluster[1].append(cluster[0].add_node(num_cpus=1))
    assert removed
    assert visible(tmp_path / "ray") == visible(tmp_path / "local")


def test_the_unit_that_kills_its_worker_is_blamed_and_no_other(engine):
    check_blames_only_the_unit_that_kills(engine, "its process ended")


def test_an_error_of_a_task_arrives_as_it_was_raised(engine):
    check_raises_what_a_task_raises(engine)


def test_a_node_that_has_vanished_before_work_starts_is_no_error(cluster, engine):
    cluster[0].remove_node(cluster[0].add_node(num_cpus=1), allow_graceful=False)
    assert supervise(engine, count, [3, 0], 2, lambda done: None) == [3, 0]


def test_a_node_that_lacks_something_is_named_before_work_starts(engine, tmp_path):
    needs = needs_of(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"cannot use \d of \d nodes: \S+ has no .*nowhere"):
        next(engine(refuse, ["pair"], 1, needs=needs))
