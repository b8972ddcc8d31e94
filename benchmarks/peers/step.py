"""Step: the conversion of one pair, the same for every peer that leaves it to the user.

Input: a pair of paths. Output: JPEG bytes of quality 95, letterboxed with black, and PNG bytes of the class indices,
resampled by nearest neighbour, with 255 as padding. A colour that classes.csv does not list is refused. There are four
implementations with the same labels:

    plain     a good program with Pillow and NumPy: one table look-up per pixel
    tuned     the optimisations of segconv: reduced decode, look-up of packed pixels, PNG without filters
    boolean   one comparison of the whole mask for each class
    loop      two loops over the pixels, whose colours are looked up as text

This file needs only Pillow and NumPy, because it runs in the environment of each peer.
"""

from __future__ import annotations

import argparse
import csv
import io
import struct
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

IGNORE = 255
UNLISTED = 254
QUALITY = 95

Color = tuple[int, int, int]
Size = tuple[int, int]  # (height, width)


class Pair(NamedTuple):
    """Paths of an image and its mask."""

    image: Path
    mask: Path


class Job(NamedTuple):
    """The job of a peer.

    Attributes:
      pairs: of both split lists, in their order.
      out: folder to write; it does not exist.
      size: (height, width) of the records.
      encode: Pair -> (JPEG bytes, PNG bytes).
      pixels: Pair -> (image uint8 [H, W, 3], class indices uint8 [H, W]), where the peer encodes itself.
    """

    pairs: list[Pair]
    out: Path
    size: Size
    encode: Callable[[Pair], tuple[bytes, bytes]]
    pixels: Callable[[Pair], tuple[np.ndarray, np.ndarray]]


