"""The training step: the loss uses the augmented mask; validation is not augmented."""

from __future__ import annotations

import numpy as np
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX
from trainer.choices.augments import AugmentConfig

FLIPS = AugmentConfig(flip_horizontal=True, flip_vertical=True)  # which move every pixel without interpolation

pytestmark = NEEDS_TF


def echo_net(num_classes: int):
    """A perfect model: its logits are highest for the class in channel 0 of the image."""
    from trainer.backend import keras

    image = keras.Input((4, 6, 3))
    red = image[..., :1]
    logits = keras.layers.Concatenate()([-keras.ops.square(red - index) for index in range(num_classes)])
    weights = keras.layers.Dense(num_classes, kernel_initializer="identity")  # so that there is something to train
    return keras.Model(image, weights(keras.ops.multiply(logits, 100.0)))


def coded_pairs(samples: int) -> dict[str, np.ndarray]:
    mask = np.random.default_rng(0).choice(np.array([0, 1, 2, IGNORE_INDEX], np.uint8), (samples, 4, 6))
    return {"image": np.repeat(np.where(mask == IGNORE_INDEX, 0, mask)[..., None], 3, axis=-1), "mask": mask}


def compiled(augment=None, net=None):
    from trainer.backend import keras
    from trainer.learning.losses import build_loss
    from trainer.learning.step import SegTrainer

    trainer = SegTrainer(echo_net(3) if net is None else net, 3, build_loss("crossentropy", 3), augment)
    trainer.compile(keras.optimizers.Adam(), jit_compile="auto")
    return trainer


def test_image_and_mask_agree_after_augmentation_in_the_step():
    from trainer.backend import tf
    from trainer.learning.augment import build_augment

    trainer = compiled(build_augment(FLIPS, seed=1))
    pairs = coded_pairs(32)
    batches = tf.data.Dataset.from_tensor_slices(pairs).batch(8).map(lambda pair: (pair,))
    logs = trainer.fit(batches, epochs=2, verbose=0, shuffle=False).history
    assert logs["pixel_accuracy"] == [1.0, 1.0]
    assert max(logs["loss"]) < 1e-5
    assert trainer.confusion.matrix().sum() == (pairs["mask"] != IGNORE_INDEX).sum()


def test_training_is_augmented_and_validation_is_not():
    from trainer.learning.augment import build_augment

    trainer = compiled(build_augment(FLIPS, seed=1))
    pairs = coded_pairs(16)
    assert (np.asarray(trainer(pairs, training=True)["mask"]) != pairs["mask"]).any()
    np.testing.assert_array_equal(trainer(pairs, training=False)["mask"], pairs["mask"])
    seed = trainer.augment.seed_generator.state.numpy().tolist()
    trainer.evaluate(pairs, verbose=0, batch_size=8)
    assert trainer.augment.seed_generator.state.numpy().tolist() == seed


def test_evaluation_counts_valid_pixels_and_gives_loss_and_accuracy():
    trainer = compiled()
    pairs = coded_pairs(5)
    logs = trainer.evaluate(pairs, verbose=0, batch_size=2, return_dict=True)
    assert set(logs) == {"loss", "pixel_accuracy", "finite_steps"}
    assert logs["pixel_accuracy"] == 1.0
    assert trainer.confusion.matrix().sum() == (pairs["mask"] != IGNORE_INDEX).sum()


def test_only_the_model_holds_weights_to_train():
    trainer = compiled()
    assert [id(v) for v in trainer.trainable_variables] == [id(v) for v in trainer.net.trainable_variables]


def test_class_maps_are_the_largest_logits_as_uint8():
    from trainer.learning.step import ClassMaps

    pairs = coded_pairs(3)
    maps = ClassMaps(echo_net(3)).predict_on_batch(pairs["image"])
    assert maps.dtype == np.uint8
    np.testing.assert_array_equal(maps, pairs["image"][..., 0])


def test_steps_before_the_first_bad_one_are_counted():
    from trainer.backend import tf

    pairs = coded_pairs(6)
    pairs["image"] = pairs["image"].astype(np.float32)
    pairs["image"][3] = np.nan  # in the second batch of two
    trainer = compiled()
    batches = tf.data.Dataset.from_tensor_slices(pairs).batch(2).map(lambda pair: (pair,))
    logs = trainer.evaluate(batches, verbose=0, return_dict=True)
    assert logs["finite_steps"] == 1.0
    assert np.isnan(logs["loss"])


def test_a_frozen_encoder_keeps_weights_and_statistics_while_the_rest_learns():
    from trainer.backend import keras
    from trainer.config import TrainConfig
    from trainer.learning.losses import build_loss
    from trainer.learning.optimizers import build_optimizer
    from trainer.learning.step import SegTrainer
    from trainer.models.build import build_model
    from trainer.models.frozen import encoder_in

    keras.utils.set_random_seed(0)
    net = build_model("encoder_unet", (32, 32), 2, weights="imagenet")
    trainer = SegTrainer(net, 2, build_loss("crossentropy", 2))
    inside = encoder_in(net)
    config = TrainConfig(optimizer="adamw", freeze=1, encoder_rate=0.5)
    trainer.compile(build_optimizer(config, 1, inside.trainable_variables), jit_compile="auto")
    trainer.optimizer.build(trainer.trainable_variables)
    variables = [id(variable) for variable in trainer.variables]
    rng = np.random.default_rng(0)
    pairs = {"image": rng.integers(0, 256, (2, 32, 32, 3), np.uint8), "mask": rng.integers(0, 2, (2, 32, 32), np.uint8)}
    ids = set(map(id, inside.variables))
    rest = [variable for variable in net.variables if id(variable) not in ids]

    def changed(is_frozen):
        before = [[variable.numpy().copy() for variable in group] for group in (inside.variables, rest)]
        trainer.freeze_encoder(is_frozen)
        for _ in range(2):
            trainer.fit(pairs, batch_size=2, epochs=1, verbose=0, shuffle=False)
        pairs_of = (zip(group, old, strict=True) for group, old in zip((inside.variables, rest), before, strict=True))
        return [np.mean([(variable.numpy() != old).any() for variable, old in group]) for group in pairs_of]

    assert changed(True) == [0, 1]
    assert [id(variable) for variable in trainer.variables] == variables
    assert changed(False) == [1, 1]


def test_penalties_of_the_nets_own_layers_are_in_the_loss():
    from trainer.backend import keras

    image = keras.Input((4, 6, 3))
    ones = keras.layers.Conv2D(
        3, 1, kernel_initializer="ones", bias_initializer="zeros", kernel_regularizer=keras.regularizers.L2(0.5)
    )
    net = keras.Model(image, ones(keras.ops.multiply(image, 0.0)))
    logs = compiled(net=net).evaluate(coded_pairs(2), verbose=0, return_dict=True)
    assert logs["loss"] == np.float32(np.log(3) + 0.5 * 9)  # three equal logits, and nine weights of 1
