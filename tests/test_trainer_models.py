"""Models: sizes, parameters, and files that load without trust."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError
from trainer.config import MODEL_NAMES

pytestmark = NEEDS_TF

PARAMETERS = {"resnet50_segnet": 14_860_684, "unet": 31_050_124, "unet_small": 1_768_060}  # for 12 classes
LAYER_OF_OTHERS = "keras.layers.Lambda(lambda x: x)"


def test_every_name_of_the_command_line_has_a_model():
    from trainer.models import MODELS, PRETRAINED

    assert tuple(MODELS) == MODEL_NAMES
    assert set(PRETRAINED) <= set(MODEL_NAMES)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_parameter_counts_are_those_of_the_docstrings(name):
    from trainer.models import MODELS, build_model

    model = build_model(name, (64, 64), 12)
    assert model.count_params() == PARAMETERS[name]
    assert f"{PARAMETERS[name] / 1e6:.2f} M parameters for 12 classes" in MODELS[name].__doc__


@pytest.mark.parametrize("size", [(64, 64), (90, 70), (33, 31)])
@pytest.mark.parametrize("name", ["resnet50_segnet", "unet_small"])
def test_logits_have_the_size_of_the_image(name, size):
    from trainer.models import build_model

    model = build_model(name, size, 3)
    assert model.output_shape == (None, *size, 3)
    logits = model(np.full((2, *size, 3), 255, np.float32))
    assert tuple(logits.shape) == (2, *size, 3)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("size", [(32, 32), (41, 23)])
def test_logits_of_unet_have_the_size_of_the_image(size):
    from trainer.models import build_model

    model = build_model("unet", size, 2)
    assert tuple(model(np.zeros((1, *size, 3), np.float32)).shape) == (1, *size, 2)


@pytest.mark.parametrize("name", ["resnet50_segnet", "unet_small"])
def test_every_pixel_of_the_image_reaches_the_logits(name):
    """A crop from the wrong side would lose the last rows and columns."""
    from trainer.backend import tf
    from trainer.models import build_model

    model = build_model(name, (41, 39), 2)
    image = tf.Variable(np.random.default_rng(0).uniform(0, 255, (1, 41, 39, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        corner = tf.reduce_sum(model(image)[0, -1, -1])
    gradient = tape.gradient(corner, image).numpy()[0]
    assert np.abs(gradient[-1, -1]).sum() > 0


def test_caffe_preprocessing_is_that_of_keras():
    from trainer.backend import keras
    from trainer.models.blocks import CaffePreprocessing

    image = np.random.default_rng(0).uniform(0, 255, (2, 5, 4, 3)).astype(np.float32)
    theirs = keras.applications.imagenet_utils.preprocess_input(image.copy(), mode="caffe")
    np.testing.assert_allclose(CaffePreprocessing()(image), theirs, atol=1e-4)


def test_encoder_statistics_follow_a_small_dataset():
    from trainer.backend import keras
    from trainer.models import MODELS

    for build in MODELS.values():
        layers = build((32, 32), 2)._flatten_layers()
        assert {layer.momentum for layer in layers if isinstance(layer, keras.layers.BatchNormalization)} == {0.9}


@pytest.mark.parametrize("name", ["resnet50_segnet", "unet_small"])
def test_a_saved_model_loads_safely_and_gives_the_same_logits(name, tmp_path):
    from trainer.models import build_model, load_model

    model = build_model(name, (50, 40), 3)
    model.save(tmp_path / "best.keras")
    image = np.random.default_rng(0).uniform(0, 255, (1, 50, 40, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(image), load_model(tmp_path / "best.keras")(image))


def test_weights_of_a_former_run_are_taken_over(tmp_path):
    from trainer.models import build_model

    former = build_model("unet_small", (32, 32), 3)
    former.save(tmp_path / "best.keras")
    model = build_model("unet_small", (64, 48), 3, str(tmp_path / "best.keras"))  # another size of input, same weights
    for ours, theirs in zip(model.get_weights(), former.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UsageError, match=r"does not fit unet_small: 2 of \d+ weights differ in shape"):
        build_model("unet_small", (32, 32), 4, str(tmp_path / "best.keras"))
    with pytest.raises(UsageError, match="does not fit resnet50_segnet"):
        build_model("resnet50_segnet", (32, 32), 3, str(tmp_path / "best.keras"))


def test_encoder_weights_come_from_a_file_of_keras(tmp_path):
    from trainer.backend import keras
    from trainer.models import build_model

    encoder = keras.applications.ResNet50(include_top=False, weights=None)
    encoder.save_weights(tmp_path / "resnet50.weights.h5")
    model = build_model("resnet50_segnet", (32, 32), 2, str(tmp_path / "resnet50.weights.h5"))
    for layer in ("conv1_conv", "conv4_block6_3_bn"):
        theirs = encoder.get_layer(layer).get_weights()
        for ours, wanted in zip(model.get_layer(layer).get_weights(), theirs, strict=True):
            np.testing.assert_array_equal(ours, wanted)


def test_a_file_with_other_weights_is_refused(tmp_path):
    from trainer.models import build_model

    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    with pytest.raises(UsageError, match="holds no weights of ResNet50 without its top"):
        build_model("resnet50_segnet", (32, 32), 2, str(tmp_path / "broken.h5"))
    with pytest.raises(UsageError, match="absent"):
        build_model("resnet50_segnet", (32, 32), 2, str(tmp_path / "absent.h5"))


def test_imagenet_without_a_network_says_where_to_put_the_file(tmp_path, monkeypatch):
    from keras.src.utils import file_utils

    from trainer.models import build_model

    def no_network(*_args: object, **_options: object) -> None:
        raise Exception("URL fetch failure on https://storage.example: None -- [Errno -3] name resolution")

    monkeypatch.setattr(file_utils, "get_file", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(MachineError) as caught:
        build_model("resnet50_segnet", (32, 32), 2, "imagenet")
    assert caught.value.exit_code == 4
    assert "URL fetch failure" in caught.value.what
    file = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"Put {file} into {tmp_path / 'models'}, or pass --weights" in caught.value.mend


@pytest.mark.parametrize("weights", ["imagenet", "resnet50.h5"])
def test_a_model_without_an_encoder_names_the_one_that_has(weights):
    from trainer.models import build_model

    with pytest.raises(UsageError, match="resnet50_segnet has"):
        build_model("unet_small", (32, 32), 2, weights)


def test_only_keras_files_are_loaded(tmp_path):
    from trainer.models import load_model

    for name in ("model.h5", "model.pkl", "saved_model"):
        (tmp_path / name).write_bytes(b"anything")
        with pytest.raises(UsageError, match=r"is no \.keras file"):
            load_model(tmp_path / name)
    with pytest.raises(UsageError, match="does not exist"):
        load_model(tmp_path / "absent.keras")


def test_a_damaged_model_is_an_error_of_one_line(tmp_path):
    from trainer.models import build_model, load_model

    model = build_model("unet_small", (32, 32), 2)
    model.save(tmp_path / "best.keras")
    whole = (tmp_path / "best.keras").read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "best.keras").write_bytes(damaged)
        with pytest.raises(DataError, match="cannot be loaded as a model") as caught:
            load_model(tmp_path / "best.keras")
        assert "\n" not in str(caught.value)


def test_a_model_with_code_inside_is_refused(tmp_path):
    from trainer.backend import keras
    from trainer.models import load_model

    image = keras.Input((4, 4, 3))
    model = keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image))
    buffer = io.BytesIO()
    model.save(tmp_path / "evil.keras")
    buffer.write((tmp_path / "evil.keras").read_bytes())
    assert zipfile.is_zipfile(buffer)
    with pytest.raises(DataError, match="cannot be loaded as a model"):
        load_model(tmp_path / "evil.keras")
