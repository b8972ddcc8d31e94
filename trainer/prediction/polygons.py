"""Polygons: a class map -> a file of labelme, to be corrected there and drawn into a mask by `segconv masks`.

Each connected component of a class is the polygon of its outer border: together they are the class map.
"""

from __future__ import annotations

import base64
import json
import posixpath
from typing import Any

import numpy as np

from converter.pixels.images import encode_image, open_image, render, unmodified_bytes
from converter.pixels.polygons import polygons
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


def _outside(drawing: Drawing) -> int | None:
    """Returns the index of the background; None where no class is one."""
    return next((info.id for info in drawing.classes if info.name.lower() == BACKGROUND), None)


def _shape(label: str, border: np.ndarray) -> dict[str, Any]:
    points = border.tolist()
    points += points[-1:] * (3 - len(points))  # labelme's polygons have three points or more
    return {"label": label, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}
