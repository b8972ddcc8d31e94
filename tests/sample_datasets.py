"""A sample dataset with ten planted problems, and checks of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from converter.checking.check import check
from converter.checking.report import CheckReport
from converter.config import BuildConfig, PairConfig, SourceConfig


def checked(folder: Path, *, fast: bool = False, pair: PairConfig | None = None, **source: object) -> CheckReport:
    config = BuildConfig(SourceConfig(folder, **source), pair=pair or PairConfig(size=(32, 48)), workers=1)
    return check(config, fast=fast, on_progress=lambda done: None)


def rewrite(path: Path, change: object) -> None:
    """Applies `change` to the pixels of an image file."""
    pixels = np.asarray(Image.open(path)).copy()
    Image.fromarray(change(pixels)).save(path)  # type: ignore[operator]


def plant_ten_faults(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Damages a sample dataset in ten ways; returns code -> (where, part of what) that a check must report."""
    lines = (folder / "train.txt").read_text().splitlines()
    names = [line.split(";") for line in lines]
    val = [line.split(";") for line in (folder / "val.txt").read_text().splitlines()]
    photo = [folder / "jpg" / image for image, _ in names]
    mask = [folder / "png" / name for _, name in names]
    mask[0].rename(mask[0].with_name("lost_" + mask[0].name))  # 1 a mask is missing
    rewrite(mask[1], lambda pixels: np.ascontiguousarray(pixels.swapaxes(0, 1)))  # 2 height and width swapped

    def spot(pixels: np.ndarray) -> np.ndarray:
        pixels[5:9, 5:10] = (90, 200, 200)
        return pixels

    rewrite(mask[2], spot)  # 3 an unlisted colour
    photo[3].write_bytes(photo[3].read_bytes()[:-2000])  # 4 a truncated image
    data = bytearray(mask[4].read_bytes())
    data[len(data) // 2] ^= 1  # 5 a flipped bit
    mask[4].write_bytes(data)
    mask[5].write_text("a mask was to come here\n")  # 6 text
    deep = np.full((288, 384), 40000, np.uint16)
    Image.fromarray(deep).save(photo[6], "PNG")  # 7 a 16-bit image
    lines.append(lines[7])  # 8 a duplicate line
    shutil.copy(photo[8], folder / "val_jpg" / val[0][0])  # 9 one image in two splits, under two names
    lines.append("only_a_name_of_two;b;c")  # 10 a line that is not a pair
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    return {
        "E_MISSING": [("train.txt:1", f"png/{names[0][1]}")],
        "E_SIZE": [("train.txt:2", "is 384 high and 288 wide")],
        "E_MASK_VALUE": [("train.txt:3", f"png/{names[2][1]} holds 1 unlisted value: #5AC8C8 (20 pixels")],
        "E_DAMAGED": [("train.txt:4", f"jpg/{names[3][0]}"), ("train.txt:5", f"png/{names[4][1]}")],
        "E_FORMAT": [("train.txt:6", f"png/{names[5][1]}")],
        "E_IMAGE_MODE": [("train.txt:7", f"jpg/{names[6][0]}")],
        "E_DUPLICATE": [("train.txt:15", "line 8")],
        "E_LINE": [("train.txt:16", "only_a_name_of_two")],
        "E_LEAK": [("val.txt:1", f"jpg/{names[8][0]}")],
    }
