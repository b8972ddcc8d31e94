"""Datasets as they are found in the wild, drawn small: photographs, masks and texts under the names of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

Value = int | tuple[int, int, int]  # of a mask: a number, or a colour
BINARY: dict[Value, str | None] = {0: "background", 255: "foreground"}


class Wild:
    """A dataset that is being drawn, and what is right about it.

    Attributes:
      folder: of the dataset.
      classes: the name of the class of each value, as its documentation says; None for what is no class.
      splits: image -> (split, mask), for every pair.
      choice: the folder or text that the one right template has, where the dataset leaves a choice; "" where not.
    """

    def __init__(self, folder: Path, classes: Mapping[Value, str | None]) -> None:
        self.folder = folder
        self.classes = dict(classes)
        self.splits: dict[str, tuple[str, str]] = {}
        self.choice = ""
        self._rng = np.random.default_rng(13)

    def text(self, name: str, lines: Iterable[str]) -> None:
        """Writes a text file."""
        path = self._path(name)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def photo(self, *names: str) -> None:
        """Draws photographs, each another one."""
        for name in names:
            coarse = self._rng.integers(0, 256, (6, 8, 3), np.uint8)
            Image.fromarray(coarse.repeat(4, 0).repeat(4, 1)).save(self._path(name))

    def mask(self, name: str, values: Iterable[Value] | None = None, mode: str = "") -> None:
        """Draws a mask that has each of the values, those of the classes if none are given; of Pillow's `mode`."""
        listed = np.array([*(self.classes if values is None else values)], np.uint8)
        places = self._rng.permutation(192) % len(listed)
        pixels = listed[places.reshape(12, 16).repeat(2, 0).repeat(2, 1)]
        picture = Image.fromarray(pixels)
        if mode == "P":
            picture = Image.fromarray(pixels, "L").convert("P")
            picture.putpalette(np.random.default_rng(4).integers(0, 256, 768, np.uint8).tobytes())
        elif mode == "1":
            picture = Image.fromarray(pixels > 0)
        elif mode == "RGB":
            picture = picture.convert("RGB")
        picture.save(self._path(name))

    def pair(self, split: str, image: str, mask: str, mode: str = "") -> None:
        """Draws a photograph and its mask, which belong to a split as published."""
        self.photo(image)
        self.mask(mask, mode=mode)
        self.splits[image] = split, mask

    def pairs(self, split: str, image: str, mask: str, names: Iterable[object], mode: str = "") -> None:
        """Draws several pairs: {} stands for each of the names."""
        for name in names:
            self.pair(split, image.replace("{}", str(name)), mask.replace("{}", str(name)), mode)

    def again(self, name: str, other: str) -> None:
        """Saves a picture in another format."""
        Image.open(self.folder / name).save(self._path(other))

    def name_of(self, value: Value) -> str:
        """Returns the name of the class of a value, "ignore" for what is no class."""
        return self.classes[value] or "ignore"

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
