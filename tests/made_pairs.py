"""Pairs of photograph and mask that the tests of several modules make records of."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from conftest import CLASSES as CSV
from conftest import COLORS, EXPECTED, draw_pair
from PIL import Image

from converter.building.convert import make_record
from converter.building.tally import Tally
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record
from converter.sources.refs import ExampleRef

CLASSES = parse_class_map("name,value\na,0\nb,*\n", "classes.csv")
REFS = [ExampleRef("train", f"jpg/{n}.jpg", f"png/{n}.png", "train.txt", n + 1) for n in range(100)]


def jpeg(height: int, width: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


KINDS = parse_class_map(CSV, "classes.csv")


def make(src: Path, pair: PairConfig, image: str = "a.jpg", mask: str = "a.png") -> tuple[Record, Tally]:
    """Makes the record of a pair of files in `src`."""
    ref = ExampleRef("train", image, mask)
    return make_record(ref, SourceConfig(src), MaskMapper(KINDS, pair.tolerance), pair)


def write_pair(src: Path, *, seed: int = 0, size: tuple[int, int] = (20, 30), **options: object) -> np.ndarray:
    """Writes a.jpg and a.png; returns the class indices that are drawn in the mask, uint8 [H, W]."""
    image, mask = draw_pair(seed, size)
    Image.fromarray(image).save(src / "a.jpg", **({"quality": 90} | options))
    Image.fromarray(COLORS[mask]).save(src / "a.png")
    drawn: np.ndarray = EXPECTED[mask]
    return drawn


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def sums(pixels: np.ndarray, power: int) -> list[int]:
    return (pixels.reshape(-1, 3).astype(np.int64) ** power).sum(0).tolist()
