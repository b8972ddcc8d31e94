"""Polygons: a class map -> a file of labelme, to be corrected there and drawn into a mask by `segconv masks`.

Each connected component of a class is the polygon of its outer border, and larger ones stand first: what lies in a hole
is drawn over what is around it, so that the polygons together are the class map, pixel by pixel.
"""

from __future__ import annotations

import base64
import json
import posixpath
from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.pixels.images import encode_image, open_image, render, unmodified_bytes
from converter.schema import IGNORE_INDEX
from trainer.prediction.pictures import Drawing

POLYGONS = "polygons"
BACKGROUND = "background"  # is what no polygon covers
LABELME_VERSION = "5.5.0"  # of the schema


def labelme_json(drawing: Drawing) -> bytes:
    """Returns a file of labelme with the polygons of a class map and the photograph in it.

    The photograph is in it as its file has it if that is an upright RGB image, else as an upright PNG.

    Raises:
      UsageError: opencv is not installed.
    """
    mask = drawing.found.mask
    image = open_image(drawing.data, drawing.name, drawing.max_pixels, drawing.samples)
    data = unmodified_bytes(image) or encode_image(render(image, mask.shape, "stretch"), "png", 0)
    content = {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": [_shape(drawing.classes[index].name, points) for index, points in polygons(mask, _outside(drawing))],
        "imagePath": posixpath.basename(drawing.name),
        "imageData": base64.b64encode(data).decode("ascii"),
        "imageHeight": mask.shape[0],
        "imageWidth": mask.shape[1],
    }
    return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def polygons(mask: np.ndarray, outside: int | None = None) -> list[tuple[int, np.ndarray]]:
    """Returns (class index, points int32 [N, 2] as x and y) of the components of a class map, larger ones first.

    Pixels are connected by their sides. A point is the pixel that it lies in, and a polygon covers the pixels of its
    points, those on the lines between them, and what these enclose.

    Args:
      mask: uint8 [H, W], class indices; nothing is around IGNORE_INDEX.
      outside: class whose components at the border of the image are left out; None for none.

    Raises:
      UsageError: opencv is not installed.

    Source: Suzuki and Abe, Topological Structural Analysis of Digitized Binary Images by Border Following, 1985.
    """
    cv2 = opencv()
    found = []
    for index in np.setdiff1d(mask, [IGNORE_INDEX]).tolist():
        count, labels, boxes, _ = cv2.connectedComponentsWithStats((mask == index).astype(np.uint8), connectivity=4)
        for number in range(1, count):
            left, top, width, height, _ = boxes[number].tolist()
            right, bottom = left + width, top + height
            if index == outside and (not left or not top or right == mask.shape[1] or bottom == mask.shape[0]):
                continue
            part = (labels[top:bottom, left:right] == number).astype(np.uint8)
            (border,), _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(left, top))
            found.append((width * height, index, border[:, 0]))
    # What a polygon encloses has a smaller bounding box than itself.
    found.sort(key=lambda row: -row[0])
    return [(index, border) for _, index, border in found]


def _outside(drawing: Drawing) -> int | None:
    """Returns the index of the background; None where no class is one."""
    return next((info.id for info in drawing.classes if info.name.lower() == BACKGROUND), None)


def _shape(label: str, border: np.ndarray) -> dict[str, Any]:
    points = border.tolist()
    points += points[-1:] * (3 - len(points))  # labelme's polygons have three points or more
    return {"label": label, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}


def opencv() -> Any:
    """Returns the module cv2.

    Raises:
      UsageError: it is not installed.
    """
    try:
        import cv2
    except ImportError:
        what, fix = "polygons needs opencv, which is not installed", "Install it: pip install 'segconv[polygons]'"
        raise UsageError("--save", what, fix, "E_NO_OPENCV") from None
    return cv2
