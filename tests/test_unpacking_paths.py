"""Paths: each file has a path of its own, inside the folder."""

from __future__ import annotations

import pytest

from converter.errors import DataError
from converter.unpacking.paths import Paths


def test_a_second_file_of_a_name_gets_a_number_and_the_extension_is_that_of_the_format():
    paths = Paths({"classes.csv"})
    assert [paths.of("a/b.tif", (".jpg", ".jpeg")) for _ in range(3)] == ["a/b.jpg", "a/b-2.jpg", "a/b-3.jpg"]
    assert paths.of("a/b.JPEG", (".jpg", ".jpeg")) == "a/b.JPEG"
    assert paths.of("a/b.jpg", (".png",)) == "a/b.png"


def test_files_that_differ_in_their_extension_alone_are_kept_apart_where_stems_count():
    paths = Paths(by_stem=True)
    assert paths.of("a.jpg", (".jpg",)) == "a.jpg"
    assert paths.of("a.png", (".png",)) == "a-2.png"


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a\nb.jpg"])
def test_a_name_that_leads_out_or_into_no_list_is_refused(name):
    with pytest.raises(DataError):
        Paths().of(name, (".jpg",))
