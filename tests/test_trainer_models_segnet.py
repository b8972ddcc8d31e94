"""segnet: pooling indices, and the kernels of VGG-16."""

from __future__ import annotations

import numpy as np
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_pooling_indices_are_those_of_tensorflow_also_where_maxima_are_equal():
    from trainer.backend import keras, tf
    from trainer.models.segnet import pooling_indices, unpooled

    x = np.random.default_rng(0).integers(0, 3, (2, 6, 8, 5)).astype(np.float32)  # three values: full of ties
    pooled, argmax = tf.nn.max_pool_with_argmax(x, 2, 2, "VALID", include_batch_in_index=True)
    indices = pooling_indices(x, keras.layers.MaxPooling2D()(x))
    assert indices.dtype == "int8"
    row, column = np.divmod(argmax.numpy() // 5 % 48, 8)  # index = ((b * 6 + row) * 8 + column) * 5 + channel
    np.testing.assert_array_equal(indices, row % 2 * 2 + column % 2)
    scattered = tf.scatter_nd(tf.reshape(argmax, (-1, 1)), tf.reshape(pooled, (-1,)), (x.size,))
    np.testing.assert_array_equal(unpooled(pooled, indices), tf.reshape(scattered, x.shape))


def test_unpooling_by_hand():
    from trainer.models.segnet import unpooled

    x = np.array([5, 6, 7, 8], np.float32).reshape(1, 1, 4, 1)
    indices = np.array([0, 1, 2, 3], np.int8).reshape(1, 1, 4, 1)
    enlarged = np.array(unpooled(x, indices))[0, :, :, 0]
    np.testing.assert_array_equal(enlarged, [[5, 0, 0, 6, 0, 0, 0, 0], [0, 0, 0, 0, 7, 0, 0, 8]])


def test_segnet_takes_the_kernels_of_vgg16(monkeypatch):
    from trainer.backend import keras
    from trainer.models import segnet
    from trainer.models.build import build_model

    vgg16 = segnet.load_network("vgg16", None)
    monkeypatch.setattr(segnet, "load_network", lambda *_arguments: vgg16)
    model = build_model("segnet", (32, 32), 2, weights="imagenet")
    ours = [layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    theirs = [layer.kernel for layer in vgg16.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(theirs) == 13
    for kernel, wanted in zip(ours, theirs, strict=False):
        np.testing.assert_array_equal(kernel, wanted)