def read_job() -> Job:
    """Parses the command line: SOURCE OUT HEIGHTxWIDTH STEP [--mark FILE]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mark", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("size")
    parser.add_argument("step", choices=sorted(STEPS))
    arguments = parser.parse_args()
    mark(arguments.mark)
    height, width = map(int, arguments.size.split("x"))
    classes = read_classes(arguments.source)
    encode = partial(STEPS[arguments.step], size=(height, width), classes=classes)
    pixels = partial(plain_pixels, size=(height, width), classes=classes)
    return Job(read_pairs(arguments.source), arguments.out, (height, width), encode, pixels)


def mark(path: Path | None) -> None:
    """Writes the CPU seconds of this process so far: the cost of its imports."""
    if path is not None:
        path.write_text(str(time.process_time()))


def read_pairs(source: Path) -> list[Pair]:
    """Returns the pairs of train.txt and val.txt."""
    lines = [line for name in ("train", "val") for line in (source / f"{name}.txt").read_text().split()]
    names = [line.split(";") for line in lines]
    return [Pair(source / "jpg" / image, source / "png" / mask) for image, mask in names]


class Classes:
    """The class map, in the forms that the steps use.

    Attributes:
      colors: colour -> class index.
      table: class index of each of the 2**24 colours packed as 0xBBGGRR, UNLISTED for most, uint8.
    """

    def __init__(self, colors: dict[Color, int]) -> None:
        self.colors = colors
        self.table = np.full(1 << 24, UNLISTED, np.uint8)
        for (red, green, blue), index in colors.items():
            self.table[red | green << 8 | blue << 16] = index


def read_classes(source: Path) -> Classes:
    """Returns the class map of classes.csv."""
    with (source / "classes.csv").open() as file:
        values = [bytes.fromhex(row["value"].removeprefix("#")) for row in csv.DictReader(file)]
    return Classes({(red, green, blue): index for index, (red, green, blue) in enumerate(values)})


def box_of(source: Size, size: Size) -> Size:
    """Returns the (height, width) of an image of size `source` after letterboxing into `size`, without padding."""
    scale = min(size[0] / source[0], size[1] / source[1])
    return min(size[0], round(source[0] * scale)), min(size[1], round(source[1] * scale))


def plain_pixels(pair: Pair, size: Size, classes: Classes) -> tuple[np.ndarray, np.ndarray]:
    """Returns (image uint8 [H, W, 3], class indices uint8 [H, W])."""
    image = Image.open(pair.image).convert("RGB")
    rgb = np.asarray(_sampled(pair, size)).astype(np.int32)
    mask = classes.table[rgb[..., 0] | rgb[..., 1] << 8 | rgb[..., 2] << 16]
    return np.asarray(_letterboxed(image, size)), _padded(_checked(mask, pair), size)


def plain(pair: Pair, size: Size, classes: Classes) -> tuple[bytes, bytes]:
    """Encodes a pair as a good program without optimisation does."""
    image, mask = plain_pixels(pair, size, classes)
    return _jpeg(Image.fromarray(image)), _png(mask)


def tuned(pair: Pair, size: Size, classes: Classes) -> tuple[bytes, bytes]:
    """Encodes a pair at the least cost that Pillow, NumPy and zlib allow."""
    image = Image.open(io.BytesIO(pair.image.read_bytes()))
    width, height = image.size
    box = box_of((height, width), size)
    # The decoder reduces it by a power of two, to no less than the stored size.
    factor = max((step for step in (1, 2, 4, 8) if box[0] * step <= height and box[1] * step <= width), default=1)
    image.draft("RGB", (width // factor, height // factor))
    rgb = _sampled(pair, size)
    packed = np.frombuffer(rgb.tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF
    mask = _checked(classes.table.take(packed).reshape(box), pair)
    return _jpeg(_letterboxed(image, size)), _png_unfiltered(_padded(mask, size))


def boolean(pair: Pair, size: Size, classes: Classes) -> tuple[bytes, bytes]:
    """Encodes a pair with one comparison of all pixels for each class."""
    rgb = np.asarray(_sampled(pair, size))
    mask = np.full(rgb.shape[:2], UNLISTED, np.uint8)
    for color, index in classes.colors.items():
        mask[(rgb == color).all(axis=-1)] = index
    image = _letterboxed(Image.open(pair.image).convert("RGB"), size)
    return _jpeg(image), _png(_padded(_checked(mask, pair), size))


def loop(pair: Pair, size: Size, classes: Classes) -> tuple[bytes, bytes]:
    """Encodes a pair with one look-up per pixel, by colour as text as in the tutorial: [22 0 255]."""
    rgb = np.asarray(_sampled(pair, size))
    texts = {"[{} {} {}]".format(*color): index for color, index in classes.colors.items()}
    mask = np.full(rgb.shape[:2], UNLISTED, np.uint8)
    for row in range(rgb.shape[0]):
        for column in range(rgb.shape[1]):
            red, green, blue = rgb[row, column]  # str() of the array would take many times as long
            mask[row, column] = texts.get(f"[{red} {green} {blue}]", UNLISTED)
    image = _letterboxed(Image.open(pair.image).convert("RGB"), size)
    return _jpeg(image), _png(_padded(_checked(mask, pair), size))


STEPS: dict[str, Callable[..., tuple[bytes, bytes]]] = {
    "plain": plain,
    "tuned": tuned,
    "boolean": boolean,
    "loop": loop,
}


def _sampled(pair: Pair, size: Size) -> Image.Image:
    """Returns the mask in its colours, resampled to its letterbox size."""
    rgb = Image.open(pair.mask)
    height, width = box_of((rgb.height, rgb.width), size)
    if rgb.mode != "RGB":
        rgb = rgb.convert("RGB")
    return rgb.resize((width, height), Image.Resampling.NEAREST)


def _letterboxed(image: Image.Image, size: Size) -> Image.Image:
    height, width = box_of((image.height, image.width), size)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if (height, width) == size:
        return image
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(image, ((size[1] - width) // 2, (size[0] - height) // 2))
    return padded


def _padded(mask: np.ndarray, size: Size) -> np.ndarray:
    if mask.shape == size:
        return mask
    top, left = (size[0] - mask.shape[0]) // 2, (size[1] - mask.shape[1]) // 2
    padded = np.full(size, IGNORE, np.uint8)
    padded[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return padded


def _checked(mask: np.ndarray, pair: Pair) -> np.ndarray:
    if (mask == UNLISTED).any():
        raise ValueError(f"{pair.mask} holds a colour that classes.csv does not list")
    return mask


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def _png_unfiltered(mask: np.ndarray) -> bytes:
    """Returns a PNG whose rows have filter 0, by zlib at level 1."""
    height, width = mask.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = mask

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(rows.data, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
