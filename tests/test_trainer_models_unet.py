"""unet: its own encoder, or another with a lighter decoder."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_another_encoder_brings_a_lighter_decoder():
    from trainer.models.unet import unet

    classic, other = unet((64, 64), 3), unet((64, 64), 3, encoder="mobilenetv2")
    filters = [layer.filters for layer in classic.layers if layer.__class__.__name__ == "Conv2DTranspose"]
    assert filters == [512, 256, 128, 64]
    assert not any(layer.__class__.__name__ == "Conv2DTranspose" for layer in other.layers)
    assert other.count_params() < classic.count_params() / 3
    assert classic.output_shape == other.output_shape == (None, 64, 64, 3)
