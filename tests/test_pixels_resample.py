"""Resample: nearest and vote are exact, and neither invents a class."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from mask_files import SIZES, mapped, mapper, nearest, palette_png, steps
from picture_bytes import saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.masks import open_mask
from converter.pixels.resample import nearest_rows, vote


@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize("kind", ["grey", "colour", "palette"])
def test_sampling_takes_the_pixel_that_the_formula_names(old, new, kind):
    indices = np.arange(old[0] * old[1], dtype=np.uint8).reshape(old)
    classes = mapper(*(f"c{k},{k}" for k in range(indices.size)))
    data = {
        "grey": lambda: saved(indices),
        "colour": lambda: saved(np.repeat(indices[..., None], 3, axis=2)),
        "palette": lambda: palette_png(indices, *((k, k, k) for k in range(indices.size))),
    }[kind]()
    assert np.array_equal(mapped(data, classes, new), nearest(indices, new))


def test_the_formula_is_exact_but_for_ties_and_those_are_one_pixel_off_at_most():
    ties = 0
    for old in range(1, 120):
        for new in range(1, 120):
            exact, rest = np.divmod((2 * np.arange(new) + 1) * old, 2 * new)
            taken = np.asarray(Image.fromarray(np.arange(old, dtype=np.uint8)[None]).resize((new, 1), 0))[0]
            assert np.array_equal(taken, steps(old, new))
            off = taken != exact
            assert (rest[off] == 0).all()
            assert (taken[off] == exact[off] - 1).all()
            ties += off.sum()
    assert ties > 0


def test_the_rows_that_are_taken_are_those_that_pillow_takes_for_all_sizes():
    for old in (*range(1, 40), 511, 1500):
        for new in (1, 2, 3, 7, old // 2 + 1, old, 2 * old + 1):
            assert nearest_rows(old, new).tolist() == steps(old, new).tolist()


@pytest.mark.parametrize("resample", ["nearest", "vote"])
def test_crop_samples_the_box_from_the_middle_alone(resample):
    drawn = np.random.default_rng(0).integers(0, 9, (12, 20)).astype(np.uint8)
    classes = mapper(*(f"c{k},{k}" for k in range(9)))
    source = open_mask(saved(drawn), "a.png")
    assert np.array_equal(classes.map_mask(source, (12, 12), "crop", resample), drawn[:, 4:16])
    small = classes.map_mask(source, (5, 5), "crop", resample)
    middle = drawn[:, 4:16]
    assert np.array_equal(small, nearest(middle, (5, 5)) if resample == "nearest" else vote(middle, (5, 5)))


def voted_slowly(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the class with the largest area under each target pixel, computed pixel by pixel with fractions."""

    def cover(target: int, old: int, new: int) -> list[tuple[int, Fraction]]:
        low, high = Fraction(target * old, new), Fraction((target + 1) * old, new)
        parts = [(row, min(high, Fraction(row + 1)) - max(low, Fraction(row))) for row in range(old)]
        return [(row, part) for row, part in parts if part > 0]

    out = np.zeros(size, np.uint8)
    for i, j in np.ndindex(*size):
        area: dict[int, Fraction] = {}
        for row, height in cover(i, mask.shape[0], size[0]):
            for column, width in cover(j, mask.shape[1], size[1]):
                area[int(mask[row, column])] = area.get(int(mask[row, column]), Fraction(0)) + height * width
        ignored = area.pop(255, Fraction(0))
        if ignored > sum(area.values(), Fraction(0)):
            out[i, j] = 255
        else:
            out[i, j] = min(area, key=lambda index: (-area[index], index))
    return out


def test_a_vote_is_what_exact_fractions_of_area_give():
    rng = np.random.default_rng(0)
    for _ in range(150):
        old, new = rng.integers(1, 13, (2, 2)).tolist()
        mask = rng.choice(np.array([0, 1, 2, 254, 255], np.uint8), old)
        assert np.array_equal(vote(mask, tuple(new)), voted_slowly(mask, tuple(new))), (old, new)


def test_of_two_classes_with_the_same_area_the_smaller_index_wins():
    assert vote(np.array([[3, 1], [1, 3]], np.uint8), (1, 1)).tolist() == [[1]]
    assert vote(np.array([[2, 2, 1]], np.uint8), (1, 2)).tolist() == [[2, 1]]


def test_ignore_wins_only_with_more_than_half_of_the_area():
    assert vote(np.array([[255, 255], [1, 2]], np.uint8), (1, 1)).tolist() == [[1]]
    assert vote(np.array([[255, 255, 255], [1, 1, 2]], np.uint8), (1, 1)).tolist() == [[1]]
    assert vote(np.array([[255, 255], [255, 2]], np.uint8), (1, 1)).tolist() == [[255]]


def test_a_vote_finds_a_thin_class_that_nearest_may_miss_and_looks_at_every_value():
    levels = np.zeros((9, 9), np.uint8)
    levels[3:6, 3:5] = 7
    classes = mapper("a,0", "b,7")
    assert classes.map_mask(open_mask(saved(levels), "a.png"), (3, 3), "pad", "vote")[1, 1] == 1
    levels[0, 0] = 9
    with pytest.raises(DataError, match=r"9 \(1 pixel"):
        classes.map_mask(open_mask(saved(levels), "a.png"), (3, 3), "pad", "vote")
    assert classes.map_mask(open_mask(saved(levels), "a.png"), (3, 3), "pad", "nearest")[1, 1] == 1


def test_a_vote_over_large_masks_is_exact_too():
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 5, (3000, 2000)).astype(np.uint8)
    counts = np.bincount(mask.ravel())
    assert vote(mask, (1, 1)).tolist() == [[counts.argmax()]]
    blocks = mask.reshape(30, 100, 20, 100).transpose(0, 2, 1, 3).reshape(600, -1)
    assert vote(mask, (30, 20)).ravel().tolist() == [np.bincount(block).argmax() for block in blocks]
