"""Facts about split lists: what editors and systems do to text files is tolerated, and each bad line is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converter import splits
from converter.errors import UsageError
from converter.splits import ExampleRef, Reject, read_split_list


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train.txt"


def read(path: Path, content: bytes) -> tuple[list[ExampleRef], list[Reject]]:
    path.write_bytes(content)
    return read_split_list("train", path, "jpg", "png")


def test_each_line_is_a_pair_below_its_folders(path):
    refs, rejects = read(path, b"a.jpg;a.png\nsub/b.jpg;c.png\n")
    assert refs == [
        ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 1),
        ExampleRef("train", "jpg/sub/b.jpg", "png/c.png", "train.txt", 2),
    ]
    assert rejects == []


@pytest.mark.parametrize(
    "content",
    [
        b"a.jpg;a.png",
        b"\xef\xbb\xbfa.jpg;a.png\n",
        b"a.jpg;a.png\r\n",
        b"  a.jpg ; a.png\t\n",
        b"a.jpg;a.png\n\n\n",
    ],
)
def test_what_editors_do_to_a_list_does_not_change_it(path, content):
    assert read(path, content) == ([ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 1)], [])


def test_comments_and_blank_lines_count_as_lines_but_not_as_pairs(path):
    refs, rejects = read(path, b"\xef\xbb\xbf# photos;masks\r\n\r\n   \r\n  # more\r\na.jpg;a.png\r\n")
    assert (refs, rejects) == ([ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 5)], [])


@pytest.mark.parametrize("name", ["my photo (1)", "Straße", "日本/空", "a,b", "a#b", "a\u2028b", "cafe\u0301"])
def test_names_with_spaces_and_letters_of_any_script_are_kept(path, name):
    refs, _ = read(path, f"{name}.jpg;{name}.png\n".encode())
    assert [(ref.image, ref.mask) for ref in refs] == [(f"jpg/{name}.jpg", f"png/{name}.png")]


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("a.jpg;a.png", "E_DUPLICATE", "is the photograph of line 1 again"),
        (" a.jpg ; a.png ", "E_DUPLICATE", "is the photograph of line 1 again"),
        ("b.jpg b.png", "E_LINE", "holds 0 separators"),
        ("b.jpg,b.png", "E_LINE", "holds 0 separators"),
        ("b.jpg;b.png;1", "E_LINE", "holds 2 separators"),
        ("b.jpg;b.png;", "E_LINE", "holds 2 separators"),
        (";b.png", "E_LINE", "between two names"),
        ("b.jpg;", "E_LINE", "between two names"),
        (";", "E_LINE", "between two names"),
        ("b" * 9000 + ".jpg;b.png", "E_LINE", "has 9010 characters"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_others_are_kept(path, line, code, reason):
    refs, rejects = read(path, f"a.jpg;a.png\n# comment\n{line}\nc.jpg;c.png\n".encode())
    assert [ref.line for ref in refs] == [1, 4]
    assert [(reject.line, reject.error.code) for reject in rejects] == [(3, code)]
    assert str(rejects[0]).startswith("train.txt:3: ")
    assert reason in str(rejects[0])
    assert len(str(rejects[0])) < 500


@pytest.mark.parametrize("line", ["a.jpg;b.png", "./a.jpg;a.png", ".//a.jpg;a.png"])
def test_a_photograph_stands_in_a_list_once_however_it_is_spelled(path, line):
    refs, rejects = read(path, f"a.jpg;a.png\n{line}\n".encode())
    assert (len(refs), [reject.error.code for reject in rejects]) == (1, ["E_DUPLICATE"])


def test_every_copy_of_a_pair_is_rejected_and_the_first_is_kept(path):
    refs, rejects = read(path, b"a.jpg;a.png\n" * 4)
    assert [ref.line for ref in refs] == [1]
    assert [reject.line for reject in rejects] == [2, 3, 4]


def test_a_reject_is_an_object_for_scripts(path):
    _, rejects = read(path, b"a.jpg;b;c\n")
    assert json.loads(json.dumps(rejects[0].to_json())) == {
        "list": "train.txt",
        "line": 1,
        "file": "a.jpg;b;c",
        "code": "E_LINE",
        "what": "holds 2 separators ';', a pair has exactly one between two names",
        "mend": "Write photo.jpg;mask.png",
    }


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n", b"# only a comment\n", b" \r\n"])
def test_a_list_without_a_pair_is_refused(path, content):
    with pytest.raises(UsageError, match="names no pair") as caught:
        read(path, content)
    assert caught.value.code == "E_LIST"


def test_a_list_of_bad_lines_alone_is_returned_so_that_each_can_be_named(path):
    refs, rejects = read(path, b"nonsense\nmore\n")
    assert (refs, [reject.line for reject in rejects]) == ([], [1, 2])


@pytest.mark.parametrize("content", [b"a.jpg;a.png\ncaf\xe9.jpg;b.png\n", "a.jpg;a.png".encode("utf-16")])
def test_a_list_that_is_not_utf8_is_refused(path, content):
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read(path, content)


def test_a_list_that_cannot_be_read_is_refused(path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_split_list("train", path, "jpg", "png")
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        read_split_list("train", path, "jpg", "png")


def test_a_file_that_is_too_large_for_a_list_is_refused_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(splits, "MAX_LIST_BYTES", 11)
    assert read(path, b"a.jpg;a.png")[1] == []
    with pytest.raises(UsageError, match="exceeds 11 bytes"):
        read(path, b"a.jpg;a.png\n")
