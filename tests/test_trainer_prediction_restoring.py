"""Restoring: logits at another size, linear between two pixels, in blocks of rows that follow each other."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.pixels.geometry import cut

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

    def logits_of(box):
        wanted = cut(canvas, box)
        return (wanted[top : top + rows] for top in range(0, len(wanted), rows))

    found = restoring.restored(view, logits_of, finish, blocks=2, wanted=restoring.Wanted(True, True))
    parts = list(restoring.restored_parts(view, logits_of, finish, blocks=2))
    for number, (done, _) in enumerate(parts):  # it goes on after any of them
        rest = list(restoring.restored_parts(view, logits_of, finish, blocks=2, after=done))
        again = np.zeros((12, 23), np.uint8)
        for box, part in parts[: number + 1] + rest:
            cut(again, box)[:] = part.mask
        np.testing.assert_array_equal(again, found.mask)
        assert sum(box.height * box.width for box, _ in parts[: number + 1] + rest) == 12 * 23  # nothing twice
    part = canvas[4 : 4 + scaled[0], 6 : 6 + scaled[1]]
    expected = part
    for axis, new in enumerate((12, 23)):
        first, second, share = restoring.taken_along(expected.shape[axis], new)
        share = share.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        expected = expected.take(first, axis) * (1 - share) + expected.take(second, axis) * share
    np.testing.assert_array_equal(found.mask, expected.argmax(axis=-1))
    probability = keras.ops.convert_to_numpy(keras.ops.softmax(expected)).max(axis=-1)
    np.testing.assert_allclose(found.confidence / 65535, probability, atol=2e-5)
    assert found.probabilities.dtype == np.float16
    np.testing.assert_allclose(found.probabilities, keras.ops.convert_to_numpy(keras.ops.softmax(expected)), atol=5e-4)


def test_where_a_photograph_has_no_data_neither_has_its_class_map():
    from trainer.prediction.restoring import ClassMap, without_data

    shares = np.full((2, 2, 4), 0.25, np.float16)
    found = ClassMap(np.array([[0, 1], [2, 3]], np.uint8), np.full((2, 2), 9, np.uint16), shares)
    masked = without_data(found, np.array([[True, False], [True, True]]))
    assert (masked.mask.tolist(), masked.confidence.tolist()) == ([[0, 255], [2, 3]], [[9, 0], [9, 9]])
    assert masked.probabilities.sum(axis=-1).tolist() == [[1, 0], [1, 1]]
    assert without_data(found, None) is found
