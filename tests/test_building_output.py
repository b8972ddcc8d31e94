"""Output: what the folder already contains is left alone, replaced on request, or resumed."""

from __future__ import annotations

import pytest
from builds import config, hidden
from conftest import visible

from converter.building.build import build
from converter.building.output import check_out
from converter.building.plan import plan_build
from converter.errors import UsageError


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds something else"):
            build(config(dataset, tmp_path / "out", overwrite=overwrite))
    assert visible(tmp_path / "out") == {"thesis.tex": b"x"}


def test_a_finished_dataset_is_replaced_only_on_request_and_without_leftovers(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", shards=3))
    before = visible(tmp_path / "out")
    refused = r"built with other options \(shards 3 -> none\)\. Pass --overwrite to replace it"
    with pytest.raises(UsageError, match=refused):
        build(config(dataset, tmp_path / "out"))
    assert visible(tmp_path / "out") == before
    (tmp_path / "out/notes.txt").write_text("mine")
    build(config(dataset, tmp_path / "out", shards=1, overwrite=True))
    build(config(dataset, tmp_path / "fresh", shards=1))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh") | {"notes.txt": b"mine"}


def test_a_folder_with_half_a_shard_is_taken_and_nothing_of_it_is_believed(dataset, tmp_path):
    build(config(dataset, tmp_path / "undisturbed"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.segconv-dataset-train.tfrecord-00000-of-00001").write_bytes(b"half")
    (tmp_path / "out/.segconv-from-another-version").write_bytes(b"")
    wanted = config(dataset, tmp_path / "out")
    assert check_out(wanted, plan_build(wanted)) is None
    assert build(wanted).reused == 0
    assert visible(tmp_path / "out") == visible(tmp_path / "undisturbed")
    assert hidden(tmp_path / "out") == hidden(tmp_path / "undisturbed")
