"""Pictures: what the files of a class map hold."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.dataset.manifest import ClassInfo
from converter.limits import MAX_PIXELS
from converter.pixels.bands import AS_STORED

pytestmark = NEEDS_TF

CLASSES = tuple(ClassInfo(n, f"class {n}", (n * 40, 255 - n, n), ()) for n in range(5))
MASK = np.random.default_rng(0).integers(0, 5, (30, 40), np.uint8)


def drawing(mask=MASK, confidence=None):
    from trainer.prediction.pictures import Drawing
    from trainer.prediction.restoring import ClassMap

    buffer = io.BytesIO()
    Image.new("RGB", mask.shape[::-1], (200, 200, 200)).save(buffer, "PNG")
    return Drawing(ClassMap(mask, confidence), buffer.getvalue(), "a/b.png", CLASSES, MAX_PIXELS, AS_STORED)


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def test_index_and_color_hold_the_same_classes():
    from trainer.prediction.pictures import color_png, index_png

    index, color = opened(index_png(drawing())), opened(color_png(drawing()))
    assert (index.mode, color.mode) == ("L", "P")
    np.testing.assert_array_equal(np.asarray(index), MASK)
    np.testing.assert_array_equal(np.asarray(color), MASK)
    expected = np.array([info.color for info in CLASSES])[MASK]
    np.testing.assert_array_equal(np.asarray(color.convert("RGB")), expected)


def test_confidence_has_16_bits():
    from trainer.prediction.pictures import confidence_png

    confidence = np.random.default_rng(0).integers(0, 65536, MASK.shape, np.uint16)
    picture = opened(confidence_png(drawing(confidence=confidence)))
    np.testing.assert_array_equal(np.asarray(picture), confidence)
    with pytest.raises(ValueError, match="no confidence"):
        confidence_png(drawing())


def test_an_overlay_fits_on_a_screen_and_its_legend_has_the_classes_that_occur(monkeypatch):
    from trainer.prediction import pictures

    found = opened(pictures.overlay_png(drawing(np.zeros((300, 400), np.uint8))))
    assert found.width == 400 + 2 * 8
    half = (200 + np.array(CLASSES[0].color)) // 2
    assert np.abs(np.asarray(found)[100, 100].astype(int) - half).max() <= 1
    every = opened(pictures.overlay_png(drawing(np.resize(np.arange(5, dtype=np.uint8), (300, 400)))))
    swatch = np.array(CLASSES[4].color)
    assert [(np.asarray(sheet)[310:] == swatch).all(axis=-1).any() for sheet in (every, found)] == [True, False]
    monkeypatch.setattr(pictures, "OVERLAY_SIDE", 380)
    assert opened(pictures.overlay_png(drawing(np.zeros((300, 400), np.uint8)))).width == 380 + 2 * 8
