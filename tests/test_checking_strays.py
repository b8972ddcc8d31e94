"""Strays: which mask values are damage, and which are classes, however rare."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from picture_bytes import saved
from PIL import Image, ImageDraw
from surveyed_masks import TOWN, facts_of

from converter.checking.strays import ValueTotal, stray_values, total_values
from converter.classes.presets import PRESETS, preset
from converter.pixels.masks import MaskValue

VALUES = {"L": (8, lambda n: (n, n, n)), "P": (8, lambda n: (n, 0, 0)), "I;16": (16, lambda n: (n % 256,) * 3)}


def drawn(number: int, num_classes: int) -> np.ndarray:
    """Returns uint8 [240, 320] of class indices: overlapping ellipses and polygons, all classes of some size."""
    rng = np.random.default_rng(number)
    picture = Image.new("L", (320, 240))
    draw = ImageDraw.Draw(picture)
    for index in [*range(1, num_classes), *rng.permutation(np.arange(1, num_classes)).tolist()]:
        x, y = rng.integers(0, 260), rng.integers(0, 180)
        box = (int(x), int(y), int(x + rng.integers(40, 110)), int(y + rng.integers(40, 90)))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=index)
    return np.asarray(picture)


def damaged(mask: np.ndarray, kind: str) -> bytes:
    picture = Image.fromarray(mask)
    if kind.startswith("jpeg"):
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=int(kind[4:6]), subsampling=0 if kind.endswith("full") else 2)
        return saved(Image.open(data))
    factor = float(kind.removeprefix("bilinear"))
    size = (round(picture.width * factor), round(picture.height * factor))
    return saved(picture.resize(size, Image.Resampling.BILINEAR))


def rgb(totals: dict[tuple[int, int, int], int | tuple[int, int]]) -> dict[MaskValue, ValueTotal]:
    """Returns the totals of colours, given by pixels or (pixels, images)."""
    result = {}
    for color, total in sorted(totals.items(), key=lambda item: -(item[1] if isinstance(item[1], int) else item[1][0])):
        value = MaskValue("RGB", 8, color[0] | color[1] << 8 | color[2] << 16, color)
        result[value] = ValueTotal(*total) if isinstance(total, tuple) else ValueTotal(total, 10)
    return result


def grey(totals: dict[int, int], mode: str = "L") -> dict[MaskValue, ValueTotal]:
    depth, color = VALUES[mode]
    order = sorted(totals.items(), key=lambda item: -item[1])
    return {MaskValue(mode, depth, number, color(number)): ValueTotal(pixels, 10) for number, pixels in order}


def test_totals_are_pixels_and_images_of_each_value_most_frequent_first():
    facts = facts_of(saved(np.array([[0, 0, 7]], np.uint8)), saved(np.array([[7, 7, 9]], np.uint8)))
    assert [(value.number, *total) for value, total in total_values(facts).items()] == [(7, 3, 2), (0, 2, 1), (9, 1, 1)]


@pytest.mark.parametrize("kind", ["jpeg95-full", "jpeg75-full", "bilinear0.5", "bilinear0.71", "bilinear1.9"])
def test_what_jpeg_and_smoothing_make_of_colours_is_damage_and_the_colours_are_not(kind):
    totals = total_values(facts_of(*(damaged(TOWN[drawn(number, len(TOWN))], kind) for number in range(6))))
    strays = stray_values(totals)
    kept = np.array([value.color for value in totals if value not in strays])
    near = [int(np.abs(kept - color).max(1).min()) for color in TOWN.astype(int)]
    assert len(totals) > 300
    assert max(near) <= (3 if kind.startswith("jpeg") else 0)  # JPEG moves even flat areas a little
    assert len(kept) <= len(TOWN) + 6
    assert all(value not in strays for value in strays.values())


@pytest.mark.parametrize("kind", ["jpeg95", "jpeg75", "bilinear0.5", "bilinear0.71", "bilinear1.9"])
@pytest.mark.parametrize("codes", [(0, 255), (0, 76, 150, 255)])
def test_what_jpeg_and_smoothing_make_of_grey_codes_is_damage_and_the_codes_are_not(kind, codes):
    masks = [damaged(np.array(codes, np.uint8)[drawn(number, len(codes))], kind) for number in range(6)]
    totals = total_values(facts_of(*masks))
    strays = stray_values(totals)
    kept = {value.number for value in totals if value not in strays}
    assert set(codes) <= kept
    assert len(kept) <= len(codes) + 2 < len(totals)


def test_a_few_rare_colours_beside_a_frequent_one_are_damage():
    totals = rgb({(0, 0, 0): 90_000, (255, 0, 0): 10_000, (250, 3, 2): 40, (4, 0, 1): 7})
    found = {value.color: frequent.color for value, frequent in stray_values(totals).items()}
    assert found == {(250, 3, 2): (255, 0, 0), (4, 0, 1): (0, 0, 0)}


def test_a_row_of_rare_colours_between_two_frequent_ones_is_damage():
    steps = {(32 * n, 0, 24 * n): 50 for n in range(1, 8)}
    strays = stray_values(rgb({(0, 0, 0): 90_000, (255, 0, 192): 10_000} | steps))
    assert {value.color for value in strays} == set(steps)


@pytest.mark.parametrize("color", [(0, 255, 255), (128, 0, 0), (64, 0, 0), (255, 255, 0)])
def test_one_small_pole_is_a_class_even_half_way_between_two_frequent_colours(color):
    assert stray_values(rgb({(0, 0, 0): 9_000_000, (255, 0, 0): 1_000_000, color: (25, 2)})) == {}


def test_a_rare_class_stays_one_in_masks_that_jpeg_has_damaged():
    masks = [TOWN[drawn(number, len(TOWN))] for number in range(6)]
    masks[0] = masks[0].copy()
    masks[0][100:130, 40:52] = (0, 255, 255)  # 360 pixels of 460 000
    totals = total_values(facts_of(*(damaged(mask, "jpeg95-full") for mask in masks)))
    strays = stray_values(totals)
    kept = [value.color for value in totals if value not in strays]
    assert min(max(abs(a - b) for a, b in zip(color, (0, 255, 255), strict=True)) for color in kept) <= 2


@pytest.mark.parametrize(
    "ids",
    [
        {0: 990_000, 1: 50, 2: 40, 3: 30, 4: 20, 5: 10},
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 6), 30),
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 151), 30),
        {number: 10 ** (6 - number % 7) for number in range(151)},
        {0: 500_000, 76: 40, 150: 90, 255: 400_000},
        {10 * number: (1_000_000 if number in (0, 25) else 50) for number in range(26)},
    ],
)
@pytest.mark.parametrize("drawing", ["L", "P", "I;16", "grey RGB", "one channel"])
def test_class_ids_are_never_damage_however_rare_and_close_together(ids, drawing):
    if drawing in VALUES:
        totals = grey(ids, drawing)
    else:
        totals = rgb({((n, n, n) if drawing == "grey RGB" else (0, 0, n)): pixels for n, pixels in ids.items()})
    assert stray_values(totals) == {}


def test_no_class_of_a_preset_is_damage_however_unequal_the_classes_are():
    for name in PRESETS:
        colors = list(preset(name).rgb)
        for seed in range(5):
            rng = np.random.default_rng(seed)
            pixels = (10 ** rng.uniform(1, 4, len(colors))).astype(int).tolist()
            assert stray_values(rgb(dict(zip(colors, pixels, strict=True)))) == {}, (name, seed)


def test_fifty_thousand_values_take_a_moment():
    rng = np.random.default_rng(0)
    colors = np.unique(rng.integers(0, 256, (50_500, 3)), axis=0)[:50_000].tolist()
    totals = rgb({tuple(color): 1 + number % 50 for number, color in enumerate(colors)})
    start = time.process_time()
    stray_values(totals)
    assert time.process_time() - start < 10  # 0.3 s here; a loop over all pairs would take an hour
