"""Loading: untrusted files."""

from __future__ import annotations

import pytest
from trainer_fixtures import NEEDS_TF

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
