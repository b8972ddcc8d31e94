"""Pictures: a class map -> the files that are saved."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.dataset.manifest import ClassInfo
from converter.pixels.bands import Samples
from converter.pixels.colors import Color
from converter.pixels.images import open_image, render
from converter.pixels.masks import PNG_LEVEL, encode_png
from converter.pixels.overlays import contact_sheet, overlay
from converter.pixels.resample import resize_nearest
from converter.schema import IGNORE_INDEX
from trainer.prediction.restoring import ClassMap, Wanted

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
    """Returns a palette PNG: the colours are those of the classes, the numbers behind them their indices.

    Pixels without data are transparent.
    """
    mask = drawing.found.mask
    picture = Image.fromarray(mask)
    has_gaps = bool((mask == IGNORE_INDEX).any())
    picture.putpalette(palette(drawing.classes, has_gaps=has_gaps))
    return _png(picture, **({"transparency": IGNORE_INDEX} if has_gaps else {}))


def palette(classes: Sequence[ClassInfo], *, has_gaps: bool) -> bytes:
    """Returns the colours of the classes, 3 bytes each, and black up to IGNORE_INDEX where there are gaps."""
    colors = np.zeros((IGNORE_INDEX + 1 if has_gaps else len(classes), 3), np.uint8)
    colors[: len(classes)] = [info.color for info in classes]
    return colors.tobytes()


def confidence_png(drawing: Drawing) -> bytes:
    """Returns a grey PNG, 16 bit: the probability of the predicted class, 65535 for 1."""
    if drawing.found.confidence is None:
        raise ValueError("the class map has no confidence")
    return _png(Image.fromarray(drawing.found.confidence))


def probabilities_npy(drawing: Drawing) -> bytes:
    """Returns a NumPy file of the probability of every class, float16 [H, W, num_classes]; 0 where there is no data."""
    if drawing.found.probabilities is None:
        raise ValueError("the class map has no probabilities")
    buffer = io.BytesIO()
    np.save(buffer, drawing.found.probabilities, allow_pickle=False)
    return buffer.getvalue()


def wanted_for(kinds: Sequence[str]) -> Wanted:
    """Returns what class maps must have for these pictures."""
    return Wanted("confidence" in kinds, "probabilities" in kinds)


def overlay_png(drawing: Drawing) -> bytes:
    """Returns a PNG of the photograph under the colours of its classes, and a legend of those that occur.

    A photograph with a side of more than OVERLAY_SIDE pixels is reduced.
    """
    mask = drawing.found.mask
    size = overlay_size((mask.shape[0], mask.shape[1]))
    image = open_image(drawing.data, drawing.name, drawing.max_pixels, drawing.samples)
    pixels = np.asarray(render(image, size, "stretch"))
    reduced = mask if size == mask.shape else np.asarray(resize_nearest(Image.fromarray(mask), size))
    return overlay_sheet(pixels, reduced, drawing.classes, drawing.name)


def overlay_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns the (height, width) of the overlay of a photograph of a size."""
    scale = min(1.0, OVERLAY_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def overlay_sheet(pixels: np.ndarray, mask: np.ndarray, classes: Sequence[ClassInfo], name: str) -> bytes:
    """Returns the PNG of an overlay: uint8 [H, W, 3] under uint8 [H, W], with a legend, and the name as its title."""
    present = set(np.unique(mask).tolist())
    legend: list[tuple[str, Color | None]] = [(info.name, info.color) for info in classes if info.id in present]
    if IGNORE_INDEX in present:
        legend.append(("no data", None))
    drawn = overlay(pixels, mask, [info.color for info in classes])
    return _png(contact_sheet([[drawn]], legend=legend, title=name))


PICTURES: dict[str, Callable[[Drawing], bytes]] = {
    "index": index_png,
    "color": color_png,
    "overlay": overlay_png,
    "confidence": confidence_png,
    "probabilities": probabilities_npy,
}


def _png(picture: Image.Image, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=PNG_LEVEL, **options)
    return buffer.getvalue()
