"""Edge rules: which pixels of ten hard polygons each tool draws.

    python benchmarks/edge_rules.py [--python ENVIRONMENT/bin/python]

Prints the table of data/README.md: for each polygon its pixels by segconv, and how many pixels labelme, pycocotools,
datumaro and OpenCV's fillPoly have more (+) and fewer (-). labelme2voc draws with labelme's shape_to_mask, which has no
holes: they are taken away. datumaro is the library through which CVAT exports masks: it reads an export of CVAT for
images, where a hole is a polygon of another class above, and writes masks of Pascal VOC. OpenCV takes whole numbers, to
which the points are rounded, as most programs do. The tools run in an environment of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from environments import make_environment

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
import json, os, sys, tempfile
from pathlib import Path
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import cv2
import datumaro
import numpy as np
from labelme.utils import shape_to_mask
from PIL import Image
from pycocotools import mask
height, width, polygons = json.load(sys.stdin)
def by_labelme(ring):
    return shape_to_mask((height, width, 3), ring, "polygon")
def by_coco(ring):
    return mask.decode(mask.merge(mask.frPyObjects([[v for point in ring for v in point]], height, width))) > 0
def by_opencv(ring):
    picture = np.zeros((height, width), np.uint8)
    cv2.fillPoly(picture, [np.rint(np.array(ring)).astype(np.int32)], 1)
    return picture > 0
def by_datumaro(folder):
    labels = "".join(f"<label><name>{label}</name><color>#000000</color></label>" for label in ("object", "hole"))
    images = ""
    (folder / "images").mkdir()
    for number, (parts, holes) in enumerate(polygons):
        Image.new("RGB", (width, height)).save(folder / "images" / f"{number}.png")
        images += f'<image id="{number}" name="{number}.png" width="{width}" height="{height}">'
        for label, rings in (("object", parts), ("hole", holes)):
            for ring in rings:
                points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)
                images += f'<polygon label="{label}" points="{points}" z_order="{int(label == "hole")}"/>'
        images += "</image>"
    head = "<annotations><version>1.1</version><meta><task><mode>annotation</mode><labels>"
    (folder / "annotations.xml").write_text(f"{head}{labels}</labels></task></meta>{images}</annotations>")
    dataset = datumaro.Dataset.import_from(str(folder), "cvat")
    dataset.transform("polygons_to_masks")
    dataset.export(str(folder / "voc"), "voc_segmentation", apply_colormap=False, label_map="source")
    names = [line.split(":")[0] for line in (folder / "voc/labelmap.txt").read_text().splitlines() if line[0] != "#"]
    pictures = (Image.open(folder / f"voc/SegmentationClass/{number}.png") for number in range(len(polygons)))
    return [np.asarray(picture) == names.index("object") for picture in pictures]
with tempfile.TemporaryDirectory() as folder:
    exported = by_datumaro(Path(folder))
for number, (parts, holes) in enumerate(polygons):
    masks = []
    for draw in (by_labelme, by_coco, by_opencv):
        result = np.zeros((height, width), bool)
        for ring in parts:
            result |= draw(ring)
        for ring in holes:
            result &= ~draw(ring)
        masks.append(result)
    for result in (*masks[:2], exported[number], masks[2]):
        print("".join(map(str, result.ravel().astype(int))))
"""
TOOLS = ("labelme", "pycocotools", "datumaro (CVAT)", "OpenCV fillPoly")


def by_segconv(parts: list[list[tuple[float, float]]], holes: list[list[tuple[float, float]]]) -> np.ndarray:
    """Returns the pixels of a polygon as `segconv masks` draws them, bool [H, W]."""
    shape = Outline("polygon", *(tuple(np.array(ring, np.float64) for ring in rings) for rings in (parts, holes)))
    area, pixels = Canvas(SIZE, lambda path: b"").pixels(shape)
    mask = np.zeros(SIZE, bool)
    mask[area.slices] = pixels
    return mask


def by_others(python: Path) -> list[tuple[np.ndarray, ...]]:
    """Returns the pixels of each polygon by each of TOOLS, bool [H, W]."""
    text = json.dumps([*SIZE, list(POLYGONS.values())])
    done = subprocess.run(
        [python, "-W", "ignore", "-c", OTHERS], input=text, capture_output=True, text=True, check=True
    )
    lines = done.stdout.split()[-len(TOOLS) * len(POLYGONS) :]
    masks = [np.frombuffer(line.encode(), np.uint8).reshape(SIZE) == ord("1") for line in lines]
    return list(zip(*(masks[number :: len(TOOLS)] for number in range(len(TOOLS))), strict=True))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="of an environment with these tools; one is made otherwise")
    python = parser.parse_args().python or make_environment("edge_rules").python
    print(f"| polygon | segconv | {' | '.join(TOOLS)} |")
    print(f"|{'---|' * (len(TOOLS) + 2)}")
    for (name, rings), others in zip(POLYGONS.items(), by_others(python), strict=True):
        ours = by_segconv(*rings)
        cells = [f"+{(theirs & ~ours).sum()} -{(ours & ~theirs).sum()}" for theirs in others]
        print(f"| {name} | {ours.sum()} | {' | '.join('=' if cell == '+0 -0' else cell for cell in cells)} |")


if __name__ == "__main__":
    main()
