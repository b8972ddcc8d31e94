"""Augment: random changes of an image and its mask together, on the device.

From the uint8 pair of a record to a float32 image in 0..255 and a uint8 mask. All geometry is one affine map per
sample: image and mask are sampled once, at the same coordinates, bilinear in the image and nearest in the mask. No new
class can appear. Brightness and colour follow, on the image only.

Written in keras.ops with static heights and widths only, so that XLA can compile the whole step: Keras' own layers for
geometry have no XLA kernel, and several of them interpolate class indices. Only the layer draws random numbers; every
function here is pure. The same seed gives different numbers with XLA than without.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pkgutil import resolve_name
from typing import TypeAlias

from converter.schema import IGNORE_INDEX
from trainer.backend import ReplicaSeeds, Tensor, keras
from trainer.choices.augments import AUGMENTATIONS, AugmentConfig

ROWS, COLUMNS = 1, 2  # axes of [B, H, W, ...]

# Fill outside of the source, where the mask is ignored. The usual preprocessing maps mid-grey to about 0; the mean of
# each image would hide the border a little better, for one more pass over the pixels and one over the result.
GREY = 127.5

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in grey: ITU-R BT.601

# Matrices are rounded to multiples of 1/1024, and offsets to half of that, so that coordinates below 8192 pixels have
# no rounding error in float32. Otherwise XLA, which fuses a * b + c, would sometimes find a different nearest pixel.
MATRIX_STEPS = 1024
OFFSET_STEPS = 2 * MATRIX_STEPS  # a pixel may be half a pixel off the grid through the centre

# The random numbers, uniform in 0..1, one column each whether in use or not: disabling one does not change the others.
DRAWS = tuple(draw for name, row in AUGMENTATIONS.items() for draw in row.draws or (name,))
Draws = dict[str, Tensor]  # name -> float32 [B], 0..1; of some rows NAME_normal -> float32 [B, H, W, 3]
ImageChange: TypeAlias = Callable[[Tensor, AugmentConfig, Draws], Tensor]

# Without XLA, TensorFlow computes int32 on the host, even next to a GPU, and gathers no uint8 there. JAX has no int64.
INDEX_DTYPE = "int64" if keras.backend.backend() == "tensorflow" else "int32"


class Augment(keras.layers.Layer):
    """Applies all enabled changes to each sample of a batch, with random numbers of its own.

    Input shape: image uint8 [B, H, W, 3] and mask uint8 [B, H, W]; only B may be unknown.
    Output shape: the same; the image is float32 in 0..255, the mask uint8 with its own values and IGNORE_INDEX only.

    Attributes:
      strengths: how strong each change is.
      seed_generator: source of all random numbers, which depend only on its state and on the device's index.
    """

    def __init__(self, strengths: AugmentConfig, seed: int) -> None:
        # Whatever the policy of the model: bfloat16 cannot represent all pixel coordinates, nor all grey levels.
        super().__init__(name="augment", dtype="float32", autocast=False)
        self.strengths = strengths
        self.seed_generator = ReplicaSeeds(seed)

    def call(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the augmented image and mask."""
        draws = self.draw(keras.ops.shape(image)[0])
        image, mask = move(image, mask, self.strengths, draws=draws)
        for name, image_change in image_changes(self.strengths).items():
            if AUGMENTATIONS[name].has_normal:
                normal = keras.random.normal(keras.ops.shape(image), dtype="float32", seed=self.seed_generator)
                draws[f"{name}_normal"] = normal
            image = image_change(image, self.strengths, draws)
        return keras.ops.clip(image, 0.0, 255.0), mask

    def draw(self, batch: int | Tensor) -> Draws:
        """Returns the next random numbers for a batch of that many samples."""
        uniform = keras.random.uniform((batch, len(DRAWS)), dtype="float32", seed=self.seed_generator)
        return {name: uniform[:, column] for column, name in enumerate(DRAWS)}


def build_augment(strengths: AugmentConfig, seed: int) -> Augment | None:
    """Returns the augmentation of these strengths, or None where all of them are 0."""
    return None if strengths == AugmentConfig() else Augment(strengths, seed)


