"""Scene: the state of a tile while it is drawn: colour, light, height and class, at twice the final resolution.

Lengths are in pixels of the final tile; one is about 20 cm of ground. Colour alone must not give a class away, or the
dataset would teach nothing: roofs are as grey as the road, lawns as green as the trees, yards as brown as the roofs.
Shape, texture and shadow tell them apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Window = tuple[slice, slice]  # rows and columns of the drawn arrays
Colour = tuple[float, float, float]  # red, green, blue of the sunlit material, 0..255

BACKGROUND, BUILDING, VEGETATION, ROAD = range(4)

# The tutorial's classes and colours, in the order of their indices.
CLASSES = (("background", "#000000"), ("building", "#1600FF"), ("vegetation", "#00FF00"), ("road", "#FFFFFF"))
PALETTE = np.array([list(bytes.fromhex(colour[1:])) for _, colour in CLASSES], np.uint8)

SIZE = (288, 384)  # (height, width): not square, so that swapped axes are noticed
SCALE = 2  # drawn pixels per pixel of the tile, along each axis
COARSE = 4  # pixels per cell of the planning grid: fine enough to keep buildings apart, fast enough for many queries


class Sun(NamedTuple):
    """Where the light of a tile comes from.

    Attributes:
      x, y: unit vector on the ground that points to the sun.
      rise: tangent of the sun's elevation; an object of height h casts a shadow of length h / rise.
    """

    x: float
    y: float
    rise: float


@dataclass(frozen=True)
class Road:
    """A road whose centre line is a sine on a rotated axis; `along` and `across` are coordinates on it.

    Attributes:
      x, y, angle: origin and direction of the axis.
      bend, length, phase: amplitude and wavelength (over 2 pi) of the centre line.
      half: half the width of the carriageway.
      tint: colour of the surface.
      is_marked: whether it has painted lines and pavements, or is a bare track.
      starts_at_main: whether it is only on the positive side of the first road, a T junction.
    """

    x: float
    y: float
    angle: float
    bend: float
    length: float
    phase: float
    half: float
    tint: Colour
    is_marked: bool = True
    starts_at_main: bool = False

    def along_across(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Returns for points of the tile their distance along the road and to its right."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = (x - self.x) * cos + (y - self.y) * sin
        turn = along / self.length + self.phase
        offset = (y - self.y) * cos - (x - self.x) * sin - self.bend * np.sin(turn)
        # To first order the distance to a sloping line is the vertical one times the cosine of its slope.
        return along, offset / np.sqrt(1 + (self.bend / self.length * np.cos(turn)) ** 2)

    def position(self, x: float, y: float) -> tuple[float, float]:
        """Returns (along, across) of one point."""
        along, across = self.along_across(np.array(x), np.array(y))
        return float(along), float(across)

    def place(self, along: float, across: float) -> tuple[float, float, float]:
        """Returns (x, y, heading in radians) of a point given in the road's own coordinates."""
        turn = along / self.length + self.phase
        slope = math.atan(self.bend / self.length * math.cos(turn))
        u = along - across * math.sin(slope)
        v = self.bend * math.sin(turn) + across * math.cos(slope)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.x + u * cos - v * sin, self.y + u * sin + v * cos, self.angle + slope


@dataclass
class Scene:
    """The state of a tile while it is drawn; every array is [height * SCALE, width * SCALE].

    Attributes:
      colour: float32 [..., 3], the sunlit material.
      light: float32, texture and slope as a factor on the colour.
      height: float32, height above the ground; it decides shadows and what hides what.
      mask: uint8, class indices.
      fine, medium, coarse: float32 noise about 0, shared by all modules, at the scale of a leaf, a stain, a meadow.
      along, across: float32, coordinates on the first road; plots and hedges follow them.
      to_road: float32, distance to the nearest edge of a carriageway, negative on it.
      taken: bool on the planning grid, where no building can be added.
    """

    rng: np.random.Generator
    size: tuple[int, int]
    sun: Sun
    roads: tuple[Road, ...]
    x: Floats
    y: Floats
    colour: Floats
    light: Floats
    height: Floats
    mask: NDArray[np.uint8]
    fine: Floats
    medium: Floats
    coarse: Floats
    along: Floats
    across: Floats
    to_road: Floats
    taken: Bools
    driveways: list[tuple[float, float]] = field(default_factory=list)


def around(scene: Scene, x: float, y: float, half: tuple[float, float]) -> Window:
    """Returns the drawn rows and columns of a box with half sides `half` = (x, y); empty outside the tile."""
    height, width = scene.mask.shape
    left, top = (max(0, math.floor((centre - side) * SCALE)) for centre, side in ((x, half[0]), (y, half[1])))
    right, bottom = (max(0, math.ceil((centre + side) * SCALE)) for centre, side in ((x, half[0]), (y, half[1])))
    return slice(min(top, height), min(bottom, height)), slice(min(left, width), min(right, width))


def turned(scene: Scene, window: Window, x: float, y: float, angle: float) -> tuple[Floats, Floats]:
    """Returns the coordinates of a window's pixels on axes that start at (x, y) and are rotated by `angle`."""
    dx, dy = scene.x[:, window[1]] - np.float32(x), scene.y[window[0]] - np.float32(y)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return dx * cos + dy * sin, dy * cos - dx * sin


def strip(scene: Scene, x: float, y: float, angle: float, half: tuple[float, float]) -> tuple[Window, Floats, Floats]:
    """Returns the window of a rotated rectangle with half sides `half`, and its coordinates on its own axes."""
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    window = around(scene, x, y, (half[0] * cos + half[1] * sin + 1, half[0] * sin + half[1] * cos + 1))
    u, v = turned(scene, window, x, y, angle)
    return window, u, v
