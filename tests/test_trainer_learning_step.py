"""The training step: the loss uses the augmented mask; validation is not augmented."""

from __future__ import annotations

import numpy as np
import pytest
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


def test_the_confidence_of_a_class_map_is_the_highest_probability():
    from trainer.backend import keras
    from trainer.learning.step import ClassMaps

    pairs = coded_pairs(3)
    net = echo_net(3)
    indices, confidence = ClassMaps(net, has_confidence=True).predict_on_batch(pairs["image"])
    np.testing.assert_array_equal(indices, ClassMaps(net).predict_on_batch(pairs["image"]))
    logits = net.predict_on_batch(pairs["image"].astype(np.float32))
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits)).max(axis=-1)
    np.testing.assert_allclose(confidence, expected, rtol=1e-5)


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


def test_a_loss_that_is_not_finite_counts_where_all_logits_are_finite():
    from trainer.backend import keras, tf

    pairs = coded_pairs(6)
    pairs["mask"][4] = IGNORE_INDEX
    trainer = compiled()
    # The logarithm of how many pixels of the first record of a batch are valid: -inf in the third batch of two.
    trainer.loss_of = lambda mask, logits: (
        keras.ops.log(keras.ops.sum(keras.ops.cast(mask[0] != IGNORE_INDEX, "float32"))) + keras.ops.mean(0.0 * logits)
    )
    batches = tf.data.Dataset.from_tensor_slices(pairs).batch(2).map(lambda pair: (pair,))
    logs = trainer.fit(batches, verbose=0, shuffle=False).history
    assert logs["finite_steps"] == [2.0]
    assert np.isfinite(trainer.net(pairs["image"].astype(np.float32))).all()


def test_the_loss_of_an_auxiliary_head_is_added_with_its_weight_and_scores_are_those_of_the_model():
    from trainer.backend import keras
    from trainer.learning.losses import build_loss
    from trainer.learning.step import SegTrainer, StepOptions
    from trainer.models.auxiliary import at_coarse_pixels
    from trainer.models.build import build_model

    loss_of = build_loss("crossentropy", 3)
    rng = np.random.default_rng(0)
    pairs = {
        "image": rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8),
        "mask": rng.integers(0, 3, (2, 64, 64), dtype=np.uint8),
    }
    keras.utils.set_random_seed(0)
    trainer = SegTrainer(build_model("unet_small", (64, 64), 3), 3, loss_of, options=StepOptions(aux_loss=0.5))
    found = trainer(pairs, training=True)
    assert found["auxiliary"].shape == (2, 4, 4, 3)
    own, auxiliary = (
        loss_of(pairs["mask"], found["logits"]),
        loss_of(*at_coarse_pixels(pairs["mask"], found["auxiliary"])),
    )
    total = float(trainer.compute_loss(y_pred=found))
    assert total == pytest.approx(float(own) + 0.5 * float(auxiliary), rel=1e-6)
    assert set(trainer(pairs, training=False)) == {"logits", "mask"}
    assert float(trainer.compute_loss(y_pred=trainer(pairs, training=False))) != total
    trainable = {id(variable) for variable in trainer.trainable_variables}
    assert len(trainable) == len(trainer.trainable_variables) == len(trainer.net.trainable_variables) + 2


def fine_tuned(*, jit_compile: bool | str = "auto", aux_loss: float = 0.0):
    """A trainer of a small model with an encoder of two layers and a level behind it, and six pairs for it."""
    from trainer.backend import keras
    from trainer.config import TrainConfig
    from trainer.learning.losses import build_loss
    from trainer.learning.optimizers import build_optimizer
    from trainer.learning.step import SegTrainer, StepOptions
    from trainer.models.blocks import COARSEST

    def layers(x, filters):
        return keras.layers.BatchNormalization()(keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x))

    keras.utils.set_random_seed(0)
    inner, image = keras.Input((4, 6, 3)), keras.Input((4, 6, 3))
    encoder = keras.Model(inner, [layers(inner, 5)], name="resnet50")
    level = keras.layers.ReLU(name=COARSEST)(encoder(keras.layers.Rescaling(1 / 3)(image))[0])
    trainer = SegTrainer(
        keras.Model(image, layers(level, 3)), 3, build_loss("crossentropy", 3), options=StepOptions(aux_loss=aux_loss)
    )
    config = TrainConfig(optimizer="adamw", freeze=1, encoder_rate=0.5, clip_norm=1.0, warmup=1)
    trainer.compile(build_optimizer(config, 1, encoder.trainable_variables), jit_compile=jit_compile)
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer, coded_pairs(6)


