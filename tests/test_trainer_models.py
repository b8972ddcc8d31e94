"""Models: sizes, parameters, preprocessing, encoders, and files that load without trust."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError
from trainer.config import ENCODER_NAMES, MODEL_NAMES

pytestmark = NEEDS_TF

OWN_NAMES = tuple(name for name in MODEL_NAMES if not name.startswith("segformer"))
SIZE = (45, 61)  # divided by nothing
# On features of 2 x 2, TensorFlow's CPU computes the gradient of a 7 x 7 kernel in bfloat16 from stray memory.
SIZES = {"fcn8s": (97, 101)}
CLASSES = 12
PARAMETERS = {
    "resnet50_segnet": 14_860_684,
    "segnet": 29_451_724,
    "unet": 31_050_124,
    "unet_small": 1_768_060,
    "fcn8s": 134_318_948,
    "deeplabv3plus": 26_764_284,
    "mobilenetv3_unet": 1_253_660,
    "segformer_b0": 3_717_740,
    "segformer_b2": 27_357_388,
    "segformer_b5": 84_604_108,
}


def photograph(size=SIZE, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (1, *size, 3)).astype(np.float32)


def deep_layers(model):
    return list(model._flatten_layers())


@pytest.fixture(scope="module")
def mixed():
    """Name -> model of 12 classes with mixed precision, each built once; the widest layers of fcn8s made narrow."""
    from trainer.backend import keras
    from trainer.models import build_model, fcn8s

    built = {}

    def build(name):
        if name not in built:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys.modules[fcn8s.__module__], "FC_FILTERS", 8)
                keras.mixed_precision.set_global_policy("mixed_bfloat16")
                try:
                    built[name] = build_model(name, SIZES.get(name, SIZE), CLASSES)
                finally:
                    keras.mixed_precision.set_global_policy("float32")
        return built[name]

    return build


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


def test_every_name_of_the_command_line_is_there():
    from trainer.models import MODELS, OWN_ENCODERS, TAKES_ENCODER
    from trainer.models.encoders import ENCODERS

    assert tuple(MODELS) == MODEL_NAMES
    assert tuple(ENCODERS) == ENCODER_NAMES
    assert {*OWN_ENCODERS, *TAKES_ENCODER} <= set(MODEL_NAMES)
    assert set(OWN_ENCODERS.values()) <= set(ENCODER_NAMES)


@pytest.mark.parametrize("name", OWN_NAMES)
def test_parameter_counts_are_those_of_the_docstrings(name, mixed):
    from trainer.models import MODELS, build_model

    model = build_model(name, (32, 32), CLASSES) if name == "fcn8s" else mixed(name)
    assert model.count_params() == PARAMETERS[name]
    written = re.findall(r"([\d.]+) M parameters for 12 classes", MODELS[name].__doc__)
    assert written == [f"{PARAMETERS[name] / 1e6:.2f}"]


@pytest.mark.parametrize("name", OWN_NAMES)
def test_logits_are_float32_of_the_size_of_the_image_in_mixed_precision(name, mixed):
    model = mixed(name)
    size = SIZES.get(name, SIZE)
    assert model.output_shape == (None, *size, CLASSES)
    logits = model(np.full((2, *size, 3), 255, np.float32))
    assert tuple(logits.shape) == (2, *size, CLASSES)
    assert logits.dtype == "float32"
    last = [layer.compute_dtype for layer in deep_layers(model) if layer.name.startswith("logits")]
    assert set(last) == {"float32"}  # and were never rounded to less
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", OWN_NAMES)
def test_preprocessing_is_done_in_float32(name, mixed):
    """In bfloat16 a grey level near 255 is rounded to the next even one."""
    first = next(layer for layer in mixed(name).layers[1:] if layer.weights or layer.name in ("caffe", "scale"))
    assert first.compute_dtype == "float32"
    assert not first.weights


@pytest.mark.parametrize("name", OWN_NAMES)
def test_every_pixel_of_the_image_reaches_the_logits(name, mixed):
    """A crop from the wrong side would lose the last rows and columns."""
    from trainer.backend import tf

    image = tf.Variable(photograph(SIZES.get(name, SIZE)))
    with tf.GradientTape() as tape:
        corner = tf.reduce_sum(mixed(name)(image)[0, -1, -1])
    gradient = tape.gradient(corner, image).numpy()[0]
    assert np.abs(gradient[-1, -1]).sum() > 0


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_saved_model_loads_safely_and_gives_the_same_logits(name, mixed, tmp_path):
    from trainer.models import load_model

    mixed(name).save(tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras")
    image = photograph(SIZES.get(name, SIZE))
    np.testing.assert_array_equal(mixed(name)(image), loaded(image))


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_step_in_mixed_precision_changes_the_weights(name, mixed):
    from trainer.backend import keras, tf

    model = mixed(name)
    size = SIZES.get(name, SIZE)
    truth = np.random.default_rng(1).integers(0, CLASSES, (2, *size))
    with tf.GradientTape() as tape:
        logits = model(np.concatenate([photograph(size), photograph(size, seed=1)]), training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(truth, logits, from_logits=True))
    gradients = tape.gradient(loss, model.trainable_weights)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    keras.optimizers.SGD(1.0).apply(gradients, model.trainable_weights)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert all(np.isfinite(weight).all() for weight in after)
    unchanged = sum(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    assert unchanged <= len(before) // 10  # a bias whose ReLU is shut in both images


@pytest.mark.parametrize("name", OWN_NAMES)
def test_statistics_follow_a_small_dataset(name, mixed):
    from trainer.backend import keras

    layers = deep_layers(mixed(name))
    normalizations = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in normalizations} == (set() if name == "fcn8s" else {0.9})


@pytest.mark.parametrize("size", [(64, 64), (90, 70), (33, 31)])
def test_logits_have_the_size_of_any_image(size):
    from trainer.models import build_model

    model = build_model("unet_small", size, 3)
    assert model.output_shape == (None, *size, 3)
    assert tuple(model(np.zeros((2, *size, 3), np.float32)).shape) == (2, *size, 3)


# SegNet's pooling indices


def test_pooling_indices_are_those_of_tensorflow_also_where_maxima_are_equal():
    from trainer.backend import keras, tf
    from trainer.models.segnet import PoolingIndices, Unpooling

    x = np.random.default_rng(0).integers(0, 3, (2, 6, 8, 5)).astype(np.float32)  # three values: full of ties
    pooled, argmax = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
    indices = PoolingIndices()(x, keras.layers.MaxPooling2D()(x))
    assert indices.dtype == "int8"
    row, column = np.divmod(argmax.numpy() // 5 % 48, 8)  # index = ((b * 6 + row) * 8 + column) * 5 + channel
    np.testing.assert_array_equal(indices, row % 2 * 2 + column % 2)
    scattered = tf.scatter_nd(tf.reshape(argmax, (-1, 1)), tf.reshape(pooled, (-1,)), (x.size,))
    np.testing.assert_array_equal(Unpooling()(pooled, indices), tf.reshape(scattered, x.shape))


def test_unpooling_by_hand():
    from trainer.models.segnet import Unpooling

    x = np.array([5, 6, 7, 8], np.float32).reshape(1, 1, 4, 1)
    indices = np.array([0, 1, 2, 3], np.int8).reshape(1, 1, 4, 1)
    enlarged = np.array(Unpooling()(x, indices))[0, :, :, 0]
    np.testing.assert_array_equal(enlarged, [[5, 0, 0, 6, 0, 0, 0, 0], [0, 0, 0, 0, 7, 0, 0, 8]])


def test_segnet_takes_the_kernels_of_vgg16(networks, monkeypatch):
    from trainer.backend import keras
    from trainer.models import build_model, segnet

    vgg16, _ = networks("vgg16")
    monkeypatch.setattr(sys.modules[segnet.__module__], "load_network", lambda *_arguments: vgg16)
    model = build_model("segnet", (32, 32), 2, weights="imagenet")
    ours = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    theirs = [layer.kernel for layer in vgg16.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(theirs) == 13
    for kernel, wanted in zip(ours, theirs, strict=False):
        np.testing.assert_array_equal(kernel, wanted)


# Encoders


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_keras_asks_for_the_file_that_the_message_names(name, networks):
    from trainer.models.encoders import ENCODERS

    assert networks(name)[1] == [ENCODERS[name].weights_file]


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_every_encoder_works_with_every_model_that_takes_one(name, networks, monkeypatch):
    from trainer.models import TAKES_ENCODER, build_model, encoders

    monkeypatch.setattr(encoders, "load_network", lambda name, _weights: networks(name)[0])
    nets = [build_model(model, (33, 40), 3, encoder=name) for model in TAKES_ENCODER]
    for net in nets:
        assert net.output_shape == (None, 33, 40, 3)
        assert networks(name)[0].count_params() - 7 <= net.get_layer(name).count_params()  # 7: a Normalization left out
    if name not in ("resnet101", "efficientnetb3", "convnext_tiny"):  # long; and ConvNeXt is run by the next test
        assert np.isfinite(nets[0](photograph((33, 40)))).all()


@pytest.mark.parametrize(("name", "offset"), [("vgg16", 0), ("resnet50", 0), ("mobilenetv2", 1), ("convnext_tiny", 0)])
def test_a_dilated_encoder_computes_what_it_did_and_the_places_between(name, offset, networks, monkeypatch):
    """Where a stride is left out and what follows is spread, every second pixel is that of the network before."""
    from trainer.backend import keras
    from trainer.models import encoders

    monkeypatch.setattr(encoders, "load_network", lambda name, _weights: networks(name)[0])
    image = keras.Input((64, 96, 3))
    (before,), (dilated,) = (
        keras.Model(image, encoders.build_encoder(name, image, None, **options))(photograph((64, 96)))
        for options in ({"strides": (32,)}, {"strides": (16,), "dilated": True})
    )
    assert np.shape(dilated)[-3:-1] == (4, 6)
    every_second = np.array(dilated)[..., offset::2, offset::2, :]
    np.testing.assert_allclose(every_second, before, rtol=1e-4, atol=1e-6 * np.abs(before).max())


@pytest.mark.parametrize("name", ENCODER_NAMES)
def test_preprocessing_is_that_of_keras(name):
    """Of those that have their own inside: up to their first convolution."""
    from trainer.backend import keras
    from trainer.models.encoders import ENCODERS

    image = photograph((32, 32))
    entry = ENCODERS[name]
    utils = keras.applications.imagenet_utils
    first = {"mobilenetv3small": "conv", "efficientnetv2b0": "stem_conv", "convnext_tiny": "convnext_tiny_stem"}
    if name in first:
        network = getattr(keras.applications, entry.builder)(include_top=False, weights=None, input_shape=(32, 32, 3))
        wanted = keras.Model(network.input, network.get_layer(first[name]).input)(image)
    elif name in ("efficientnetb0", "efficientnetb3"):  # their statistics come with the weights
        wanted = utils.preprocess_input(image.copy(), mode="torch")
    else:
        wanted = utils.preprocess_input(image.copy(), mode="tf" if name.startswith("mobilenet") else "caffe")
    np.testing.assert_allclose(entry.preprocess(keras.ops.convert_to_tensor(image)), wanted, rtol=1e-4, atol=1e-4)


def test_an_encoder_of_others_is_refused_by_models_that_take_none():
    from trainer.models import build_model

    for name in ("unet_small", "segnet", "segformer_b0", "my.nets:build"):
        with pytest.raises(UsageError, match=f"{name} takes none; unet and deeplabv3plus do"):
            build_model(name, (32, 32), 2, encoder="resnet50")


def test_a_model_tells_its_encoder():
    from trainer.models import encoder_of

    assert encoder_of("unet") is None
    assert encoder_of("unet", "mobilenetv2") == "mobilenetv2"
    assert encoder_of("deeplabv3plus") == "resnet50"
    assert encoder_of("my.nets:build") is None


# Weights


def test_weights_of_a_former_run_are_taken_over(tmp_path):
    from trainer.models import build_model

    former = build_model("unet_small", (32, 32), 3)
    former.save(tmp_path / "best.keras")
    best = str(tmp_path / "best.keras")
    model = build_model("unet_small", (64, 48), 3, weights=best)  # another size of input, same weights
    for ours, theirs in zip(model.get_weights(), former.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(UsageError, match=r"does not fit unet_small: 2 of \d+ weights differ in shape"):
        build_model("unet_small", (32, 32), 4, weights=best)
    with pytest.raises(UsageError, match="does not fit unet: "):
        build_model("unet", (32, 32), 3, weights=best)


def test_encoder_weights_come_from_a_file_of_keras(networks, tmp_path):
    from trainer.models import build_model

    network, _ = networks("mobilenetv2")
    network.save_weights(tmp_path / "encoder.weights.h5")
    model = build_model("unet", (32, 32), 2, encoder="mobilenetv2", weights=str(tmp_path / "encoder.weights.h5"))
    ours, theirs = (source.get_weights() for source in (model.get_layer("mobilenetv2"), network))
    assert len(ours) == len(theirs) > 200
    assert all(np.array_equal(kernel, wanted) for kernel, wanted in zip(ours, theirs, strict=True))


def test_a_file_with_other_weights_is_refused(tmp_path, networks):
    from trainer.models import build_model

    networks("vgg16")[0].save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    for name in ("broken.h5", "other.weights.h5"):
        with pytest.raises(UsageError, match="holds no weights of MobileNetV3Small without its top") as caught:
            build_model("mobilenetv3_unet", (32, 32), 2, weights=str(tmp_path / name))
        assert "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5" in caught.value.mend
    with pytest.raises(UsageError, match=r"absent\.h5: does not exist"):
        build_model("mobilenetv3_unet", (32, 32), 2, weights=str(tmp_path / "absent.h5"))


def test_imagenet_without_a_network_says_where_to_put_the_file(tmp_path, monkeypatch):
    from keras.src.utils import file_utils

    from trainer.models import build_model

    def no_network(*_args: object, **_options: object) -> None:
        raise Exception("URL fetch failure on https://storage.example: None -- [Errno -3] name resolution")

    monkeypatch.setattr(file_utils, "get_file", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(MachineError) as caught:
        build_model("fcn8s", (32, 32), 2, weights="imagenet")
    assert caught.value.exit_code == 4
    assert "URL fetch failure" in caught.value.what
    file = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"Put {file} into {tmp_path / 'models'}, or pass --weights" in caught.value.mend


@pytest.mark.parametrize("weights", ["imagenet", "resnet50.h5"])
def test_a_model_without_an_encoder_names_those_that_have(weights):
    from trainer.models import build_model

    for name in ("unet_small", "my.nets:build"):
        with pytest.raises(UsageError, match="these have: resnet50_segnet, segnet, fcn8s"):
            build_model(name, (32, 32), 2, weights=weights)
    with pytest.raises(UsageError, match="Pass --weights none, or --encoder resnet50, say"):
        build_model("unet", (32, 32), 2, weights=weights)


# Files


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

    build_model("unet_small", (32, 32), 2).save(tmp_path / "best.keras")
    whole = (tmp_path / "best.keras").read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "best.keras").write_bytes(damaged)
        with pytest.raises(DataError, match="is cut off, or no model at all") as caught:
            load_model(tmp_path / "best.keras")
        assert "\n" not in str(caught.value)


def test_a_model_with_code_inside_is_refused(tmp_path):
    from trainer.backend import keras
    from trainer.models import load_model

    image = keras.Input((4, 4, 3))
    keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image)).save(tmp_path / "evil.keras")
    with pytest.raises(DataError, match="cannot be loaded as a model"):
        load_model(tmp_path / "evil.keras")


# A model of one's own

HEADER = """
from trainer.backend import keras
layers = keras.layers
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the current folder and returns its name; every test has a name of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    name = f"nets_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")

    def write(source):
        Path(f"{name}.py").write_text(HEADER + textwrap.dedent(source))
        sys.modules.pop(name, None)
        return name

    yield write
    sys.modules.pop(name, None)


