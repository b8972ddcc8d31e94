"""Augmentation: image and mask stay aligned, and every change has the given strength."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX
from trainer.choices.augments import AUGMENTS, GREY, AugmentConfig

pytestmark = NEEDS_TF

FULL = {
    "flip_horizontal": True,
    "flip_vertical": True,
    "quarter_turns": True,
    "rotation": 180,
    "zoom": 1,
    "aspect": 1,
    "shear": 30,
    "translation": 0.5,
    "brightness": 0.5,
    "contrast": 1,
    "saturation": 1,
    "hue": 180,
    "noise": 40,
    "blur": 3,
}
LIGHT_AND_COLOR = ("brightness", "contrast", "saturation", "hue", "noise", "blur")


def geometry_of(config: AugmentConfig) -> AugmentConfig:
    return dataclasses.replace(config, **dict.fromkeys(LIGHT_AND_COLOR, 0))


def some_configs() -> dict[str, AugmentConfig]:
    """Each strength alone, the presets, everything at once, and random combinations."""
    configs = {name: AugmentConfig(**{name: strength}) for name, strength in FULL.items()}
    configs |= {f"preset {name}": preset for name, preset in AUGMENTS.items() if name != "none"}
    configs["everything"] = AugmentConfig(**FULL)
    rng = np.random.default_rng(11)
    for number in range(8):
        chosen = {name: strength for name, strength in FULL.items() if rng.random() < 0.5}
        scale = rng.random()
        weaker = {name: s if s is True else float(s * scale) for name, s in chosen.items()}
        configs[f"chance {number}"] = AugmentConfig(**weaker)
    return configs


CONFIGS = some_configs()
MOVING = [name for name, config in CONFIGS.items() if geometry_of(config) != AugmentConfig()]


@pytest.fixture(scope="module")
def augment():
    import trainer.learning.augment

    return trainer.learning.augment


def blocks(samples: int, size: tuple[int, int], classes: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Masks of rectangles some 5 pixels wide, each sample with its own subset of the classes."""
    height, width = size
    rng = np.random.default_rng(seed)
    cells = rng.choice(np.array(classes, np.uint8), (samples, height // 5 + 1, width // 5 + 1))
    cells[0] = classes[0]
    return cells.repeat(5, axis=1).repeat(5, axis=2)[:, :height, :width]


def noise_images(samples: int, size: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (samples, *size, 3), np.uint8)


def draws(augment, samples: int = 1, **chosen) -> dict[str, np.ndarray]:
    """Random numbers of 0.5, which change nothing, except the given ones."""
    middle = dict.fromkeys(augment.DRAWS, 0.5) | {"quarter_turns": 0.0, "noise": 0.0, "blur": 0.0}
    return {name: np.full(samples, value, np.float32) for name, value in (middle | chosen).items()}


def moved(augment, config: AugmentConfig, image: np.ndarray, mask: np.ndarray, **chosen) -> tuple[np.ndarray, ...]:
    """The pair after the geometry of that draw."""
    return tuple(map(np.asarray, augment.move(image, mask, config, draws=draws(augment, len(mask), **chosen))))


def whole(size: tuple[int, int]) -> dict[str, object]:
    """The arguments of a warp from a whole record to one of the same size."""
    return {"window": size, "size": np.array([size], np.float32)}


# What holds for each of them


@pytest.mark.parametrize("name", CONFIGS)
def test_no_class_appears_and_the_image_stays_an_image(augment, name):
    mask = blocks(6, (23, 34), (7, 0, 1, 30, 254))
    image, after = map(np.asarray, augment.build_augment(CONFIGS[name], 1)(noise_images(6, (23, 34)), mask))
    assert (image.dtype, after.dtype) == (np.float32, np.uint8)
    assert (image.shape, after.shape) == ((6, 23, 34, 3), (6, 23, 34))
    assert np.isfinite(image).all() and image.min() >= 0 and image.max() <= 255
    for was, became in zip(mask, after, strict=True):
        assert set(np.unique(became)) <= {*np.unique(was), IGNORE_INDEX}


@pytest.mark.parametrize("name", MOVING)
def test_image_and_mask_have_the_same_geometry_to_the_pixel(augment, name):
    """Channel k is 255 where the class is k: the nearest of four pixels holds a quarter of the weight or more."""
    mask = blocks(6, (23, 34), (0, 1, 2), seed=2)
    image = (255 * (mask[..., None] == np.arange(3))).astype(np.uint8)
    image, after = map(np.asarray, augment.build_augment(geometry_of(CONFIGS[name]), 3)(image, mask))
    for index in range(3):
        assert (image[after == index][:, index] >= 255 / 4).all()
        assert (after[image[..., index] == 255] == index).all()
        assert (after[image[..., index] == 0] != index).all()
    assert (image[after == IGNORE_INDEX] > 0).all()  # some of the fill is in it


@pytest.mark.parametrize("name", CONFIGS)
def test_light_and_color_leave_the_mask_and_the_geometry_alone(augment, name):
    """Disabling a change does not change the random numbers of the others."""
    image, mask = noise_images(6, (23, 34)), blocks(6, (23, 34), (0, 1, IGNORE_INDEX))
    _, after = augment.build_augment(CONFIGS[name], 5)(image, mask)
    geometry = augment.build_augment(geometry_of(CONFIGS[name]), 5)
    np.testing.assert_array_equal(after, geometry(image, mask)[1] if geometry else mask)


@pytest.mark.parametrize("name", ["preset nadir", "preset strong", "everything"])
def test_eager_graph_and_xla_find_the_same_pixels(augment, name):
    """From the same draws: XLA has a random generator of its own."""
    from trainer.backend import tf

    config, samples, size = CONFIGS[name], 32, (33, 48)
    image, mask = tf.constant(noise_images(samples, size)), tf.constant(blocks(samples, size, (0, 1, 2, 3)))
    drawn = augment.build_augment(config, 2).draw(samples)
    wanted_map = augment.affine(config, drawn, size)
    wanted = augment.warp(image, mask, *wanted_map, **whole(size))
    for jit_compile in (False, True):
        found_map = tf.function(lambda d: augment.affine(config, d, size), jit_compile=jit_compile)(drawn)
        np.testing.assert_allclose(found_map[0], wanted_map[0], rtol=0, atol=1.001 / augment.MATRIX_STEPS)
        np.testing.assert_allclose(found_map[1], wanted_map[1], rtol=0, atol=0.05)  # that, times 48 pixels
        warp = tf.function(lambda *pair_and_map: augment.warp(*pair_and_map, **whole(size)), jit_compile=jit_compile)
        found = warp(image, mask, *wanted_map)
        np.testing.assert_array_equal(found[1], wanted[1])
        np.testing.assert_allclose(found[0], wanted[0], rtol=0, atol=1e-4)  # one bit of float32 is 2e-5 at 255


def test_xla_gives_the_same_colors(augment):
    from trainer.backend import tf

    config, image = CONFIGS["everything"], noise_images(4, (9, 14)).astype(np.float32)
    drawn = augment.build_augment(config, 2).draw(4)

    def colored(image, draws):
        return augment.shift_colors(augment.blur(image, draws["blur"] * 3, 12), config, draws)

    compiled = tf.function(colored, jit_compile=True)(image, drawn)
    np.testing.assert_allclose(compiled, colored(image, drawn), rtol=0, atol=2e-3)


@pytest.mark.parametrize("preset", ["light", "strong"])
def test_the_whole_layer_compiles_with_xla(augment, preset):
    from trainer.backend import tf

    image, mask = noise_images(2, (6, 9)), blocks(2, (6, 9), (0, 4))
    after, after_mask = tf.function(augment.build_augment(AUGMENTS[preset], 1), jit_compile=True)(image, mask)
    assert np.isfinite(after).all()
    assert set(np.unique(after_mask)) <= {0, 4, IGNORE_INDEX}


@pytest.mark.parametrize("preset", ["light", "strong"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_changes_nothing(augment, policy, preset):
    from trainer.backend import keras

    image, mask = noise_images(3, (40, 56)), blocks(3, (40, 56), (0, 1, 2, 3))
    wanted = augment.build_augment(AUGMENTS[preset], 4)(image, mask)
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        found = augment.build_augment(AUGMENTS[preset], 4)(image, mask)
    finally:
        keras.config.set_dtype_policy(former)
    np.testing.assert_array_equal(found[1], wanted[1])
    np.testing.assert_array_equal(found[0], wanted[0])


def test_the_seed_decides_and_every_sample_of_every_step_has_its_own_draw(augment):
    image = np.repeat(noise_images(1, (16, 20)), 8, axis=0)
    mask = np.repeat(blocks(1, (16, 20), (0, 1)), 8, axis=0)
    first, again, other = (augment.build_augment(AUGMENTS["strong"], seed) for seed in (1, 1, 2))
    one, two = np.asarray(first(image, mask)[0]), np.asarray(first(image, mask)[0])
    np.testing.assert_array_equal(again(image, mask)[0], one)
    seen = np.concatenate([one, two, other(image, mask)[0]])
    assert len(np.unique(seen.reshape(24, -1), axis=0)) == 24


def test_devices_draw_differently(augment):
    from trainer.backend import ReplicaSeeds

    assert isinstance(augment.build_augment(AUGMENTS["light"], 0).seed_generator, ReplicaSeeds)


def test_draws_are_uniform_and_independent(augment):
    drawn = np.stack([*augment.build_augment(AUGMENTS["light"], 0).draw(4000).values()])
    assert drawn.min() >= 0 and drawn.max() < 1
    np.testing.assert_allclose(drawn.mean(axis=1), 0.5, atol=0.02)  # 4 standard deviations of such a mean
    np.testing.assert_allclose(np.corrcoef(drawn), np.eye(len(drawn)), atol=0.07)


@pytest.mark.parametrize("name", ["everything", "preset light"])
def test_a_batch_may_have_any_number_of_samples(augment, name):
    from trainer.backend import tf

    layer = augment.build_augment(CONFIGS[name], 6)
    shapes = [tf.TensorSpec([None, 9, 14, 3], tf.uint8), tf.TensorSpec([None, 9, 14], tf.uint8)]
    compiled = tf.function(layer, input_signature=shapes)
    for samples in (3, 1):
        image, mask = compiled(noise_images(samples, (9, 14)), np.full((samples, 9, 14), 4, np.uint8))
        assert (image.shape, mask.shape) == ((samples, 9, 14, 3), (samples, 9, 14))
        assert set(np.unique(mask)) <= {4, IGNORE_INDEX}


@pytest.mark.parametrize("name", ["preset light", "preset nadir", "preset strong"])
def test_the_whole_layer_runs_as_a_graph(augment, name):
    """TensorFlow's optimiser rewrites it, not always rightly: see `warp.warp`."""
    from trainer.backend import tf

    image, mask = noise_images(4, (9, 14)), np.full((4, 9, 14), 4, np.uint8)
    after, after_mask = tf.function(augment.build_augment(CONFIGS[name], 6))(tf.constant(image), tf.constant(mask))
    assert (after.shape, after_mask.shape) == ((4, 9, 14, 3), (4, 9, 14))
    assert set(np.unique(after_mask)) <= {4, IGNORE_INDEX}


def test_all_off_is_no_layer(augment):
    assert augment.build_augment(AUGMENTS["none"], 0) is None


def test_what_is_off_is_not_computed(augment):
    from trainer.backend import tf

    def operations(**strengths) -> set[str]:
        layer = augment.build_augment(AugmentConfig(**strengths), 0)
        shapes = tf.TensorSpec([2, 8, 8, 3], tf.uint8), tf.TensorSpec([2, 8, 8], tf.uint8)
        graph = tf.function(layer).get_concrete_function(*shapes).graph
        return {operation.type for operation in graph.get_operations()}

    assert "GatherV2" in operations(zoom=0.1)
    light = operations(flip_horizontal=True, brightness=0.1, contrast=0.1)
    assert not {"GatherV2", "PadV2", "BatchMatMulV2", "StatelessRandomNormalV2", "Exp"} & light
    assert "Mean" not in operations(flip_vertical=True, hue=10)
    assert not {"BatchMatMulV2", "Mean"} & operations(noise=3)
    assert "StatelessRandomNormalV2" in operations(noise=3)


# Geometry


@pytest.mark.parametrize("name", MOVING)
def test_rows_stay_rows_unless_something_turns_them(augment, name):
    """Where they do, each axis is sampled on its own."""
    matrix, _ = augment.affine(CONFIGS[name], augment.build_augment(CONFIGS[name], 7).draw(64), (23, 34))
    is_diagonal = not np.asarray(matrix)[:, [0, 1], [1, 0]].any()
    assert is_diagonal != augment._turns(CONFIGS[name])


def test_the_identity_changes_no_bit(augment):
    image, mask = noise_images(2, (7, 10)), blocks(2, (7, 10), (3, IGNORE_INDEX, 8))
    after, after_mask = moved(augment, AugmentConfig(**FULL | {"flip_vertical": False}), image, mask)
    np.testing.assert_array_equal(after, image)
    np.testing.assert_array_equal(after_mask, mask)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("side", [6, 7])
def test_quarter_turns_move_pixels_and_blend_none(augment, turns, side):
    image, mask = noise_images(1, (side, side)), blocks(1, (side, side), (0, 9, 4), seed=1)
    image[..., 0] = mask
    after, after_mask = moved(augment, AugmentConfig(quarter_turns=True), image, mask, quarter_turns=turns / 4 + 0.1)
    np.testing.assert_array_equal(after_mask[0], np.rot90(mask[0], turns))
    np.testing.assert_array_equal(after[0], np.rot90(image[0], turns))


@pytest.mark.parametrize("size", [(4, 8), (4, 7), (7, 4), (5, 8)])
def test_quarter_turns_of_oblong_images_move_pixels_too(augment, size):
    height, width = size
    mask = np.arange(height * width, dtype=np.uint8).reshape(1, height, width)
    image = np.repeat(mask[..., None], 3, axis=-1)
    after, after_mask = moved(augment, AugmentConfig(quarter_turns=True), image, mask, quarter_turns=0.3)
    inside = after_mask[0] != IGNORE_INDEX
    side = min(size)
    seen = after_mask[0][np.ix_(inside.any(axis=1), inside.any(axis=0))]
    assert seen.shape == (side, side)  # the overlap of the rotated rectangle and the original
    rotated = np.rot90(mask[0])
    windows = np.lib.stride_tricks.sliding_window_view(rotated, (side, side)).reshape(-1, side, side)
    assert sum((window == seen).all() for window in windows) == 1
    np.testing.assert_array_equal(after[0][inside][:, 0], after_mask[0][inside])
    assert (after[0][~inside] == GREY).all()


@pytest.mark.parametrize("with_warp", [False, True])
def test_flips_mirror_half_of_the_records_each(augment, with_warp):
    config = AugmentConfig(flip_horizontal=True, flip_vertical=True, zoom=1e-6 if with_warp else 0)
    image = np.repeat(noise_images(1, (5, 8)), 256, axis=0)
    mask = image[..., 0]
    after, after_mask = map(np.asarray, augment.build_augment(config, 8)(image, mask))
    counts = {}
    for axes in ((), (0,), (1,), (0, 1)):
        alike = (after == np.flip(image[0], axes)).all(axis=(1, 2, 3))
        assert (after_mask[alike] == np.flip(mask[0], axes)).all()
        counts[axes] = int(alike.sum())
    assert sum(counts.values()) == 256
    assert min(counts.values()) >= 40  # 64 expected, with a standard deviation of 7


def test_a_street_is_never_turned_upside_down(augment):
    image = np.repeat(noise_images(1, (5, 8)), 64, axis=0)
    after = np.asarray(augment.build_augment(AugmentConfig(flip_horizontal=True), 1)(image, image[..., 0])[0])
    upright = [(after == image[0][:, ::step]).all(axis=(1, 2, 3)) for step in (1, -1)]
    assert (upright[0] | upright[1]).all()


@pytest.mark.parametrize("rows, columns", [(0, 3), (2, 0), (-2, 1)])
def test_translation_by_whole_pixels_is_a_roll_with_void_behind_it(augment, rows, columns):
    image, mask = noise_images(1, (8, 16)), blocks(1, (8, 16), (0, 1, 2), seed=4)
    config = AugmentConfig(translation=0.5)
    chosen = {"translation_y": 0.5 + rows / 8, "translation_x": 0.5 + columns / 16}
    after, after_mask = moved(augment, config, image, mask, **chosen)
    wanted, void = np.roll(image, (rows, columns), (1, 2)).astype(float), np.ones((1, 8, 16), bool)
    void[:, max(rows, 0) : 8 + min(rows, 0), max(columns, 0) : 16 + min(columns, 0)] = False
    wanted[void] = GREY
    np.testing.assert_array_equal(after_mask, np.where(void, IGNORE_INDEX, np.roll(mask, (rows, columns), (1, 2))))
    np.testing.assert_array_equal(after, wanted)


def test_twice_the_size_repeats_the_middle(augment):
    mask = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    image = np.repeat(16 * mask[..., None], 3, axis=-1)
    after, after_mask = moved(augment, AugmentConfig(zoom=1), image, mask, zoom=1.0)
    np.testing.assert_array_equal(after_mask[0], mask[0, 1:3, 1:3].repeat(2, axis=0).repeat(2, axis=1))
    places = np.array([0.75, 1.25, 1.75, 2.25])  # of rows and columns, in the source, which is a plane: 64 y + 16 x
    np.testing.assert_array_equal(after[0, ..., 0], 64 * places[:, None] + 16 * places)


def test_half_the_size_leaves_void_around(augment):
    mask = np.full((1, 8, 8), 5, np.uint8)
    _, after = moved(augment, AugmentConfig(zoom=1), np.zeros((1, 8, 8, 3), np.uint8), mask, zoom=0.0)
    wanted = np.full((8, 8), IGNORE_INDEX)
    wanted[2:6, 2:6] = 5
    np.testing.assert_array_equal(after[0], wanted)


def test_rotation_keeps_its_angle_in_an_oblong_image(augment):
    image, mask = noise_images(1, (10, 16)), blocks(1, (10, 16), (0, 1, 2), seed=6)
    after, after_mask = moved(augment, AugmentConfig(rotation=90), image, mask, rotation=1.0)
    np.testing.assert_array_equal(after_mask[0, :, 3:13], np.rot90(mask[0, :, 3:13]))
    np.testing.assert_array_equal(after[0, :, 3:13], np.rot90(image[0, :, 3:13]))


def test_all_geometry_is_the_product_of_its_parts(augment):
    config, size = AugmentConfig(**FULL), (30, 50)
    drawn = {name: np.asarray(draw) for name, draw in augment.build_augment(config, 9).draw(50).items()}
    matrix, offset = map(np.asarray, augment.affine(config, drawn, size))
    for sample in range(50):
        draw = {name: float(values[sample]) for name, values in drawn.items()}
        to_result = forward_map(config, draw, size)
        to_source = np.linalg.inv(to_result)
        np.testing.assert_allclose(matrix[sample], to_source[:2, :2], rtol=0, atol=2e-3)  # rounded to 1/1024
        np.testing.assert_allclose(offset[sample], to_source[:2, 2], rtol=0, atol=0.06)  # that, times 25 pixels


def forward_map(config: AugmentConfig, draw: dict[str, float], size: tuple[int, int]) -> np.ndarray:
    """From (row, column, 1) in the source to the result, both from the centre, one textbook matrix per change."""

    def matrix(a: float, b: float, c: float, d: float, rows: float = 0, columns: float = 0) -> np.ndarray:
        return np.array([[a, b, rows], [c, d, columns], [0, 0, 1]], float)

    signed = {name: 2 * value - 1 for name, value in draw.items()}
    flips = matrix(1 - 2 * (draw["flip_vertical"] < 0.5), 0, 0, 1 - 2 * (draw["flip_horizontal"] < 0.5))
    quarters = np.linalg.matrix_power(matrix(0, -1, 1, 0), int(4 * draw["quarter_turns"]))
    angle = math.radians(config.rotation * signed["rotation"])
    rotation = matrix(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle))
    shear = matrix(1, 0, -math.tan(math.radians(config.shear * signed["shear"])), 1)
    zoom = (1 + config.zoom) ** signed["zoom"]
    aspect = (1 + config.aspect) ** signed["aspect"]
    scale = matrix(zoom / aspect**0.5, 0, 0, zoom * aspect**0.5)
    shift = [signed[f"translation_{axis}"] * config.translation * n for axis, n in zip("yx", size, strict=True)]
    return matrix(1, 0, 0, 1, *shift) @ scale @ shear @ rotation @ quarters @ flips


def test_what_is_pasted_is_a_rare_class_of_another_record_pixel_by_pixel(augment):
    size, samples = (20, 30), 40
    image, mask = noise_images(samples, size), np.zeros((samples, *size), np.uint8)
    mask[:, :, 15:] = 1
    for sample in range(samples):
        mask[sample, 5:8, 4 + sample % 20 : 7 + sample % 20] = 2 + sample % 3  # 9 of 600 pixels
    layer = augment.build_augment(AugmentConfig(copy_paste=0.5), 3)
    after, after_mask = map(np.asarray, layer(image, mask))
    pasted = 0
    for sample in range(samples):
        donor = mask[sample - 1] > 1
        if np.array_equal(after_mask[sample], mask[sample]):  # not chosen, or a class on half of the image
            np.testing.assert_array_equal(after[sample], image[sample])
        else:
            np.testing.assert_array_equal(after_mask[sample], np.where(donor, mask[sample - 1], mask[sample]))
            np.testing.assert_array_equal(after[sample], np.where(donor[..., None], image[sample - 1], image[sample]))
            pasted += 1
    assert 2 <= pasted <= 16  # a half of them, and one of three classes each: about 7


def test_of_strong_changes_each_record_is_spared_some(augment):
    config = AugmentConfig(rotation=30, brightness=1, noise=50, translation=0.5, omit=0.6)
    drawn = {name: np.asarray(draw) for name, draw in augment.build_augment(config, 3).draw(2000).items()}
    neutral = {"rotation": 0.5, "brightness": 0.5, "noise": 0.0, "translation_y": 0.5, "translation_x": 0.5}
    spared = {name: drawn[name] == value for name, value in neutral.items()}
    for name, is_spared in spared.items():
        assert 0.56 < is_spared.mean() < 0.64, name
    np.testing.assert_array_equal(spared["translation_y"], spared["translation_x"])
    assert 0.3 < (spared["rotation"] & spared["noise"]).mean() < 0.42  # 0.36: each on its own
    assert not (drawn["flip_horizontal"] == 0.5).any() and not (drawn["window_y"] == 0.5).any()


# Light and colour


def test_light_and_color_are_the_formulas_of_the_textbook(augment):
    config = AugmentConfig(brightness=0.3, contrast=0.6, saturation=0.8, hue=50)
    image = noise_images(5, (6, 8)).astype(np.float32)
    drawn = {name: np.asarray(draw) for name, draw in augment.build_augment(config, 3).draw(5).items()}
    after = np.asarray(augment.shift_colors(image, config, drawn))
    for sample in range(5):
        signed = {name: 2 * float(values[sample]) - 1 for name, values in drawn.items()}
        pixels = image[sample].astype(float)
        mean_grey = luma(pixels).mean()
        pixels = turn_hue(pixels, math.radians(50 * signed["hue"]))
        grey = luma(pixels)[..., None]
        pixels = grey + (1 + 0.8 * signed["saturation"]) * (pixels - grey)
        pixels = mean_grey + (1 + 0.6 * signed["contrast"]) * (pixels - mean_grey)
        pixels = pixels + 0.3 * signed["brightness"] * 255
        np.testing.assert_allclose(after[sample], pixels, rtol=0, atol=1e-3)


def luma(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.299, 0.587, 0.114])


def turn_hue(pixels: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' rotation of each (red, green, blue) about (1, 1, 1)."""
    axis = np.ones(3) / math.sqrt(3)
    along = (pixels @ axis)[..., None] * axis
    return along + math.cos(angle) * (pixels - along) + math.sin(angle) * np.cross(axis, pixels)


@pytest.mark.parametrize(
    ("name", "draw", "before", "after"),
    [
        ("brightness", 1.0, (10, 20, 30), (61, 71, 81)),  # 0.2 * 255 more
        ("brightness", 0.0, (60, 70, 80), (9, 19, 29)),
        ("saturation", 0.0, (100, 0, 0), (29.9 + 0.8 * 70.1, 0.2 * 29.9, 0.2 * 29.9)),
        ("contrast", 1.0, (90, 90, 90), (90, 90, 90)),  # an even image is its own mean
    ],
)
def test_each_change_of_color_by_hand(augment, name, draw, before, after):
    image = np.tile(np.array(before, np.float32), (1, 3, 4, 1))
    changed = augment.shift_colors(image, AugmentConfig(**{name: 0.2}), draws(augment, **{name: draw}))
    np.testing.assert_allclose(np.asarray(changed)[0, 1, 1], after, rtol=0, atol=1e-4)


def test_a_third_of_the_hue_circle_makes_red_green_and_leaves_grey_alone(augment):
    image = np.array([[[[200, 10, 30], [77, 77, 77]]]], np.float32)
    turned = augment.shift_colors(image, AugmentConfig(hue=120), draws(augment, hue=1.0))
    np.testing.assert_allclose(np.asarray(turned)[0, 0], [[30, 200, 10], [77, 77, 77]], rtol=0, atol=1e-4)


def test_draws_in_the_middle_change_no_color(augment):
    image = noise_images(2, (5, 7)).astype(np.float32)
    after = augment.shift_colors(image, AugmentConfig(**FULL), draws(augment, 2))
    np.testing.assert_allclose(after, image, rtol=0, atol=1e-4)


def test_blur_is_a_convolution_with_a_gaussian(augment):
    image = noise_images(4, (11, 17)).astype(np.float32)
    sigmas = np.array([0.0, 0.4, 1.3, 4.0], np.float32)
    after = np.asarray(augment.blur(image, sigmas, radius=17))
    np.testing.assert_array_equal(after[0], image[0])
    for sample, sigma in list(enumerate(sigmas))[1:]:
        wanted = image[sample].astype(float)
        for axis in (0, 1):
            wanted = np.apply_along_axis(slow_blur, axis, wanted, float(sigma))
        np.testing.assert_allclose(after[sample], wanted, rtol=0, atol=1e-3)


def slow_blur(line: np.ndarray, sigma: float) -> np.ndarray:
    """Convolves with a Gaussian, over what lies within the line."""
    kernel = np.exp(-(np.arange(-40, 41) ** 2) / (2 * sigma**2))
    within = slice(40, 40 + len(line))
    return np.convolve(line, kernel)[within] / np.convolve(np.ones(len(line)), kernel)[within]


def test_noise_has_the_standard_deviation_that_was_drawn(augment):
    image = np.full((4, 64, 64, 3), 128, np.uint8)
    config = AugmentConfig(noise=20)
    wanted = 20 * np.asarray(augment.build_augment(config, 7).draw(4)["noise"])
    noise = np.asarray(augment.build_augment(config, 7)(image, image[..., 0])[0]).reshape(4, -1) - 128
    np.testing.assert_allclose(noise.std(axis=1), wanted, rtol=0.03)  # 12288 numbers: 0.6 % is one deviation
    assert (abs(noise.mean(axis=1)) < 5 * wanted / math.sqrt(noise.shape[1])).all()
    assert len(np.unique(wanted)) == 4


def test_too_bright_is_clipped(augment):
    image = np.full((16, 4, 4, 3), 200, np.uint8)
    after = np.asarray(augment.build_augment(AugmentConfig(brightness=1), 0)(image, image[..., 0])[0])
    assert after.max() == 255 and after.min() == 0
