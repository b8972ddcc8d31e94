"""Resizing: CPU and quality of the resize that `build` has, and of others that could take its place.

    python benchmarks/resize.py PHOTOS [--count 100]

PHOTOS is a folder of photographs. Each is enlarged by 1.37 and reduced by 0.61, the least and the most that is left to
do after a JPEG was decoded at 1/2, 1/4 or 1/8 size. The reference is the same bilinear filter with antialiasing in
float64; PSNR is against its values before they are rounded. A candidate counts only where its PSNR is at least
Pillow's both ways, and a library that is not installed is named. CPU time of the process, median over the photographs
of the best of ROUNDS.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Resize = Callable[[Pixels, tuple[int, int]], Pixels]

FACTORS = {"enlarged": 1.37, "reduced": 0.61}
ROUNDS = 5
BITS = 14  # of the fixed-point weights


def weights(old: int, new: int) -> NDArray[np.float64]:
    """Returns [new, old], the triangle filter, as wide as a new pixel where it is larger: rows sum to 1."""
    scale = max(old / new, 1.0)
    centres = (np.arange(new) + 0.5) * old / new
    distance = np.abs(centres[:, None] - (np.arange(old) + 0.5)) / scale
    found = np.maximum(0.0, 1.0 - distance)
    return found / found.sum(axis=1, keepdims=True)


def reference(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.float64]:
    """Returns a picture resized to (height, width), in float64."""
    rows, columns = (weights(old, new) for old, new in zip(pixels.shape[:2], size, strict=True))
    return np.einsum("yh,hwc->ywc", rows, np.einsum("xw,hwc->hxc", columns, pixels, optimize=True), optimize=True)


def psnr(found: Pixels, wanted: NDArray[np.float64]) -> float:
    """Returns the peak signal-to-noise ratio, in decibels."""
    return float(10 * np.log10(255**2 / np.mean((found - wanted) ** 2)))


def pillow(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """What build does."""
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _taps(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Returns the places and the fixed-point weights of the pixels that are blended, [taps, new] each."""
    full = weights(old, new)
    count = int((full > 0).sum(axis=1).max())
    first = np.minimum((full > 0).argmax(axis=1), old - count)
    places = first + np.arange(count)[:, None]
    fixed = np.rint(full[np.arange(new), places] * (1 << BITS)).astype(np.int32)
    fixed[fixed.argmax(axis=0), np.arange(new)] += (1 << BITS) - fixed.sum(axis=0, dtype=np.int32)
    return places, fixed


def fixed_point(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """A separable convolution in NumPy with weights of BITS bits, and 7 bits more than a byte in between."""
    x = pixels.astype(np.int32)
    for axis, shift in ((1, BITS - 7), (0, BITS + 7)):
        places, fixed = _taps(x.shape[axis], size[axis])
        shape = (-1, 1) if axis == 1 else (-1, 1, 1)
        total = np.full((*x.shape[:axis], size[axis], *x.shape[axis + 1 :]), 1 << (shift - 1), np.int32)
        for place, weight in zip(places, fixed, strict=True):
            total += x.take(place, axis=axis) * weight.reshape(shape)
        x = total >> shift
    return np.clip(x, 0, 255).astype(np.uint8)


def _kornia(module: object) -> Resize:
    resize = module.imgproc.resize  # type: ignore[attr-defined]
    return lambda pixels, size: np.asarray(resize(pixels, size, "bilinear"))


def _opencv(module: object, name: str) -> Resize:
    flag = getattr(module, name)
    return lambda pixels, size: module.resize(pixels, (size[1], size[0]), interpolation=flag)  # type: ignore[attr-defined]


def _vips(module: object) -> Resize:
    def resize(pixels: Pixels, size: tuple[int, int]) -> Pixels:
        image = module.Image.new_from_array(pixels)  # type: ignore[attr-defined]
        scales = [new / old for new, old in zip(size, pixels.shape, strict=False)]
        found = image.resize(scales[1], vscale=scales[0], kernel="linear")
        return np.ndarray((*size, 3), np.uint8, found.write_to_memory())

    return resize


def candidates() -> dict[str, Resize]:
    """Returns the ways to resize, by name; prints which libraries are not installed."""
    found: dict[str, Resize] = {"Pillow": pillow, "NumPy, fixed point": fixed_point}
    for name, library, make in (
        ("kornia-rs", "kornia_rs", _kornia),
        ("libvips", "pyvips", _vips),
        ("OpenCV, linear exact", "cv2", lambda module: _opencv(module, "INTER_LINEAR_EXACT")),
        ("OpenCV, area", "cv2", lambda module: _opencv(module, "INTER_AREA")),
    ):
        try:
            found[name] = make(importlib.import_module(library))
        except (ImportError, AttributeError, OSError) as error:
            print(f"{name}: left out, {error}")
    return found


def cpu_ms(function: Callable[[], object]) -> float:
    """Returns the least CPU time of a few calls, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Prints the table, and which candidates are as good as Pillow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    ways = candidates()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    paths = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in paths[: options.count]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        for kind, factor in FACTORS.items():
            size = round(pixels.shape[0] * factor), round(pixels.shape[1] * factor)
            wanted = reference(pixels, size)
            for name, way in ways.items():
                ms = cpu_ms(lambda way=way, pixels=pixels, size=size: way(pixels, size))  # type: ignore[misc]
                found.setdefault((name, kind), []).append((ms, psnr(way(pixels, size), wanted)))
    print(f"{min(options.count, len(paths))} photographs of {options.photos}, the last of {pixels.shape[:2]}")
    print(f"{'':22}" + "".join(f"{kind:>12} ms  PSNR least, mean" for kind in FACTORS) + "  as good as Pillow")
    for name in ways:
        cells, good = "", True
        for kind in FACTORS:
            quality = [each[1] for each in found[name, kind]]
            base = [each[1] for each in found["Pillow", kind]]
            good &= min(quality) >= min(base) and statistics.mean(quality) >= statistics.mean(base)
            ms = statistics.median(each[0] for each in found[name, kind])
            cells += f"{ms:>15.2f}  {min(quality):>10.1f} {statistics.mean(quality):>5.1f}"
        print(f"{name:22}{cells}  {'yes' if good else 'no'}")


if __name__ == "__main__":
    main()
