"""Dry run: every part runs once, and nothing is written."""

from __future__ import annotations

import re

import pytest
from trainer_fixtures import GREEDY, NEEDS_TF, SUBCLASSED, write_records

from converter.errors import MachineError, UsageError
from trainer.config import TrainConfig

pytestmark = NEEDS_TF


def test_a_dry_run_says_what_a_run_needs_and_writes_nothing(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [5], "val": [2]})
    text = dry_run(TrainConfig(model="unet_small", batch=2))
    assert "unet_small, 2 records of 32x32 per step, CPU, float32" in text
    rows = dict(re.findall(r"^  (\w+) +([\d.,]+) MB$", text, re.MULTILINE))
    assert list(rows)[-1] == "total"
    assert float(rows.pop("total")) == pytest.approx(sum(map(float, rows.values())), abs=0.5)
    assert re.search(r"^without validation, an epoch takes about [\d.]+ s and all 50 about \d+ s$", text, re.MULTILINE)
    assert "an epoch has 2 steps; nothing was written" in text
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_a_dry_run_for_a_time_says_how_many_epochs_fit_and_what_windows_take(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", (80, 90), (100, 60), records={"train": [5], "val": [3]})
    text = dry_run(TrainConfig(model="unet_small", batch=2, time="40s", crop="32x32"))
    epochs = int(re.search(r"^without validation, .* and all (\d+) about", text, re.MULTILINE)[1])
    assert epochs != TrainConfig.epochs
    assert "and in validation, with windows over whole records, of 100x90 at most and 1 at a time: " in text
    assert not (tmp_path / "runs").exists()


def test_what_a_model_hides_is_not_in_the_estimate_and_that_is_told(tmp_path, monkeypatch, caplog):
    from trainer.dry_run import dry_run

    (tmp_path / "subclassed.py").write_text(SUBCLASSED)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    dry_run(TrainConfig(model="subclassed:net", batch=2))
    assert "Of subclassed only input and output are in the estimate of the memory" in caplog.text


def test_a_custom_model_that_fails_is_one_line(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    (tmp_path / "failing_dry.py").write_text(GREEDY.replace("2**42", "-1"))
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    with pytest.raises(UsageError, match=r"^--model failing_dry:net: fails in a step"):
        dry_run(TrainConfig(model="failing_dry:net", batch=2))


def test_a_step_that_needs_too_much_memory_is_one_line_with_a_remedy(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    (tmp_path / "greedy.py").write_text(GREEDY)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    with pytest.raises(MachineError, match=r"out of memory with batches of 2\. Pass a smaller --batch") as caught:
        dry_run(TrainConfig(model="greedy:net", batch=2))
    assert caught.value.code == "E_MEMORY"
