"""Decoding: from a serialized record to its pair of uint8 arrays, exactly the pixels that Pillow reads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

try:
    from kornia_rs.io import decode_image_png_u8
except ImportError:  # without segconv[fast]
    decode_image_png_u8 = None

from converter.schema import IMAGE, MASK
from trainer.backend import Tensor, tf

PNG_KIND, PNG_GREY = slice(24, 26), b"\x08\x00"  # bytes of a PNG with bit depth and colour type: 8, and grey


def decodes_masks_in_batches() -> bool:
    """Whether masks are to be decoded by `with_masks`: true where the decoder of segconv[fast] is installed."""
    return decode_image_png_u8 is not None


def decoder(size: tuple[int, int], *, has_masks: bool = True) -> Callable[[Tensor], tuple[dict[str, Tensor]]]:
    """Returns the function from a serialized record to its pair: uint8 [H, W, 3] and uint8 [H, W].

    Args:
      size: (height, width) of every record, in pixels.
      has_masks: whether the mask is decoded as well; else it stays PNG bytes, for `with_masks`.
    """
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in (IMAGE, MASK)}

    def decode(record: Tensor) -> tuple[dict[str, Tensor]]:
        parsed = tf.io.parse_single_example(record, features)
        # Pillow uses the accurate transform: the same pixels here, in the reports, and in a later prediction.
        # decode_jpeg takes PNG too; decode_image, meant for both, has no option for the transform.
        image = tf.io.decode_jpeg(parsed[IMAGE], channels=3, dct_method="INTEGER_ACCURATE")
        image, mask = tf.ensure_shape(image, (*size, 3)), parsed[MASK]
        if has_masks:
            mask = tf.squeeze(tf.ensure_shape(tf.io.decode_png(mask, channels=1), (*size, 1)), -1)
        return ({"image": image, "mask": mask},)

    return decode


def with_masks(pair: dict[str, Tensor]) -> tuple[dict[str, Tensor]]:
    """Returns a batch whose masks are decoded: uint8 [B, H, W] of string [B].

    The decoder of segconv[fast] takes a third of TensorFlow's time. It blocks other Python code meanwhile, so it is
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
