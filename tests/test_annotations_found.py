"""Found: a problem names the file and the part, and what else was read stays."""

from __future__ import annotations

import pytest
from annotation_files import problems

from converter.annotations.found import Found, invalid
from converter.errors import DataError


def test_a_problem_gets_the_place_of_the_block_and_reading_goes_on():
    found = Found("a.json")
    with found.naming("shape 1", "road\n"):
        raise invalid("has no points")
    with found.naming("shape 2"):
        raise DataError("p.jpg", "does not exist", "Put it there.", "E_MISSING")
    with found.naming("shape 3", 7):
        found.names.append("read")
    assert problems(found) == [
        "E_ANNOTATION a.json: shape 1 (road\\n) has no points",
        "E_MISSING a.json: shape 2 names p.jpg, which does not exist",
    ]
    assert found.names == ["read"]


def test_a_mistake_of_ours_is_no_problem_of_the_file():
    with pytest.raises(ZeroDivisionError), Found("a").naming("shape 1"):
        raise ZeroDivisionError