@pytest.mark.parametrize("aux_loss", [0.0, 0.4])
def test_a_frozen_encoder_keeps_weights_and_statistics_while_the_rest_learns(aux_loss):
    from trainer.models.frozen import encoder_in

    trainer, pairs = fine_tuned(aux_loss=aux_loss)
    inside = encoder_in(trainer.net).variables
    # Of the trainer, what learns: not the counts.
    parts = (trainer.net, trainer.auxiliary) if aux_loss else (trainer.net,)
    rest = [variable for part in parts for variable in part.variables if id(variable) not in set(map(id, inside))]
    variables = [id(variable) for variable in trainer.variables]

    def changed(*, frozen: bool) -> list[set[bool]]:
        before = [[variable.numpy().copy() for variable in group] for group in (inside, rest)]
        trainer.freeze_encoder(frozen)
        trainer.fit(pairs, batch_size=2, epochs=1, verbose=0, shuffle=False)
        return [
            {bool((variable.numpy() != old).any()) for variable, old in zip(group, values, strict=True)}
            for group, values in zip((inside, rest), before, strict=True)
        ]

    assert changed(frozen=True) == [{False}, {True}]
    assert [id(variable) for variable in trainer.variables] == variables
    assert changed(frozen=False) == [{True}, {True}]
    assert changed(frozen=True) == [{False}, {True}]


def test_fine_tuning_with_xla_takes_the_steps_without_it():
    found = []
    for jit_compile in (True, False):
        trainer, pairs = fine_tuned(jit_compile=jit_compile)
        for frozen in (True, False):
            trainer.freeze_encoder(frozen)
            trainer.fit(pairs, batch_size=2, epochs=1, verbose=0, shuffle=False)
        found.append([variable.numpy() for variable in trainer.net.variables])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_penalties_of_the_nets_own_layers_are_in_the_loss():
    from trainer.backend import keras

    image = keras.Input((4, 6, 3))
    ones = keras.layers.Conv2D(
        3, 1, kernel_initializer="ones", bias_initializer="zeros", kernel_regularizer=keras.regularizers.L2(0.5)
    )
    net = keras.Model(image, ones(keras.ops.multiply(image, 0.0)))
    logs = compiled(net=net).evaluate(coded_pairs(2), verbose=0, return_dict=True)
    assert logs["loss"] == np.float32(np.log(3) + 0.5 * 9)  # three equal logits, and nine weights of 1


def of_a_recipe(config, *, jit_compile: bool):
    """Takes two steps and validates, and checks that both losses are finite."""
    from trainer.backend import tf
    from trainer.learning.augment import build_augment
    from trainer.learning.losses import build_loss
    from trainer.learning.optimizers import build_optimizer
    from trainer.learning.step import SegTrainer, StepOptions
    from trainer.models.build import build_model

    size, classes = (32, 48), 3
    options = StepOptions(config.ema, config.tta, config.aux_loss)
    trainer = SegTrainer(
        build_model("unet_small", size, classes),
        classes,
        build_loss(
            config.loss,
            classes,
            class_weights=np.array([1.0, 2.0, 3.0]),
            label_smoothing=config.label_smoothing,
            logit_adjustment=config.logit_adjustment,
        ),
        build_augment(config.strengths, 0, config.window),
        options=options,
    )
    trainer.compile(build_optimizer(config, 2), jit_compile=jit_compile)
    assert trainer.jit_compile == jit_compile  # where something cannot be compiled, Keras only warns
    rng = np.random.default_rng(5)
    image, mask = rng.integers(0, 256, (2, *size, 3), np.uint8), rng.integers(0, classes, (2, *size), np.uint8)
    batches = tf.data.Dataset.from_tensors(({"image": image, "mask": mask},)).repeat(2)
    scores = trainer.fit(batches, validation_data=batches, verbose=0, shuffle=False).history
    assert np.isfinite([scores["loss"], scores["val_loss"]]).all()


