"""A custom model: built, loaded, and refused where it breaks the contract."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import UsageError

pytestmark = NEEDS_TF

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
    from trainer.models.build import build_model

    name = module(SCALED.format(package="own"))
    model = build_model(f"{name}:build", (32, 40), 5)
    assert model.output_shape == (None, 32, 40, 5)


@pytest.mark.slow
def test_a_model_of_ones_own_is_loaded_with_its_layers_in_a_new_process(module):
    from trainer.models.build import build_model

    name = module(SCALED.format(package="fresh"))
    model = build_model(f"{name}:build", (32, 40), 5)
    model.save("best.keras")
    np.save("logits.npy", model(noise_image((32, 40))))
    np.save("image.npy", noise_image((32, 40)))
    program = f"""
    import numpy as np
    from pathlib import Path
    from converter.errors import DataError
    from trainer.models.load import load_model
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
        ("return model(layers.Conv2D(7, 1))", r"outputs shape \(None, 32, 32, 7\), expected \(None, 32, 32, 2\)"),
        ("return model(layers.Conv2D(2, 1), channels=1)", r"takes images of shape \(None, 32, 32, 1\), expected"),
        ("return model(layers.Reshape((5, 5, 2)))", r"fails for \(32, 32\), 2 \(ValueError"),
        ("return pair(layers.Concatenate())", r"does not accept float32 images of shape \(None, 32, 32, 3\)"),
        ("return model(layers.Conv2D(2, 1), twice=True)", "outputs a list of tensors, expected one"),
        ("return model(layers.Conv2D(2, 1, dtype='float16'))", "outputs logits of float16, expected float32"),
        ("return model(layers.Conv2D(2, 1, activation='softmax'))", r"outputs probabilities \(softmax\)"),
        ("return model(layers.Conv2D(2, 1), layers.Softmax())", r"outputs probabilities \(softmax\)"),
        ("return model(layers.Conv2D(2, 1), keras.ops.sigmoid)", r"outputs probabilities \(sigmoid\)"),
        (
            "return model(layers.Conv2D(2, 1, strides=2), layers.Softmax(), layers.UpSampling2D())",
            r"outputs probabilities \(softmax\)",
        ),
        ("return model(model(layers.Conv2D(2, 1, activation='softmax')))", r"outputs probabilities \(softmax\)"),
        (
            "return keras.Sequential([layers.Conv2D(2, 1, activation='softmax')])",
            r"outputs probabilities \(softmax\)",
        ),
        ("return model(layers.Conv2D(2, 1), layers.Lambda(lambda x: x))", "could be saved, but not loaded again"),
        ("return model(layers.Conv2D(2, 1), Own())", "could be saved, but not loaded again"),
    ],
)
def test_a_model_of_ones_own_that_breaks_the_contract_is_refused(body, message, module):
    from trainer.models.build import build_model

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
    from trainer.models.build import build_model
    from trainer.models.load import load_model

    spec = spec.format(name=module(source))
    with pytest.raises(UsageError, match=message) as caught:
        build_model(spec, (32, 32), 2)
    assert "\n" not in str(caught.value)
    Path("best.keras").write_bytes(b"")
    with pytest.raises(UsageError, match=message):
        load_model(Path("best.keras"), spec)
