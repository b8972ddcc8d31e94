"""resnet50_segnet: the encoder ends at 1/16, and no skip leaves it."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_the_encoder_ends_at_a_sixteenth_and_nothing_else_leaves_it():
    from trainer.models.resnet50_segnet import resnet50_segnet

    net = resnet50_segnet((64, 96), 3)
    assert net.get_layer("resnet50").output_shape == (None, None, None, 1024)  # one output, that of conv4
    first = next(layer for layer in net.layers if layer.__class__.__name__ == "Conv2D")
    assert first.output.shape[1:] == (4, 6, 512)
    assert not any(layer.__class__.__name__ == "Concatenate" for layer in net.layers)
    assert net.get_layer("logits").output.shape[1:] == (32, 48, 3)
