"""segformer: the model from KerasHub, and the error without KerasHub."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import UsageError
from trainer.config import MODEL_NAMES

pytestmark = NEEDS_TF

SIZE, CLASSES = (45, 61), 12
PARAMETERS = {"segformer_b0": 3_717_740, "segformer_b2": 27_357_388, "segformer_b5": 84_604_108}


def test_segformer_without_kerashub_says_how_to_install_it(monkeypatch, tmp_path):
    from trainer.models.build import build_model
    from trainer.models.load import load_model

    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(UsageError, match=r"Install it: pip install 'segconv\[hub\]'"):
        build_model("segformer_b0", (32, 32), 2)
    (tmp_path / "best.keras").write_bytes(b"")
    with pytest.raises(UsageError, match="KerasHub is not installed"):
        load_model(tmp_path / "best.keras", "segformer_b0")


@pytest.mark.filterwarnings("default")  # KerasHub's packages emit warnings about each other
@pytest.mark.parametrize("name", [name for name in MODEL_NAMES if name.startswith("segformer")])
def test_segformer_gives_float32_logits_at_the_size_of_the_image(name):
    pytest.importorskip("keras_hub")
    from trainer.backend import keras
    from trainer.models.build import build_model
    from trainer.models.segformer import segformer

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        model = build_model(name, SIZE, CLASSES)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert model.count_params() == PARAMETERS[name]
    assert f"{PARAMETERS[name] / 1e6:.2f} M" in segformer.__doc__
    logits = model(noise_image())
    assert tuple(logits.shape) == (1, *SIZE, CLASSES)
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


@pytest.mark.filterwarnings("default")
def test_a_saved_segformer_loads_safely_and_gives_the_same_logits(tmp_path):
    pytest.importorskip("keras_hub")
    from trainer.models.build import build_model
    from trainer.models.load import load_model

    model = build_model("segformer_b0", SIZE, CLASSES)
    model.save(tmp_path / "best.keras")
    loaded = load_model(tmp_path / "best.keras", "segformer_b0")
    np.testing.assert_array_equal(loaded(noise_image()), model(noise_image()))
