"""unet_small: nothing is computed at full resolution but the last upsampling."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_no_convolution_has_the_size_of_the_image():
    from trainer.models.unet_small import unet_small

    net = unet_small((64, 96), 3)
    sizes = {layer.output.shape[1:3] for layer in net.layers if layer.__class__.__name__ == "Conv2D"}
    assert max(sizes) == (32, 48)
    assert net.output_shape == (None, 64, 96, 3)
