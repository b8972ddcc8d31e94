"""encoder_unet: its decoder ends at half the size of the encoder's image, on any encoder."""

from __future__ import annotations

from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_the_decoder_has_two_convolutions_per_level_and_ends_at_half_the_size():
    from trainer.models.encoder_unet import encoder_unet

    net = encoder_unet((224, 320), 3)
    convolutions = [layer for layer in net.layers if layer.__class__.__name__ == "Conv2D"]
    assert [layer.filters for layer in convolutions] == [96, 96, 64, 64, 40, 40, 24, 24, 3]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert convolutions[-1].output.shape == (None, 112, 160, 3)
    resized = [layer for layer in net.layers if layer.__class__.__name__ == "UpSampling2D"]
    assert [layer.interpolation for layer in resized] == ["bilinear"] * 5
    assert net.output_shape == (None, 224, 320, 3)


def test_a_small_image_is_enlarged_for_the_encoder_and_decoded_to_its_own_size():
    from trainer.models.encoder_unet import encoder_unet

    small, large = (encoder_unet((height, 320), 3) for height in (223, 224))
    assert small.get_layer("enlarge").output.shape == (None, 446, 640, 3)
    assert small.get_layer("logits").output.shape == (None, 224, 320, 3)  # of 448 x 640, padded
    assert small.output_shape == (None, 223, 320, 3)
    assert "enlarge" not in [layer.name for layer in large.layers]
    assert small.count_params() == large.count_params()


def test_another_encoder_takes_the_place_of_its_own():
    from trainer.models.encoder_unet import encoder_unet

    net = encoder_unet((32, 32), 3, encoder="mobilenetv2")
    assert net.get_layer("mobilenetv2").count_params() > 1e6
    assert net.output_shape == (None, 32, 32, 3)
