"""deeplabv3plus: the pyramid works at 1/16."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_the_pyramid_sees_four_rates_at_a_sixteenth():
    from trainer.models.deeplabv3plus import deeplabv3plus

    net = deeplabv3plus((64, 96), 3)
    separable = [layer for layer in net.layers if layer.__class__.__name__ == "SeparableConv2D"]
    pyramid = [layer for layer in separable if layer.output.shape[1:3] == (4, 6)]
    assert [layer.dilation_rate[0] for layer in pyramid] == [6, 12, 18]
    assert net.get_layer("logits").output.shape[1:] == (16, 24, 3)
