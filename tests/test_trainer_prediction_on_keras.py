"""On Keras: logits are those of the model, and a device without memory is one line."""

from __future__ import annotations

import numpy as np
import pytest
from copying_model import COLORS, blocks, copying_run
from trainer_fixtures import NEEDS_TF

from converter.errors import MachineError
from trainer.run.info import read_run

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copying_run(tmp_path_factory.mktemp("keras"), "pad", (32, 48))


@pytest.mark.parametrize("tta", ["none", "flips"])
def test_logits_and_class_maps_are_those_of_the_model(run, tta):
    from trainer.prediction.on_keras import KerasNet

    mask = blocks((32, 48))
    net = KerasNet(run, read_run(run), tta)
    logits = net.logits(COLORS[mask][None])
    assert (logits.shape, logits.dtype) == ((1, 32, 48, 4), np.float32)
    np.testing.assert_array_equal(logits[0].argmax(axis=-1), mask)
    found = net.class_maps(COLORS[mask][None])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], mask)


def test_a_device_without_memory_is_one_line(run, monkeypatch):
    from trainer.prediction.on_keras import KerasNet, WindowLogits

    def exhausted(self, batch):
        raise RuntimeError("OOM when allocating tensor")

    monkeypatch.setattr(WindowLogits, "predict_on_batch", exhausted)
    with pytest.raises(MachineError, match="out of memory with batches of 2"):
        KerasNet(run, read_run(run), "none").logits(np.zeros((2, 32, 48, 3), np.uint8))
