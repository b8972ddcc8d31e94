"""Models: sizes, parameters, and initial weights."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pkgutil import resolve_name

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import UsageError
from trainer.choices.encoders import PREPROCESSINGS
from trainer.config import MODEL_NAMES
from trainer.models import MODELS

pytestmark = NEEDS_TF

OWN_NAMES = tuple(name for name in MODEL_NAMES if not name.startswith("segformer"))
EACH_MODEL = [pytest.param(name, marks=() if MODELS[name].is_light else pytest.mark.slow) for name in OWN_NAMES]
SIZE = (45, 61)  # odd, and no multiple of any stride
# On features of 2 x 2, TensorFlow's CPU computes the gradient of a 7 x 7 kernel in bfloat16 from stray memory.
SIZES = {"fcn8s": (97, 101)}
CLASSES = 12
PARAMETERS = {
    "resnet50_segnet": 14_860_684,
    "segnet": 29_451_724,
    "unet": 31_050_124,
    "encoder_unet": 3_637_452,
    "unet_small": 1_768_060,
    "fcn8s": 134_318_948,
    "deeplabv3plus": 26_764_284,
    "mobilenetv3_unet": 1_253_660,
}


def deep_layers(model):
    return list(model._flatten_layers())


@pytest.fixture(scope="module")
def mixed():
    """Name -> model of 12 classes with mixed precision, each built once; the widest layers of fcn8s made narrow."""
    from trainer.backend import keras
    from trainer.models import fcn8s
    from trainer.models.build import build_model

    built = {}

    def build(name):
        if name not in built:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fcn8s, "FC_FILTERS", 8)
                keras.mixed_precision.set_global_policy("mixed_bfloat16")
                try:
                    built[name] = build_model(name, SIZES.get(name, SIZE), CLASSES)
                finally:
                    keras.mixed_precision.set_global_policy("float32")
        return built[name]

    return build


@pytest.mark.parametrize("name", EACH_MODEL)
def test_parameter_counts_are_those_of_the_docstrings(name, mixed):
    from trainer.models.build import build_model

    model = build_model(name, (32, 32), CLASSES) if name == "fcn8s" else mixed(name)
    assert model.count_params() == PARAMETERS[name]
    written = re.findall(r"([\d.]+) M parameters for 12 classes", resolve_name(MODELS[name].builder).__doc__)
    assert written == [f"{PARAMETERS[name] / 1e6:.2f}"]


@pytest.mark.parametrize("name", EACH_MODEL)
def test_logits_are_float32_of_the_size_of_the_image_in_mixed_precision(name, mixed):
    model = mixed(name)
    size = SIZES.get(name, SIZE)
    assert model.output_shape == (None, *size, CLASSES)
    logits = model(np.full((2, *size, 3), 255, np.float32))
    assert tuple(logits.shape) == (2, *size, CLASSES)
    assert logits.dtype == "float32"
    heads = [layer for layer in deep_layers(model) if layer.name.startswith("logits")]
    kinds = {type(layer).__name__: layer.compute_dtype for layer in heads}
    assert kinds.pop("Conv2D") == "bfloat16"  # over many channels; the logits alone are float32
    assert set(kinds.values()) == {"float32"}
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", EACH_MODEL)
def test_preprocessing_is_done_in_float32(name, mixed):
    """In bfloat16 a grey level near 255 is rounded to the next even one."""
    first = next(layer for layer in mixed(name).layers[1:] if layer.weights or layer.name in PREPROCESSINGS)
    assert first.compute_dtype == "float32"
    assert not first.weights


@pytest.mark.parametrize("name", EACH_MODEL)
def test_every_pixel_of_the_image_reaches_the_logits(name, mixed):
    """A crop from the wrong side would lose the last rows and columns."""
    from trainer.backend import tf

    image = tf.Variable(noise_image(SIZES.get(name, SIZE)))
    with tf.GradientTape() as tape:
        corner = tf.reduce_sum(mixed(name)(image)[0, -1, -1])
    gradient = tape.gradient(corner, image).numpy()[0]
    assert np.abs(gradient[-1, -1]).sum() > 0


@pytest.mark.parametrize("name", EACH_MODEL)
def test_a_saved_model_loads_safely_and_gives_the_same_logits(name, mixed, tmp_path):
    from trainer.models.load import load_model

    mixed(name).save(tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras")
    image = noise_image(SIZES.get(name, SIZE))
    np.testing.assert_array_equal(mixed(name)(image), loaded(image))


PLAIN_KERAS = """
import sys
sys.modules.update(trainer=None, converter=None)  # neither can be imported
import keras
import numpy as np

