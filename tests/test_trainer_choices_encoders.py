"""The tables of encoders and preprocessings."""

from __future__ import annotations

from pkgutil import resolve_name

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

from trainer.choices.encoders import ENCODERS, PREPROCESSINGS

pytestmark = NEEDS_TF


def test_every_encoder_names_a_preprocessing_of_the_table_and_a_function_of_keras():
    import trainer.backend  # noqa: F401 - a quiet start

    for row in ENCODERS.values():
        assert row.preprocessing in PREPROCESSINGS
        assert callable(resolve_name(row.builder))
    assert [preprocessing.name for preprocessing in PREPROCESSINGS.values()] == list(PREPROCESSINGS)


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_the_numbers_of_a_preprocessing_are_what_its_layer_computes(name):
    facts, image = PREPROCESSINGS[name], noise_image()
    ordered = image[..., ::-1] if facts.channels == "BGR" else image
    wanted = (ordered - np.array(facts.mean)) / np.array(facts.std)
    np.testing.assert_allclose(resolve_name(facts.layer)(image), wanted, rtol=1e-5, atol=1e-5)
