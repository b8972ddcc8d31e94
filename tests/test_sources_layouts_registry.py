"""Registry: every layout has a description for the user and a row in the file of its tests."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from layout_files import find

from converter.errors import UsageError
from converter.sources.layouts.registry import LAYOUTS


def test_every_layout_has_a_row_above_and_words_for_the_user():
    files = Path(__file__).parent.glob("test_sources_layouts_*.py")
    rows = [row for file in files for row in getattr(importlib.import_module(file.stem), "KNOWN", ())]
    assert {row.split()[0] for row in rows} == set(LAYOUTS)
    assert all(LAYOUTS.values())


def test_an_unknown_layout_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(
        UsageError, match=r"--layout: 'vok' is unknown\. Did you mean voc\? Known are list, voc, cvat, "
    ):
        find(tmp_path, layout="vok")
