"""Signatures: the first bytes of a file -> what kind of file it is."""

from __future__ import annotations

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
BMP_SIGNATURE = b"BM"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_OTHERS = {  # first bytes, in lower case, of what is often found under the name of a picture
    b"gif8": "a GIF", b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "an XML file", b"<svg": "an SVG",
    b"%pdf": "a PDF", b"version https://git-lfs": "a pointer that `git lfs pull` replaces by the file",
}  # fmt: skip
RESTORE = "Restore the file from its origin."


def other_kind(data: bytes) -> str:
    """Returns in words what a file is that is none of the kinds that are read; "" where its first bytes do not tell."""
    head = data[:64].lstrip().lower()
    if head[:4] == b"riff" and head[8:12] == b"webp":
        return "a WebP"
    if head[4:8] == b"ftyp":
        return "an AVIF or HEIC, or a film"
    return next((kind for start, kind in _OTHERS.items() if head.startswith(start)), "")
