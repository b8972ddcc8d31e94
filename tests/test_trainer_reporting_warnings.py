"""Warnings of a run: each is there where it must be, and only there."""

from __future__ import annotations

import dataclasses
import math

import pytest
from scored_runs import counts_of, write_evaluation, write_run

from trainer.reporting.gather import gather
from trainer.reporting.warnings import warnings_of


@pytest.fixture
def facts(tmp_path):
    run = write_run(tmp_path)
    write_evaluation(run, counts_of(1))
    return dataclasses.replace(gather(run), log=(), records="")


def texts(facts) -> str:
    return "\n".join(f"{each.what} {each.fix}" for each in warnings_of(facts))


def test_a_good_run_has_none(facts):
    assert texts(facts) == ""


def changed(facts, **scores):
    (first, *rest) = facts.scored.classes
    classes = (dataclasses.replace(first, **scores), *rest)
    return dataclasses.replace(facts, scored=dataclasses.replace(facts.scored, classes=classes))


def row(facts, number, **values):
    rows = [dict(each) for each in facts.epochs]
    rows[number].update(values)
    return dataclasses.replace(facts, epochs=rows)


def config(facts, **values):
    info = dataclasses.replace(facts.info, config=dataclasses.replace(facts.info.config, **values))
    return dataclasses.replace(facts, info=info)


CASES = {
    "has no pixel of: road": lambda facts: changed(facts, iou=math.nan, pixels=0),
    "Never recognised: road": lambda facts: changed(facts, recall=0.0),
    "earlier model": lambda facts: dataclasses.replace(facts, is_current=False),
    "older version": lambda facts: dataclasses.replace(facts, scored=dataclasses.replace(facts.scored, model="")),
    "The last epoch, 3, is the best": lambda facts: row(facts, 2, val_miou=0.9, miou=0.9),
    "30 points higher": lambda facts: row(facts, 1, miou=0.75),
    "50% of the training time": lambda facts: row(facts, 1, input_wait=1.46),
    "3 of 9 epochs are done": lambda facts: config(facts, epochs=9),
    "memorised a few records": lambda facts: config(facts, overfit=4),
    "Records /": lambda facts: dataclasses.replace(facts, records="They were rebuilt since."),
    "While training: x": lambda facts: dataclasses.replace(facts, log=("Warning: x", "Warning: x", "y")),
}


@pytest.mark.parametrize("expected", CASES)
def test_what_may_mislead_a_reader_is_said_once(facts, expected):
    found = texts(CASES[expected](facts))
    assert found.count(expected) == 1
    assert found.count("\n") == 0


def test_a_run_that_stopped_early_has_ended(facts):
    stopped = config(facts, epochs=9)
    stopped = dataclasses.replace(stopped, log=("No progress: training stops after epoch 3.",))
    assert texts(stopped) == ""
