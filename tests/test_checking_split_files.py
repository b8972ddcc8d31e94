"""Split files: the lists hold the pairs, and replace nothing unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from divided_pairs import divided, pair

from converter.checking.split_files import write_lists
from converter.checking.split_plan import SplitConfig
from converter.errors import UsageError
from converter.sources.refs import ExampleRef


def test_lists_hold_the_pairs_and_the_command_that_made_them(tmp_path: Path):
    plan = divided([pair(name) for name in "abcde"], SplitConfig(val=0.2, group="/(.) ?"))
    paths = write_lists(tmp_path, plan)
    assert [path.name for path in paths] == ["train.txt", "val.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.txt", "val.txt"]
    texts = [path.read_text() for path in paths]
    first = "# segconv split --val 0.2 --test 0 --seed 0 --group '/(.) ?'"
    assert [text.splitlines()[0] for text in texts] == [first, first]
    lines = [line for text in texts for line in text.splitlines()[1:]]
    assert sorted(lines) == [f"jpg/{name}.jpg;png/{name}.png" for name in "abcde"]
    assert len(texts[0].splitlines()) == 5


def test_lists_that_are_there_are_kept_unless_they_may_be_replaced(tmp_path: Path):
    plan = divided([pair(name) for name in "abcde"], SplitConfig())
    (tmp_path / "val.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"val.txt: exists.*--overwrite") as caught:
        write_lists(tmp_path, plan)
    assert caught.value.code == "E_OUT"
    assert [path.name for path in tmp_path.iterdir()] == ["val.txt"]
    write_lists(tmp_path, plan, overwrite=True)
    assert (tmp_path / "val.txt").read_text().startswith("# segconv split")


def test_a_test_list_of_before_does_not_stay_beside_new_ones(tmp_path: Path):
    (tmp_path / "test.txt").write_text("mine")
    plan = divided([pair(name) for name in "abcde"], SplitConfig())
    with pytest.raises(UsageError, match=r"test.txt: exists, but no test split is requested"):
        write_lists(tmp_path, plan, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["test.txt"]


@pytest.mark.parametrize("name", ["#a/b", "a;b", "a\nb", "a\rb", " a", "a\udcff", 'a"b', "'a"])
def test_a_path_that_no_list_can_hold_is_refused_by_name_before_anything_is_written(tmp_path: Path, name):
    facts = [pair(other) for other in "abcde"]
    facts[0] = replace(facts[0], ref=ExampleRef("train", f"{name}.jpg", "a.png"))
    with pytest.raises(UsageError, match=r"Rename the file") as caught:
        write_lists(tmp_path, divided(facts, SplitConfig()))
    assert caught.value.where == f"{name}.jpg"
    assert list(tmp_path.iterdir()) == []
