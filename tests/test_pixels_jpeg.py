"""JPEG: metadata is stripped, and a file with very many scans is refused."""

from __future__ import annotations

import contextlib
import struct

import pytest
from photo_files import noise
from picture_bytes import saved

from converter.errors import DataError
from converter.limits import MAX_SCANS
from converter.pixels.jpeg import check_jpeg, strip_jpeg


def test_a_jpeg_is_stripped_up_to_its_first_end():
    data = saved(noise(9, 9, 3), "JPEG")
    comment = b"\xff\xfe\0\7hello"
    assert strip_jpeg(data[:2] + comment + data[2:] + b"more") == data
    assert strip_jpeg(data[:2] + b"\xff" + data[2:]) == data  # a fill byte


def test_a_cut_jpeg_is_not_stripped():
    data = saved(noise(9, 9, 3), "JPEG")
    assert [strip_jpeg(data[:cut]) for cut in range(2, len(data))] == [None] * (len(data) - 2)


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCA, 0xC5])  # lossless, arithmetic, hierarchical
def test_a_jpeg_that_few_readers_know_is_not_stripped(marker):
    data = saved(noise(9, 9, 3), "JPEG")
    assert strip_jpeg(data.replace(b"\xff\xc0\0\x11", bytes([0xFF, marker, 0, 0x11]))) is None


def scans(count: int, between: bytes = b"") -> bytes:
    """Returns a progressive JPEG with its last scan repeated so that it has `count` scans."""
    data = saved(noise(9, 9, 3), "JPEG", progressive=True)
    scan = between + data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + scan * (count - data.count(b"\xff\xda")) + data[-2:]


@pytest.mark.parametrize("between", [
    b"",
    b"\xff\xff\xff",  # fill bytes
    b"\xff\xd0",  # a restart
    b"\xff\x01",
    b"\xff\xfe\0\4\xff\xda",  # a comment
    b"\0\xff\0",
])  # fmt: skip
def test_a_jpeg_of_very_many_scans_is_refused(between):
    check_jpeg(scans(MAX_SCANS, between), "a.jpg")
    with pytest.raises(DataError, match="has more than 100 scans"):
        check_jpeg(scans(MAX_SCANS + 1, between), "a.jpg")


def test_scans_in_metadata_or_behind_the_first_end_do_not_count():
    data, many = saved(noise(9, 9, 3), "JPEG"), scans(MAX_SCANS + 1)
    check_jpeg(data[:2] + b"\xff\xe1" + struct.pack(">H", len(many) + 2) + many + data[2:], "a.jpg")  # a thumbnail
    check_jpeg(data + many, "a.jpg")


def test_a_jpeg_of_very_many_scans_that_is_cut_anywhere_is_let_through_or_refused():
    data = scans(MAX_SCANS + 1)
    for cut in range(len(data) - 300, len(data)):
        with contextlib.suppress(DataError):
            check_jpeg(data[:cut], "a.jpg")
