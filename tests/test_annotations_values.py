"""Values: what is taken from JSON and XML is of its kind, finite and bounded, or refused in one clause."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converter.annotations.shapes import Area
from converter.annotations.values import (
    any_of,
    base64_bytes,
    box,
    class_name,
    ellipse,
    member,
    number,
    of_kind,
    points,
    runs,
    size_of,
    turned,
    whole,
)
from converter.errors import DataError
from converter.limits import MAX_COORDINATE, MAX_EMBEDDED_BYTES


def refused(call, *arguments, **more):
    with pytest.raises(DataError) as caught:
        call(*arguments, **more)
    return caught.value.what


def test_a_member_is_of_its_kind_and_a_bool_is_no_number():
    assert member({"a": 3}, "a", float) == 3.0
    assert member({"a": "x"}, "a", str) == "x"
    for value, kind in ((True, float), (True, int), ("3", float), (None, str), ([], dict)):
        assert refused(member, {"a": value}, "a", kind) == "has no valid 'a'"
    assert refused(member, [], "a", str) == "is no object"
    assert math.isinf(of_kind(10**400, float, "x"))


@pytest.mark.parametrize(("text", "what"), [
    ("1e6", "has x 1e+06, which is no number within 100,000"), ("nan", "has x nan, which is no number within 100,000"),
    ("-inf", "has x -inf, which is no number within 100,000"), ("one", "has x 'one', which is no number"),
    (None, "has no x"), ([], "has x '[]', which is no number"),
    (10**400, "has x '1" + "0" * 36 + "..., which is no number"),
])  # fmt: skip
def test_a_number_is_finite_and_not_absurd(text, what):
    assert refused(number, text, "x").replace("...'", "...") == what
    assert number(" 2.5 ", "x") == 2.5


def test_a_whole_number_has_no_fraction_and_no_sign():
    assert whole("12", "x") == whole(12.0, "x") == whole(12, "x") == 12
    for value in ("1.5", -1, 1 << 40, 2.5):
        assert refused(whole, value, "x", 100).startswith("has x ")


def test_a_size_has_at_least_one_pixel_and_not_too_many():
    assert size_of(2, 3) == (2, 3)
    assert refused(size_of, 0, 3) == "has 3x0 pixels, which is not within 1..50,000,000"
    assert refused(size_of, 10_000, 10_000).startswith("has 10000x10000 pixels")
    assert refused(size_of, None, 3) == "has no height"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, 7, None])
def test_a_class_name_is_printable_and_short(name):
    assert refused(class_name, name)
    assert class_name(" road ") == "road"


def test_points_are_pairs_however_they_are_written():
    for value in ([[1, 2], [3, 4]], [1, 2, 3, 4], [("1", "2"), ("3", "4")]):
        assert points(value, 2).tolist() == [[1, 2], [3, 4]]
    assert points([[MAX_COORDINATE, -MAX_COORDINATE]], 1).shape == (1, 2)
    for value in ([[1, 2, 3]], [1, 2, 3], [[1, 2], [3]], "1,2", None, {}, [[[1, 2]]], [[MAX_COORDINATE + 1, 0]]):
        assert refused(points, value, 1)
    assert refused(points, [[1, 2]], 3) == "has 1 points, and needs 3"
    deep = [1.0]
    for _ in range(100):
        deep = [deep]
    assert refused(points, deep, 1)


def test_what_is_turned_by_a_right_angle_goes_clockwise_on_the_screen():
    assert np.allclose(turned(np.array([[1.0, 0.0]]), 90), [[0, 1]])
    assert np.allclose(box(5, 5, 4, 2, 90).parts[0], [[5, 5], [5, 9], [3, 9], [3, 5]])
    assert box(5, 5, 4, 2).parts[0].tolist() == [[5, 5], [9, 7]]
    assert ellipse(5, 5, -2, 1).parts[0].tolist() == [[3, 4], [7, 6]]
    ring = ellipse(5, 5, 2, 1, 90).parts[0]
    assert np.allclose([ring.min(axis=0), ring.max(axis=0)], [[4, 3], [6, 7]])


@pytest.mark.parametrize(
    "counts", [[1, 2], [7], [1.5, 4.5], ["1", "5"], [[6]], None, [-1, 7], [10**30], "6", [True, False]]
)
def test_runs_fill_their_area_with_whole_numbers(counts):
    assert runs([0, 6], Area(0, 0, 3, 2)).pixels().all()
    assert refused(runs, counts, Area(0, 0, 3, 2)).startswith("has runs")


def test_base64_is_strict_and_bounded():
    assert base64_bytes("aGk=") == b"hi"
    for text in ("aGk", "aG k=", "ä", None, b"aGk="):
        assert refused(base64_bytes, text)
    assert refused(base64_bytes, "A" * (MAX_EMBEDDED_BYTES + 4)) == "has more than 67,108,864 characters of base64"


def test_the_first_member_that_is_there_counts():
    assert any_of({"a": None, "b": 0}, "a", "b") == 0
    assert any_of({}, "a") is None