def image_changes(strengths: AugmentConfig) -> dict[str, ImageChange]:
    """Returns the functions that change only the image, by the first row that names each, in the order of the stages.

    Only enabled rows count; a function that several of them share occurs once.
    """
    rows = [(name, row) for name, row in AUGMENTATIONS.items() if row.change and getattr(strengths, name)]
    specs: dict[str, str] = {}
    for name, row in sorted(rows, key=lambda pair: pair[1].stage):
        specs.setdefault(str(row.change), name)
    return {name: resolve_name(spec) for spec, name in specs.items()}


def move(image: Tensor, mask: Tensor, strengths: AugmentConfig, *, draws: Draws) -> tuple[Tensor, Tensor]:
    """Returns (image float32 [B, H, W, 3], mask uint8 [B, H, W]) after all geometry.

    Args:
      image: uint8 [B, H, W, 3].
      mask: uint8 [B, H, W].
      strengths: strength of each change.
      draws: from `Augment.draw`.
    """
    if _has_warp(strengths):
        return warp(image, mask, *affine(strengths, draws, (image.shape[ROWS], image.shape[COLUMNS])))
    image, mask = _flip(image, mask, strengths, draws)
    return keras.ops.cast(image, "float32"), mask


def affine(strengths: AugmentConfig, draws: Draws, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns the map from a pixel of the result to its position in the source, all geometry in one.

    From the source to the result, the order is: flips, quarter turns, crop, rotation, shear, zoom and aspect,
    translation. Angles are those seen in the image: the map is in pixels, whatever the aspect ratio.

    Args:
      strengths: strength of each change.
      draws: from `Augment.draw`.
      size: (height, width) in pixels.

    Returns:
      (matrix, offset), float32 [B, 2, 2] and [B, 2], rows and columns in this order, for `warp`. Flips and quarter
      turns alone are whole numbers: they move pixels without interpolation.
    """
    ops = keras.ops
    signed = {name: 2 * draw - 1 for name, draw in draws.items()}
    angle = signed["rotation"] * math.radians(strengths.rotation)
    cos, sin = ops.cos(angle), ops.sin(angle)
    slant = ops.tan(signed["shear"] * math.radians(strengths.shear))
    zoom = ops.exp(signed["zoom"] * math.log1p(strengths.zoom))
    stretch = ops.exp(signed["aspect"] * (math.log1p(strengths.aspect) / 2))  # half in the width, half in the height
    share = _round(1 - draws["crop"] * strengths.crop, MATRIX_STEPS)
    row_step, column_step = share * stretch / zoom, share / (stretch * zoom)
    matrix = [
        [_round((cos + sin * slant) * row_step, MATRIX_STEPS), _round(sin * column_step, MATRIX_STEPS)],
        [_round((cos * slant - sin) * row_step, MATRIX_STEPS), _round(cos * column_step, MATRIX_STEPS)],
    ]
    shift = [signed[f"translation_{axis}"] * (strengths.translation * n) for axis, n in zip("yx", size, strict=True)]
    # The outermost pixel centres of the crop stay within those of the image: a crop needs no fill.
    window = [signed[f"crop_{axis}"] * (1 - share) * ((n - 1) / 2) for axis, n in zip("yx", size, strict=True)]
    offset = [
        _round(start - row[0] * shift[0] - row[1] * shift[1], OFFSET_STEPS)
        for start, row in zip(window, matrix, strict=True)
    ]
    return _turn_and_flip(strengths, draws, size, matrix=matrix, offset=offset)


def _turn_and_flip(
    strengths: AugmentConfig, draws: Draws, size: tuple[int, int], *, matrix: list[list[Tensor]], offset: list[Tensor]
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
    # Where height and width differ by an odd number, the fixed point of a quarter turn is not the centre of a pixel.
    half = ops.abs(sin) * ((size[0] - size[1]) % 2 / 2)
    rows = [[row[0] * matrix[0][axis] + row[1] * matrix[1][axis] for axis in (0, 1)] for row in turned]
    shift = [row[0] * offset[0] + row[1] * offset[1] + half for row in turned]
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=1), ops.stack(shift, axis=-1)


def warp(image: Tensor, mask: Tensor, matrix: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Samples every pixel at its position in the source: source - centre = matrix @ (target - centre) + offset.

    Args:
      image: uint8 [B, H, W, 3].
      mask: uint8 [B, H, W].
      matrix: float32 [B, 2, 2], rows before columns.
      offset: float32 [B, 2], in pixels.

    Returns:
      image, float32 [B, H, W, 3]: bilinear between the four pixels around the position, and GREY outside.
      mask, uint8 [B, H, W]: the nearest of the same four, and IGNORE_INDEX outside.
    """
    ops = keras.ops
    height, width = image.shape[ROWS], image.shape[COLUMNS]
    row, row_share = _split_coordinate(matrix[:, 0], offset[:, 0], (height, width), axis=0)
    column, column_share = _split_coordinate(matrix[:, 1], offset[:, 1], (height, width), axis=1)

    # A border of one fill pixel around every image makes every sampled position valid.
    ring = [[0, 0], [1, 1], [1, 1]]
    pixels = ops.pad(ops.cast(image, "float32"), [*ring, [0, 0]], constant_values=GREY)
    indices = ops.pad(ops.cast(mask, "float32"), ring, constant_values=float(IGNORE_INDEX))
    pixels, indices = ops.reshape(pixels, (-1, 3)), ops.reshape(indices, (-1,))

    stride = width + 2
    first = ops.arange(ops.shape(image)[0], dtype=INDEX_DTYPE) * ((height + 2) * stride)
    place = ops.cast(row, INDEX_DTYPE) * stride + ops.cast(column, INDEX_DTYPE) + first[:, None, None]
    nearest = place + ops.cast(row_share >= 0.5, INDEX_DTYPE) * stride + ops.cast(column_share >= 0.5, INDEX_DTYPE)

    down, right = row_share[..., None], column_share[..., None]
    corners = [ops.take(pixels, place + step, axis=0) for step in (0, 1, stride, stride + 1)]
    above, below = _blend(corners[0], corners[1], right), _blend(corners[2], corners[3], right)
    return _blend(above, below, down), ops.cast(ops.take(indices, nearest, axis=0), "uint8")


def _split_coordinate(factors: Tensor, offset: Tensor, size: tuple[int, int], *, axis: int) -> tuple[Tensor, Tensor]:
    """Returns (index of the pixel at or before, fraction of the way to the next), float32 [B, H, W], of one coordinate.

    Indices count from the border that `warp` adds: 0 is outside, 1 the first pixel of the source.
    """
    ops = keras.ops
    rows, columns = (ops.arange(n, dtype="float32") - (n - 1) / 2 for n in size)
    # Not factors[:, 0, None]: TensorFlow 2.21 loses the new axis when it optimises away a slice of a stack.
    per_row, per_column = (ops.expand_dims(factors[:, number], -1) for number in (0, 1))
    along = per_column * columns + ops.expand_dims(offset + (size[axis] + 1) / 2, -1)
    place = ops.clip((per_row * rows)[:, :, None] + along[:, None, :], 0.0, size[axis] + 1.0)
    before = ops.minimum(ops.floor(place), float(size[axis]))
    return before, place - before


def _blend(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    return start + share * (end - start)  # exact where both ends are equal, and where share is 0


def _flip(image: Tensor, mask: Tensor, strengths: AugmentConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Mirrors a pair as `affine` would, without sampling every pixel."""
    for name, axis in (("flip_vertical", ROWS), ("flip_horizontal", COLUMNS)):
        if getattr(strengths, name):
            flip = (draws[name] < 0.5)[:, None, None]
            image = keras.ops.where(flip[..., None], keras.ops.flip(image, axis), image)
            mask = keras.ops.where(flip, keras.ops.flip(mask, axis), mask)
    return image, mask


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


def _has_warp(strengths: AugmentConfig) -> bool:
    return any(
        getattr(strengths, name)
        for name, row in AUGMENTATIONS.items()
        if row.change is None and name not in ("flip_vertical", "flip_horizontal")
    )


def _round(number: Tensor, steps: int) -> Tensor:
    return keras.ops.round(number * steps) / steps


def _per_image(numbers: Tensor) -> Tensor:
    return numbers[:, None, None, None]
