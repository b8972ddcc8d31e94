"""mobilenetv3_unet: a light decoder that ends at half the size."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_the_decoder_ends_at_half_of_the_size():
    from trainer.models.mobilenetv3_unet import mobilenetv3_unet

    net = mobilenetv3_unet((64, 96), 3)
    assert net.get_layer("logits").output.shape[1:] == (32, 48, 3)
    assert net.output_shape == (None, 64, 96, 3)
