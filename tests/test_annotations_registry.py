"""Registry: every row names functions that exist, and kinds that the report of unread files knows."""

from __future__ import annotations

import inspect

import pytest

from converter.annotations.registry import FORMATS
from converter.sources.others import KINDS


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_names_functions_that_exist_and_kinds_that_are_known(name):
    row = FORMATS[name]
    reader = row.load("reader")
    assert len(inspect.signature(reader).parameters) == (3 if row.kinds else 1)
    assert inspect.getdoc(reader)
    assert {*row.kinds} <= {*KINDS}
    for more in filter(None, (row.names and "names", row.photograph and "photograph")):
        assert callable(row.load(more))


def test_no_kind_is_of_two_formats():
    kinds = [kind for row in FORMATS.values() for kind in row.kinds]
    assert len(kinds) == len(set(kinds))
    drawn = {kind for kind, each in KINDS.items() if "segconv masks" in each.fix}
    assert drawn == {*kinds} - {"boxes"}
