"""Signatures: the format is detected from the first bytes, whatever the name."""

from __future__ import annotations

import pytest
from photo_files import noise, refusal
from picture_bytes import saved

from converter.errors import DataError
from converter.pixels.images import open_image
from converter.pixels.masks import open_mask
from converter.pixels.signatures import PNG_SIGNATURE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"\xff\xd8\xff",
        PNG_SIGNATURE,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        b"GIF89a",
        b"RIFF\4\0\0\0WEBP",
        b"P5 ",
        b"BM",
        b"II*\0",
        b"II*\0" + bytes(99),
        b"MM\0*" + b"\xff" * 99,
        b"II+\0" + b"\xff" * 99,
    ],
    ids=["empty", "x", "soi", "signature", "postscript", "gif", "webp", "pgm", "bm", "ii", "no-tags", "far", "big"],
)
def test_what_is_no_image_file_is_refused_whatever_its_name(data):
    assert refusal(data) in {"E_FORMAT", "E_DAMAGED"}


@pytest.mark.parametrize(("data", "kind"), [
    (saved(noise(3, 5, 3), "JPEG2000"), ", but a JPEG 2000"),
    (b"\xff\x0a\xfa\x7f", ", but a JPEG XL"),
    (b"\x93NUMPY\x01\0", ", but a NumPy array"),
    (b"PK\3\4", ", but a ZIP or NPZ archive"),
    (b"Pf\n3 2\n-1.0\n", ", but a PFM"),
    (b"P7\nWIDTH 3\n", ", but a PAM"),
    (b"\n <!DOCTYPE html><title>404</title>", ", but a web page"),
    (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        ", but a Git LFS pointer, which `git lfs pull` replaces with the file",
    ),
    (b"\0\0\0\x18ftypheic", ", but an AVIF, a HEIC or a video"),
    (b"whatever", r"\."),
])  # fmt: skip
def test_a_file_of_another_kind_is_called_what_it_is(data, kind):
    with pytest.raises(DataError, match=f"is not a JPEG, PNG, TIFF, BMP, GIF, WebP or PNM file{kind}"):
        open_image(data, "a.jpg")


@pytest.mark.parametrize("data", [saved(noise(3, 5), "JPEG2000"), b"P7\n", b"", b"whatever"])
def test_nobody_is_told_to_make_a_jpeg_of_a_mask(data):
    with pytest.raises(DataError) as caught:
        open_mask(data, "a.png")
    assert caught.value.fix == "Save it as an 8-bit PNG, or restore the original file."
