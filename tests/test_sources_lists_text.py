"""Lists: encodings, line ends, separators and quotes change none of the pairs of a split list."""

from __future__ import annotations

import pytest
from list_files import found, look_up

from converter.errors import UsageError
from converter.sources.lists import text as lists
from converter.sources.lists.text import read_split_list, why_unlistable
from converter.sources.refs import ExampleRef


@pytest.mark.parametrize("content", [
    b"a.jpg;a.png",
    b"\xef\xbb\xbfa.jpg;a.png\n",
    b"a.jpg;a.png\r\n",
    b"a.jpg;a.png\r",
    b"  a.jpg ; a.png\t\n",
    b"a.jpg;a.png\n\n\n",
    b"# images;masks\n\n   \na.jpg;a.png\n  # more\n",
    b"image;mask\na.jpg;a.png\n",
    b"a.jpg\ta.png\n",
    b"a.jpg,a.png\n",
    b"a.jpg a.png\n",
    b"a.jpg   a.png\n",
    b"./a.jpg;.\\a.png\n",
    b"'a.jpg' \"a.png\"\n",
    b'"a.jpg","a.png"\n',
    b'"a.jpg";"a.png"\n',
    b"a;a\n",
    b"A.JPG;a.Png\n",
    b"sub\\..\\x;y\na.jpg;a.png\n",
])  # fmt: skip
def test_peers_row_25_what_editors_and_systems_do_to_a_list_does_not_change_its_pairs(tmp_path, content):
    assert found(look_up(tmp_path, content)) == [("jpg/a.jpg", "png/a.png")]


def test_comments_and_blank_lines_count_as_lines_but_not_as_pairs(tmp_path):
    done = look_up(tmp_path, b"\xef\xbb\xbf# images;masks\r\n\r\n   \r\n  # more\r\na.jpg;a.png\r\n")
    assert done.refs() == [ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 5)]


@pytest.mark.parametrize("name", ["my photo (1)", "Straße", "日本/空", "a,b", "a#b", "a\u2028b", "it's", "a b"])
def test_names_with_spaces_and_letters_of_any_script_are_kept(tmp_path, name):
    files = [f"jpg/{name}.jpg", f"png/{name}.png"]
    assert found(look_up(tmp_path, f"{name}.jpg;{name}.png\n", files=files)) == [(files[0], files[1])]
    done = look_up(
        tmp_path, f"jpg/{name}\n", ("names", ("",)), files=files[:1]
    )  # a list with one name per line is not split at spaces
    assert done.found == ([(files[0],)] if "," not in name else [])


@pytest.mark.parametrize(("content", "separator"), [
    ("a.jpg;a.png\nb.jpg,x;b.png\n", ";"),
    ("a.jpg\ta.png\n", "\t"),
    ("a.jpg , a.png\n", ","),
    ("jpg/a png/a\n", " "),
    ('"my photo.jpg" "my mask.png"\n', " "),
    ("2007_000032\n2007_000033\n", ""),
    ("my photo\nmy other photo\n", ""),
    ("a.jpg;a.png\nnonsense\n", ";"),
    ("image,mask,fold\na.jpg,a.png,1\n", ""),
])  # fmt: skip
def test_one_separator_is_found_for_the_whole_list(tmp_path, content, separator):
    (tmp_path / "train.txt").write_text(content)
    assert read_split_list("train", tmp_path / "train.txt", "train.txt").separator == separator


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b"# only a comment\n", b" \r\n"])
def test_a_list_without_a_pair_is_refused(tmp_path, content):
    with pytest.raises(UsageError, match="names no pair") as caught:
        look_up(tmp_path, content)
    assert caught.value.code == "E_LIST"


@pytest.mark.parametrize("content", [b"a.jpg;a.png\ncaf\xe9.jpg;b.png\n", "a.jpg;a.png".encode("utf-16")])
def test_a_list_that_is_not_utf8_is_refused(tmp_path, content):
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        look_up(tmp_path, content)


def test_a_list_that_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "train.txt"
    with pytest.raises(UsageError, match="cannot be read"):
        read_split_list("train", path, "train.txt")
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_split_list("train", path, "train.txt")


def test_a_file_that_is_too_large_for_a_list_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", 11)
    assert look_up(tmp_path, b"a.jpg;a.png").rejects == []
    with pytest.raises(UsageError, match="exceeds 11 bytes"):
        look_up(tmp_path, b"a.jpg;a.png\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_list_of_too_many_lines_is_refused(tmp_path, monkeypatch, end):
    monkeypatch.setattr(lists, "MAX_LIST_LINES", 3)
    assert found(look_up(tmp_path, f"a.jpg;a.png{end}{end}{end}")) == [("jpg/a.jpg", "png/a.png")]
    with pytest.raises(UsageError, match="has more than 3 lines, the maximum for a list"):
        look_up(tmp_path, f"a.jpg;a.png{end}{end}{end}{end}")


@pytest.mark.parametrize(
    "name", ["a;b.jpg", "a\nb.jpg", "a\rb.jpg", 'a"b.jpg', "#a.jpg", "'a.jpg", " a.jpg", "a.jpg ", "\udce9.jpg"]
)
def test_a_name_that_no_list_can_hold_is_told(name):
    assert why_unlistable(name)


@pytest.mark.parametrize(
    "name", ["back\\slash.jpg", "C:/a.jpg", "a b.jpg", "a,b.jpg", "a#b.jpg", "日本/空.jpg", "it's.jpg", "a\u2028b.jpg"]
)
def test_a_name_that_a_list_can_hold_comes_back_from_it(tmp_path, name):
    assert why_unlistable(name) == ""
    done = look_up(tmp_path, f"# made\n{name};m.png\n", ("", ("", "")), files=[name, "m.png"])
    assert found(done) == [(name, "m.png")]


def test_lines_are_divided_anew_each_time_and_sliced_as_a_list(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("mask;image\n\nm0.png;p0.jpg\r\n# no\nm1.png;p1.jpg[1,2,3,4]\n")
    listed = read_split_list("train", path, "train.txt")
    assert [(line.number, line.fields, line.block) for line in listed.lines] == [
        (1, ("image", "mask"), None),
        (3, ("p0.jpg", "m0.png"), None),
        (5, ("p1.jpg", "m1.png"), (1, 2, 3, 4)),
    ]
    assert listed.lines[1:] == [listed.lines[1], listed.lines[-1]]
    assert listed.masks_first
