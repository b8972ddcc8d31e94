"""TIFF samples: chosen bands of a TIFF file, with the numbers of the file, whatever their depth.

Pillow reads no band beyond the fourth, and no more than 8 bits of a colour. Here strips and tiles are decoded to bytes
(by zlib, or by Pillow as if they were grey levels), and the bytes are taken for what the tags say that they are.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

from converter.errors import DataError
from converter.limits import MAX_PIXELS, MAX_SAMPLE_BYTES
from converter.pixels.pillow import DECODER_ERRORS, opened, without_warnings
from converter.pixels.signatures import RESTORE
from converter.pixels.tiff import DEFLATE, RAW, TiffHeader

_BY_PILLOW = {5: 4096, 32773: 64}  # LZW, PackBits -> bytes that one byte can become, at most
_DIFFERENCES, _FLOAT_DIFFERENCES = 2, 3  # predictors
_CODES = {"": "u", "signed": "i", "floating-point": "f"}  # of NumPy


def tiff_samples(data: bytes, header: TiffHeader, bands: Sequence[int], name: str) -> np.ndarray:
    """Returns bands of a TIFF file that passed `check_tiff`, [H, W, bands], in the type of the file.

    Args:
      data: content of the file.
      header: of the file.
      bands: their numbers, from 1, each at most header.samples.
      name: of the file, for messages.

    Raises:
      DataError: a compression or depth that cannot be read, or damage.

    Source: TIFF 6.0, sections 13 and 14; Adobe Photoshop TIFF Technical Note 3 (floating-point predictor).
    """
    if found := _unread(header):
        fix = "Save it with LZW or Deflate compression or none."
        raise DataError(name, f"is a TIFF file with {found}, of which no bands can be read", fix, "E_IMAGE_MODE")
    (height, width), (down, across), parts = header.size, header.parts.size, header.parts
    dtype = np.dtype(f"{header.order}{_CODES[header.kind]}{header.bits // 8}")
    rows, columns = -(-height // down), -(-width // across)
    per_pixel = 1 if parts.is_planar else header.samples
    if max(height * width * len(bands), down * across * per_pixel) * dtype.itemsize > MAX_SAMPLE_BYTES:
        what = f"has more than {MAX_SAMPLE_BYTES >> 20} MiB of samples in one strip, or in the bands that are read"
        raise DataError(name, what, "Cut it into tiles: pass --fit tile.", "E_TOO_LARGE")
    samples: np.ndarray = np.empty((height, width, len(bands)), dtype.newbyteorder("="))
    # (first part of a plane, bands in it, where they go): one plane holds all bands unless the file is planar.
    planes = [(0, [band - 1 for band in bands], slice(None))]
    if parts.is_planar:
        planes = [((band - 1) * rows * columns, [0], slice(place, place + 1)) for place, band in enumerate(bands)]
    for first, inside, where in planes:
        for number in range(rows * columns):
            top, left = number // columns * down, number % columns * across
            high = down if parts.is_tiled else min(down, height - top)
            offset, length = parts.offsets[first + number], parts.lengths[first + number]
            shape = (high, across, per_pixel)
            content = _decoded(data[offset : offset + length], header, shape, name)
            part = _unpredicted(content, dtype, shape, _predictor(header))[..., inside]
            target = samples[top : top + high, left : left + across, where]
            target[...] = part[: target.shape[0], : target.shape[1]]
    return samples


def _unread(header: TiffHeader) -> str:
    """Returns why no bands of a TIFF file can be read, in words; "" where they can."""
    found = {
        f"{header.bits}-bit samples": header.bits < 8,
        f"compression {header.compression}": header.compression not in {RAW, *DEFLATE, *_BY_PILLOW},
        f"predictor {header.predictor}": _predictor(header) not in (1, _DIFFERENCES, _FLOAT_DIFFERENCES)
        or (_predictor(header) == _FLOAT_DIFFERENCES and header.kind != "floating-point"),
        "reversed bits": header.fill_order != 1,
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _decoded(strip: bytes, header: TiffHeader, shape: tuple[int, int, int], name: str) -> bytes:
    """Returns the bytes of a strip or tile of shape (rows, columns, samples)."""
    rows, row_bytes = shape[0], shape[1] * shape[2] * header.bits // 8
    if header.compression in DEFLATE:  # `check_tiff` has inflated it once, and knows its length
        strip = zlib.decompress(strip)
    elif header.compression in _BY_PILLOW:
        return _by_pillow(strip, header.compression, (rows, row_bytes), name)
    return strip[: rows * row_bytes]


def _by_pillow(strip: bytes, compression: int, size: tuple[int, int], name: str) -> bytes:
    """Returns the bytes of a compressed strip, decoded by Pillow as the rows of an 8-bit grey TIFF of this size."""
    if size[0] * size[1] > len(strip) * _BY_PILLOW[compression]:  # before Pillow takes memory for them
        raise DataError(name, "is truncated or damaged: a strip or tile is incomplete", RESTORE, "E_DAMAGED")
    tags = {256: size[1], 257: size[0], 258: 8, 259: compression, 262: 1, 273: 0, 277: 1, 278: size[0], 279: len(strip)}
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = start
    directory = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags.items())
    whole = struct.pack("<2sHLH", b"II", 42, 8, len(tags)) + directory + bytes(4) + strip
    picture = opened(whole, "TIFF", name, max(MAX_PIXELS, size[0] * size[1]), RESTORE)
    try:
        with without_warnings():
            return picture.tobytes()
    except DECODER_ERRORS as error:
        raise DataError(name, f"is truncated or damaged ({error})", RESTORE, "E_DAMAGED") from None


def _predictor(header: TiffHeader) -> int:
    """Returns the predictor of a TIFF file; only LZW and Deflate have one, whatever its tag says."""
    return header.predictor if header.compression in {5, *DEFLATE} else 1


def _unpredicted(content: bytes, dtype: np.dtype, shape: tuple[int, int, int], predictor: int) -> np.ndarray:
    """Returns the samples of a strip or tile, [rows, columns, samples]; each row was predicted on its own."""
    if predictor == _FLOAT_DIFFERENCES:
        # The differences are those of bytes: first the highest bytes of a whole row, last the lowest.
        rows, columns, samples = shape
        stored = np.frombuffer(content, np.uint8).reshape(rows, -1, samples)
        summed = np.add.accumulate(stored, axis=1, dtype=np.uint8)
        in_order = summed.reshape(rows, dtype.itemsize, columns * samples).transpose(0, 2, 1)
        return np.ascontiguousarray(in_order).view(dtype.newbyteorder(">")).reshape(shape)
    array = np.frombuffer(content, dtype).reshape(shape)
    if predictor == _DIFFERENCES:
        native = np.dtype(f"u{dtype.itemsize}")  # the sums are those of integers, whatever the samples are
        unsigned = array.view(native.newbyteorder(dtype.byteorder)).astype(native)
        return np.add.accumulate(unsigned, axis=1, dtype=native).view(dtype.newbyteorder("="))
    return array
