"""Encoders: their features, preprocessing and published weights."""

from __future__ import annotations

from pkgutil import resolve_name

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import MachineError, UsageError
from trainer.choices.encoders import ENCODERS, PREPROCESSINGS
from trainer.config import ENCODER_NAMES
from trainer.models import TAKES_ENCODER

pytestmark = NEEDS_TF

SLOW = pytest.mark.slow
LIGHT = ("mobilenetv2", "efficientnet_lite0")
KERAS_NAMES = tuple(name for name in ENCODER_NAMES if ENCODERS[name].package is None)


@pytest.fixture(scope="module")
def networks():
    """Name -> (encoder of Keras as it would come with ImageNet's weights, the file that Keras asks for), built once."""
    from keras.src.utils import file_utils

    from trainer.backend import keras
    from trainer.models.encoders import load_network

    built = {}

    def build(name):
        if name not in built:
            files = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(file_utils, "get_file", lambda file, *_arguments, **_options: files.append(file))
                patch.setattr(keras.Model, "load_weights", lambda *_arguments: None)
                built[name] = load_network(name, "imagenet"), files
        return built[name]

    return build


@pytest.mark.parametrize("name", KERAS_NAMES)
def test_keras_asks_for_the_file_that_the_message_names(name, networks):
    assert networks(name)[1] == [ENCODERS[name].weights_file]


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in LIGHT else SLOW) for name in ENCODER_NAMES])
def test_every_encoder_works_with_every_model_that_takes_one(name, networks, monkeypatch):
    from trainer.models import encoders
    from trainer.models.build import build_model

    monkeypatch.setattr(encoders, "load_network", lambda name, _weights: networks(name)[0])
    nets = [build_model(model, (33, 40), 3, encoder=name) for model in TAKES_ENCODER]
    for net in nets:
        assert net.output_shape == (None, 33, 40, 3)
        assert networks(name)[0].count_params() - 7 <= net.get_layer(name).count_params()  # 7: a Normalization left out
    if name not in ("resnet101", "efficientnetb3", "convnext_tiny"):  # long; and ConvNeXt is run by the next test
        assert np.isfinite(nets[0](noise_image((33, 40)))).all()


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("mobilenetv2", 1),
        ("efficientnet_lite0", 1),
        *(pytest.param(name, 0, marks=SLOW) for name in ("vgg16", "resnet50", "convnext_tiny")),
    ],
)
def test_a_dilated_encoder_computes_what_it_did_and_the_places_between(name, offset, networks, monkeypatch):
    """Where a stride is left out and what follows is spread, every second pixel is that of the network before."""
    from trainer.backend import keras
    from trainer.models import encoders

    monkeypatch.setattr(encoders, "load_network", lambda name, _weights: networks(name)[0])
    image = keras.Input((64, 96, 3))
    (before,), (dilated,) = (
        keras.Model(image, encoders.build_encoder(name, image, None, **options))(noise_image((64, 96)))
        for options in ({"strides": (32,)}, {"strides": (16,), "dilated": True})
    )
    assert np.shape(dilated)[-3:-1] == (4, 6)
    every_second = np.array(dilated)[..., offset::2, offset::2, :]
    np.testing.assert_allclose(every_second, before, rtol=1e-4, atol=1e-6 * np.abs(before).max())


@pytest.mark.parametrize("name", KERAS_NAMES)
def test_preprocessing_is_that_of_keras(name):
    """Of those that have their own inside: up to their first convolution."""
    from trainer.backend import keras

    image = noise_image((32, 32))
    entry = ENCODERS[name]
    utils = keras.applications.imagenet_utils
    first = {"mobilenetv3small": "conv", "efficientnetv2b0": "stem_conv", "convnext_tiny": "convnext_tiny_stem"}
    if name in first:
        network = resolve_name(entry.builder)(include_top=False, weights=None, input_shape=(32, 32, 3))
        wanted = keras.Model(network.input, network.get_layer(first[name]).input)(image)
    elif name in ("efficientnetb0", "efficientnetb3"):  # their statistics come with the weights
        wanted = utils.preprocess_input(image.copy(), mode="torch")
    else:
        wanted = utils.preprocess_input(image.copy(), mode="tf" if name.startswith("mobilenet") else "caffe")
    np.testing.assert_allclose(
        resolve_name(PREPROCESSINGS[entry.preprocessing].layer)(keras.ops.convert_to_tensor(image)),
        wanted,
        rtol=1e-4,
        atol=1e-4,
    )


def test_encoder_weights_come_from_a_file_of_keras(networks, tmp_path):
    from trainer.models.build import build_model

    network, _ = networks("mobilenetv2")
    network.save_weights(tmp_path / "encoder.weights.h5")
    model = build_model("unet", (32, 32), 2, encoder="mobilenetv2", weights=str(tmp_path / "encoder.weights.h5"))
    ours, theirs = (source.get_weights() for source in (model.get_layer("mobilenetv2"), network))
    assert len(ours) == len(theirs) > 200
    assert all(np.array_equal(kernel, wanted) for kernel, wanted in zip(ours, theirs, strict=True))


def test_a_file_with_other_weights_is_refused(tmp_path, networks):
    from trainer.models.build import build_model

    networks("vgg16")[0].save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    for name in ("broken.h5", "other.weights.h5"):
        with pytest.raises(UsageError, match="holds no weights of MobileNetV3Small without its top") as caught:
            build_model("mobilenetv3_unet", (32, 32), 2, weights=str(tmp_path / name))
        assert "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5" in caught.value.fix
    with pytest.raises(UsageError, match=r"absent\.h5: does not exist"):
        build_model("mobilenetv3_unet", (32, 32), 2, weights=str(tmp_path / "absent.h5"))


def test_imagenet_without_a_network_says_where_to_put_the_file(tmp_path, monkeypatch):
    from keras.src.utils import file_utils

    from trainer.models.build import build_model

    def no_network(*_args: object, **_options: object) -> None:
        raise Exception("URL fetch failure on https://storage.example: None -- [Errno -3] name resolution")

    monkeypatch.setattr(file_utils, "get_file", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(MachineError) as caught:
        build_model("fcn8s", (32, 32), 2, weights="imagenet")
    assert caught.value.exit_code == 4
    assert "URL fetch failure" in caught.value.what
    file = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"Put {file} into {tmp_path / 'models'}, or pass --weights" in caught.value.fix
