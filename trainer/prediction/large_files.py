"""Large files: a stored class map -> the files that are saved, some rows at a time, so that memory does not grow."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import pack

import numpy as np

from converter.dataset.manifest import ClassInfo
from converter.pixels.geometry import Box
from converter.pixels.masks import PNG_LEVEL
from converter.pixels.resample import nearest_rows
from converter.pixels.signatures import PNG_SIGNATURE
from converter.schema import IGNORE_INDEX
from converter.sources.rasters import Raster
from trainer.prediction.canvas import scaled_pixels
from trainer.prediction.geotiff import BLOCK, GEOTIFF, write_geotiff
from trainer.prediction.pictures import overlay_sheet, overlay_size, palette
from trainer.prediction.stored import StoredMap


@dataclass(frozen=True)
class LargeDrawing:
    """All that the files of a large photograph are drawn from.

    Attributes:
      stored: its class map, complete.
      raster: the photograph, open.
      name: of the photograph.
      classes: with their colours, in order of their indices.
      has_gaps: whether some of its pixels have no data.
    """

    stored: StoredMap
    raster: Raster
    name: str
    classes: Sequence[ClassInfo]
    has_gaps: bool


def index_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `index_png` returns, in other chunks."""
    _write_png(path, drawing.stored.size, _masks(drawing))


def color_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `color_png` returns, in other chunks."""
    colors = palette(drawing.classes, has_gaps=drawing.has_gaps)
    _write_png(path, drawing.stored.size, _masks(drawing), palette=colors, has_gaps=drawing.has_gaps)


def confidence_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `confidence_png` returns, in other chunks."""
    rows = (found.confidence.astype(">u2") for _, found in drawing.stored.strips() if found.confidence is not None)
    _write_png(path, drawing.stored.size, rows, depth=16)


def probabilities_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `probabilities_npy` returns."""
    shape = (*drawing.stored.size, len(drawing.classes))
    header = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(np.dtype(np.float16))}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _, found in drawing.stored.strips():
            if found.probabilities is not None:
                file.write(found.probabilities.data)


def overlay_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `overlay_png` returns."""
    size = overlay_size(drawing.stored.size)
    rows, columns = (nearest_rows(old, new) for old, new in zip(drawing.stored.size, size, strict=True))
    taken = []
    for top, found in drawing.stored.strips():
        within = rows[(rows >= top) & (rows < top + len(found.mask))] - top
        taken.append(found.mask[within][:, columns])
    pixels = scaled_pixels(drawing.raster, Box(0, 0, *size), size)
    path.write_bytes(overlay_sheet(pixels, np.concatenate(taken), drawing.classes, drawing.name))


def geotiff_file(drawing: LargeDrawing, path: Path) -> None:
    """Writes what `geotiff` returns."""

    def rows() -> Iterator[tuple[int, np.ndarray]]:
        return ((top, found.mask) for top, found in drawing.stored.strips(BLOCK))

    write_geotiff(path, drawing.stored.size, drawing.raster.georeference, rows, drawing.classes)


LARGE_FILES: dict[str, Callable[[LargeDrawing, Path], None]] = {
    "index": index_file,
    "color": color_file,
    "overlay": overlay_file,
    "confidence": confidence_file,
    "probabilities": probabilities_file,
    GEOTIFF: geotiff_file,
}


def _masks(drawing: LargeDrawing) -> Iterator[np.ndarray]:
    return (found.mask for _, found in drawing.stored.strips())


def _write_png(
    path: Path,
    size: tuple[int, int],
    rows: Iterable[np.ndarray],
    *,
    depth: int = 8,
    palette: bytes = b"",
    has_gaps: bool = False,
) -> None:
    """Writes a PNG, its rows without filters, as `encode_png` does.

    Args:
      path: of the file.
      size: (height, width) in pixels.
      rows: uint8 or big-endian uint16 [n, W] each, from top to bottom.
      depth: bits per pixel, 8 or 16.
      palette: 3 bytes a colour; b"" for grey.
      has_gaps: whether IGNORE_INDEX of the palette is transparent.

    Source: W3C PNG specification, sections 5.3, 7.2 and 11.3.2.
    """
    with path.open("wb") as file:

        def chunk(kind: bytes, data: bytes) -> None:
            if data or kind == b"IEND":
                file.write(pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)))

        file.write(PNG_SIGNATURE)
        chunk(b"IHDR", pack(">IIBBBBB", size[1], size[0], depth, 3 if palette else 0, 0, 0, 0))
        chunk(b"PLTE", palette)
        chunk(b"tRNS", bytes([255] * IGNORE_INDEX + [0]) if has_gaps else b"")
        squeeze = zlib.compressobj(PNG_LEVEL)
        for part in rows:
            lines = np.zeros((len(part), 1 + size[1] * depth // 8), np.uint8)  # each begins with its filter type, 0
            lines[:, 1:] = part.view(np.uint8).reshape(len(part), -1)
            chunk(b"IDAT", squeeze.compress(lines.data))
        chunk(b"IDAT", squeeze.flush())
        chunk(b"IEND", b"")