def test_penalties_of_activations_are_for_training_and_large_images_are_validated_with_them():
    """Windows of a large image are looked at within a loop, out of which no tensor of theirs may be used."""
    from trainer.backend import keras, tf

    image = keras.Input((8, 8, 3))
    ones = keras.layers.Conv2D(
        3,
        1,
        kernel_initializer="ones",
        bias_initializer="ones",
        activity_regularizer=keras.regularizers.L2(0.5),
    )
    trainer = compiled(net=keras.Model(image, ones(keras.ops.multiply(image, 0.0))))

    def batches(height: int, width: int):
        image, mask = np.ones((2, height, width, 3), np.uint8), np.zeros((2, height, width), np.uint8)
        return tf.data.Dataset.from_tensors(({"image": image, "mask": mask},))

    logs = trainer.fit(batches(8, 8), validation_data=batches(30, 40), epochs=1, verbose=0, shuffle=False).history
    np.testing.assert_allclose(
        logs["loss"], np.log(3) + 0.5 * 8 * 8 * 3, rtol=1e-5
    )  # per record: 64 pixels of three ones
    again = trainer.evaluate(batches(30, 40), verbose=0, return_dict=True)
    assert logs["val_loss"] == [again["loss"]]
    assert again["loss"] < 1.2


@pytest.mark.parametrize("name", ["default", "best"])
def test_a_recipe_compiles_with_xla_as_on_a_gpu(name):
    from trainer.config import of_recipe

    of_a_recipe(of_recipe(name), jit_compile=True)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_every_part_of_a_step_takes_16_bits_as_on_a_gpu(policy):
    from trainer.backend import keras
    from trainer.config import of_recipe

    config = of_recipe("best", augment="auto", ema=0.9, tta="scales", aux_loss=0.4, loss="crossentropy_lovasz")
    keras.config.set_dtype_policy(policy)
    try:
        of_a_recipe(config, jit_compile=False)
    finally:
        keras.config.set_dtype_policy("float32")


def test_no_step_has_int32_arrays_of_the_size_of_a_mask():
    """Without XLA, TensorFlow's int32 kernels for a GPU work in the memory of the host: each step would wait for it."""
    from trainer.backend import keras, tf
    from trainer.choices.augments import AUGMENTATIONS, AugmentConfig
    from trainer.choices.losses import LOSSES
    from trainer.config import of_recipe
    from trainer.learning.augment import build_augment
    from trainer.learning.losses import build_loss
    from trainer.learning.step import ClassMaps, SegTrainer, StepOptions
    from trainer.models.blocks import COARSEST

    size, classes = (64, 96), 3
    image = keras.Input((32, 48, 3))  # a window of the records
    net = keras.Model(image, keras.layers.Conv2D(classes, 1)(keras.layers.ReLU(name=COARSEST)(image)))
    batch = {"image": tf.TensorSpec((2, *size, 3), tf.uint8), "mask": tf.TensorSpec((2, *size), tf.uint8)}
    sizes = {"size": tf.TensorSpec((2, 2), tf.float32)}
    everything = AugmentConfig(**{name: True if row.highest is None else 0.5 for name, row in AUGMENTATIONS.items()})

    def graph_of(function, *specs):
        return tf.function(function, jit_compile=False, autograph=False).get_concrete_function(*specs).graph

    graphs = {"class maps": graph_of(ClassMaps(net, "scales", has_confidence=True).call, batch["image"])}
    for name, parts in LOSSES.items():
        weights = np.ones(classes) if parts.is_weighted else None
        loss = build_loss(name, classes, class_weights=weights)
        strengths = of_recipe("default").strengths if name == "crossentropy_dice" else everything
        augment = build_augment(strengths, 0, (32, 48))
        trainer = SegTrainer(net, classes, loss, augment, options=StepOptions(tta="scales", aux_loss=0.4))
        trainer.compile(keras.optimizers.Adam())
        graphs[name] = graph_of(lambda data, step=trainer.train_step: step((data,)), batch | sizes)
        graphs[f"validation, {name}"] = graph_of(lambda data, step=trainer.test_step: step((data,)), batch)
    for name, graph in graphs.items():
        large = [
            operation.type
            for operation in graph.get_operations()
            for tensor in operation.outputs
            # TopKV2 has a kernel for a GPU; it computes no int32, but returns it.
            if operation.type != "TopKV2"
            and tensor.dtype == tf.int32
            and (tensor.shape.num_elements() or 0) >= 2 * 32 * 48
        ]
        assert not large, (name, large)
