"""The auxiliary head: it shares every layer with the model, and learns from single pixels of the mask."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from trainer.models import MODELS

pytestmark = NEEDS_TF

HAS_LEVELS = [name for name, model in MODELS.items() if model.has_levels]


@pytest.mark.parametrize(
    "name", ["encoder_unet", "unet_small", pytest.param("mobilenetv3_unet", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("size", [(64, 96), (45, 61)])
def test_the_head_is_at_the_coarsest_level_and_adds_only_its_own_weights(name, size):
    from trainer.models.auxiliary import with_auxiliary_head
    from trainer.models.build import build_model

    net = build_model(name, size, 5)
    both = with_auxiliary_head(net, 5)
    padded = [-(-pixels // 32) * 32 for pixels in size]
    coarse = 8 if name == "encoder_unet" else 16  # it enlarges small images by 2
    expected = [pixels // 16 for pixels in padded] if coarse == 16 else [-(-2 * pixels // 32) * 2 for pixels in size]
    assert both.output_shape[1] == (None, *expected, 5)
    added = [weight for weight in both.weights if all(weight is not own for own in net.weights)]
    assert [tuple(weight.shape) for weight in added] == [(1, 1, both.get_layer("coarsest").output.shape[-1], 5), (5,)]
    image = np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.array(both(image)[0]), np.array(net(image)))


def test_the_table_says_which_models_have_such_a_level():
    from trainer.models.auxiliary import with_auxiliary_head
    from trainer.models.build import build_model

    for name in ("unet", "resnet50_segnet", "deeplabv3plus", *HAS_LEVELS):
        assert (with_auxiliary_head(build_model(name, (32, 32), 2), 2) is not None) == (name in HAS_LEVELS), name


@pytest.mark.parametrize(
    ("size", "features", "rows", "columns"),
    [
        ((4, 8), (2, 4), [1, 3], [1, 3, 5, 7]),
        ((8, 8), (2, 2), [2, 6], [2, 6]),
        ((6, 8), (2, 2), [2], [2, 6]),  # padded below: what has its middle there is left out
        ((5, 3), (5, 4), [0, 1, 2, 3, 4], [0, 1, 2]),
    ],
)
def test_coarse_logits_are_held_against_the_pixels_in_the_middle_of_theirs(size, features, rows, columns):
    from trainer.models.auxiliary import at_coarse_pixels

    mask = np.arange(np.prod(size), dtype=np.uint8).reshape(1, *size)
    logits = np.random.default_rng(0).normal(size=(1, *features, 3)).astype(np.float32)
    found, kept = at_coarse_pixels(mask, logits)
    np.testing.assert_array_equal(found[0], mask[0][np.ix_(rows, columns)])
    np.testing.assert_array_equal(kept, logits[:, : len(rows), : len(columns)])
