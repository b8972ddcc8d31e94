"""Datasets: two benchmark datasets generated from a seed: small images, and large ones like those of a camera.

    python benchmarks/datasets.py DIR [--small N] [--large N]

Each is a folder with jpg/, png/, train.txt, val.txt and classes.csv. The cost of an image depends not on its content
but on its bits per pixel. So an image has smooth colour within each region, texture of all scales, sensor noise that is
slightly blurred as by demosaicing, and the JPEG quality of a camera. Each class has a random field, and a pixel of a
mask belongs to the class whose field is largest there. Borders are bumpy as if drawn by hand, and there are some small
objects. A pair depends only on (seed, name of the dataset, number). An existing dataset is reused.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

SEED = 0
VAL = 2  # pairs in val.txt: the list must exist, but only the training split is measured
CLASSES = (
    ("sky", "#8080C0"),
    ("building", "#800000"),
    ("pole", "#C0C080"),
    ("road", "#804080"),
    ("pavement", "#3C28DE"),
    ("tree", "#808000"),
    ("sign", "#C08080"),
    ("fence", "#404080"),
    ("car", "#400080"),
    ("person", "#404000"),
    ("cyclist", "#0080C0"),
    ("unlabelled", "#000000"),
)
PALETTE = np.array([list(bytes.fromhex(colour[1:])) for _, colour in CLASSES], np.uint8)
NUM_FIELDS = 8  # classes of regions; the others are small objects on top
_FACTS = "facts.json"  # written last: a folder that has it is complete


@dataclass(frozen=True)
class Kind:
    """Parameters of the pairs of a dataset.

    Attributes:
      name: of the folder.
      size: (height, width) of images and masks, in pixels.
      quality: of the JPEG.
      noise: standard deviation of the sensor noise, in levels, before the blur.
      texture: standard deviation of the texture, in levels.
      stored: (height, width) that the records are built with.
    """

    name: str
    size: tuple[int, int]
    quality: int
    noise: float
    texture: float
    stored: tuple[int, int]


SMALL = Kind("small", (360, 480), quality=95, noise=4.0, texture=12.0, stored=(512, 512))
LARGE = Kind("large", (1500, 2000), quality=91, noise=18.0, texture=20.0, stored=(512, 512))


@dataclass(frozen=True)
class Facts:
    """Statistics of the files of a dataset.

    Attributes:
      pairs: in both lists.
      image_bytes: mean size of an image file.
      mask_bytes: mean size of a mask file.
      image_bits: mean bits per pixel of an image.
      mask_bits: mean bits per pixel of a mask.
      classes: mean number of classes in a mask.
    """

    pairs: int
    image_bytes: float
    mask_bytes: float
    image_bits: float
    mask_bits: float
    classes: float

    def __str__(self) -> str:
        """One line with all of them."""
        return (
            f"{self.pairs} pairs, JPEG {self.image_bytes / 1e3:.1f} kB ({self.image_bits:.2f} bits/pixel), "
            f"PNG {self.mask_bytes / 1e3:.1f} kB ({self.mask_bits:.3f} bits/pixel), {self.classes:.1f} classes a mask"
        )


def draw_mask(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draws the class indices of one scene, uint8 [H, W]."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    best = np.full(size, -np.inf, np.float32)
    for index in rng.permutation(NUM_FIELDS)[:6]:
        # Few cells give large regions; the finer octaves only make their borders bumpy.
        field = _field(rng, size, cells=4) + 0.12 * _field(rng, size, cells=24) + 0.04 * _field(rng, size, cells=96)
        is_above = field > best
        mask[is_above] = index
        np.maximum(best, field, out=best)
    rows, columns = np.ogrid[:height, :width]
    for _ in range(int(rng.integers(8, 20))):
        row, column = rng.integers(0, height), rng.integers(0, width)
        high, wide = rng.uniform(0.01, 0.08, 2) * height
        inside = ((rows - row) / high) ** 2 + ((columns - column) / wide) ** 2 < 1
        mask[inside] = rng.integers(NUM_FIELDS, len(CLASSES))
    return mask


def draw_image(rng: np.random.Generator, mask: NDArray[np.uint8], kind: Kind) -> NDArray[np.uint8]:
    """Draws the image of a mask, uint8 [H, W, 3]."""
    size = (mask.shape[0], mask.shape[1])
    colours = rng.uniform(40, 200, (len(CLASSES), 3)).astype(np.float32)
    light = 1 + 0.15 * _field(rng, size, cells=3)
    # Equal contrast in each octave, as in a photograph, down to about two pixels.
    octaves = [_field(rng, size, cells=cells) for cells in (8, 16, 32, 64, 128, 256) if cells < min(size) // 2]
    texture = kind.texture * sum(octaves) / len(octaves) ** 0.5
    channels = []
    for channel in range(3):
        sensor = _blurred(rng.standard_normal(size, np.float32) * kind.noise)
        scene = _blurred(colours[:, channel].take(mask)) * light + texture
        channels.append(np.clip(scene + sensor, 0, 255).astype(np.uint8))
    return np.stack(channels, axis=-1)


def write_dataset(folder: Path, kind: Kind, pairs: int, seed: int = SEED) -> Facts:
    """Draws a dataset into `folder`, unless it is already there, and returns its facts."""
    asked = {"seed": seed, "pairs": pairs, **json.loads(json.dumps(asdict(kind)))}
    del asked["stored"]  # does not affect the files
    if (folder / _FACTS).exists():
        found = json.loads((folder / _FACTS).read_text())
        if found["asked"] == asked:
            return Facts(**found["facts"])
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("jpg", "png"):
        (folder / name).mkdir(parents=True)
    rows = ["name,value", *(f"{name},{colour}" for name, colour in CLASSES)]
    (folder / "classes.csv").write_text("\n".join(rows) + "\n")
    image_bytes, mask_bytes, classes = [], [], []
    for number in range(pairs):
        rng = np.random.default_rng([seed, *kind.name.encode(), number])
        mask = draw_mask(rng, kind.size)
        image_bytes.append(_save(folder / "jpg" / f"{number:05d}.jpg", draw_image(rng, mask, kind), kind.quality))
        mask_bytes.append(_save(folder / "png" / f"{number:05d}.png", PALETTE[mask]))
        classes.append(len(np.unique(mask)))
    _write_lists(folder, [f"{number:05d}" for number in range(pairs)])
    pixels = kind.size[0] * kind.size[1]
    image, mask_size = float(np.mean(image_bytes)), float(np.mean(mask_bytes))
    facts = Facts(pairs, image, mask_size, image * 8 / pixels, mask_size * 8 / pixels, float(np.mean(classes)))
    (folder / _FACTS).write_text(json.dumps({"asked": asked, "facts": asdict(facts)}, indent=2) + "\n")
    return facts


def write_part(whole: Path, folder: Path, pairs: int) -> None:
    """Copies the first pairs of a dataset to a new dataset; replaces an existing one."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("jpg", "png"):
        (folder / name).mkdir(parents=True)
    stems = sorted(path.stem for path in (whole / "jpg").iterdir())[:pairs]
    for stem in stems:
        shutil.copy(whole / "jpg" / f"{stem}.jpg", folder / "jpg")
        shutil.copy(whole / "png" / f"{stem}.png", folder / "png")
    shutil.copy(whole / "classes.csv", folder)
    _write_lists(folder, stems)


