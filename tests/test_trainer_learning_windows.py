"""Windows: where a part of a record is cut out, held against plain arithmetic and slices."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX
from trainer.choices.augments import AugmentConfig

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def augment():
    import trainer.learning.augment

    return trainer.learning.augment


def records(samples: int, size: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images whose red and green are the row and the column of each pixel, and masks of random classes."""
    rows, columns = np.indices(size)
    image = np.stack([rows, columns, np.zeros(size, int)], axis=-1).astype(np.uint8)
    mask = np.random.default_rng(seed).integers(0, 4, (samples, *size)).astype(np.uint8)
    return np.repeat(image[None], samples, axis=0), mask


def starts_of(image: np.ndarray) -> np.ndarray:
    """The first row and column of each window of such images."""
    return np.stack([image[:, 0, 0, 0], image[:, 0, 0, 1]], axis=-1)


def test_a_window_is_a_slice_at_a_random_place_every_place_alike(augment):
    image, mask = records(600, (7, 9))
    windows, indices = map(np.asarray, augment.build_augment(AugmentConfig(), 3, (5, 6))(image, mask))
    assert windows.shape == (600, 5, 6, 3) and indices.shape == (600, 5, 6)
    starts = starts_of(windows).astype(int)
    for place, (row, column) in enumerate(starts):
        np.testing.assert_array_equal(windows[place], image[place, row : row + 5, column : column + 6])
        np.testing.assert_array_equal(indices[place], mask[place, row : row + 5, column : column + 6])
    counts = np.bincount(starts[:, 0] * 4 + starts[:, 1], minlength=12)
    assert len(counts) == 12 and counts.min() > 50 - 4 * 50**0.5 and counts.max() < 50 + 4 * 50**0.5


def test_a_window_larger_than_its_record_has_it_in_the_middle(augment):
    image, mask = records(3, (4, 6))
    windows, indices = map(np.asarray, augment.build_augment(AugmentConfig(), 3, (8, 6))(image, mask))
    assert (indices[:, [0, 1, 6, 7]] == IGNORE_INDEX).all() and (windows[:, [0, 1, 6, 7]] == 127).all()
    np.testing.assert_array_equal(indices[:, 2:6], mask)
    np.testing.assert_array_equal(windows[:, 2:6], image)


def test_of_records_of_several_sizes_no_window_shows_the_padding(augment):
    image, mask = records(200, (12, 16))
    sizes = np.random.default_rng(5).integers(5, (13, 17), (200, 2)).astype(np.float32)
    for place, (height, width) in enumerate(sizes.astype(int)):
        image[place, height:], image[place, :, width:], image[place, :, :, 2] = 255, 255, 0
        mask[place, height:], mask[place, :, width:] = IGNORE_INDEX, IGNORE_INDEX
    windows, indices = map(np.asarray, augment.build_augment(AugmentConfig(zoom=0), 3, (5, 5))(image, mask, sizes))
    starts = starts_of(windows)
    assert (windows[..., :2] < 255).all() and (indices < 4).all()
    assert (starts + 5 <= sizes).all() and ((starts + 5 == sizes) & (starts > 0)).any(axis=0).all()


@pytest.mark.parametrize("strengths", [AugmentConfig(zoom=1), AugmentConfig(zoom=1, aspect=0.3, quarter_turns=True)])
def test_an_enlarged_part_is_anywhere_in_the_record_and_never_outside(augment, strengths):
    image, mask = records(400, (40, 40))
    image[..., 2] = 1
    layer = augment.build_augment(strengths, 4, (15, 12))
    windows, indices = map(np.asarray, layer(image, mask))
    assert (windows[..., 2] == 1).all() and (indices < 4).all()  # nothing of the fill
    assert windows[..., :2].min() < 0.2 and windows[..., 0].max() > 38.8 and windows[..., 1].max() > 38.8
    spans = windows[..., 0].max(axis=(1, 2)) - windows[..., 0].min(axis=(1, 2))
    assert spans.min() < 9 and spans.max() > 22


def test_windows_around_classes_hold_every_class_of_a_record_alike(augment):
    """One pixel of class 3 in a thousand: it is the centre of every third window."""
    image, mask = records(900, (40, 50))
    mask[:] = np.where(image[:, :, :, 0] < 20, 1, 2)
    mask[:, 33, 44] = 3
    mask[:, :, :3] = IGNORE_INDEX
    layer = augment.build_augment(AugmentConfig(class_windows=1), 4, (9, 11))
    windows, indices = map(np.asarray, layer(image, mask))
    centers = indices[:, 4, 5]
    rare = (indices == 3).any(axis=(1, 2))
    assert 270 < rare.sum() < 400  # a third of 900, and of those around its neighbours a tenth
    at = starts_of(windows[rare])
    assert (at == (29, 39)).all(axis=1).mean() > 0.8  # the pixel is in the middle of those
    assert {1, 2, 3} <= set(centers)
    none = augment.build_augment(AugmentConfig(), 4, (9, 11))(image, mask)[1]
    assert (np.asarray(none) == 3).any(axis=(1, 2)).mean() < 0.12


def test_a_random_pixel_of_a_class_is_any_of_them(augment):
    from trainer.learning.windows import VALUES, random_pixel

    mask = np.full((1, 5, 6), IGNORE_INDEX, np.uint8)
    places = [(0, 2), (1, 0), (1, 5), (4, 3)]
    for row, column in places:
        mask[0, row, column] = 7
    mask[0, 2, 2] = 9
    classes = np.zeros((1, VALUES), np.float32)
    classes[0, 7] = 0.5
    classes[0, 11] = 0.9  # which does not occur
    for number, place in enumerate(places):
        for share in (number / 4, number / 4 + 0.249):
            assert tuple(np.asarray(random_pixel(mask, classes, np.float32([share])))[0]) == place
    classes[0, 9] = 0.7
    assert tuple(np.asarray(random_pixel(mask, classes, np.float32([0.6])))[0]) == (2, 2)


def test_windows_are_the_same_under_xla(augment):
    import tensorflow as tf

    image, mask = records(6, (30, 41))
    config = AugmentConfig(zoom=1, class_windows=0.5, rotation=20)
    layer = augment.build_augment(config, 2, (16, 17))
    drawn = layer.draw(6) | {"classes": np.random.default_rng(1).random((6, 256)).astype(np.float32)}
    sizes = np.float32([[30, 41]] * 3 + [[20, 25]] * 3)

    def move(values):
        return augment.move(image, mask, config, draws=values, window=(16, 17), size=sizes)

    plain, compiled = move(drawn), tf.function(move, jit_compile=True)(drawn)
    np.testing.assert_allclose(plain[0], compiled[0], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(plain[1], compiled[1])
