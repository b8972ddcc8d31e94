"""Readme: facts of the manifest in words, the same text each time, and a line that tells whether it was edited."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import re

import pytest
from manifests import MANIFEST

from converter.dataset.manifest import ClassInfo
from converter.dataset.readme import LIBRARIES, is_edited, readme_text

TEXT = readme_text(MANIFEST)
CODE = re.compile(r"### ([^\n]+)\n\n```python\n(.*?)```", re.DOTALL)


def test_counts_classes_and_colours_are_those_of_the_manifest():
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line[:1] == "|"]
    assert ["train", "3", "2", "0.0", "1"] in rows
    assert ["0", "ground", "#000000", "10", "66.67%", "3"] in rows  # 10 of 15 pixels that have a class
    assert ["1", "Straße", "#1600FF", "5", "33.33%", "2"] in rows
    assert ["255", "(ignored)", "", "3", "", ""] in rows


def test_the_same_manifest_gives_the_same_bytes_and_knows_no_time_or_place():
    again = dataclasses.replace(MANIFEST, splits=dict(MANIFEST.splits))
    assert readme_text(again) == TEXT
    assert hashlib.sha256(TEXT.encode()).hexdigest() == hashlib.sha256(readme_text(MANIFEST).encode()).hexdigest()


def test_there_is_code_for_five_libraries_which_names_shards_and_split():
    found = dict(CODE.findall(TEXT))
    assert found.keys() == LIBRARIES.keys()
    assert len(found) == 5
    for code in found.values():
        ast.parse(code)
        assert "train" in code
    assert '"town-train.tfrecord-?????-of-?????"' in found["TensorFlow"]


def test_records_of_different_sizes_are_read_one_at_a_time():
    text = readme_text(dataclasses.replace(MANIFEST, size=None))
    assert "of different sizes" in text
    assert ".batch(1)" in text
    assert ".batch(8)" not in text


def test_a_tile_has_the_keys_of_its_window():
    assert "window_top" not in TEXT
    assert "window_top" in readme_text(dataclasses.replace(MANIFEST, fit="tile"))


@pytest.mark.parametrize("name", ["a|b", "<img src=x>", "`rm`", "[x](y)", "*a*", "a\nb\n# c"])
def test_a_name_of_others_breaks_no_table(name):
    text = readme_text(dataclasses.replace(MANIFEST, classes=(ClassInfo(0, name, (0, 0, 0)), MANIFEST.classes[1])))
    (line,) = [line for line in text.splitlines() if line.startswith("| 0 |")]
    assert len(re.findall(r"(?<!\\)\|", line)) == 7
    assert not re.search(r"(?<!\\)[<`\[*]", line)


@pytest.mark.parametrize(
    ("change", "edited"),
    [
        (lambda text: text, False),
        (lambda text: text.removesuffix("\n"), False),  # as some editors save it
        (lambda text: text.replace("3 pairs", "4 pairs"), True),
        (lambda text: text + "My own line.\n", True),
        (lambda text: text.rpartition("<!--")[0], True),
        (lambda text: "# Mine\n", True),
        (lambda text: "", True),
    ],
)
def test_an_edited_page_is_told_from_one_of_segconv(change, edited):
    assert is_edited(change(TEXT).encode()) is edited


def test_bytes_that_are_no_text_are_somebody_elses():
    assert is_edited(b"\xff\xfe\x00")
