"""Leaks: the same image in two splits, by name and by content."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.pixels.geometry import Box
from converter.sources import leaks
from converter.sources.leaks import Leak, check_leaks, find_copies, name_leaks, place_of, repeated_content, same_content
from converter.sources.refs import ExampleRef


def ref(split: str, name: str, line: int = 0) -> ExampleRef:
    return ExampleRef(split, name, name + ".png", f"{split}.txt" if line else "", line)


def refuse(folder, *pairs: ExampleRef) -> None:
    check_leaks(SourceConfig(folder), pairs, find_copies(SourceConfig(folder), pairs))


def content_leaks(source: SourceConfig, pairs: list[ExampleRef]) -> list[Leak]:
    return same_content(find_copies(source, pairs))


def test_peers_row_26_a_photograph_that_two_lists_name_is_a_leak_that_names_both_lines(tmp_path):
    with pytest.raises(UsageError) as caught:
        refuse(tmp_path, ref("train", "jpg/a.jpg", 88), ref("val", "jpg/b.jpg", 1), ref("val", "jpg/a.jpg", 12))
    assert caught.value.code == "E_LEAK"
    assert caught.value.where == str(tmp_path / "val.txt:12")
    assert caught.value.what == "names jpg/a.jpg, which train.txt:88 names too"


def test_peers_row_26_the_same_content_under_two_names_is_a_leak_that_names_both_lines(tmp_path):
    (tmp_path / "d4.jpg").write_bytes(b"the same image")
    shutil.copy(tmp_path / "d4.jpg", tmp_path / "e5.jpg")
    with pytest.raises(UsageError) as caught:
        refuse(tmp_path, ref("train", "d4.jpg", 88), ref("val", "e5.jpg", 12))
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


def test_an_image_twice_in_one_split_is_a_repeat_and_no_leak(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"x")
    pairs = [ref("train", "a", 1), ref("train", "b", 2), ref("train", "b", 3)]
    copies = find_copies(SourceConfig(tmp_path), pairs)
    assert [(place_of(repeat.ref), repeat.what) for repeat in repeated_content(copies)] == [
        ("train.txt:2", "b has the content of a (train.txt:1)"),
        ("train.txt:3", "b has the content of a (train.txt:1)"),
    ]
    assert same_content(copies) == []
    pairs = [ref("train", "a"), ref("val", "b"), ref("val", "c")]
    copies = find_copies(SourceConfig(tmp_path), pairs)
    assert [repeat.ref.image for repeat in repeated_content(copies)] == ["c"]
    assert [leak.ref.image for leak in same_content(copies)] == ["b", "c"]


def test_blocks_of_one_image_are_read_no_further_than_its_size(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"large")
    pairs = [replace(ref("train", "a", line), window=Box(0, 100 * line, 90, 90)) for line in (1, 2, 3)]
    monkeypatch.setattr(leaks, "read_end", None)  # would be called, and fail
    assert find_copies(SourceConfig(tmp_path), pairs) == []


def test_only_files_of_a_size_that_occurs_twice_are_read(tmp_path, monkeypatch):
    for name, data in {"a": b"1", "b": b"22", "c": b"22", "d": b"333", "e": b"4444"}.items():
        (tmp_path / name).write_bytes(data)
    pairs = [ref("train", "a"), ref("train", "b"), ref("train", "e"), ref("val", "c")]
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
    pairs = [ref("train", "a.jpg"), ref("train", "gone.jpg"), ref("val", "b.jpg")]
    refuse(tmp_path, *pairs, ref("test", "no.jpg"), ref("test", "../a.jpg"))


def test_a_link_out_of_the_source_folder_is_not_read_for_a_leak(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (source / "a.jpg").write_bytes(b"x")
    (source / "b.jpg").symlink_to(tmp_path / "outside.jpg")
    pairs = [ref("train", "a.jpg"), ref("val", "b.jpg")]
    assert not content_leaks(SourceConfig(source), pairs)
    assert len(content_leaks(SourceConfig(source, follow_links=True), pairs)) == 1
