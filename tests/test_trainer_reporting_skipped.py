"""Skipped pairs are those of errors.jsonl, and an errors.jsonl that was changed is refused."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from scored_runs import manifest_of

from converter.building.summary import errors_text
from converter.errors import DataError
from converter.sources.refs import Reject
from trainer.reporting.skipped import skipped_pairs

REJECTS = [
    Reject("train", DataError("a.jpg", "is cut off", "Restore it.", "E_DAMAGED"), "train.txt", 3),
    Reject("val", DataError("b.png", "has another size", "Draw it again.", "E_SIZE")),
]


@pytest.fixture
def manifest(tmp_path):
    text = errors_text(REJECTS)
    (tmp_path / "errors.jsonl").write_bytes(text)
    return dataclasses.replace(manifest_of(), errors_sha256=hashlib.sha256(text).hexdigest())


def test_what_a_build_left_out_comes_back(tmp_path, manifest):
    first, second = skipped_pairs(tmp_path, manifest)
    assert first == ("train", "train.txt:3: a.jpg", "E_DAMAGED", "is cut off", "Restore it.")
    assert second.where == "b.png"


def test_records_of_which_nothing_was_left_out_need_no_file(tmp_path):
    assert skipped_pairs(tmp_path, manifest_of()) == []


@pytest.mark.parametrize("data", [b"{}\n", b"", None])
def test_another_file_is_refused(tmp_path, manifest, data):
    path = tmp_path / "errors.jsonl"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DataError, match=r"errors\.jsonl: is not the file that was built"):
        skipped_pairs(tmp_path, manifest)


def test_a_line_that_is_no_pair_is_refused(tmp_path, manifest):
    text = b'{"split": "train"}\n'
    (tmp_path / "errors.jsonl").write_bytes(text)
    with pytest.raises(DataError, match="is not the file that was built"):
        skipped_pairs(tmp_path, dataclasses.replace(manifest, errors_sha256=hashlib.sha256(text).hexdigest()))
