"""Files of annotation tools, written from their documented schemas, and rasterisers written for the tests alone."""

from __future__ import annotations

import base64
import io
import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from converter.annotations.documents import Documents
from converter.annotations.found import Found
from converter.sources.tree import list_tree

SIZE = (12, 16)  # (height, width) of every photograph
TRIANGLE = [[2.0, 1.0], [12.0, 1.0], [2.0, 9.0]]
BOX = [[5.0, 4.0], [10.0, 7.0]]


def photograph(path: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> Path:
    """Draws a photograph and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **({"quality": 90} if path.suffix == ".jpg" else {}))
    return path


def write(path: Path, content: Any) -> Path:
    """Writes a text, bytes, or anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def png(pixels: np.ndarray) -> bytes:
    """Returns a PNG of pixels, 0 and 255."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()


def in_base64(data: bytes) -> str:
    """Returns bytes as base64."""
    return base64.b64encode(data).decode()


def bitmap(pixels: np.ndarray) -> str:
    """Returns pixels as Supervisely writes them: a PNG, deflated, in base64."""
    return in_base64(zlib.compress(png(pixels)))


def parsed(read: Any, folder: Path, name: str, content: Any, **options: Any) -> Found:
    """Writes a file into a source folder and returns what a parser finds in it."""
    path = write(folder / name, content)
    found = Found(name)
    read(path.read_bytes(), found, Documents(list_tree(folder, follow_links=False), (name,), **options))
    return found


def problems(found: Found) -> list[str]:
    """Returns the problems of a file as a user reads them, without their remedies."""
    return [f"{problem.code} {problem.where}: {problem.what}" for problem in found.problems]


def labelme(name: str, *shapes: dict[str, Any], size: tuple[int, int] = SIZE, data: bytes = b"") -> dict[str, Any]:
    """Returns a file of labelme 5."""
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": [{"group_id": None, "flags": {}, "shape_type": "polygon", **shape} for shape in shapes],
        "imagePath": name,
        "imageData": in_base64(data) if data else None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def coco(
    images: list[str], annotations: list[dict[str, Any]], names: tuple[str, ...] = ("road", "car")
) -> dict[str, Any]:
    """Returns a file of COCO instances; the ids of images and categories count from 1."""
    return {
        "info": {"year": 2017},
        "licenses": [],
        "images": [
            {"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
            for number, name in enumerate(images, 1)
        ],
        "annotations": [{"id": number, "iscrowd": 0, **each} for number, each in enumerate(annotations, 1)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, 1)],
    }


def runs_of(pixels: np.ndarray) -> list[int]:
    """Returns the runs of pixels, zeros first, counted one by one."""
    counts, value = [0], 0
    for pixel in pixels.ravel().tolist():
        if int(pixel) != value:
            counts.append(0)
            value = 1 - value
        counts[-1] += 1
    return counts


def scanned(points: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    """Returns the pixels of a polygon, bool [H, W], by the even-odd rule, row by row and in plain Python.

    A point is the pixel that it lies in. In each row the polygon covers the pixels from the one nearest to its left
    border to the one nearest to its right one, of the borders right above and right below the row.
    """
    mask = np.zeros(size, bool)
    ends = [(math.trunc(x), math.trunc(y)) for x, y in points]
    edges = list(zip(ends, ends[1:] + ends[:1], strict=True))
    for row in range(size[0]):
        spans = [(min(a[0], b[0]), max(a[0], b[0])) for a, b in edges if a[1] == b[1] == row]
        for is_above in (True, False):
            crossed = []
            for (x0, y0), (x1, y1) in edges:
                low, high = min(y0, y1), max(y0, y1)
                if (low < row <= high) if is_above else (low <= row < high):
                    crossed.append(x0 + (x1 - x0) * (row - y0) / (y1 - y0))
            crossed.sort()
            spans += zip(crossed[::2], crossed[1::2], strict=True)
        for left, right in spans:
            mask[row, max(math.floor(left + 0.5), 0) : max(math.ceil(right - 0.5) + 1, 0)] = True
    return mask


def drawing(mask: np.ndarray) -> list[str]:
    """Returns pixels as rows of text, to compare with what was drawn by hand."""
    signs = ".123456789"
    return ["".join("i" if value == 255 else signs[value] for value in row) for row in mask.astype(int).tolist()]
