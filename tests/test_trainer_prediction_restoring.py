"""Restoring: logits at another size, linear between two pixels, in blocks of rows that follow each other."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.mark.parametrize(("old", "new"), [(4, 4), (4, 8), (9, 4), (1, 3), (3, 1)])
def test_places_are_those_of_the_centres(old, new):
    from trainer.prediction.restoring import taken_along

    first, second, share = taken_along(old, new)
    found = (1 - share) * first + share * second
    np.testing.assert_allclose(found, ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1), atol=1e-6)


@pytest.mark.parametrize("scaled", [(12, 15), (31, 15), (12, 40), (12, 23)])
@pytest.mark.parametrize("rows", [1, 5, 100])
@pytest.mark.parametrize("device", ["keras", "onnx"])
def test_class_and_confidence_are_those_of_resized_logits(scaled, rows, device, monkeypatch):
    from trainer.backend import keras
    from trainer.prediction import on_keras, on_onnx, restoring
    from trainer.prediction.views import View

    net = on_keras.KerasNet if device == "keras" else on_onnx.OnnxNet
    finish = net.finish.__get__(object.__new__(net))  # which needs no model
    monkeypatch.setattr(restoring, "CHUNK_BYTES", 4 * 23 * 3 * 2)  # two rows at a time
    canvas = np.random.default_rng(0).normal(0, 3, (40, 50, 3)).astype(np.float32)
    view = View((12, 23), scaled, (4, 6), (40, 50), (40, 50))
    found = restoring.restored(
        view,
        lambda columns: (canvas[top : top + rows, slice(*columns)] for top in range(0, 40, rows)),
        finish,
        blocks=2,
        has_confidence=True,
    )
    part = canvas[4 : 4 + scaled[0], 6 : 6 + scaled[1]]
    expected = part
    for axis, new in enumerate((12, 23)):
        first, second, share = restoring.taken_along(expected.shape[axis], new)
        share = share.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        expected = expected.take(first, axis) * (1 - share) + expected.take(second, axis) * share
    np.testing.assert_array_equal(found.mask, expected.argmax(axis=-1))
    probability = keras.ops.convert_to_numpy(keras.ops.softmax(expected)).max(axis=-1)
    np.testing.assert_allclose(found.confidence / 65535, probability, atol=2e-5)
