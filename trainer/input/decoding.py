"""Decoding: from a serialized record to its pair of uint8 arrays, exactly the pixels that Pillow reads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # no wheel for this machine
    decode_image_png_u8 = None

from converter.schema import IGNORE_INDEX, IMAGE, MASK
from trainer.backend import Tensor, tf
from trainer.choices.augments import GREY

PNG_KIND, PNG_GREY = slice(24, 26), b"\x08\x00"  # bytes of a PNG with bit depth and colour type: 8, and grey


def decodes_masks_in_batches() -> bool:
    """Whether masks are to be decoded by `with_masks`: true where the decoder of kornia-rs is installed."""
    return decode_image_png_u8 is not None


def decoder(size: tuple[int, int] | None, *, has_masks: bool = True) -> Callable[[Tensor], tuple[dict[str, Tensor]]]:
    """Returns the function from a serialized record to its pair: uint8 [H, W, 3] and uint8 [H, W].

    Args:
      size: (height, width) of every record, in pixels; None where records have several.
      has_masks: whether the mask is decoded as well; else it stays PNG bytes, for `with_masks`.
    """
    height_and_width = size or (None, None)
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in (IMAGE, MASK)}

    def decode(record: Tensor) -> tuple[dict[str, Tensor]]:
        parsed = tf.io.parse_single_example(record, features)
        # Pillow uses the accurate transform: the same pixels here, in the reports, and in a later prediction.
        # decode_jpeg takes PNG too; decode_image, meant for both, has no option for the transform.
        image = tf.io.decode_jpeg(parsed[IMAGE], channels=3, dct_method="INTEGER_ACCURATE")
        image, mask = tf.ensure_shape(image, (*height_and_width, 3)), parsed[MASK]
        if has_masks:
            mask = tf.squeeze(tf.ensure_shape(tf.io.decode_png(mask, channels=1), (*height_and_width, 1)), -1)
        return ({"image": image, "mask": mask},)

    return decode


def padder(size: tuple[int, int]) -> Callable[[dict[str, Tensor]], tuple[dict[str, Tensor]]]:
    """Returns the function that pads a pair at the bottom and right to (height, width), and adds its own as "size".

    The fill is GREY in the image and IGNORE_INDEX in the mask; "size" is float32 [2].
    """

    def pad(pair: dict[str, Tensor]) -> tuple[dict[str, Tensor]]:
        own = tf.shape(pair["mask"])
        below, right = size[0] - own[0], size[1] - own[1]
        image = tf.pad(pair["image"], [[0, below], [0, right], [0, 0]], constant_values=GREY)
        mask = tf.pad(pair["mask"], [[0, below], [0, right]], constant_values=IGNORE_INDEX)
        image, mask = tf.ensure_shape(image, (*size, 3)), tf.ensure_shape(mask, size)
        return ({"image": image, "mask": mask, "size": tf.cast(own, tf.float32)},)

    return pad


def with_masks(pair: dict[str, Tensor]) -> tuple[dict[str, Tensor]]:
    """Returns a batch whose masks are decoded: uint8 [B, H, W] of string [B].

    The decoder of kornia-rs takes a third of TensorFlow's time. It blocks other Python code meanwhile, so it is
    used only for the masks, which are small, and called once per batch.
    """
    batch, height, width, _ = pair["image"].shape

    def decode(masks: np.ndarray) -> np.ndarray:
        decoded = np.empty((batch, height, width), np.uint8)
        for place, data in enumerate(masks):
            decoded[place] = mask_pixels(data, (height, width))
        return decoded

    mask = tf.numpy_function(decode, (pair["mask"],), tf.uint8, stateful=False)
    return ({"image": pair["image"], "mask": tf.ensure_shape(mask, (batch, height, width))},)


def mask_pixels(data: bytes, size: tuple[int, int]) -> np.ndarray:
    """Returns the class indices of a PNG, uint8 [H, W]; TensorFlow decodes what the fast decoder refuses."""
    if data[PNG_KIND] == PNG_GREY:
        with contextlib.suppress(Exception):  # it raises nothing narrower
            return decode_image_png_u8(data, size, "mono")[..., 0]
    return tf.io.decode_png(data, channels=1).numpy()[..., 0]
