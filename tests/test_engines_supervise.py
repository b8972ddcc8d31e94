"""Supervise: the same results and the same blame on any engine, from its events alone."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from converter.building.build import build
from converter.checking.survey import survey
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.engines.events import Begun, Finished, Lost, UnitDone
from converter.engines.local import local, local_forked
from converter.engines.supervise import supervise
from converter.errors import MachineError
from converter.sources.layouts.find import find_layout
from tests import other_engine
from tests.cluster_tasks import check_blames_only_the_unit_that_kills, check_raises_what_a_task_raises
from tests.conftest import visible, write_dataset

ENGINES = {"local": local, "threads": other_engine.threads, "processes": other_engine.processes}


def scripted(*runs):
    """Returns an engine that replays one list of events per call, and the tasks that it got."""
    given = []

    def engine(function, tasks, workers):
        given.append((list(tasks), workers))
        yield from runs[len(given) - 1]

    return engine, given


def test_results_come_in_the_order_of_the_tasks_whatever_the_order_of_the_events():
    seen = []
    engine, _ = scripted(
        [Begun(1), Begun(0), UnitDone(1), UnitDone(0), UnitDone(1), Finished(1, "b"), Finished(0, "a")]
    )
    assert supervise(engine, None, ["x", "y"], 2, seen.append) == ["a", "b"]
    assert seen == [1, 2, 3]


def test_what_was_in_work_when_a_worker_was_lost_is_tried_alone_and_the_rest_after_that():
    engine, given = scripted(
        [Begun(0), Begun(1), UnitDone(1), Lost("one of several")],
        [Begun(0), UnitDone(0), Finished(0, "a")],
        [Begun(0), UnitDone(0), Finished(0, "b")],
        [Begun(0), UnitDone(0), Finished(0, "c")],
    )
    seen = []
    assert supervise(engine, None, ["x", "y", "z"], 2, seen.append) == ["a", "b", "c"]
    assert given == [(["x", "y", "z"], 2), (["x"], 2), (["y"], 2), (["z"], 2)]
    assert seen == [1, 2, 2, 3]  # a unit of a restarted task counts once


def test_a_unit_at_which_a_task_alone_loses_its_second_worker_is_dropped():
    engine, given = scripted(
        [Begun(0), UnitDone(0), Lost("one of several")],
        [Begun(0), UnitDone(0), Lost("signal 9")],
        [Begun(0), UnitDone(0), UnitDone(0), Finished(0, "done")],
    )
    dropped = []

    def without(task, unit, how):
        dropped.append((task, unit, how))
        return f"{task} less {unit}"

    assert supervise(engine, None, ["x"], 1, lambda done: None, without) == ["done"]
    assert dropped == [("x", 1, "signal 9")]
    assert [tasks for tasks, _ in given] == [["x"], ["x"], ["x less 1"]]


def test_a_task_that_loses_one_worker_is_tried_again_and_costs_nothing():
    engine, given = scripted([Begun(0), UnitDone(0), Lost("signal 9")], [Begun(0), UnitDone(0), Finished(0, "done")])
    assert supervise(engine, None, ["x"], 1, lambda done: None) == ["done"]
    assert given == [(["x"], 1)] * 2


def test_without_a_way_to_leave_a_unit_out_two_lost_workers_are_the_machines_fault():
    engine, given = scripted(*[[Begun(0), UnitDone(0), Lost("signal 9")]] * 3)
    with pytest.raises(MachineError, match=r"was killed or crashed \(signal 9\)") as caught:
        supervise(engine, None, ["x"], 1, lambda done: None)
    assert (caught.value.exit_code, caught.value.code, len(given)) == (4, "E_WORKER", 2)


def test_workers_that_are_lost_at_another_unit_each_time_are_the_machines_fault_and_no_units():
    def must_not(task, unit, how):
        raise AssertionError(unit)

    engine, given = scripted(*[[Begun(0), *[UnitDone(0)] * units, Lost("signal 9")] for units in range(4)])
    with pytest.raises(MachineError, match="the usual reason is too little memory"):
        supervise(engine, None, ["x"], 1, lambda done: None, must_not)
    assert len(given) == 3


def test_workers_that_are_lost_with_nothing_in_work_are_the_machines_fault():
    engine, given = scripted(*[[Lost("exit code 1")]] * 3)
    with pytest.raises(MachineError, match=r"exit code 1") as caught:
        supervise(engine, None, ["x"], 1, lambda done: None)
    assert (caught.value.code, len(given)) == ("E_WORKER", 3)


def test_an_engine_is_closed_when_what_shows_the_progress_fails():
    closed = []

    def told():
        try:
            yield from [Begun(0), UnitDone(0), UnitDone(0)]
        finally:
            closed.append(True)

    def fail(done):
        raise KeyboardInterrupt

    events = told()  # referenced here: only supervise closes it
    with pytest.raises(KeyboardInterrupt):
        supervise(lambda *_: events, None, ["x"], 1, fail)
    assert closed == [True]


def test_the_second_engine_has_at_most_twenty_lines():
    assert len(inspect.getsource(other_engine.on_executor).splitlines()) <= 20


@pytest.mark.parametrize("name", ["local", "processes"])
def test_every_engine_gets_the_same_units_blamed(name):
    check_blames_only_the_unit_that_kills(ENGINES[name], "signal 9")


@pytest.mark.parametrize("name", ENGINES)
def test_on_every_engine_an_error_of_a_task_arrives_as_it_was_raised(name):
    check_raises_what_a_task_raises(ENGINES[name])


def test_a_build_gives_the_same_bytes_on_every_engine(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    for name, engine in ENGINES.items():
        pair = PairConfig(size=(24, 24))
        build(BuildConfig(SourceConfig(dataset), tmp_path / name, "d", pair, shards=2, workers=2), engine=engine)
    expected = visible(tmp_path / "local")
    assert len(expected) == 13
    assert {name: visible(tmp_path / name) == expected for name in ENGINES} == dict.fromkeys(ENGINES, True)


POISON = """
import os, signal, sys
from pathlib import Path
from converter.building import tiles

true = tiles.make_record


def make_record(ref, *arguments):
    if ref.image == "jpg/p2.jpg":
        os.kill(os.getpid(), signal.SIGKILL)
    return true(ref, *arguments)


tiles.make_record = make_record
if __name__ == "__main__":
    from converter.building.build import build
    from converter.config import BuildConfig, PairConfig, SourceConfig
    from tests.other_engine import processes

    pair = PairConfig(size=(24, 24))
    config = BuildConfig(SourceConfig(Path("dataset")), pair=pair, shards=2, workers=2, on_error="skip", max_bad=50)
    for reject in build(config, engine=processes).rejects:
        print(reject)
"""


def test_a_pair_that_kills_its_worker_is_blamed_on_the_second_engine_in_the_same_words(dataset, tmp_path):
    (tmp_path / "poisoned.py").write_text(POISON)
    root = str(Path(__file__).parent.parent)
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": root}, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "poisoned.py"], timeout=100, **options)
    assert done.stdout == (
        "train.txt:3: jpg/p2.jpg: crashed the worker process twice (signal 9). "
        "Check the image and the mask, save them again, or remove the pair from the list.\n"
    ), done.stderr


def test_a_survey_tells_the_same_on_every_engine(dataset):
    source = SourceConfig(dataset)
    refs = [ref for refs in find_layout(source).refs.values() for ref in refs]
    told = [survey(refs, source, 2, lambda done: None, engine=engine) for engine in (local_forked, *ENGINES.values())]
    assert all(facts == told[0] for facts in told)
