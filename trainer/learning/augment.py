"""Augment: random changes of an image and its mask together, on the device.

From the uint8 pair of a record to a float32 image in 0..255 and a uint8 mask, both of the whole record or of a window
of it. All geometry is one affine map per sample: image and mask are sampled once, at the same coordinates, bilinear in
the image and nearest in the mask. No new class can appear. Brightness and colour follow, on the image only.

Written in keras.ops with static heights and widths only, so that XLA can compile the whole step: Keras' own layers for
geometry have no XLA kernel, and several of them interpolate class indices. Only the layer draws random numbers; every
function here is pure. The same seed gives different numbers with XLA than without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pkgutil import resolve_name
from typing import TypeAlias

from trainer.backend import ReplicaSeeds, Tensor, keras
from trainer.choices.augments import AUGMENTATIONS, AugmentConfig
from trainer.learning.warp import COLUMNS, ROWS, warp, warp_separable
from trainer.learning.windows import MATRIX_STEPS, OFFSET_STEPS, VALUES, pixels_of_a_class, place_window

LARGEST_PASTED = 0.1  # of an image: the largest share of its pixels that a pasted class may have
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in grey: ITU-R BT.601


def _draws_of(name: str) -> tuple[str, ...]:
    return AUGMENTATIONS[name].draws or (name,)


# The random numbers, uniform in 0..1, one column each whether in use or not: disabling one does not change the others.
DRAWS = tuple(draw for name in AUGMENTATIONS for draw in _draws_of(name))
Draws = dict[str, Tensor]  # name -> float32 [B], 0..1; of some rows NAME_normal -> float32 [B, H, W, 3]
ImageChange: TypeAlias = Callable[[Tensor, AugmentConfig, Draws], Tensor]


class Augment(keras.layers.Layer):
    """Applies all enabled changes to each sample of a batch, with random numbers of its own.

    Input shape: image uint8 [B, H, W, 3], mask uint8 [B, H, W], and where records have several sizes, the (height,
    width) of each, float32 [B, 2]: the rest of its image, at the bottom and right, is padding. Only B may be unknown.
    Output shape: image float32 [B, h, w, 3] in 0..255, mask uint8 [B, h, w] with its own values and IGNORE_INDEX only;
    (h, w) is (H, W) without a window.

    Attributes:
      strengths: how strong each change is.
      window: (height, width) of the part of a record to return, in pixels; None for all of it.
      seed_generator: source of all random numbers, which depend only on its state and on the device's index.
    """

    def __init__(self, strengths: AugmentConfig, seed: int, window: tuple[int, int] | None = None) -> None:
        # Whatever the policy of the model: bfloat16 cannot represent all pixel coordinates, nor all grey levels.
        super().__init__(name="augment", dtype="float32", autocast=False)
        self.strengths = strengths
        self.window = window
        self.seed_generator = ReplicaSeeds(seed)

    def call(self, image: Tensor, mask: Tensor, size: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns the augmented image and mask."""
        batch = keras.ops.shape(image)[0]
        draws = self.draw(batch)
        if self.strengths.class_windows:
            draws["classes"] = self._uniform(batch, VALUES)
        image, mask = move(image, mask, self.strengths, draws=draws, window=self.window, size=size)
        if self.strengths.copy_paste:
            chosen = draws["copy_paste"] < self.strengths.copy_paste
            image, mask = paste(image, mask, chosen, self._uniform(batch, VALUES))
        for name, image_change in image_changes(self.strengths).items():
            if AUGMENTATIONS[name].has_normal:
                normal = keras.random.normal(keras.ops.shape(image), dtype="float32", seed=self.seed_generator)
                draws[f"{name}_normal"] = normal
            image = image_change(image, self.strengths, draws)
        return keras.ops.clip(image, 0.0, 255.0), mask

    def draw(self, batch: int | Tensor) -> Draws:
        """Returns the next random numbers for a batch of that many samples."""
        uniform = self._uniform(batch, len(DRAWS))
        draws = {name: uniform[:, column] for column, name in enumerate(DRAWS)}
        if self.strengths.omit:
            spared = self._uniform(batch, len(AUGMENTATIONS)) < self.strengths.omit
            for column, (name, row) in enumerate(AUGMENTATIONS.items()):
                if row.neutral is not None:
                    own = {
                        draw: keras.ops.where(spared[:, column], row.neutral, draws[draw]) for draw in _draws_of(name)
                    }
                    draws |= own
        return draws

    def _uniform(self, batch: int | Tensor, count: int) -> Tensor:
        return keras.random.uniform((batch, count), dtype="float32", seed=self.seed_generator)


