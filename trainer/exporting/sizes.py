"""Sizes: a model that was trained on images of one size -> the same model for any size, where it can be.

A model of convolutions can be, as long as no side is rounded on the way down and up again. Whether one is, is tried:
the same weights in a model that is built for another size must give the same logits.
"""

from __future__ import annotations

import numpy as np

from converter.errors import SegconvError, UsageError
from trainer.backend import keras
from trainer.exporting.drawn import drawn_image
from trainer.exporting.enlarging import with_enlarge
from trainer.models.build import build_model
from trainer.run.info import RunInfo

STRIDE = 32  # pixels: the largest reduction of a model, of which sides have to be multiples
_FIX = "Leave out --free-size; segconv predict looks at larger photographs in windows."


def for_any_size(net: keras.Model, info: RunInfo) -> tuple[keras.Model, keras.Model]:
    """Returns a model with the same weights for images of any size, and one for a certain other size.

    Args:
      net: the model of the run, in float32.
      info: of the run.

    Raises:
      UsageError: the model is one for its size alone.
    """
    height, width = info.size
    if height % STRIDE or width % STRIDE:
        what = f"needs sides that are multiples of {STRIDE}, and the model was trained on {height}x{width}"
        raise UsageError("--free-size", what, _FIX)
    what = f"is not possible with {info.config.model}, whose layers are made for images of one size"
    refusal = UsageError("--free-size", what, _FIX)
    # Turned, and longer: the shorter side, by which some models choose whether to enlarge images, stays.
    size = (max(info.size) + STRIDE, min(info.size)) if height <= width else (min(info.size), max(info.size) + STRIDE)
    try:
        image = keras.Input((None, None, 3), name="image")
        free = with_enlarge(net, image)
        other = build_model(info.config.model, size, len(info.classes), encoder=info.config.encoder)
        other.set_weights(net.get_weights())
        drawn = drawn_image(size, 0)[None].astype(np.float32)
        found, expected = (keras.ops.convert_to_numpy(each(drawn, training=False)) for each in (free, other))
    except SegconvError:
        raise
    except Exception as error:
        raise refusal from error
    if tuple(free.output_shape[:3]) != (None, None, None) or not np.allclose(found, expected, rtol=1e-3, atol=1e-3):
        raise refusal
    return free, other
