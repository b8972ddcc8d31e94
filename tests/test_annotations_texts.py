"""Texts: bounds on size and depth, what changes while it is read, no entity of XML expanded."""

from __future__ import annotations

import os
import tracemalloc

import pytest

from converter.annotations.found import Found
from converter.annotations.texts import XmlReader, json_of, opened, read_bytes, text_of
from converter.errors import DataError
from converter.limits import MAX_ANNOTATION_BYTES


def refused(call, *arguments):
    with pytest.raises(DataError) as caught:
        call(*arguments)
    return caught.value.code, caught.value.what


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)  # sparse: no byte of it is on the disk
    tracemalloc.start()
    code, what = refused(read_bytes, tmp_path, Found("a.json"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (code, what) == ("E_FILE_SIZE", f"has more than {MAX_ANNOTATION_BYTES:,} bytes, the maximum for annotations")
    assert peak < 2**20


def test_what_is_no_file_in_the_folder_is_refused(tmp_path):
    (tmp_path / "src/folder").mkdir(parents=True)
    (tmp_path / "x.json").write_text("{}")
    os.mkfifo(tmp_path / "src/pipe")
    (tmp_path / "src/link").symlink_to(tmp_path / "x.json")
    found = [
        refused(read_bytes, tmp_path / "src", Found(name))[0]
        for name in ("folder", "pipe", "none", "link", "../x.json")
    ]
    assert found == ["E_UNREADABLE", "E_UNREADABLE", "E_UNREADABLE", "E_PATH", "E_PATH"]
    found = Found("link")
    assert read_bytes(tmp_path / "src", found, follow_links=True) == b"{}"
    assert found.digest == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # sha256sum of {}


def test_a_file_is_read_to_the_end_that_it_had_and_any_part_again(tmp_path):
    (tmp_path / "a.json").write_bytes(b"0123456789")
    with opened(tmp_path, "a.json") as file:
        stamp = file.stamp
        with (tmp_path / "a.json").open("ab") as more:
            more.write(b"x" * 10)
        assert [file.read(8), file.read(8), file.read(8)] == [b"01234567", b"89", b""]
        assert file.part(2, 3) == b"234"
    assert file.digest == "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"  # sha256sum
    with opened(tmp_path, "a.json") as file:
        assert file.stamp != stamp
    assert refused(lambda: opened(tmp_path, "a.json", most=19).__enter__()) == (
        "E_FILE_SIZE", "has more than 19 bytes, the maximum for annotations")  # fmt: skip


def test_text_is_utf_8_with_or_without_a_byte_order_mark():
    assert text_of("\ufeffä".encode(), "x") == "ä"
    assert refused(text_of, b"\xff", "x") == ("E_ANNOTATION", "is not UTF-8 text")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_too_deep_is_refused_in_one_line(text):
    code, what = refused(json_of, text.encode(), "x")
    assert code == "E_ANNOTATION"
    assert what == "is JSON that is nested some 1,000 levels deep"


class Names(XmlReader):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def start(self, tag, attributes):
        self.told.append((tag, attributes))

    def end(self, tag, text):
        self.told.append((tag, text))


def test_xml_is_told_element_by_element_with_the_text_before_each_end():
    names = Names()
    names.read(b'<a x="&lt;1"> y <b>z &amp; w</b> v </a>', "x")
    assert names.told == [("a", {"x": "<1"}), ("b", {}), ("b", "z & w"), ("a", "v")]


@pytest.mark.parametrize("text", [
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '<!DOCTYPE a SYSTEM "http://x/y.dtd"><a/>', "<!DOCTYPE a><a/>",
])  # fmt: skip
def test_a_document_type_is_refused_before_anything_is_read(text):
    names = Names()
    code, what = refused(names.read, text.encode(), "x")
    assert (code, what.partition(",")[0], names.told) == ("E_ANNOTATION", "declares a document type", [])
