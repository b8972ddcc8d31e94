"""Pillow: decoders write nothing to stderr, raise DataErrors alone, and are asked one by one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from photo_files import noise
from picture_bytes import saved, tiff

from converter.errors import DataError
from converter.pixels.pillow import opened, refuse_large

READ = """
import sys
from pathlib import Path
from converter.errors import DataError
from converter.pixels.images import open_image, render
from converter.pixels.masks import ValueCounter, open_mask
from converter.pixels.bands import Samples
for path in sys.argv[1:]:
    data = Path(path).read_bytes()
    for read in (
        lambda: render(open_image(data, "a"), (8, 8), "pad"),
        lambda: render(open_image(data, "a", samples=Samples((3, 2, 1), ((0, 9),))), (8, 8), "pad"),
        lambda: ValueCounter(1).count(open_mask(data, "a")),
    ):
        try:
            read()
        except DataError as error:
            print(error)
"""


def test_no_decoder_writes_a_line_of_its_own_to_stderr(tmp_path):
    files = {
        "bands": tiff(noise(9, 9, 8)),
        "lzw": broken(saved(noise(99, 99, 3), "TIFF", compression="tiff_lzw")),
        "jpeg": broken(saved(noise(99, 99, 3), "TIFF", compression="jpeg")),
        "fax": broken(saved(noise(99, 99), "TIFF", compression="tiff_adobe_deflate")),
        "strips": broken(tiff(noise(99, 99, 5), bits=16, compression=5)),
        "webp": broken(saved(noise(99, 99, 3), "WEBP", lossless=True)),
        "gif": broken(saved(noise(99, 99), "GIF")),
        "jpg": broken(saved(noise(99, 99, 3), "JPEG")),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) >= 10


def broken(data: bytes) -> bytes:
    """Returns a file with a hundred bytes of its pixels changed, and its tags left alone."""
    start = len(data) // 2
    return data[:start] + bytes(byte ^ 0x55 for byte in data[start : start + 100]) + data[start + 100 :]


def test_only_the_decoder_that_is_named_is_tried():
    data = saved(noise(3, 5))
    assert opened(data, "PNG", "a.png", 15, "Fix it.").size == (5, 3)
    with pytest.raises(DataError, match=r"begins like a BMP file, but cannot be opened as one\. Fix it\."):
        opened(data, "BMP", "a.png", 15, "Fix it.")
    with pytest.raises(DataError, match="has 3x5 pixels, more than 14 in all"):
        opened(data, "PNG", "a.png", 14, "Fix it.")


def test_the_size_that_is_too_large_is_named():
    refuse_large((3, 5), "a.png", 15)
    with pytest.raises(DataError) as caught:
        refuse_large((3, 5), "a.png", 14)
    assert (caught.value.code, caught.value.where) == ("E_TOO_LARGE", "a.png")
