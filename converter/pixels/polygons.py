"""Polygons: a mask of class indices -> the borders of its connected components.

Larger ones stand first: what lies in a hole is drawn over what is around it, so that the polygons together are the
mask, pixel by pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX


def polygons(
    mask: np.ndarray, outside: int | None = None, *, has_ignored: bool = False
) -> list[tuple[int, np.ndarray]]:
    """Returns (class index, points int32 [N, 2] as x and y) of the components of a class map, larger ones first.

    Pixels are connected by their sides. A point is the pixel that it lies in, and a polygon covers the pixels of its
    points, those on the lines between them, and what these enclose.

    Args:
      mask: uint8 [H, W], class indices.
      outside: class whose components at the border of the image are left out; None for none.
      has_ignored: also takes the components of IGNORE_INDEX, around which there is nothing otherwise.

    Raises:
      UsageError: opencv is not installed.

    Source: Suzuki and Abe, Topological Structural Analysis of Digitized Binary Images by Border Following, 1985.
    """
    cv2 = opencv()
    found = []
    for index in np.setdiff1d(mask, [] if has_ignored else [IGNORE_INDEX]).tolist():
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


def opencv(option: str = "--save") -> Any:
    """Returns the module cv2.

    Args:
      option: that asks for polygons, for the message.

    Raises:
      UsageError: it is not installed.
    """
    try:
        import cv2
    except ImportError:
        what, fix = "polygons needs opencv, which is not installed", "Install it: pip install 'segconv[polygons]'"
        raise UsageError(option, what, fix, "E_NO_OPENCV") from None
    return cv2
