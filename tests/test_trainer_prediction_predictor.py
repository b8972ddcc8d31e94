"""Predictor: a model that copies colours gives back the classes of a photograph, pixel by pixel, whatever its form."""

from __future__ import annotations

import io

import numpy as np
import pytest
from copying_model import COLORS, blocks, copying_run
from photo_files import ORIENTATION, as_stored
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.pixels.images import open_image

pytestmark = NEEDS_TF

SIZES = [(64, 96), (63, 97), (97, 63), (200, 150), (31, 45), (64, 64), (171, 170)]


def encoded(pixels: np.ndarray, mode: str = "RGB", orientation: int = 1) -> bytes:
    """Returns a PNG or, for CMYK, a TIFF of an upright picture, stored in an orientation."""
    picture = Image.fromarray(np.ascontiguousarray(as_stored(pixels)[orientation]))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "TIFF" if mode == "CMYK" else "PNG", exif=exif)
    return buffer.getvalue()


def predicted(predictor, data: bytes) -> np.ndarray:
    return predictor.class_map(predictor.look(open_image(data, "a.png"))).mask


@pytest.fixture(scope="module")
def predictor_for(tmp_path_factory):
    """Returns a predictor whose model gives each pixel the class of its colour, made once for each way of fitting."""
    from trainer.prediction.predictor import Predictor

    made = {}

    def get(fit: str, records: tuple[int, int] | None = (64, 96), window: tuple[int, int] | None = None, **options):
        key = fit, records, window, *options.items()
        if key not in made:
            run = copying_run(tmp_path_factory.mktemp("run"), fit, records, window)
            made[key] = Predictor(run, batch=2, **options)
        return made[key]

    return get


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
def test_what_the_fit_did_is_undone_to_the_pixel_at_any_size(predictor_for, fit, size):
    mask = blocks(size)
    np.testing.assert_array_equal(predicted(predictor_for(fit), encoded(COLORS[mask])), mask)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
def test_the_mask_is_that_of_the_upright_photograph(predictor_for, fit, orientation):
    mask = blocks((75, 120))
    data = encoded(COLORS[mask], orientation=orientation)
    np.testing.assert_array_equal(predicted(predictor_for(fit), data), mask)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_photographs_of_every_mode_of_colour_come_back(predictor_for, mode):
    mask = blocks((75, 120))
    np.testing.assert_array_equal(predicted(predictor_for("pad"), encoded(COLORS[mask], mode)), mask)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_photographs_come_back(predictor_for, mode):
    mask = blocks((75, 120)) // 2 * 3  # black and white, the first and the last class
    np.testing.assert_array_equal(predicted(predictor_for("pad"), encoded(COLORS[mask], mode)), mask)


@pytest.mark.parametrize("records", [None, (64, 96), (40, 200)])
@pytest.mark.parametrize("size", SIZES)
def test_windows_cover_photographs_of_any_size(predictor_for, records, size):
    mask = blocks(size)
    predictor = predictor_for("pad", records, (48, 32))
    np.testing.assert_array_equal(predicted(predictor, encoded(COLORS[mask])), mask)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_a_scale_is_undone(predictor_for, scale):
    mask = blocks((171, 170))
    predictor = predictor_for("pad", scale=scale)
    np.testing.assert_array_equal(predicted(predictor, encoded(COLORS[mask])), mask)


def test_photographs_that_share_a_batch_get_what_each_gets_alone(predictor_for):
    predictor = predictor_for("pad")
    sizes = [(64, 96), (90, 40), (64, 96), (20, 33), (64, 96)]  # some fill the window, and are as they are
    masks = {number: np.roll(blocks(size), number) for number, size in enumerate(sizes)}
    looks = ((number, predictor.look(open_image(encoded(COLORS[mask]), "a"))) for number, mask in masks.items())
    found = dict(predictor.class_maps(looks))
    assert found.keys() == masks.keys()
    for number, mask in masks.items():
        np.testing.assert_array_equal(found[number].mask, mask)


def test_a_class_map_in_blocks_of_columns_is_the_same(predictor_for, monkeypatch):
    from trainer.prediction import predictor as module
    from trainer.prediction.restoring import Wanted

    data = encoded(np.random.default_rng(0).integers(0, 256, (150, 210, 3), np.uint8))
    predictor = predictor_for("pad", None, (48, 32), wanted=Wanted(confidence=True))
    whole = predictor.class_map(predictor.look(open_image(data, "a")))
    monkeypatch.setattr(module, "num_blocks", lambda *sizes: 7)
    parts = predictor.class_map(predictor.look(open_image(data, "a")))
    np.testing.assert_array_equal(parts.mask, whole.mask)
    np.testing.assert_allclose(parts.confidence / 65535, whole.confidence / 65535, atol=1e-4)


def test_large_photographs_are_decoded_in_their_turn(predictor_for, monkeypatch):
    from trainer.prediction import predictor as module

    monkeypatch.setattr(module, "AHEAD_PIXELS", 100)
    mask = blocks((64, 96))
    predictor = predictor_for("pad")
    look = predictor.look(open_image(encoded(COLORS[mask]), "a"))
    assert look.canvas is None
    ((_, found),) = predictor.class_maps([("a", look)])
    np.testing.assert_array_equal(found.mask, mask)


def test_results_come_in_order_from_a_thread():
    from trainer.prediction.predictor import ahead

    assert list(ahead(lambda n: n * n, range(7), 3)) == [0, 1, 4, 9, 16, 25, 36]
    asked = []
    results = ahead(lambda n: 1 // n, (asked.append(n) or n for n in (1, 0, 1, 1, 1, 1)), 1)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(asked) <= 3
