"""Tree: what is read below a source folder, and when reading it is aborted."""

from __future__ import annotations

import os
import re

import pytest
from layout_files import draw, find, pairs, refused

from converter.errors import UsageError
from converter.sources import tree


def test_hidden_files_and_our_own_records_are_not_looked_into(tmp_path):
    draw(tmp_path, "images/a.jpg", "images/._a.jpg", "masks/a.png", ".git/images/b.jpg", ".git/masks/b.png")
    draw(tmp_path, "records/manifest.json", "records/d-train.tfrecord-00000-of-00001", "records/images/c.jpg")
    layout = find(tmp_path)
    assert (pairs(layout), layout.unmatched) == ({"train": [("images/a.jpg", "masks/a.png")]}, ())


def test_links_lead_out_of_the_source_only_where_that_is_allowed(tmp_path):
    draw(tmp_path, "elsewhere/a.png", "d/images/a.jpg")
    (tmp_path / "d/masks").symlink_to(tmp_path / "elsewhere")
    assert "images/ has 1 image, but no folder of masks with the same names" in refused(tmp_path / "d")
    assert pairs(find(tmp_path / "d", follow_links=True)) == {"train": [("images/a.jpg", "masks/a.png")]}
    (tmp_path / "d/train.txt").write_text("images/a.jpg;masks/a.png\n")
    (tmp_path / "d/png").mkdir()
    layout = find(tmp_path / "d")
    assert [(reject.line, reject.error.code) for reject in layout.rejects] == [(1, "E_PATH")]
    assert "is a link out of the source folder" in str(layout.rejects[0])


def test_links_in_a_circle_end(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    (tmp_path / "images/again").symlink_to(tmp_path)
    (tmp_path / "images/self").symlink_to("self")
    assert pairs(find(tmp_path)) == {"train": [("images/a.jpg", "masks/a.png")]}


def test_folders_that_all_link_to_one_another_are_given_up(tmp_path):
    numbers = range(12)
    draw(tmp_path, *(f"{number}/" for number in numbers))
    for one in numbers:
        for other in set(numbers) - {one}:
            (tmp_path / f"{one}/to{other}").symlink_to(tmp_path / str(other))
    with pytest.raises(UsageError, match="has folders that link to each other in cycles") as caught:
        find(tmp_path)
    assert caught.value.code == "E_SRC"


def test_a_folder_that_is_no_dataset_is_given_up_before_all_of_it_is_read(tmp_path, monkeypatch):
    draw(tmp_path, "a/b/c/d.jpg", "a/e.jpg", "a/f.jpg")
    monkeypatch.setattr(tree, "MAX_FILES", 2)
    with pytest.raises(UsageError, match="contains more than 2 files"):
        find(tmp_path)
    monkeypatch.setattr(tree, "MAX_FOLDER_DEPTH", 2)
    with pytest.raises(UsageError, match="c: is nested more than 2 folders deep"):
        find(tmp_path)


def test_files_whose_names_are_not_utf8_are_left_out_and_counted(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    (tmp_path / os.fsdecode(b"images/b\xff.jpg")).touch()
    layout = find(tmp_path)
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert "1 file whose name is not UTF-8 is left out" in layout.evidence


def test_a_link_to_itself_is_named_as_what_it_is_and_not_as_a_link_out(segconv, dataset):
    (dataset / "jpg/p0.jpg").unlink()
    (dataset / "jpg/p0.jpg").symlink_to("p0.jpg")
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1")
    assert done.returncode == 1
    assert "--follow-links" not in done.stderr
    assert re.search(r"train\.txt:1: jpg/p0\.jpg: .*(loop|levels of symbolic links)", done.stderr)


def test_the_files_are_a_set_and_the_images_of_a_folder_a_sequence_of_names(tmp_path):
    for name in ("b.png", "a.jpg", "sub/c.jpg", "sub/d.txt", "sub/deep/e.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = tree.list_tree(tmp_path, follow_links=False)
    assert set(found.file_set) == {"a.jpg", "b.png", "sub/c.jpg", "sub/d.txt", "sub/deep/e.jpg"}
    assert {"a.jpg", "sub/d.txt"} <= found.file_set
    assert not {"a.jpg", "sub/c"} <= found.file_set
    assert "z" not in found.file_set
    assert None not in found.file_set
    assert {folder: list(names) for folder, names in found.image_files.items()} == {
        "": ["a.jpg", "b.png"],
        "sub": ["c.jpg"],
        "sub/deep": ["e.jpg"],
    }
    assert (found.image_files[""][1], found.image_files[""][:1], found.image_files["sub"][-1]) == (
        "b.png",
        ["a.jpg"],
        "c.jpg",
    )
    assert list(found.image_paths("sub")) == [("c.jpg", "sub/c.jpg")]
    assert list(found.image_paths("no")) == []
