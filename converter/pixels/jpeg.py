"""JPEG: the segments of a file, without decoding a pixel."""

from __future__ import annotations

import re

import numpy as np

from converter.errors import DataError
from converter.limits import MAX_SCANS

_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # JPEG markers: baseline, extended, progressive
_SEGMENTS = _FRAMES | {0xC4, 0xDA, 0xDB, 0xDD}  # also Huffman tables, scan, quantization tables, restart interval
_FILLED_MARKER = re.compile(rb"\xff+([^\xff])")  # any number of fill bytes FF may precede it
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither 0, which escapes a byte FF of a scan, nor a restart
_LONE_MARKERS = (b"\xff\x01", b"\xff\xd8")  # without a length


def check_jpeg(data: bytes, name: str) -> None:
    """Refuses a JPEG file with very many scans: each makes a decoder pass over all pixels, for as little as 75 bytes.

    Raises:
      DataError: it has more than MAX_SCANS before its first end marker.

    Source: ITU T.81, annex B.1.1 (markers; fill bytes; what follows a scan).
    """
    if _count(data, b"\xff\xda") <= MAX_SCANS:  # nearly all; this also counts images and videos after the first image
        return
    position, scans = 2, 0
    while (found := _MARKER.search(data, position)) and found[0] != b"\xff\xd9":
        position = found.end()
        scans += found[0] == b"\xff\xda"
        if scans > MAX_SCANS:
            raise DataError(name, f"has more than {MAX_SCANS} scans", "Save it again.", "E_DAMAGED")
        if found[0] not in _LONE_MARKERS:
            position += int.from_bytes(data[position : position + 2])


def _count(data: bytes, pair: bytes) -> int:
    """Returns how often two bytes occur in sequence; bytes.count is far slower where the first one is frequent."""
    (number,) = np.frombuffer(pair, np.uint16)
    # As 16-bit numbers: those at even offsets and those at odd offsets.
    numbers = [np.frombuffer(data, np.uint16, (len(data) - start) // 2, start) for start in (0, 1)]
    return sum(int(np.count_nonzero(part == number)) for part in numbers)


def strip_jpeg(data: bytes) -> bytes | None:
    """Returns a JPEG file without metadata: up to its first end marker, without comments and application data.

    What determines the colours stays: the JFIF header, without thumbnail, and Adobe's. EXIF, colour profile, images
    after the first and all else are dropped.

    Returns:
      None unless every reader decodes the file to the same RGB: 8 bit, baseline or progressive, YCbCr.

    Source: ITU T.81, annex B (markers); T.871, section 10 (JFIF); IJG libjpeg's rules for the colour space.
    """
    parts, position = [data[:2]], 2
    is_jfif, adobe, components = False, -1, b""
    while found := _FILLED_MARKER.match(data, position):
        marker, position = found[1][0], found.end() - 2
        if marker == 0xD9:
            is_ycc = is_jfif or adobe == 1 or (adobe < 0 and components == b"\1\2\3")
            return b"".join([*parts, b"\xff\xd9"]) if len(components) == 3 and is_ycc else None
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        body = data[position + 4 : end]
        if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14 and not is_jfif:
            is_jfif = True
            parts.append(b"\xff\xe0\0\x10" + body[:12] + b"\0\0")
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12 and adobe < 0:
            adobe = body[11]
            parts.append(b"\xff\xee\0\x0e" + body[:12])
        elif marker in _SEGMENTS:
            if marker in _FRAMES:
                if components or len(body) < 6 or body[0] != 8:
                    return None
                components = body[6::3]
            end = _end_of_scan(data, end) if marker == 0xDA else end
            parts.append(data[position:end])
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            return None  # lossless, arithmetic, hierarchical: few readers support them
        position = end
    return None


def _end_of_scan(data: bytes, position: int) -> int:
    """Returns where the entropy-coded bytes after `position` end: at the next marker that is not a restart."""
    while (position := data.find(b"\xff", position)) >= 0:
        if position + 1 >= len(data) or not (data[position + 1] == 0 or 0xD0 <= data[position + 1] <= 0xD7):
            return position
        position += 2
    return len(data)
