"""Sizes: a model for any size gives what one that is built for that size gives; what cannot be one is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from exported_runs import FORMATS, small_run
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError
from trainer.exporting.options import FORMATS as ROWS
from trainer.exporting.options import ExportConfig
from trainer.run.info import read_run

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a real model, whose deepest features have a single pixel."""
    from trainer.models.build import build_model

    run = small_run(tmp_path_factory.mktemp("sizes"))
    build_model("unet_small", (32, 32), 2).save(run / "best.keras")
    return run


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS[1:3])
def test_a_file_takes_images_of_other_sizes(run, tmp_path, format):  # noqa: A002
    from pkgutil import resolve_name

    import keras

    from trainer.exporting.export import export
    from trainer.models.build import build_model

    out = tmp_path / f"free{ROWS[format].suffix}"
    report = export(ExportConfig(run, format, out=out, free_size=True))
    assert report.inputs == {"image": "uint8 [N, height, width, 3], RGB; sides are multiples of 32"}
    wider = build_model("unet_small", (96, 64), 2)
    wider.set_weights(keras.saving.load_model(run / "best.keras").get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 64, 3), np.uint8)
    expected = wider.predict(images.astype(np.float32), verbose=0).argmax(axis=-1)
    found = resolve_name(ROWS[format].load)(out)(images)
    np.testing.assert_array_equal(found["class_map"], expected)


@pytest.mark.parametrize("model", ["segnet", "deeplabv3plus"])
def test_a_model_for_one_size_is_refused(run, model):
    from trainer.exporting.sizes import for_any_size
    from trainer.models.build import build_model

    info = read_run(run)
    info = dataclasses.replace(info, size=(32, 64), config=dataclasses.replace(info.config, model=model))
    encoder = {"deeplabv3plus": "mobilenetv2"}.get(model)
    info = dataclasses.replace(info, config=dataclasses.replace(info.config, encoder=encoder))
    with pytest.raises(UsageError, match=f"is not possible with {model}, whose layers are made for images of one"):
        for_any_size(build_model(model, (32, 64), 2, encoder=encoder), info)


def test_sides_that_are_rounded_are_refused(run):
    from trainer.exporting.sizes import for_any_size

    with pytest.raises(UsageError, match="multiples of 32, and the model was trained on 32x40"):
        for_any_size(None, dataclasses.replace(read_run(run), size=(32, 40)))


def test_a_model_whose_layers_know_their_size_is_refused(run, tmp_path, monkeypatch):
    """It takes images of any size, but one that is built for another size gives other logits."""
    (tmp_path / "sized.py").write_text(
        "import keras\n\n\n"
        "def net(size, num_classes):\n"
        "    image = keras.Input((*size, 3))\n"
        "    x = keras.layers.Rescaling(1 / size[0])(image)\n"
        "    return keras.Model(image, keras.layers.Conv2D(num_classes, 3, padding='same')(x))\n"
    )
    monkeypatch.chdir(tmp_path)
    from trainer.exporting.sizes import for_any_size
    from trainer.models.build import build_model

    info = read_run(run)
    info = dataclasses.replace(info, config=dataclasses.replace(info.config, model="sized:net"))
    with pytest.raises(UsageError, match="is not possible with sized:net"):
        for_any_size(build_model("sized:net", (32, 32), 2), info)
