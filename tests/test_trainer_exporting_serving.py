"""Serving: outputs by hand, and a model of mixed precision in float32."""

from __future__ import annotations

import numpy as np
import pytest
from exported_runs import small_net
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError

pytestmark = NEEDS_TF

IMAGE = np.random.default_rng(0).integers(0, 256, (2, 8, 10, 3), np.uint8)


def test_outputs_are_those_of_the_logits():
    from trainer.exporting.serving import Served

    served = Served(small_net((8, 10)), (8, 10), b"", has_probabilities=True)
    logits = np.array([[[[0.0, 1.0, 1.0], [2.0, -1.0, 0.0]]]], np.float32)
    found = {name: np.asarray(values) for name, values in served.named(logits).items()}
    np.testing.assert_array_equal(found["class_map"], [[[1, 0]]])  # of equal ones the first
    assert found["class_map"].dtype == np.uint8
    np.testing.assert_allclose(found["probabilities"][0, 0, 0], [0.15536, 0.42232, 0.42232], atol=1e-5)
    assert Served(small_net((8, 10)), (8, 10), b"").outputs(IMAGE).keys() == {"class_map"}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_model_of_mixed_precision_computes_in_float32(policy):
    import keras

    from trainer.exporting.serving import in_float32

    plain = small_net((8, 10))
    assert in_float32(plain) is plain
    keras.config.set_dtype_policy(policy)
    try:
        mixed = small_net((8, 10))
    finally:
        keras.config.set_dtype_policy("float32")
    found = in_float32(mixed)
    assert {layer.compute_dtype for layer in found.layers} == {"float32"}
    image = IMAGE.astype(np.float32)
    np.testing.assert_array_equal(found.predict(image, verbose=0), plain.predict(image, verbose=0))


def test_another_backend_is_one_line(monkeypatch):
    from trainer.exporting import serving

    monkeypatch.setattr(serving.keras.config, "backend", lambda: "jax")
    with pytest.raises(UsageError, match=r"is onnx, which needs Keras on TensorFlow, not on jax\. Unset KERAS_BACKEND"):
        serving.require_tensorflow("onnx")