def build_augment(strengths: AugmentConfig, seed: int, window: tuple[int, int] | None = None) -> Augment | None:
    """Returns the augmentation of these strengths, or None where all of them are 0 and there is no window."""
    return None if strengths == AugmentConfig() and window is None else Augment(strengths, seed, window)


def image_changes(strengths: AugmentConfig) -> dict[str, ImageChange]:
    """Returns the functions that change only the image, by the first row that names each, in the order of the stages.

    Only enabled rows count; a function that several of them share occurs once.
    """
    rows = [(name, row) for name, row in AUGMENTATIONS.items() if row.change and getattr(strengths, name)]
    specs: dict[str, str] = {}
    for name, row in sorted(rows, key=lambda pair: pair[1].stage):
        specs.setdefault(str(row.change), name)
    return {name: resolve_name(spec) for spec, name in specs.items()}


def move(
    image: Tensor,
    mask: Tensor,
    strengths: AugmentConfig,
    *,
    draws: Draws,
    window: tuple[int, int] | None = None,
    size: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns (image float32 [B, h, w, 3], mask uint8 [B, h, w]) after all geometry.

    Args:
      image: uint8 [B, H, W, 3].
      mask: uint8 [B, H, W].
      strengths: strength of each change.
      draws: from `Augment.draw`.
      window: (h, w) in pixels; None for (H, W).
      size: (height, width) of each record, float32 [B, 2]; None for (H, W).
    """
    if window is None and size is None and not _has_warp(strengths):
        image, mask = _flip(image, mask, strengths, draws)
        return keras.ops.cast(image, "float32"), mask
    window = window or tuple(image.shape[ROWS : COLUMNS + 1])
    if size is None:
        size = keras.ops.convert_to_tensor([[*image.shape[ROWS : COLUMNS + 1]]], "float32")
    matrix, offset = affine(strengths, draws, window)
    offset = offset + place_window(matrix, mask, size, window, draws, class_share=strengths.class_windows)
    sample = warp if _turns(strengths) else warp_separable
    return sample(image, mask, matrix, offset, window=window, size=size)


def affine(strengths: AugmentConfig, draws: Draws, window: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns the map from a pixel of the result to its position in the source, all geometry in one.

    From the source to the result, the order is: flips, quarter turns, rotation, shear, zoom and aspect, translation.
    Angles are those seen in the image: the map is in pixels, whatever the aspect ratio.

    Args:
      strengths: strength of each change.
      draws: from `Augment.draw`.
      window: (height, width) of the result, in pixels.

    Returns:
      (matrix, offset), float32 [B, 2, 2] and [B, 2], rows and columns in this order, for `warp`, of a result about the
      centre of the source. Flips and quarter turns alone are whole numbers: they move pixels without interpolation.
    """
    ops = keras.ops
    signed = {name: 2 * draw - 1 for name, draw in draws.items()}
    angle = signed["rotation"] * math.radians(strengths.rotation)
    cos, sin = ops.cos(angle), ops.sin(angle)
    slant = ops.tan(signed["shear"] * math.radians(strengths.shear))
    zoom = ops.exp(signed["zoom"] * math.log1p(strengths.zoom))
    stretch = ops.exp(signed["aspect"] * (math.log1p(strengths.aspect) / 2))  # half in the width, half in the height
    row_step, column_step = stretch / zoom, 1 / (stretch * zoom)
    matrix = [
        [_round((cos + sin * slant) * row_step, MATRIX_STEPS), _round(sin * column_step, MATRIX_STEPS)],
        [_round((cos * slant - sin) * row_step, MATRIX_STEPS), _round(cos * column_step, MATRIX_STEPS)],
    ]
    shift = [signed[f"translation_{axis}"] * (strengths.translation * n) for axis, n in zip("yx", window, strict=True)]
    offset = [_round(-row[0] * shift[0] - row[1] * shift[1], OFFSET_STEPS) for row in matrix]
    return _turn_and_flip(strengths, draws, matrix=matrix, offset=offset)


def _turn_and_flip(
    strengths: AugmentConfig, draws: Draws, *, matrix: list[list[Tensor]], offset: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Returns (matrix, offset) of a map that is followed by quarter turns and flips, without rounding."""
    ops = keras.ops
    quarter = ops.floor(draws["quarter_turns"] * 4) if strengths.quarter_turns else ops.zeros_like(offset[0])
    cos = ops.abs(quarter - 2) - 1  # of 0, 1, 2, 3 quarters: 1, 0, -1, 0
    sin = 1 - ops.abs(quarter - 1)  # 0, 1, 0, -1
    up, left = (
        ops.where(draws[name] < 0.5, -1.0, 1.0) if getattr(strengths, name) else ops.ones_like(quarter)
        for name in ("flip_vertical", "flip_horizontal")
    )
    turned = [[up * cos, up * sin], [-left * sin, left * cos]]
    rows = [[row[0] * matrix[0][axis] + row[1] * matrix[1][axis] for axis in (0, 1)] for row in turned]
    shift = [row[0] * offset[0] + row[1] * offset[1] for row in turned]
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=1), ops.stack(shift, axis=-1)


def _flip(image: Tensor, mask: Tensor, strengths: AugmentConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Mirrors a pair as `affine` would, without sampling every pixel."""
    for name, axis in (("flip_vertical", ROWS), ("flip_horizontal", COLUMNS)):
        if getattr(strengths, name):
            flip = (draws[name] < 0.5)[:, None, None]
            image = keras.ops.where(flip[..., None], keras.ops.flip(image, axis), image)
            mask = keras.ops.where(flip, keras.ops.flip(mask, axis), mask)
    return image, mask


def paste(image: Tensor, mask: Tensor, chosen: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Pastes the pixels of a random class of another record of the batch onto the chosen ones, at the same place.

    Only a class on fewer than LARGEST_PASTED of the pixels is: others occur often enough.

    Args:
      image: float32 [B, H, W, 3].
      mask: uint8 [B, H, W].
      chosen: bool [B].
      classes: uniform in 0..1, float32 [B, VALUES]: which class it is.

    Source: Ghiasi et al., Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation, CVPR 2021,
    for classes instead of objects.
    """
    ops = keras.ops
    donor, donor_mask = ops.roll(image, 1, axis=0), ops.roll(ops.cast(mask, "float32"), 1, axis=0)
    pasted = pixels_of_a_class(donor_mask, classes)
    is_rare = ops.mean(pasted, axis=(1, 2)) < LARGEST_PASTED
    pasted = ops.logical_and(pasted > 0, ops.logical_and(is_rare, chosen)[:, None, None])
    mask = ops.where(pasted, donor_mask, ops.cast(mask, "float32"))
    return ops.where(pasted[..., None], donor, image), ops.cast(mask, "uint8")


def shift_colors(image: Tensor, strengths: AugmentConfig, draws: Draws) -> Tensor:
    """Changes hue, saturation, contrast and brightness, in this order, as one affine map of red, green and blue.

    Args:
      image: float32 [B, H, W, 3].
      strengths: strength of each change.
      draws: from `Augment.draw`.

    Returns:
      float32 [B, H, W, 3], not clipped. The contrast is changed around the mean grey of `image`.

    Source of the hue: a rotation about the grey axis, as in P. Haeberli, "Matrix Operations for Image Processing"
    (1993), by Rodrigues' formula; of the saturation: ibid., with the luma weights of BT.601.
    """
    ops = keras.ops
    scale = 1 + (2 * draws["contrast"] - 1) * strengths.contrast
    offset = (2 * draws["brightness"] - 1) * (255 * strengths.brightness)
    if strengths.contrast:
        grey = ops.sum(ops.mean(image, axis=(ROWS, COLUMNS)) * ops.convert_to_tensor(LUMA, "float32"), axis=-1)
        offset = offset + (1 - scale) * grey
    if strengths.saturation or strengths.hue:
        colors = _hue_matrix((2 * draws["hue"] - 1) * math.radians(strengths.hue))
        colors = ops.matmul(colors, _saturation_matrix(1 + (2 * draws["saturation"] - 1) * strengths.saturation))
        image = ops.matmul(image, (colors * scale[:, None, None])[:, None])
    elif strengths.contrast:
        image = image * _per_image(scale)
    return image + _per_image(offset) if strengths.brightness or strengths.contrast else image


def _hue_matrix(angle: Tensor) -> Tensor:
    """Returns the matrix that rotates a row (red, green, blue) about the grey axis: float32 [B, 3, 3]."""
    across = keras.ops.convert_to_tensor([[0, 1, -1], [-1, 0, 1], [1, -1, 0]], "float32") / math.sqrt(3)
    cos, sin = keras.ops.cos(angle)[:, None, None], keras.ops.sin(angle)[:, None, None]
    return cos * keras.ops.eye(3, dtype="float32") + (1 - cos) / 3 + sin * across


def _saturation_matrix(scale: Tensor) -> Tensor:
    """Returns the matrix that moves a row (red, green, blue) to or from its own grey: float32 [B, 3, 3]."""
    scale = scale[:, None, None]
    return (
        scale * keras.ops.eye(3, dtype="float32") + (1 - scale) * keras.ops.convert_to_tensor(LUMA, "float32")[:, None]
    )


def add_noise(image: Tensor, strengths: AugmentConfig, draws: Draws) -> Tensor:
    """Adds Gaussian noise, with a standard deviation per image."""
    return image + _per_image(draws["noise"] * strengths.noise) * draws["noise_normal"]


def soften(image: Tensor, strengths: AugmentConfig, draws: Draws) -> Tensor:
    """Blurs each image with its own Gaussian."""
    return blur(image, draws["blur"] * strengths.blur, math.ceil(4 * strengths.blur))


def blur(image: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blurs each image with its own Gaussian, normalised at the borders over the part inside the image.

    Args:
      image: float32 [B, H, W, 3].
      sigma: float32 [B], in pixels; 0 leaves the image as it is.
      radius: radius of the kernel in pixels, at least 4 times the largest sigma; the cost is proportional to it.
    """
    places = keras.ops.arange(-radius, radius + 1, dtype="float32")
    spread = keras.ops.maximum(sigma, 0.05)[:, None]  # at 0.05 the neighbour's weight is 0 in float32
    weights = keras.ops.exp(keras.ops.square(places / spread) / -2)  # [B, 2 * radius + 1]
    for axis in (ROWS, COLUMNS):
        image = _blur_axis(image, weights, axis)
    return image


def _blur_axis(image: Tensor, weights: Tensor, axis: int) -> Tensor:
    """Returns the weighted mean of each pixel's neighbours along an axis, float32 [B, H, W, 3]."""
    taps = weights.shape[1]
    padding = [(0, 0)] * 4
    padding[axis] = (taps // 2, taps // 2)
    length, shape = image.shape[axis], [1, 1, 1, 1]
    shape[axis] = -1
    padded = keras.ops.pad(image, padding)
    inside = keras.ops.pad(keras.ops.ones([length]), [padding[axis]])
    total, weight = keras.ops.zeros_like(image), keras.ops.zeros([1, 1, 1, 1])
    for tap in range(taps):
        here = [slice(None)] * 4
        here[axis] = slice(tap, tap + length)
        own = weights[:, tap][:, None, None, None]
        total = total + own * padded[tuple(here)]
        weight = weight + own * keras.ops.reshape(inside[tap : tap + length], shape)
    return total / weight


def _turns(strengths: AugmentConfig) -> bool:
    """Returns whether a row may become anything but a row: whether a matrix of `affine` may not be diagonal."""
    return bool(strengths.rotation or strengths.shear or strengths.quarter_turns)


NO_WARP = ("flip_vertical", "flip_horizontal", "class_windows", "copy_paste", "omit")  # which move no pixel alone


def _has_warp(strengths: AugmentConfig) -> bool:
    return any(
        getattr(strengths, name) for name, row in AUGMENTATIONS.items() if row.change is None and name not in NO_WARP
    )


def _round(number: Tensor, steps: int) -> Tensor:
    return keras.ops.round(number * steps) / steps


def _per_image(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]
