"""Signatures: the first bytes of a file -> its format."""

from __future__ import annotations

import re

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
BMP_SIGNATURE = b"BM"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GIF_SIGNATURES = (b"GIF87a", b"GIF89a")
FORMATS = "JPEG, PNG, TIFF, BMP, GIF, WebP or PNM"  # those that are read
RESTORE = "Restore the original file."
_PNM = re.compile(rb"P[1-6][ \t\n\v\f\r#]")

_OTHERS = {  # first bytes, in lower case, of other formats that often have the name of an image
    b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "an XML file", b"<svg": "an SVG",
    b"%pdf": "a PDF", b"8bps": "a Photoshop file", b"v/1\1": "an OpenEXR", b"p7\n": "a PAM", b"pf\n": "a PFM",
    b"\0\0\0\x0cjp  ": "a JPEG 2000", b"\xffo\xffq": "a JPEG 2000", b"\0\0\0\x0cjxl ": "a JPEG XL",
    b"\xff\n": "a JPEG XL", b"\x93numpy": "a NumPy array", b"pk\3\4": "a ZIP or NPZ archive",
    b"\x89hdf": "an HDF5 file",
    b"version https://git-lfs": "a Git LFS pointer, which `git lfs pull` replaces with the file",
}  # fmt: skip


def is_webp(data: bytes) -> bool:
    """Returns whether a file begins like a WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def is_pnm(data: bytes) -> bool:
    """Returns whether a file begins like a PBM, PGM or PPM."""
    return _PNM.match(data) is not None


def other_kind(data: bytes) -> str:
    """Returns the format of an unsupported file in words; "" where its first bytes do not show it."""
    head = data[:64].lstrip().lower()
    if head[4:8] == b"ftyp":
        return "an AVIF, a HEIC or a video"
    return next((kind for start, kind in _OTHERS.items() if head.startswith(start)), "")
