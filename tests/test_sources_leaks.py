"""Leaks: the same image in two splits, by name and by content."""

from __future__ import annotations

import shutil

import pytest

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.leaks import check_leaks, content_leaks, name_leaks, place_of
from converter.sources.refs import ExampleRef


def ref(split: str, name: str, line: int = 0) -> ExampleRef:
    return ExampleRef(split, name, name + ".png", f"{split}.txt" if line else "", line)


def test_peers_row_26_a_photograph_that_two_lists_name_is_a_leak_that_names_both_lines(tmp_path):
    refs = {"train": [ref("train", "jpg/a.jpg", 88)], "val": [ref("val", "jpg/b.jpg", 1), ref("val", "jpg/a.jpg", 12)]}
    with pytest.raises(UsageError) as caught:
        check_leaks(SourceConfig(tmp_path), refs)
    assert caught.value.code == "E_LEAK"
    assert caught.value.where == str(tmp_path / "val.txt:12")
    assert caught.value.what == "names jpg/a.jpg, which train.txt:88 names too"


def test_peers_row_26_the_same_content_under_two_names_is_a_leak_that_names_both_lines(tmp_path):
    (tmp_path / "d4.jpg").write_bytes(b"the same image")
    shutil.copy(tmp_path / "d4.jpg", tmp_path / "e5.jpg")
    refs = {"train": [ref("train", "d4.jpg", 88)], "val": [ref("val", "e5.jpg", 12)]}
    with pytest.raises(UsageError) as caught:
        check_leaks(SourceConfig(tmp_path), refs)
    assert caught.value.code == "E_LEAK"
    assert caught.value.where == str(tmp_path / "val.txt:12")
    assert caught.value.what == "e5.jpg has the content of d4.jpg (train.txt:88)"


def test_leaks_of_pairs_that_no_list_names_are_told_by_their_files(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "b.jpg").write_bytes(b"x")
    pairs = [ref("train", "a.jpg"), ref("val", "b.jpg")]
    ((leak, _, what),) = content_leaks(SourceConfig(tmp_path), pairs)
    assert (place_of(leak), what) == ("b.jpg", "has the content of a.jpg")
    ((leak, _, what),) = name_leaks([ref("train", "a.jpg"), ref("val", "a.jpg")])
    assert (place_of(leak), what) == ("a.jpg", "is in val, and in train too")


def test_only_files_whose_size_occurs_in_two_splits_are_read(tmp_path, monkeypatch):
    for name, data in {"a": b"1", "b": b"22", "c": b"22", "d": b"333", "e": b"4444", "f": b"4444"}.items():
        (tmp_path / name).write_bytes(data)
    pairs = [ref("train", "a"), ref("train", "b"), ref("train", "e"), ref("train", "f"), ref("val", "c")]
    read = []

    def spy(root, name, *, follow_links):
        read.append(name)
        return (root / name).read_bytes()

    monkeypatch.setattr("converter.sources.leaks.read_inside", spy)
    assert [leak.ref.image for leak in content_leaks(SourceConfig(tmp_path), [*pairs, ref("val", "d")])] == ["c"]
    assert sorted(read) == ["b", "c"]


def test_of_files_of_one_size_only_those_with_the_same_end_are_read_whole(tmp_path, monkeypatch):
    end = bytes(5000)
    for name, data in {"a": b"1" + end, "b": b"2" + end, "c": end + b"3", "d": b"1" + end}.items():
        (tmp_path / name).write_bytes(data)
    pairs = [ref("train", "a"), ref("val", "b"), ref("val", "c"), ref("val", "d")]
    read = []

    def spy(root, name, *, follow_links):
        read.append(name)
        return (root / name).read_bytes()

    monkeypatch.setattr("converter.sources.leaks.read_inside", spy)
    assert [leak.ref.image for leak in content_leaks(SourceConfig(tmp_path), pairs)] == ["d"]
    assert read == ["a", "b", "d"]


def test_files_of_one_size_but_other_content_and_files_that_are_missing_are_no_leak(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1")
    (tmp_path / "b.jpg").write_bytes(b"2")
    refs = {"train": [ref("train", "a.jpg"), ref("train", "gone.jpg")], "val": [ref("val", "b.jpg")]}
    check_leaks(SourceConfig(tmp_path), {**refs, "test": [ref("test", "no.jpg"), ref("test", "../a.jpg")]})


def test_a_link_out_of_the_source_folder_is_not_read_for_a_leak(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (source / "a.jpg").write_bytes(b"x")
    (source / "b.jpg").symlink_to(tmp_path / "outside.jpg")
    pairs = [ref("train", "a.jpg"), ref("val", "b.jpg")]
    assert not content_leaks(SourceConfig(source), pairs)
    assert len(content_leaks(SourceConfig(source, follow_links=True), pairs)) == 1
