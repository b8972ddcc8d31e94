"""Loading: untrusted files."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from converter.errors import DataError, UsageError

pytestmark = NEEDS_TF


def test_only_keras_files_are_loaded(tmp_path):
    from trainer.models.load import load_model

    for name in ("model.h5", "model.pkl", "saved_model"):
        (tmp_path / name).write_bytes(b"anything")
        with pytest.raises(UsageError, match=r"is not a \.keras file"):
            load_model(tmp_path / name)
    with pytest.raises(UsageError, match="does not exist"):
        load_model(tmp_path / "absent.keras")


def test_a_damaged_model_is_an_error_of_one_line(tmp_path):
    from trainer.models.build import build_model
    from trainer.models.load import load_model

    build_model("unet_small", (32, 32), 2).save(tmp_path / "best.keras")
    whole = (tmp_path / "best.keras").read_bytes()
    for damaged in (b"", b"no zip", whole[: len(whole) // 2]):
        (tmp_path / "best.keras").write_bytes(damaged)
        with pytest.raises(DataError, match="is truncated, or not a model") as caught:
            load_model(tmp_path / "best.keras")
        assert "\n" not in str(caught.value)


def test_a_model_with_code_inside_is_refused(tmp_path):
    from trainer.backend import keras
    from trainer.models.load import load_model

    image = keras.Input((4, 4, 3))
    keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image)).save(tmp_path / "evil.keras")
    with pytest.raises(DataError, match="cannot be loaded as a model"):
        load_model(tmp_path / "evil.keras")


def test_the_layers_of_older_runs_are_still_loaded(tmp_path):
    from trainer.backend import keras
    from trainer.models.blocks import CaffePreprocessing, caffe
    from trainer.models.load import load_model
    from trainer.models.segnet import PoolingIndices, Unpooling, pooling_indices, unpooled

    image = keras.Input((8, 8, 3))
    pooled = keras.layers.MaxPooling2D()(image)
    old = Unpooling()(pooled, PoolingIndices()(CaffePreprocessing()(image), pooled))
    keras.Model(image, old).save(tmp_path / "old.keras")
    new = keras.Model(image, unpooled(pooled, pooling_indices(caffe(image), pooled)))
    pixels = noise_image((8, 8))
    np.testing.assert_array_equal(load_model(tmp_path / "old.keras")(pixels), new(pixels))
