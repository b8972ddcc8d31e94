"""Sliding windows, held against a model that sees the whole image at once, and against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def sliding():
    import trainer.learning.sliding

    return trainer.learning.sliding


def per_pixel_model(size: tuple[int | None, int | None], kernel: int = 1):
    """A convolution of random weights, with as many logits as input channels."""
    from trainer.backend import keras

    image = keras.Input((*size, 3))
    layer = keras.layers.Conv2D(3, kernel, padding="same", kernel_initializer=keras.initializers.RandomNormal(seed=1))
    return keras.Model(image, layer(image))


@pytest.mark.parametrize("size", [(32, 32), (32, 50), (71, 45), (20, 90), (5, 7), (90, 110)])
def test_of_a_model_of_single_pixels_windows_give_the_logits_of_the_whole_image(sliding, size):
    small, whole = per_pixel_model((32, 32)), per_pixel_model((None, None))
    image = np.random.default_rng(3).uniform(0, 255, (2, *size, 3)).astype(np.float32)
    found = np.asarray(sliding.slide(small, image))
    assert found.shape == (2, *size, 3)
    np.testing.assert_allclose(found, np.asarray(whole(image)), rtol=0, atol=1e-4)
    np.testing.assert_array_equal(sliding.slide(whole, image), whole(image))


def test_windows_differ_from_the_whole_image_only_where_a_border_of_one_is_near(sliding):
    """A kernel of 3 sees zeros beyond a border: the first and last row of a window differ, and none else."""
    small, whole = per_pixel_model((32, 32), kernel=3), per_pixel_model((None, None), kernel=3)
    image = np.random.default_rng(3).uniform(0, 255, (1, 50, 32, 3)).astype(np.float32)
    assert sliding.num_windows(small, (50, 32)) == 2
    difference = abs(np.asarray(sliding.slide(small, image)) - np.asarray(whole(image))).max(axis=(0, 2, 3))
    assert set(np.flatnonzero(difference > 1e-4)) == {18, 31}


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_model_gets_no_more_windows_of_an_image_at_once_than_memory_allows(sliding, jit_compile):
    from trainer.backend import keras, tf

    seen = []

    class Seen(keras.layers.Layer):
        def call(self, x):
            seen.append(x.shape[0])
            return x

    image = keras.Input((32, 32, 3), batch_size=None)
    net = keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(Seen()(image)))
    photograph = np.random.default_rng(3).uniform(0, 255, (1, 90, 110, 3)).astype(np.float32)
    assert sliding.num_windows(net, (90, 110)) == 4 * 5
    seen.clear()
    found = tf.function(lambda image: sliding.slide(net, image), jit_compile=jit_compile)(photograph)
    assert set(seen) == {7}  # 20 windows in three rounds of up to 8
    whole = np.asarray(sliding.slide(keras.Model(net.inputs, net.outputs), photograph))
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-3)


def test_the_number_of_windows_is_that_of_both_axes(sliding):
    net = per_pixel_model((32, 32))
    assert sliding.num_windows(net, (32, 32)) == sliding.num_windows(net, (8, 8)) == 1
    assert sliding.num_windows(net, (32, 33)) == 2
    assert sliding.num_windows(net, (74, 53)) == 3 * 2
    assert sliding.num_windows(per_pixel_model((None, None)), (500, 500)) == 1


def test_test_time_augmentation_is_the_mean_over_the_views_of_an_image(sliding):
    net = per_pixel_model((32, 32), kernel=3)
    image = np.random.default_rng(3).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    plain, mirrored = np.asarray(net(image)), np.asarray(net(image[:, :, ::-1]))[:, :, ::-1]
    np.testing.assert_array_equal(sliding.predict_logits(net, image), plain)
    found = np.asarray(sliding.predict_logits(net, image, "flips"))
    np.testing.assert_allclose(found, (plain + mirrored) / 2, rtol=0, atol=1e-4)


def test_an_image_that_is_the_same_at_every_scale_has_the_same_logits_at_all(sliding):
    net = per_pixel_model((32, 40))
    image = np.full((1, 50, 61, 3), 90, np.float32)
    found = np.asarray(sliding.predict_logits(net, image, "scales"))
    assert found.shape == (1, 50, 61, 3)
    np.testing.assert_allclose(found, np.broadcast_to(found[:, :1, :1], found.shape), rtol=0, atol=1e-3)
    np.testing.assert_allclose(found, sliding.slide(net, image), rtol=0, atol=1e-3)


@pytest.mark.parametrize("tta", ["none", "flips", "scales"])
def test_every_test_time_augmentation_compiles_with_xla(sliding, tta):
    """As on a GPU: TensorFlow's resize with antialiasing does not."""
    from trainer.backend import tf

    net = per_pixel_model((32, 40), kernel=3)
    image = np.random.default_rng(4).uniform(0, 255, (1, 50, 61, 3)).astype(np.float32)
    found = [
        tf.function(lambda image: sliding.predict_logits(net, image, tta), jit_compile=jit_compile)(image)
        for jit_compile in (False, True)
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-3)
