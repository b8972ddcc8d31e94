"""Drawing: image, truth, prediction and errors side by side, and the examples of an evaluation as files."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.dataset.manifest import ClassInfo
from converter.pixels.colors import Color
from converter.pixels.images import encode_jpeg
from converter.pixels.overlays import contact_sheet, hatch, overlay
from converter.schema import IGNORE_INDEX

CELLS = ("image", "truth", "prediction", "errors")
EXAMPLES = 3  # of the worst, of the median and of the best images
EXAMPLE_PX = 480  # longer side of what is drawn of a large photograph
JPEG_QUALITY = 80
WRONG: Color = (213, 94, 0)  # vermilion, which colour-blind people can distinguish from grey


@dataclass(frozen=True)
class Example:
    """An image, and what a model makes of it.

    Attributes:
      kind: "worst", "median" or "best".
      name: of its file.
      image: uint8 [H, W, 3].
      truth: uint8 [H, W], class indices and IGNORE_INDEX.
      prediction: uint8 [H, W], class indices.
      miou: its own mean IoU.
      pixel_accuracy: its own.
      iou: of each class; NaN where it does not occur in it.
    """

    kind: str
    name: str
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    miou: float
    pixel_accuracy: float
    iou: tuple[float, ...]


def percent(share: float) -> str:
    """Returns a score in percent with one decimal, or n/a."""
    return "n/a" if math.isnan(share) else f"{share:.1%}"


def errors(image: np.ndarray, mask: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Returns uint8 [H, W, 3]: the image in pale grey, wrong pixels in WRONG, ignored ones hatched.

    Args:
      image: uint8 [H, W, 3].
      mask: uint8 [H, W], the truth, with IGNORE_INDEX.
      prediction: uint8 [H, W].
    """
    grey = 128 + image.mean(axis=2, keepdims=True) / 2  # the upper half of the range: a light background
    drawn = np.broadcast_to(grey.astype(np.uint8), image.shape).copy()
    drawn[(prediction != mask) & (mask != IGNORE_INDEX)] = WRONG
    hatch(drawn, mask == IGNORE_INDEX)
    return drawn


def cells(
    image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, colors: Sequence[Color], width: int
) -> list[np.ndarray]:
    """Returns the CELLS of one image, uint8 [H, W, 3] each.

    Args:
      image: uint8 [H, W, 3].
      truth: uint8 [H, W].
      prediction: uint8 [H, W].
      colors: of the classes.
      width: to which a smaller image is enlarged by an integer factor, at most: nothing is smoothed.
    """
    seen = [overlay(image, indices, colors) for indices in (truth, prediction)]
    factor = max(1, width // image.shape[1])
    drawn = [image, *seen, errors(image, truth, prediction)]
    return [cell.repeat(factor, axis=0).repeat(factor, axis=1) for cell in drawn]


def legend(classes: Sequence[ClassInfo]) -> list[tuple[str, Color | None]]:
    """Returns what the colours of the cells mean, for a sheet."""
    return [*((info.name, info.color) for info in classes), ("ignored", None), ("wrong", WRONG)]


def drawn_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (height, width) at which an example of that size is drawn: it is never enlarged."""
    scale = min(1.0, EXAMPLE_PX / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def drawn_image(image: np.ndarray) -> np.ndarray:
    """Returns an image, uint8 [H, W, 3], at the size at which it is drawn as an example."""
    height, width = drawn_size((image.shape[0], image.shape[1]))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def nearest(indices: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a class map, uint8 [h, w], at another (height, width), without blending."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(size, indices.shape, strict=True)
    )
    return indices[rows[:, None], columns]


def example_cells(example: Example, colors: Sequence[Color]) -> list[np.ndarray]:
    """Returns the CELLS of an example."""
    height, width = example.image.shape[:2]
    most = EXAMPLE_PX * width // max(height, width)
    return cells(example.image, example.truth, example.prediction, colors, most)


def examples_sheet(examples: Sequence[Example], classes: Sequence[ClassInfo], title: str) -> Image.Image:
    """Returns the examples as one image, a row each."""
    rows = [example_cells(example, [info.color for info in classes]) for example in examples]
    captions = [
        f"{example.kind}: {example.name}: mIoU {percent(example.miou)}, "
        f"{percent(example.pixel_accuracy)} of valid pixels correct"
        for example in examples
    ]
    heading = f"{title}: {', '.join(CELLS)}; by mIoU"
    return contact_sheet(rows, captions=captions, legend=legend(classes), title=heading)


def examples_json(examples: Sequence[Example], classes: Sequence[ClassInfo]) -> str:
    """Returns the text of examples-SPLIT.json: the same with its images as JPEG files in base64, for a page."""
    found = []
    for example in examples:
        drawn = example_cells(example, [info.color for info in classes])
        height, width = drawn[0].shape[:2]
        jpegs = [encode_jpeg(Image.fromarray(cell), JPEG_QUALITY) for cell in drawn]
        found.append(
            {
                "kind": example.kind,
                "file": example.name,
                "miou": example.miou,
                "pixel_accuracy": example.pixel_accuracy,
                "iou": {info.name: iou for info, iou in zip(classes, example.iou, strict=True) if not math.isnan(iou)},
                "size": [height, width],
                **{name: base64.b64encode(jpeg).decode() for name, jpeg in zip(CELLS, jpegs, strict=True)},
            }
        )
    return json.dumps({"examples": found}, ensure_ascii=False) + "\n"
