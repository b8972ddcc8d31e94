"""Signatures: the first bytes of a file -> its format."""

from __future__ import annotations

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
BMP_SIGNATURE = b"BM"
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_OTHERS = {  # first bytes, in lower case, of other formats that often have the name of an image
    b"gif8": "a GIF", b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "an XML file", b"<svg": "an SVG",
    b"%pdf": "a PDF", b"version https://git-lfs": "a Git LFS pointer, which `git lfs pull` replaces with the file",
}  # fmt: skip
RESTORE = "Restore the original file."


def other_kind(data: bytes) -> str:
    """Returns the format of an unsupported file in words; "" where its first bytes do not show it."""
    head = data[:64].lstrip().lower()
    if head[:4] == b"riff" and head[8:12] == b"webp":
        return "a WebP"
    if head[4:8] == b"ftyp":
        return "an AVIF, a HEIC or a video"
    return next((kind for start, kind in _OTHERS.items() if head.startswith(start)), "")
