"""Edge rules: which pixels of ten hard polygons each tool draws.

    python benchmarks/edge_rules.py [--python ENVIRONMENT/bin/python]

Prints the table of data/README.md: for each polygon its pixels by segconv, and how many pixels labelme2voc,
pycocotools, CVAT and OpenCV's fillPoly have more (+) and fewer (-). labelme draws with Pillow's ImageDraw as segconv
does. CVAT's own export of masks goes through datumaro, which calls pycocotools. OpenCV takes whole numbers, to which
the points are rounded, as most programs do. Tools that are not of this environment run in one of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from environments import make_environment
from PIL import Image, ImageDraw

from converter.annotations.drawing import Canvas
from converter.annotations.shapes import Outline

SIZE = (40, 48)
POLYGONS = {  # name: parts, then holes
    "square on whole pixels": ([[(8, 8), (28, 8), (28, 28), (8, 28)]], []),
    "square on half pixels": ([[(8.5, 8.5), (28.5, 8.5), (28.5, 28.5), (8.5, 28.5)]], []),
    "triangle": ([[(4.2, 3.7), (40.9, 12.1), (11.6, 35.3)]], []),
    "thin, less than a pixel wide": ([[(5, 5.1), (40, 30.2), (40, 30.6), (5, 5.5)]], []),
    "sliver without an area": ([[(5, 20), (40, 20), (22, 20)]], []),
    "star that crosses itself": ([[(24, 2), (12, 37), (44, 14), (4, 14), (36, 37)]], []),
    "half outside the picture": ([[(-10, -10), (60, 15), (20, 55)]], []),
    "wholly outside": ([[(60, 5), (90, 5), (75, 30)]], []),
    "two parts that overlap": ([[(5, 5), (25, 5), (25, 25), (5, 25)], [(15, 15), (40, 15), (40, 35), (15, 35)]], []),
    "square with a hole": ([[(5, 5), (35, 5), (35, 35), (5, 35)]], [[(12, 12), (28, 12), (28, 28), (12, 28)]]),
}
OTHERS = """
import json, sys
import cv2
import numpy as np
from pycocotools import mask
height, width, polygons = json.load(sys.stdin)
def by_coco(ring):
    return mask.decode(mask.merge(mask.frPyObjects([[v for point in ring for v in point]], height, width))) > 0
def by_opencv(ring):
    picture = np.zeros((height, width), np.uint8)
    cv2.fillPoly(picture, [np.rint(np.array(ring)).astype(np.int32)], 1)
    return picture > 0
for parts, holes in polygons:
    for draw in (by_coco, by_opencv):
        result = np.zeros((height, width), bool)
        for ring in parts:
            result |= draw(ring)
        for ring in holes:
            result &= ~draw(ring)
        print("".join(map(str, result.ravel().astype(int))))
"""
TOOLS = ("labelme2voc", "pycocotools, CVAT", "OpenCV fillPoly")


def by_segconv(parts: list[list[tuple[float, float]]], holes: list[list[tuple[float, float]]]) -> np.ndarray:
    """Returns the pixels of a polygon as `segconv masks` draws them, bool [H, W]."""
    shape = Outline("polygon", *(tuple(np.array(ring, np.float64) for ring in rings) for rings in (parts, holes)))
    area, pixels = Canvas(SIZE, lambda path: b"").pixels(shape)
    mask = np.zeros(SIZE, bool)
    mask[area.slices] = pixels
    return mask


def by_labelme(parts: list[list[tuple[float, float]]], holes: list[list[tuple[float, float]]]) -> np.ndarray:
    """Returns the pixels of a polygon as labelme's shape_to_mask draws them; it has no holes, which are taken away."""
    mask = np.zeros(SIZE, bool)
    for ring, value in [(ring, True) for ring in parts] + [(ring, False) for ring in holes]:
        picture = Image.new("L", SIZE[::-1], 0)
        ImageDraw.Draw(picture).polygon(xy=ring, outline=1, fill=1)
        mask[np.asarray(picture) > 0] = value
    return mask


def by_others(python: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the pixels of each polygon by pycocotools and by OpenCV, bool [H, W]."""
    text = json.dumps([*SIZE, list(POLYGONS.values())])
    done = subprocess.run(
        [python, "-W", "ignore", "-c", OTHERS], input=text, capture_output=True, text=True, check=True
    )
    masks = [np.frombuffer(line.encode(), np.uint8).reshape(SIZE) == ord("1") for line in done.stdout.split()]
    return list(zip(masks[0::2], masks[1::2], strict=True))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--python", type=Path, help="of an environment with pycocotools and OpenCV; one is made otherwise"
    )
    python = parser.parse_args().python or make_environment("edge_rules").python
    print(f"| polygon | segconv | {' | '.join(TOOLS)} |")
    print("|---|---|---|---|---|")
    for (name, rings), others in zip(POLYGONS.items(), by_others(python), strict=True):
        ours = by_segconv(*rings)
        cells = [f"+{(theirs & ~ours).sum()} -{(ours & ~theirs).sum()}" for theirs in (by_labelme(*rings), *others)]
        print(f"| {name} | {ours.sum()} | {' | '.join('=' if cell == '+0 -0' else cell for cell in cells)} |")


if __name__ == "__main__":
    main()
