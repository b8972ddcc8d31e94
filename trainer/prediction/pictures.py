"""Pictures: a class map -> the files that are saved."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.dataset.manifest import ClassInfo
from converter.pixels.bands import Samples
from converter.pixels.images import open_image, render
from converter.pixels.masks import PNG_LEVEL, encode_png
from converter.pixels.overlays import contact_sheet, overlay
from converter.pixels.resample import resize_nearest
from trainer.prediction.restoring import ClassMap

OVERLAY_SIDE = 2000  # pixels: an overlay is to be looked at, and is reduced to fit on a screen


@dataclass(frozen=True)
class Drawing:
    """All that a picture is drawn from.

    Attributes:
      found: the class map.
      data: content of the photograph's file.
      name: of the photograph.
      classes: with their colours, in order of their indices.
      max_pixels: maximum number of pixels of the photograph.
      samples: bands and levels that are read from it.
    """

    found: ClassMap
    data: bytes
    name: str
    classes: Sequence[ClassInfo]
    max_pixels: int
    samples: Samples


def index_png(drawing: Drawing) -> bytes:
    """Returns a grey PNG, 8 bit, of class indices, as records hold them."""
    return encode_png(drawing.found.mask)


def color_png(drawing: Drawing) -> bytes:
    """Returns a palette PNG: the colours are those of the classes, the numbers behind them their indices."""
    picture = Image.fromarray(drawing.found.mask)
    picture.putpalette(np.array([info.color for info in drawing.classes], np.uint8).tobytes())
    return _png(picture)


def confidence_png(drawing: Drawing) -> bytes:
    """Returns a grey PNG, 16 bit: the probability of the predicted class, 65535 for 1."""
    if drawing.found.confidence is None:
        raise ValueError("the class map has no confidence")
    return _png(Image.fromarray(drawing.found.confidence))


def overlay_png(drawing: Drawing) -> bytes:
    """Returns a PNG of the photograph under the colours of its classes, and a legend of those that occur.

    A photograph with a side of more than OVERLAY_SIDE pixels is reduced.
    """
    mask = drawing.found.mask
    scale = min(1.0, OVERLAY_SIDE / max(mask.shape))
    size = max(1, round(mask.shape[0] * scale)), max(1, round(mask.shape[1] * scale))
    image = open_image(drawing.data, drawing.name, drawing.max_pixels, drawing.samples)
    pixels = np.asarray(render(image, size, "stretch"))
    reduced = mask if size == mask.shape else np.asarray(resize_nearest(Image.fromarray(mask), size))
    colors = [info.color for info in drawing.classes]
    present = set(np.unique(reduced).tolist())
    legend = [(info.name, info.color) for info in drawing.classes if info.id in present]
    return _png(contact_sheet([[overlay(pixels, reduced, colors)]], legend=legend, title=drawing.name))


PICTURES: dict[str, Callable[[Drawing], bytes]] = {
    "index": index_png,
    "color": color_png,
    "overlay": overlay_png,
    "confidence": confidence_png,
}


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=PNG_LEVEL)
    return buffer.getvalue()
