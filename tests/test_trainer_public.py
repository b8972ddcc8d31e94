"""The public face of the trainer: what it exposes, what that costs, and its example."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest
from trainer_fixtures import IGNORE_KERAS_COPY, write_records

import trainer

HEAVY = {"numpy", "PIL", "keras", "tensorflow"}


def loaded(code: str) -> set[str]:
    """Returns which heavy packages a fresh process has loaded after some code."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split()) & HEAVY


def test_the_package_and_its_configs_load_nothing_heavy():
    assert loaded("import trainer") == set()
    assert loaded("from trainer import AUGMENTS, AugmentConfig, TrainConfig; TrainConfig()") == set()
    assert loaded("import trainer; dir(trainer), trainer.__all__") == set()
    assert loaded("from trainer.models import MODELS; import trainer.cli.train") == set()


def test_a_run_is_read_without_keras():
    assert loaded("from trainer import RunInfo, read_run") <= {"numpy", "PIL"}


@pytest.mark.tf
def test_every_public_name_is_the_object_of_its_home():
    from pkgutil import resolve_name

    assert set(trainer._HOMES) == set(trainer.__all__)
    for name, home in trainer._HOMES.items():
        value = getattr(trainer, name)
        assert value is resolve_name(f"{home}:{name}")
        assert value.__doc__


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'telepathy'"):
        _ = trainer.telepathy
    assert set(trainer.__all__) <= set(dir(trainer))


@pytest.mark.tf
@IGNORE_KERAS_COPY
def test_the_example_runs_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    result = doctest.testmod(trainer)
    assert result.attempted >= 7
    assert result.failed == 0
