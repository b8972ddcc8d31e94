"""Failures: which error a user sees in place of the one that ended a step."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError
from trainer.config import TrainConfig

pytestmark = NEEDS_TF


def raised(error: Exception, *, model: str = "unet_small", num_workers: int = 1) -> Exception:
    from trainer.failures import step_errors

    setup = SimpleNamespace(config=TrainConfig(model=model), devices=SimpleNamespace(num_workers=num_workers))
    with pytest.raises(Exception) as caught, step_errors(setup):
        raise error
    return caught.value


def test_a_lack_of_memory_a_lost_worker_and_a_custom_model_are_told_apart():
    from trainer.backend import tf

    oom = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    lost = tf.errors.UnavailableError(None, None, "connection reset")
    other = ValueError("shapes differ")
    for error, facts, kind, code in (
        (oom, {"model": "own:net"}, MachineError, "E_MEMORY"),
        (lost, {"model": "own:net", "num_workers": 2}, MachineError, "E_WORKER"),
        (other, {"model": "own:net"}, UsageError, "E_MODEL"),
    ):
        found = raised(error, **facts)
        assert isinstance(found, kind)
        assert found.code == code


def test_a_fault_of_segconv_is_not_hidden_and_an_error_that_says_itself_what_to_do_stays():
    fault = ValueError("shapes differ")
    assert raised(fault) is fault
    damaged = DataError("shard", "has a wrong checksum", "Build it again.", "E_SHARD_CRC")
    assert raised(damaged, model="own:net") is damaged


def test_what_ended_the_input_is_raised_in_place_of_what_a_custom_model_seems_to_do():
    from trainer.backend import tf
    from trainer.failures import step_errors
    from trainer.input.failures import noted

    damaged = DataError("shard", "has a wrong checksum", "Build it again.", "E_SHARD_CRC")

    @noted
    def read() -> None:
        raise damaged

    setup = SimpleNamespace(config=TrainConfig(model="own:net"), devices=SimpleNamespace(num_workers=1))
    with pytest.raises(DataError) as caught, step_errors(setup):
        try:
            read()
        except DataError:  # of which TensorFlow keeps the text alone
            raise tf.errors.UnknownError(None, None, "has a wrong checksum") from None
    assert caught.value is damaged
