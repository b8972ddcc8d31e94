"""Dry run: every part runs once, and nothing is written."""

from __future__ import annotations

import pytest
from trainer_fixtures import GREEDY, NEEDS_TF, write_records

from converter.errors import MachineError
from trainer.config import TrainConfig

pytestmark = NEEDS_TF


def test_a_dry_run_says_what_a_run_needs_and_writes_nothing(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [5], "val": [2]})
    text = dry_run(TrainConfig(model="unet_small", batch=2))
    assert "unet_small, 2 records of 32x32 per step, CPU, float32" in text
    assert "an epoch has 2 steps; nothing was written" in text
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_the_parts_of_the_memory_are_those_of_a_net_small_enough_to_count():
    from trainer.backend import keras
    from trainer.dry_run import memory_parts
    from trainer.learning.losses import build_loss
    from trainer.learning.step import SegTrainer

    image = keras.Input((4, 6, 3))
    net = keras.Model(image, keras.layers.Conv2D(2, 1)(image))  # 6 weights and 2 biases
    trainer = SegTrainer(net, 2, build_loss("crossentropy", 2))
    trainer.compile(keras.optimizers.SGD(momentum=0.9))
    trainer.optimizer.build(trainer.trainable_variables)
    parts = memory_parts(trainer, batch=5)
    assert (parts["weights"], parts["gradients"]) == (8 * 4, 8 * 4)
    assert parts["optimizer"] == 8 * 4 + 8 + 4  # momentum; the step number, int64; the learning rate
    assert parts["activations"] == 5 * 4 * 6 * (3 + 2) * 4


def test_a_step_that_needs_too_much_memory_is_one_line_with_a_remedy(tmp_path, monkeypatch):
    from trainer.dry_run import dry_run

    (tmp_path / "greedy.py").write_text(GREEDY)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    with pytest.raises(MachineError, match=r"out of memory with batches of 2\. Pass a smaller --batch") as caught:
        dry_run(TrainConfig(model="greedy:net", batch=2))
    assert caught.value.code == "E_MEMORY"
