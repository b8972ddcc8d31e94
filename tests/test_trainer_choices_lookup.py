"""The look-up: from an import string to the object that it names."""

from __future__ import annotations

import os.path
from pkgutil import resolve_name

import pytest


def test_an_import_string_is_the_object_itself():
    assert resolve_name("os.path:join") is os.path.join


@pytest.mark.parametrize(("spec", "error"), [("os.path:absent", AttributeError), ("absent_module:x", ImportError)])
def test_what_is_not_there_is_a_bug_and_no_answer(spec, error):
    with pytest.raises(error):
        resolve_name(spec)