for name in sys.argv[1:]:
    model = keras.saving.load_model(f"{name}.keras", compile=False, safe_mode=True)
    np.save(f"{name}-logits.npy", model(np.load(f"{name}-image.npy")))
"""


@pytest.mark.slow
def test_every_saved_model_loads_in_plain_keras_and_gives_the_same_logits(mixed, tmp_path):
    from trainer.models.build import build_model

    models = {name: mixed(name) for name in OWN_NAMES}
    models |= {name: build_model("unet", SIZE, 2, encoder=name) for name in ("convnext_tiny", "efficientnetb0")}
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}-image.npy", noise_image(SIZES.get(name, SIZE)))
    command = [sys.executable, "-c", PLAIN_KERAS, *models]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for name, model in models.items():
        logits, image = (np.load(tmp_path / f"{name}-{what}.npy") for what in ("logits", "image"))
        np.testing.assert_array_equal(model(image), logits, err_msg=name)


@pytest.mark.parametrize("name", EACH_MODEL)
def test_a_step_in_mixed_precision_changes_the_weights(name, mixed):
    from trainer.backend import keras, tf

    model = mixed(name)
    size = SIZES.get(name, SIZE)
    truth = np.random.default_rng(1).integers(0, CLASSES, (2, *size))
    with tf.GradientTape() as tape:
        logits = model(np.concatenate([noise_image(size), noise_image(size, seed=1)]), training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True))
    gradients = tape.gradient(loss, model.trainable_weights)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    keras.optimizers.SGD(1.0).apply(gradients, model.trainable_weights)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    unchanged = sum(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    assert unchanged <= len(before) // 10  # a bias whose ReLU is 0 in both images


@pytest.mark.parametrize("name", EACH_MODEL)
def test_statistics_follow_a_small_dataset(name, mixed):
    from trainer.backend import keras

    layers = deep_layers(mixed(name))
    normalizations = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in normalizations} == (set() if name == "fcn8s" else {0.9})


@pytest.mark.parametrize("size", [(64, 64), (90, 70), (33, 31)])
def test_logits_have_the_size_of_any_image(size):
    from trainer.models.build import build_model

    model = build_model("unet_small", size, 3)
    assert model.output_shape == (None, *size, 3)
    assert tuple(model(np.zeros((2, *size, 3), np.float32)).shape) == (2, *size, 3)


def test_an_encoder_of_others_is_refused_by_models_that_take_none():
    from trainer.models.build import build_model

    for name in ("unet_small", "segnet", "segformer_b0", "my.nets:build"):
        with pytest.raises(UsageError, match=f"{name} takes none; only unet, encoder_unet, deeplabv3plus do"):
            build_model(name, (32, 32), 2, encoder="resnet50")


def test_weights_of_a_former_run_are_taken_over(tmp_path):
    from trainer.models.build import build_model

    former = build_model("unet_small", (32, 32), 3)
    former.save(tmp_path / "best.keras")
    best = str(tmp_path / "best.keras")
    model = build_model("unet_small", (64, 48), 3, weights=best)  # another size of input, same weights
    for ours, theirs in zip(model.get_weights(), former.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UsageError, match="does not fit unet: "):
        build_model("unet", (32, 32), 3, weights=best)


@pytest.mark.parametrize("weights", ["imagenet", "resnet50.h5"])
def test_a_model_without_an_encoder_names_those_that_have(weights):
    from trainer.models.build import build_model

    for name in ("unet_small", "my.nets:build"):
        with pytest.raises(UsageError, match="these models have one: resnet50_segnet, segnet, encoder_unet, fcn8s"):
            build_model(name, (32, 32), 2, weights=weights)
    with pytest.raises(UsageError, match="Pass --weights none, or for example --encoder resnet50"):
        build_model("unet", (32, 32), 2, weights=weights)
