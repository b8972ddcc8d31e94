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
from converter.annotations.texts import AnnotationFile
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


def in_parts(read: Any) -> Any:
    """Returns a parser of bytes from one that reads a file in parts."""
    return lambda data, *others: read(AnnotationFile(io.BytesIO(data), (len(data), 0)), *others)


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


def scene(folder: Path, form: str, names: tuple[str, ...] = ("a", "b", "c")) -> Path:
    """Writes photographs, each with a triangle of road and over it the box of a car, as a tool exports them."""
    for number, name in enumerate(names):
        photograph(folder / "images" / f"{name}.jpg", seed=number)
    corners = [[x, y] for x, y in ([5, 4], [10, 4], [10, 7], [5, 7])]
    shares = [[[x / SIZE[1], y / SIZE[0]] for x, y in ring] for ring in (TRIANGLE, corners)]
    for name in names:
        if form == "labelme":
            shapes = ({"label": "road", "points": TRIANGLE}, {"label": "car", "points": corners})
            write(folder / "json" / f"{name}.json", labelme(f"../images/{name}.jpg", *shapes))
        elif form == "yolo":
            lines = [
                f"{k} " + " ".join(f"{v:.6f}" for point in ring for v in point)
                for k, ring in ((1, shares[0]), (0, shares[1]))
            ]
            write(folder / "labels" / f"{name}.txt", "\n".join(lines) + "\n")
            write(folder / "data.yaml", "path: .\ntrain: images\nnames:\n  0: car\n  1: road\n")
        elif form == "supervisely":
            objects = [{"classTitle": label, "geometryType": "polygon", "points": {"exterior": ring, "interior": []}}
                       for label, ring in (("road", TRIANGLE), ("car", corners))]  # fmt: skip
            size = {"height": SIZE[0], "width": SIZE[1]}
            write(folder / "ann" / f"{name}.jpg.json", {"tags": [], "size": size, "objects": objects})
        elif form == "binary-masks":
            for label, ring in (("car", corners), ("road", TRIANGLE)):
                write(folder / "masks" / name / f"{label}.png", png(scanned(ring, SIZE)))
    one = _one_file(form, names, corners, shares)
    return write(folder / one[0], one[1]).parent if one else folder


def _one_file(form: str, names: tuple[str, ...], corners: Any, shares: Any) -> tuple[str, Any] | None:
    """Returns (name, content) of the one file of a format that has one for all photographs."""
    both = (("road", TRIANGLE), ("car", corners))
    if form == "coco":
        flat = {label: [each for point in ring for each in point] for label, ring in both}
        rows = [{"image_id": number, "category_id": category, "segmentation": [flat[label]]}
                for number, _ in enumerate(names, 1) for label, category in (("road", 2), ("car", 1))]  # fmt: skip
        return "annotations.json", coco([f"{name}.jpg" for name in names], rows, ("car", "road"))
    if form == "cvat":
        labels = "".join(f"<label><name>{label}</name></label>" for label in ("car", "road"))
        images = ""
        for name in names:
            shapes = "".join(
                f'<polygon label="{label}" points="{";".join(f"{x},{y}" for x, y in ring)}"/>' for label, ring in both
            )
            images += f'<image name="{name}.jpg" height="{SIZE[0]}" width="{SIZE[1]}">{shapes}</image>'
        return "annotations.xml", f"<annotations><meta><labels>{labels}</labels></meta>{images}</annotations>"
    if form == "label-studio":
        size = {"original_height": SIZE[0], "original_width": SIZE[1]}
        regions = [{"type": "polygonlabels", "from_name": "a", "to_name": "b", **size,
                    "value": {"polygonlabels": [label], "points": [[100 * x, 100 * y] for x, y in ring]}}
                   for label, ring in (("road", shares[0]), ("car", shares[1]))]  # fmt: skip
        links = (f"/data/upload/1/0a1b2c3d-{name}.jpg" for name in names)
        return "export.json", [{"data": {"image": link}, "annotations": [{"result": regions}]} for link in links]
    if form == "via":
        regions = []
        for label, ring in both:
            xs, ys = ([point[k] for point in ring] for k in (0, 1))
            shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
            regions.append({"shape_attributes": shape, "region_attributes": {"label": label}})
        return "via.json", {name: {"filename": f"{name}.jpg", "regions": regions} for name in names}
    return None


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


def to_border(pixels: np.ndarray, ring: np.ndarray) -> list[float]:
    """Returns how far the middle of each of some pixels, bool [H, W], is from the border of a polygon, [N, 2]."""
    start, along = ring, np.roll(ring, -1, axis=0) - ring
    distances = []
    for y, x in np.argwhere(pixels) + 0.5:
        share = ((x - start[:, 0]) * along[:, 0] + (y - start[:, 1]) * along[:, 1]) / np.maximum(
            (along**2).sum(axis=1), 1e-9
        )
        nearest = start + np.clip(share, 0, 1)[:, None] * along
        distances.append(float(np.hypot(nearest[:, 0] - x, nearest[:, 1] - y).min()))
    return distances


def drawing(mask: np.ndarray) -> list[str]:
    """Returns pixels as rows of text, to compare with what was drawn by hand."""
    signs = ".123456789"
    return ["".join("i" if value == 255 else signs[value] for value in row) for row in mask.astype(int).tolist()]
