"""Beam: the bytes of a local build from a pipeline on Beam's local runner."""

from __future__ import annotations

import functools

import pytest

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.engines.beam_engine import beam_engine
from converter.engines.nodes import needs_of
from converter.engines.supervise import supervise
from converter.errors import MachineError, UsageError
from tests.cluster_tasks import ROOT, check_blames_only_the_unit_that_kills, check_raises_what_a_task_raises, count
from tests.conftest import visible, write_dataset

pytest.importorskip("apache_beam", reason="needs segconv[beam]")
pytestmark = pytest.mark.filterwarnings("ignore")  # Beam's own


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ROOT)
    return functools.partial(beam_engine, options="", folder=tmp_path / "out", needs=needs_of())


def test_a_build_has_the_bytes_of_a_local_one(engine, tmp_path):
    write_dataset(tmp_path / "dataset", train=20, val=8)
    made = []
    for out in ("local", "out"):
        source = SourceConfig(tmp_path / "dataset")
        config = BuildConfig(source, tmp_path / out, "d", PairConfig(size=(24, 24)), shards=4, workers=2)
        build(config) if out == "local" else build(config, engine=engine)
        made.append(visible(tmp_path / out))
    assert made[0] == made[1]
    assert not [path for path in (tmp_path / "out").iterdir() if "beam" in path.name]


def test_results_and_units_come_back(engine):
    seen = []
    assert supervise(engine, count, [3, 0, 2], 2, seen.append) == [3, 0, 2]
    assert seen == [1, 2, 3, 4, 5]


def test_an_error_of_a_task_arrives_as_it_was_raised(engine):
    check_raises_what_a_task_raises(engine)


def test_the_unit_that_kills_its_process_is_blamed_and_no_other(engine):
    check_blames_only_the_unit_that_kills(engine, "signal 9")


def test_a_pipeline_that_cannot_run_is_one_line(engine):
    with pytest.raises(UsageError, match=r"--on: '--runner=NoSuchRunner' are no options of a Beam pipeline"):
        list(engine(count, [1], 1, options="--runner=NoSuchRunner"))


def test_a_worker_that_lacks_something_is_named(engine, tmp_path):
    with pytest.raises(UsageError, match=r"has no .*nowhere"):
        list(engine(count, [1], 1, needs=needs_of(tmp_path / "nowhere")))


def test_a_result_without_the_seal_of_the_run_is_not_unpickled(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("converter.engines.beam_engine.hmac.digest", lambda key, data, kind: b"\0" * 32)
    with pytest.raises(MachineError, match="a result is not of its workers"):
        list(engine(count, [1], 1))
