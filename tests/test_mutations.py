"""The table of mutations fits the tree: a stale row tests nothing, and running every row takes a quarter of an hour."""

from __future__ import annotations

import mutations


def test_every_row_of_the_table_fits_its_file_and_names_tests_that_exist():
    assert mutations.misfits() == []


def test_a_row_that_does_not_fit_is_found(monkeypatch):
    row = mutations.Row("x", "no such text", "", "layers::no_such_test nowhere layers")
    monkeypatch.setattr(mutations, "TABLE", {"converter/limits.py": [row], "converter/gone.py": [row]})
    assert mutations.misfits() == [
        f"{file}: x: {what}"
        for file in ("converter/limits.py", "converter/gone.py")
        for what in (
            "its text stands there 0 times",
            "there is no tests/test_layers.py::test_no_such_test",
            "there is no tests/test_nowhere.py",
        )
    ]
