"""Two levels: blends of black and white are told from class numbers, and --tolerance 127 is mask > 127."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawn_datasets import draw, report_on
from PIL import Image, ImageDraw

from converter.checking.two_levels import THRESHOLD, blended_ends
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.pixels.masks import open_mask


def shapes(number: int) -> list[np.ndarray]:
    """Returns masks of 0 and 255 with an ellipse each."""
    rng = np.random.default_rng(0)
    masks = []
    for _ in range(number):
        picture = Image.new("L", (160, 120))
        x, y, width, height = rng.integers((0, 0, 30, 30), (90, 60, 70, 60)).tolist()
        ImageDraw.Draw(picture).ellipse((x, y, x + width, y + height), fill=255)
        masks.append(np.asarray(picture))
    return masks


def resized(mask: np.ndarray, factor: float, kind: int) -> np.ndarray:
    size = (int(mask.shape[1] * factor), int(mask.shape[0] * factor))
    return np.asarray(Image.fromarray(mask).resize(size, kind))


def jpeg(mask: np.ndarray, quality: int) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data))


def counts_of(masks: list[np.ndarray]) -> np.ndarray:
    return sum(np.bincount(mask.ravel(), minlength=256) for mask in masks)


@pytest.mark.parametrize("kind", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
@pytest.mark.parametrize("factor", [0.5, 0.71, 2, 3.3])
def test_what_an_interpolated_resize_makes_is_a_blend(kind, factor):
    assert blended_ends(counts_of([resized(mask, factor, kind) for mask in shapes(6)])) == (0, 255)


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95, 98])
def test_what_jpeg_makes_is_a_blend(quality):
    assert blended_ends(counts_of([jpeg(mask, quality) for mask in shapes(4)]), is_lossy=True) == (0, 255)


def test_jpeg_of_interpolated_or_thin_masks_is_a_blend_and_a_class_between_them_is_not():
    soft = [resized(resized(mask, 0.4, Image.Resampling.BILINEAR), 2.5, Image.Resampling.BICUBIC) for mask in shapes(6)]
    assert blended_ends(counts_of([jpeg(mask, 40) for mask in soft]), is_lossy=True) == (0, 255)
    stripes = np.zeros((48, 64), np.uint8)
    stripes[4:12, 10:40] = 255
    assert blended_ends(counts_of([jpeg(stripes, 30)]), is_lossy=True) == (0, 255)
    third = [np.where(np.roll(mask, 40, axis=1) & ~mask, 128, mask).astype(np.uint8) for mask in shapes(6)]
    for quality in (30, 75, 95):
        assert blended_ends(counts_of([jpeg(mask, quality) for mask in third]), is_lossy=True) is None


@pytest.mark.parametrize(
    "ids",
    [
        {0: 60, 255: 40},
        {0: 990_000, 1: 50, 2: 40, 3: 30, 4: 20, 5: 10},
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 21), 500),
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 151), 30),
        {0: 500_000, 64: 900, 128: 800, 191: 700, 255: 400_000},
        {10 * number: (1_000_000 if number in (0, 25) else 50) for number in range(26)},
        {17 * number: (1_000_000 if number in (0, 15) else 50) for number in range(16)},
        {0: 10_000, 255: 10_000, 128: 9_000} | dict.fromkeys(range(1, 250, 2), 5),
        dict.fromkeys(range(256), 100),
    ],
)
def test_class_numbers_and_photographs_are_no_blend(ids):
    counts = np.zeros(256, np.int64)
    for level, pixels in ids.items():
        counts[level] = pixels
    assert blended_ends(counts) is None


def test_a_resized_mask_is_checked_and_drafted_with_the_tolerance_that_is_mask_above_127(tmp_path):
    masks = [resized(resized(mask, 0.48, 2), 2.1, 3) for mask in shapes(5)]
    folder = draw(tmp_path, masks, {"classes.csv": "name,value\nbackground,0\nforeground,255\n"})
    report = report_on(folder)
    (problem,) = [one for one in report.problems if one.code == "E_MASK_VALUE"]
    assert problem.fix == "Pass --tolerance 127, which splits at 128: exactly `mask > 127`."
    assert "ignore,*" not in report.to_text()
    assert report.next_command.endswith("--tolerance 127") or "segconv split" in report.next_command
    assert report_on(folder, tolerance=THRESHOLD).ok
    mapper = MaskMapper(parse_class_map("name,value\nbackground,0\nforeground,255\n", "classes.csv"), THRESHOLD)
    for number, mask in enumerate(masks):
        source = open_mask((folder / f"masks/{number}.png").read_bytes(), "m.png")
        assert np.array_equal(mapper.map_mask(source, source.size), mask > 127)


def test_a_class_map_with_a_third_level_keeps_its_own_tolerance(tmp_path):
    masks = [resized(mask, 2, 2) for mask in shapes(5)]
    text = "name,value\nbackground,0\nedge,128\nforeground,255\n"
    assert "127" not in report_on(draw(tmp_path, masks, {"classes.csv": text})).to_text()
