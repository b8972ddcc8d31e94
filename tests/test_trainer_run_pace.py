"""Pace: durations, and lines at the right moments."""

from __future__ import annotations

import logging

import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def lines(caplog, *, step_seconds: float, steps: int, epochs: int = 50, has_bar: bool = False) -> list[str]:
    """What is logged in the first epoch, whose first step is compiled for 20 s."""
    from trainer.run.pace import Pace

    now = [0.0]
    pace = Pace(8, has_bar=has_bar, clock=lambda: now[0])
    pace.set_params({"epochs": epochs, "steps": steps})
    with caplog.at_level(logging.INFO):
        pace.on_epoch_begin(0)
        for step in range(steps):
            now[0] += 20 if step == 0 else step_seconds
            pace.on_train_batch_end(step)
    return [record.getMessage() for record in caplog.records]


def test_a_slow_run_says_its_length_after_the_second_step_and_then_where_it_is(caplog):
    found = lines(caplog, step_seconds=13.0, steps=6)
    assert found == [
        "Without validation, an epoch takes about 78 s and all 50 about 65 min, at 0.615 images/s.",
        "epoch 1/50: step 4 of 6, 0.615 images/s, 26 s left",
    ]


def test_a_bar_needs_no_lines_and_a_short_run_no_word(caplog):
    assert len(lines(caplog, step_seconds=13.0, steps=6, has_bar=True)) == 1
    caplog.clear()
    assert lines(caplog, step_seconds=0.01, steps=400, epochs=2) == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "0 s"), (0.42, "0.4 s"), (45, "45 s"), (720, "12 min"), (29880, "8.3 h")]
)
def test_a_duration_has_one_unit(seconds, told):
    from trainer.run.pace import duration

    assert duration(seconds) == told
