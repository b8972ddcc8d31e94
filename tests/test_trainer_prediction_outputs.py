"""Outputs: what a folder of predictions may hold, and what of it is believed."""

from __future__ import annotations

import hashlib

import pytest

from converter.errors import UsageError
from converter.system.files import Stamp
from trainer.prediction.inputs import Photograph
from trainer.prediction.outputs import KIND, RECEIPTS, Receipt, opened_outputs, picture_path

FACTS = {KIND: "segconv predictions", "model": "1"}
RECEIPT = Receipt("a/b.jpg", "0" * 64, Stamp(1, 2, 3, 4), (5, 6), (10, 20), {"index/a/b.png": "1" * 64})


def opened(out, facts=FACTS, *, overwrite=False):
    return opened_outputs(out, facts, overwrite=overwrite)


def test_a_receipt_is_read_as_it_was_written_and_a_damaged_one_is_none():
    line = RECEIPT.to_line()
    assert Receipt.from_line(line[:-1]) == RECEIPT
    assert Receipt.from_line(line[:-2]) is None
    assert Receipt.from_line(line.replace(b"20", b"21")[:-1]) is None


def test_a_line_that_was_cut_off_costs_only_itself(tmp_path):
    with opened(tmp_path) as outputs:
        outputs.add(RECEIPT)
    with (tmp_path / RECEIPTS).open("ab") as file:
        file.write(RECEIPT.to_line()[:50])
    with opened(tmp_path) as outputs:
        assert outputs.receipts == {"a/b.jpg": RECEIPT}
    assert (tmp_path / RECEIPTS).read_bytes() == RECEIPT.to_line()


def test_what_is_done_is_known_by_its_content_where_its_time_has_changed(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"photograph")
    photograph = Photograph("a.jpg", tmp_path, "a.jpg")
    with opened(tmp_path / "out") as outputs:
        assert not outputs.is_done(photograph, ["index"])
        digest = outputs.write("index/a.png", b"classes")
        data, _ = photograph.read()
        receipt = Receipt("a.jpg", hashlib.sha256(data).hexdigest(), None, (1, 1), (1,), {"index/a.png": digest})
        outputs.add(receipt)
        assert outputs.is_done(photograph, ["index"])
        assert not outputs.is_done(photograph, ["index", "color"])
        (tmp_path / "a.jpg").write_bytes(b"photogrAph")
        assert not outputs.is_done(photograph, ["index"])


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"holds something else \(thesis\.tex\)"), opened(tmp_path, overwrite=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(UsageError, match="is not a folder"), opened(tmp_path / "thesis.tex"):
        pass


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    with opened(tmp_path), pytest.raises(UsageError, match="being written to by another process"), opened(tmp_path):
        pass


def test_other_facts_are_named_and_overwrite_removes_what_was_predicted(tmp_path):
    with opened(tmp_path) as outputs:
        outputs.add(Receipt("a.jpg", "", None, (1, 1), (1,), {"index/a.png": outputs.write("index/a.png", b"x")}))
    other = FACTS | {"model": "2"}
    with pytest.raises(UsageError, match=r"differing: model\)"), opened(tmp_path, other):
        pass
    assert (tmp_path / "index/a.png").exists()
    with opened(tmp_path, other, overwrite=True) as outputs:
        assert outputs.receipts == {}
    assert not (tmp_path / "index/a.png").exists()


def test_pictures_have_the_path_of_the_photograph():
    assert picture_path("color", "a/b.c.JPG") == "color/a/b.c.png"