def _write_lists(folder: Path, stems: list[str]) -> None:
    val = min(VAL, len(stems) // 2)
    for name, part in (("train", stems[: len(stems) - val]), ("val", stems[len(stems) - val :])):
        (folder / f"{name}.txt").write_text("".join(f"{stem}.jpg;{stem}.png\n" for stem in part))


def _field(rng: np.random.Generator, size: tuple[int, int], cells: int) -> Floats:
    """Returns smooth noise with `cells` bumps along the shorter side, float32 [H, W], deviation about 1."""
    step = min(size) / cells
    coarse = rng.standard_normal((round(size[0] / step) + 2, round(size[1] / step) + 2), np.float32)
    fine = Image.fromarray(coarse).resize((size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(fine) * np.float32(1.3)  # restores the deviation that the interpolation removes


def _blurred(channel: Floats) -> Floats:
    """Returns the mean of each 2x2 pixels, roughly the blur of lens and demosaicing."""
    rows = channel + np.roll(channel, 1, axis=0)
    return (rows + np.roll(rows, 1, axis=1)) / 4


def _save(path: Path, pixels: NDArray[np.uint8], quality: int | None = None) -> int:
    """Saves a JPEG, or a PNG where `quality` is None, and returns its size in bytes."""
    buffer = io.BytesIO()
    if quality is None:
        Image.fromarray(pixels).save(buffer, "PNG")
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return path.write_bytes(buffer.getvalue())


def main() -> None:
    """Draws the datasets and prints their facts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--small", type=int, default=200)
    parser.add_argument("--large", type=int, default=40)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    for kind, pairs in ((SMALL, arguments.small), (LARGE, arguments.large)):
        print(f"{kind.name:6} {kind.size[0]}x{kind.size[1]}: ", end="", flush=True)
        print(write_dataset(arguments.dir / kind.name, kind, pairs, arguments.seed))


if __name__ == "__main__":
    main()