SCALED = """
@keras.saving.register_keras_serializable(package="{package}")
class Scaled(layers.Layer):
    def call(self, x):
        return x / 255

def build(size, num_classes):
    image = keras.Input((*size, 3))
    return keras.Model(image, layers.Conv2D(num_classes, 1)(Scaled()(image)))
"""


def test_a_model_of_ones_own_is_built_from_the_current_folder(module):
    from trainer.models import build_model

    name = module(SCALED.format(package="own"))
    model = build_model(f"{name}:build", (32, 40), 5)
    assert model.output_shape == (None, 32, 40, 5)


def test_a_model_of_ones_own_is_loaded_with_its_layers_in_a_new_process(module):
    from trainer.models import build_model

    name = module(SCALED.format(package="fresh"))
    model = build_model(f"{name}:build", (32, 40), 5)
    model.save("best.keras")
    np.save("logits.npy", model(photograph((32, 40))))
    np.save("image.npy", photograph((32, 40)))
    program = f"""
    import numpy as np
    from pathlib import Path
    from converter.errors import DataError
    from trainer.models import load_model
    try:
        load_model(Path("best.keras"))
    except DataError:
        print("unknown")
    model = load_model(Path("best.keras"), "{name}:build")
    np.testing.assert_array_equal(model(np.load("image.npy")), np.load("logits.npy"))
    print("equal")
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["unknown", "equal"], done.stderr


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1 / 0", r"fails for \(32, 32\), 2 \(ZeroDivisionError: division by zero\)"),
        ("return None", "returns a NoneType, expected a keras.Model"),
        ("return model(layers.Conv2D(2, 1, strides=2))", r"shape \(None, 16, 16, 2\), expected \(None, 32, 32, 2\)"),
        ("return model(layers.Conv2D(7, 1))", r"gives shape \(None, 32, 32, 7\), expected \(None, 32, 32, 2\)"),
        ("return model(layers.Conv2D(2, 1), channels=1)", r"takes images of shape \(None, 32, 32, 1\), expected"),
        ("return model(layers.Reshape((5, 5, 2)))", r"fails for \(32, 32\), 2 \(ValueError"),
        ("return pair(layers.Concatenate())", r"takes no float32 images of shape \(None, 32, 32, 3\)"),
        ("return model(layers.Conv2D(2, 1), twice=True)", "gives a list of outputs, expected one"),
        ("return model(layers.Conv2D(2, 1, dtype='float16'))", "gives logits of float16, expected float32"),
        ("return model(layers.Conv2D(2, 1, activation='softmax'))", r"gives probabilities \(softmax\)"),
        ("return model(layers.Conv2D(2, 1), layers.Softmax())", r"gives probabilities \(softmax\)"),
        ("return model(layers.Conv2D(2, 1), keras.ops.sigmoid)", r"gives probabilities \(sigmoid\)"),
        (
            "return model(layers.Conv2D(2, 1, strides=2), layers.Softmax(), layers.UpSampling2D())",
            r"gives probabilities \(softmax\)",
        ),
        ("return model(model(layers.Conv2D(2, 1, activation='softmax')))", r"gives probabilities \(softmax\)"),
        (
            "return keras.Sequential([layers.Conv2D(2, 1, activation='softmax')])",
            r"gives probabilities \(softmax\)",
        ),
        ("return model(layers.Conv2D(2, 1), layers.Lambda(lambda x: x))", "could be saved, but not loaded again"),
        ("return model(layers.Conv2D(2, 1), Own())", "could be saved, but not loaded again"),
    ],
)
def test_a_model_of_ones_own_that_breaks_the_contract_is_refused(body, message, module):
    from trainer.models import build_model

    name = module(f"""
    class Own(layers.Layer):
        def call(self, x):
            return x

    def model(*steps, channels=3, twice=False):
        image = x = keras.Input((32, 32, channels))
        for step in steps:
            x = step(x)
        return keras.Model(image, [x, x] if twice else x)

    def pair(step):
        images = [keras.Input((32, 32, 3)), keras.Input((32, 32, 3))]
        return keras.Model(images, step(images))

    def build(size, num_classes):
        {body}
    """)
    with pytest.raises(UsageError, match=message) as caught:
        build_model(f"{name}:build", (32, 32), 2)
    assert caught.value.where == f"--model {name}:build"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "spec", "message"),
    [
        ("", "{name}:absent", "has no function 'absent'"),
        ("", "no_such_module_:build", "cannot be imported .ModuleNotFoundError: No module named 'no_such_module_'"),
        ("", ":build", "cannot be imported .ValueError: Empty module name"),
        ("def build(:", "{name}:build", "cannot be imported .SyntaxError"),
        ("raise RuntimeError('first line\\nsecond')", "{name}:build", "RuntimeError: first line[)]"),
    ],
)
def test_what_cannot_be_imported_is_an_error_of_one_line(source, spec, message, module):
    from trainer.models import build_model, load_model

    spec = spec.format(name=module(source))
    with pytest.raises(UsageError, match=message) as caught:
        build_model(spec, (32, 32), 2)
    assert "\n" not in str(caught.value)
    Path("best.keras").write_bytes(b"")
    with pytest.raises(UsageError, match=message):
        load_model(Path("best.keras"), spec)


# SegFormer


def test_segformer_without_kerashub_says_how_to_install_it(monkeypatch, tmp_path):
    from trainer.models import build_model, load_model

    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(UsageError, match=r"Install it: pip install 'segconv\[hub\]'"):
        build_model("segformer_b0", (32, 32), 2)
    (tmp_path / "best.keras").write_bytes(b"")
    with pytest.raises(UsageError, match="KerasHub is not installed"):
        load_model(tmp_path / "best.keras", "segformer_b0")


@pytest.mark.filterwarnings("default")  # KerasHub's packages warn of each other
@pytest.mark.parametrize("name", [name for name in MODEL_NAMES if name.startswith("segformer")])
def test_segformer_gives_float32_logits_at_the_size_of_the_image(name, mixed):
    pytest.importorskip("keras_hub")
    from trainer.models.segformer import segformer

    model = mixed(name)
    assert model.count_params() == PARAMETERS[name]
    assert f"{PARAMETERS[name] / 1e6:.2f} M" in segformer.__doc__
    logits = model(photograph())
    assert tuple(logits.shape) == (1, *SIZE, CLASSES)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


@pytest.mark.filterwarnings("default")
def test_a_saved_segformer_loads_safely_and_gives_the_same_logits(tmp_path):
    pytest.importorskip("keras_hub")
    from trainer.models import build_model, load_model

    model = build_model("segformer_b0", SIZE, CLASSES)
    model.save(tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras", "segformer_b0")
    np.testing.assert_array_equal(loaded(photograph()), model(photograph()))
