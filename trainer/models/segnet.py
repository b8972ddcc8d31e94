"""segnet: the SegNet of 2015, whose decoder puts each feature back where the encoder's pooling found it."""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import caffe, class_logits, conv_bn_relu, crop_to, input_image, pad_to_multiple
from trainer.models.encoders import load_network

# (convolutions, filters) of each level, as in VGG-16: its weights fit.
LEVELS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
STRIDE = 2 ** len(LEVELS)


def pooling_indices(x: Tensor, maxima: Tensor) -> Tensor:
    """Returns the position of the maximum in each 2 x 2 window.

    By comparison, since not every export format supports argmax.

    Args:
      x: [B, H, W, C]; H and W are even.
      maxima: its 2 x 2 maxima, [B, H / 2, W / 2, C].

    Returns:
      int8 [B, H / 2, W / 2, C]: 0 upper left, 1 upper right, 2 lower left, 3 lower right; the first of these where
      several are equal, as in tf.nn.max_pool_with_argmax.
    """
    ops = keras.ops
    where = ops.full_like(maxima, 3, dtype="int8")
    for index, (row, column) in ((2, (1, 0)), (1, (0, 1)), (0, (0, 0))):
        corner = x[:, row::2, column::2]
        where = ops.where(ops.equal(corner, maxima), ops.full_like(where, index), where)
    return where


def unpooled(x: Tensor, indices: Tensor) -> Tensor:
    """Undoes 2 x 2 pooling: each feature goes where its maximum was, and zeros to the other three positions.

    Args:
      x: [B, H, W, C].
      indices: its pooling_indices, of the same shape.

    Returns:
      [B, 2 H, 2 W, C].
    """
    ops = keras.ops
    height, width, channels = x.shape[1:]
    corners = [ops.where(ops.equal(indices, index), x, ops.zeros_like(x)) for index in range(4)]
    upper, lower = (ops.stack(pair, axis=3) for pair in (corners[:2], corners[2:]))  # [B, H, W, 2, C]
    rows = [ops.reshape(half, (-1, height, 2 * width, channels)) for half in (upper, lower)]
    return ops.reshape(ops.stack(rows, axis=2), (-1, 2 * height, 2 * width, channels))


@keras.saving.register_keras_serializable(package="segconv")
class PoolingIndices(keras.layers.Layer):
    """`pooling_indices` as a layer; only in models of older runs, which need it."""

    def call(self, x: Tensor, maxima: Tensor) -> Tensor:
        """Returns the indices."""
        return pooling_indices(x, maxima)

    def compute_output_spec(self, x: Tensor, maxima: Tensor) -> Tensor:
        """Returns the shape and dtype of the result."""
        return keras.KerasTensor(maxima.shape, dtype="int8")


@keras.saving.register_keras_serializable(package="segconv")
class Unpooling(keras.layers.Layer):
    """`unpooled` as a layer; only in models of older runs, which need it."""

    def call(self, x: Tensor, indices: Tensor) -> Tensor:
        """Returns the upsampled features."""
        return unpooled(x, indices)


def segnet(size: tuple[int, int], num_classes: int, *, weights: str | None = None) -> keras.Model:
    """Returns SegNet, 29.45 M parameters for 12 classes.

    Thirteen convolutions of VGG-16 down to 1/32, each followed by batch normalisation, and the same in
    reverse order up again, without skips: only the positions of the maxima go from the encoder to the decoder. Unlike
    in the paper, the last convolution is 1 x 1, and images are not normalised for local contrast.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of
        keras.applications' VGG16 without its top. Its kernels are copied without the biases, which the batch
        normalisation that follows here would cancel.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Badrinarayanan et al., SegNet: A Deep Convolutional Encoder-Decoder Architecture, TPAMI 2017.
    """
    image = input_image(size)
    x = pad_to_multiple(caffe(image), STRIDE)
    indices = []
    for count, filters in LEVELS:
        for _ in range(count):
            x = conv_bn_relu(x, filters)
        pooled = keras.layers.MaxPooling2D()(x)
        indices.append(pooling_indices(x, pooled))
        x = pooled
    encoder = keras.Model(image, x)
    for level in reversed(range(len(LEVELS))):
        x = unpooled(x, indices[level])
        count, filters = LEVELS[level]
        for _ in range(count - 1):
            x = conv_bn_relu(x, filters)
        if level:  # the very last convolution outputs the logits
            x = conv_bn_relu(x, LEVELS[level - 1][1])
    if weights is not None:
        _copy_kernels(weights, encoder)
    return keras.Model(image, crop_to(class_logits(x, num_classes), size), name="segnet")


def _copy_kernels(weights: str, encoder: keras.Model) -> None:
    """Copies the kernels of VGG-16 to the convolutions of the encoder."""
    pretrained, own = (
        [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        for model in (load_network("vgg16", weights), encoder)
    )
    for source, target in zip(pretrained, own, strict=True):
        target.kernel.assign(source.kernel)
