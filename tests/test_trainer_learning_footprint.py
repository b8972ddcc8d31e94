"""Footprint: the parts of the memory, counted by hand."""

from __future__ import annotations

import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF

SIZE = (4, 6)
PIXELS = 4 * 6


def parts_of(net, *, batch: int = 5, loss: str = "crossentropy", augment=None, records=None) -> dict[str, int]:
    from trainer.backend import keras
    from trainer.learning.footprint import memory_parts
    from trainer.learning.losses import build_loss
    from trainer.learning.step import SegTrainer

    trainer = SegTrainer(net, 2, build_loss(loss, 2), augment)
    trainer.compile(keras.optimizers.SGD(momentum=0.9))
    trainer.optimizer.build(trainer.trainable_variables)
    return memory_parts(trainer, SIZE, batch, loss, records)


def kept(layers: list, inside: bool = False) -> int:
    """Bytes per image that the layers need for the backward pass; `inside` a model for images of any size."""
    from trainer.backend import keras
    from trainer.learning.footprint import calls_of, kept_bytes

    start = image = keras.Input((None, None, 3) if inside else (*SIZE, 3))
    for layer in layers:
        image = layer(image)
    net = keras.Model(start, image)
    if inside:
        outer = keras.Input((*SIZE, 3))
        net = keras.Model(outer, net(outer))
    return kept_bytes(list(calls_of(net, SIZE)))


def test_the_parts_are_those_of_a_net_small_enough_to_count():
    from trainer.backend import keras
    from trainer.choices.augments import AUGMENTS
    from trainer.learning.augment import build_augment

    image = keras.Input((*SIZE, 3))
    net = keras.Model(image, keras.layers.Conv2D(2, 1)(image))  # 6 weights and 2 biases
    parts = parts_of(net)
    assert (parts["weights"], parts["gradients"]) == (8 * 4, 8 * 4)
    assert parts["optimizer"] == 8 * 4 + 8 + 4  # momentum; the step number, int64; the learning rate
    assert parts["update"] == 3 * 6 * 4
    assert parts["activations"] == 5 * PIXELS * (3 + 2) * 4  # the image, and the gradient of the largest tensor
    assert parts["loss"] == 5 * PIXELS * 2 * 4 * 7
    assert parts["augmentation"] == 5 * PIXELS * 3 * 4
    assert parts["program"] == 10e6 + 2 * 1.3e6
    assert parts_of(net, loss="lovasz")["loss"] == 5 * PIXELS * 2 * 4 * 16.5
    augmented = parts_of(net, augment=build_augment(AUGMENTS["light"], 0))
    assert augmented["augmentation"] == 5 * PIXELS * 3 * 4 * 5.5
    windows = parts_of(net, augment=build_augment(AUGMENTS["light"], 0, SIZE), records=(30, 40))
    assert windows["augmentation"] == augmented["augmentation"] + 5 * 30 * 40 * 56


def test_windows_that_slide_over_records_take_memory_by_the_pixels_of_those():
    from trainer.learning.footprint import sliding_bytes

    assert sliding_bytes(5, (30, 40), 2) == 2 * 30 * 40 * (5 * 4 * 7.2 + 180)


@pytest.mark.parametrize("inside", [False, True])
def test_a_block_keeps_what_its_backward_pass_reads(inside):
    from trainer.backend import keras

    layers = keras.layers
    block = [layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()]
    # The image, the convolution's output and the ReLU's; that of the normalization is freed.
    assert kept(block, inside) == PIXELS * (3 + 8 + 8) * 4
    # What only passes values on keeps nothing, and two layers that need the same tensor hold it once.
    assert kept([*block, layers.UpSampling2D(), layers.Cropping2D(2)], inside) == PIXELS * (3 + 8 + 8) * 4
    # A pool needs its input, which the ReLU has kept, and its output, which the next convolution needs as well.
    pooled = kept([*block, layers.MaxPooling2D(), layers.Conv2D(2, 1)], inside)
    assert pooled == PIXELS * (3 + 8 + 8) * 4 + PIXELS // 4 * 8 * 4


def test_a_dilated_convolution_copies_its_input_with_a_border():
    from trainer.backend import keras

    plain = kept([keras.layers.Conv2D(8, 3, padding="same")])
    dilated = kept([keras.layers.Conv2D(8, 3, padding="same", dilation_rate=2)])
    assert dilated - plain == 2 * (8 * 10) * 3 * 4  # 4 + 2 * 2 by 6 + 2 * 2 pixels, and the gradient


def test_what_is_inside_a_subclassed_layer_or_model_is_counted():
    from trainer.backend import keras
    from trainer.learning.footprint import calls_of, hidden_in

    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.wide = layers.Conv2D(8, 1)
            self.relu = layers.ReLU()

        def call(self, image, training=False):
            return self.relu(self.wide(image))

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()
            self.head = layers.Conv2D(2, 1)

        def call(self, image):
            return self.head(self.block(image))

    assert kept([Block(), layers.Conv2D(2, 1)]) == PIXELS * (3 + 8) * 4
    net = Own()
    net(keras.Input((*SIZE, 3)))
    assert hidden_in(list(calls_of(net, SIZE))) == []
    assert parts_of(net)["activations"] == 5 * PIXELS * (3 + 8 + 8) * 4  # and the gradient of the largest tensor


def test_a_layer_that_hides_what_is_inside_counts_as_one_and_is_named():
    from trainer.backend import keras, tf
    from trainer.learning.footprint import calls_of, hidden_in

    class Hidden(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="hidden")
            self.wide = keras.layers.Conv2D(8, 1)

        def call(self, image):
            return tf.nn.relu(self.wide(image))

    assert kept([Hidden(), keras.layers.Conv2D(2, 1)]) == PIXELS * (3 + 8) * 4  # its input and its output
    image = keras.Input((*SIZE, 3))
    net = keras.Model(image, keras.layers.Conv2D(2, 1)(Hidden()(image)))
    assert hidden_in(list(calls_of(net, SIZE))) == ["hidden"]
