"""Names: a file is found in a different case or Unicode form, and a split by any of its names."""

from __future__ import annotations

import pytest
from list_files import found, look_up

from converter.sources.names import split_of


def test_names_in_other_case_unicode_form_or_without_extension_are_found_and_counted(tmp_path):
    done = look_up(tmp_path, "a17.jpg;a17.png\ncafe\u0301.jpg;caf\u00e9.png\na;a.png\nb.jpg;b.png\n")
    assert found(done)[:2] == [("jpg/A17.jpg", "png/A17.PNG"), ("jpg/caf\u00e9.jpg", "png/cafe\u0301.png")]
    assert done.evidence().endswith(", 4 names were found in a different case, 1 name was given without extension")


def test_of_two_files_that_differ_in_case_alone_none_is_chosen(tmp_path):
    files = ["jpg/Q.jpg", "jpg/q.JPG", "png/q.png", "jpg/r.jpg", "png/r.png"]
    done = look_up(tmp_path, "Q.JPG;q.png\nQ.jpg;q.png\nr.jpg;r.png\n", files=files)
    assert found(done) == [("jpg/Q.jpg", "png/q.png"), ("jpg/r.jpg", "png/r.png")]
    assert [reject.line for reject in done.rejects] == [1]


@pytest.mark.parametrize(("name", "split"), [
    ("train", "train"), ("Training", "train"), ("tr", "train"), ("train2017", "train"), ("val", "val"),
    ("VALID", "val"), ("validation", "val"),
    ("dev", "val"), ("test", "test"), ("testing", "test"), ("ts", "test"), ("trainval", None),
    ("training_set", None), ("", None), ("val2", None), ("träin", None),
])  # fmt: skip
def test_a_split_is_known_by_many_names(name, split):
    assert split_of(name) == split
