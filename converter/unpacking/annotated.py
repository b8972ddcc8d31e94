"""Annotated: records -> photographs and polygons for annotation tools: COCO, YOLO, or CVAT for images.

The photographs lie in images/<split>/. A polygon goes through the centres of the outermost pixels of a connected
component, and larger ones stand first: drawn in their order they are the mask, and `segconv masks` draws them so. What
is ignored is a polygon of the class `ignore`; what nothing covers is background.

Source: the data format of cocodataset.org, Ultralytics' documentation of its segmentation format, and CVAT's
documentation of its XML format 1.1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from converter.classes.class_map import IGNORE_NAME
from converter.dataset.manifest import ClassInfo, Manifest
from converter.pixels.colors import Color
from converter.pixels.polygons import polygons
from converter.schema import IGNORE_INDEX

_BACKGROUND = "background"  # is what no polygon covers
_FEWEST_POINTS = 3  # of a polygon in all of these formats; the last one of a smaller border is repeated
_IGNORE_COLOR = (224, 224, 192)  # Pascal VOC's


class Photograph(NamedTuple):
    """A photograph that is written.

    Attributes:
      path: relative to the output folder, below images/<split>/.
      split: of its record.
      size: (height, width) in pixels.
      polygons: (number of the label, points [N, 2] as x and y of the pixels' centres), in the order to draw them.
    """

    path: str
    split: str
    size: tuple[int, int]
    polygons: list[tuple[int, np.ndarray]]


class AnnotationWriter(Protocol):
    """Writes annotations of one format."""

    def add(self, photograph: Photograph) -> None:
        """Writes the polygons of a photograph."""

    def finish(self) -> None:
        """Completes what is written, when all photographs have been added."""

    def close(self) -> None:
        """Closes all files, also where something failed."""


class Labels(NamedTuple):
    """The labels of a dataset: its classes, and `ignore` behind them.

    Attributes:
      names: of the labels.
      colors: (red, green, blue) of each.
      outside: number of the background; None where no class is one.
    """

    names: tuple[str, ...]
    colors: tuple[Color, ...]
    outside: int | None

    @classmethod
    def of(cls, classes: Sequence[ClassInfo]) -> Labels:
        """Returns the labels of the classes of a manifest."""
        names = tuple(info.name for info in classes)
        outside = next((number for number, name in enumerate(names) if name.lower() == _BACKGROUND), None)
        return cls((*names, IGNORE_NAME), (*(info.color for info in classes), _IGNORE_COLOR), outside)

    def polygons(self, mask: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """Returns the polygons of a mask, uint8 [H, W], as a Photograph has them; UsageError without opencv."""
        found = []
        for index, border in polygons(mask, self.outside, has_ignored=True):
            lacking = np.repeat(border[-1:], max(_FEWEST_POINTS - len(border), 0), axis=0)
            number = len(self.names) - 1 if index == IGNORE_INDEX else index
            found.append((number, np.concatenate([border, lacking]) + 0.5))
        return found


class Coco:
    """annotations/instances_<split>.json, written photograph by photograph; only the list of these stays in memory."""

    def __init__(self, folder: Path, labels: Labels) -> None:
        self._folder, self._labels = folder / "annotations", labels
        self._files: dict[str, TextIO] = {}
        self._images: dict[str, list[dict[str, Any]]] = {}
        self._separators: dict[str, str] = {}
        self._count = 0

    def add(self, photograph: Photograph) -> None:
        """Writes the polygons of a photograph."""
        if photograph.split not in self._files:
            self._folder.mkdir(exist_ok=True)
            path = self._folder / f"instances_{photograph.split}.json"
            self._files[photograph.split] = path.open("w", encoding="utf-8")
            self._files[photograph.split].write('{"annotations": [')
            self._images[photograph.split] = []
            self._separators[photograph.split] = "\n"
        file, images = self._files[photograph.split], self._images[photograph.split]
        height, width = photograph.size
        images.append({"id": len(images) + 1, "file_name": photograph.path, "height": height, "width": width})
        for number, points in photograph.polygons:
            corner, side = points.min(axis=0) - 0.5, np.ptp(points, axis=0) + 1
            self._count += 1
            annotation = {
                "id": self._count,
                "image_id": len(images),
                "category_id": number + 1,
                "segmentation": [points.ravel().tolist()],
                "bbox": [*corner.tolist(), *side.tolist()],
                "area": pixels_within(points),
                "iscrowd": 0,
            }
            file.write(self._separators[photograph.split] + json.dumps(annotation))
            self._separators[photograph.split] = ",\n"

    def finish(self) -> None:
        """Writes photographs and classes."""
        categories = [{"id": number, "name": name} for number, name in enumerate(self._labels.names, 1)]
        for split, file in self._files.items():
            rest = {"images": self._images[split], "categories": categories}
            file.write("],\n" + json.dumps(rest, ensure_ascii=False)[1:] + "\n")

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            file.close()


class Yolo:
    """labels/<split>/NAME.txt beside images/<split>/NAME.jpg, and data.yaml."""

    def __init__(self, folder: Path, labels: Labels) -> None:
        self._folder, self._labels = folder, labels
        self._splits: dict[str, None] = {}

    def add(self, photograph: Photograph) -> None:
        """Writes the polygons of a photograph."""
        self._splits[photograph.split] = None
        path = self._folder / "labels" / Path(photograph.path).relative_to("images").with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        shares = np.array([photograph.size[1], photograph.size[0]], np.float64)
        lines = [
            f"{number} {' '.join(f'{share:.8f}' for share in (points / shares).ravel())}\n"
            for number, points in photograph.polygons
        ]
        path.write_text("".join(lines), "ascii")

    def finish(self) -> None:
        """Writes data.yaml."""
        lines = [f"{split}: images/{split}" for split in self._splits]
        quoted = ["'{}'".format(name.replace("'", "''")) for name in self._labels.names]
        lines += ["names:", *(f"  {number}: {name}" for number, name in enumerate(quoted))]
        (self._folder / "data.yaml").write_text("\n".join(lines) + "\n", "utf-8")

    def close(self) -> None:
        """Does nothing: no file is open."""


class Cvat:
    """annotations.xml."""

    def __init__(self, folder: Path, labels: Labels) -> None:
        self._labels = labels
        self._file = (folder / "annotations.xml").open("w", encoding="utf-8")
        self._count = 0
        self._file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        rows = "".join(
            f"<label><name>{escape(name)}</name><color>#{red:02x}{green:02x}{blue:02x}</color></label>\n"
            for name, (red, green, blue) in zip(labels.names, labels.colors, strict=True)
        )
        self._file.write(f"<meta><task><labels>\n{rows}</labels></task></meta>\n")

    def add(self, photograph: Photograph) -> None:
        """Writes the polygons of a photograph."""
        height, width = photograph.size
        name, subset = quoteattr(photograph.path), quoteattr(photograph.split)
        self._file.write(f'<image id="{self._count}" name={name} subset={subset} width="{width}" height="{height}">\n')
        for order, (number, points) in enumerate(photograph.polygons):
            path = ";".join(f"{x:.1f},{y:.1f}" for x, y in points.tolist())
            label = quoteattr(self._labels.names[number])
            self._file.write(f'<polygon label={label} occluded="0" points="{path}" z_order="{order}"/>\n')
        self._file.write("</image>\n")
        self._count += 1

    def finish(self) -> None:
        """Ends the document."""
        self._file.write("</annotations>\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


FORMATS: dict[str, Callable[[Path, Labels], AnnotationWriter]] = {"coco": Coco, "yolo": Yolo, "cvat": Cvat}


def labels_of(manifest: Manifest) -> Labels:
    """Returns the labels of the classes of records."""
    return Labels.of(manifest.classes)


def pixels_within(points: np.ndarray) -> int:
    """Returns the number of pixels that a polygon through their centres covers, its border included.

    Source: Pick's theorem and the shoelace formula; a part of one pixel's width is passed in both directions.
    """
    x, y = (points - 0.5).astype(np.int64).T
    twice_area = abs(int(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
    border = int(np.gcd(x - np.roll(x, -1), y - np.roll(y, -1)).sum())
    return (twice_area + border) // 2 + 1
