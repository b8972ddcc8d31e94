"""Write: a synthetic aerial dataset of a small town, to try things out without a download.

The output has the tutorial's layout: images (JPEG), RGB colour masks (PNG), two split lists and classes.csv. The only
input is a seed: a tile depends on (seed, split, number) alone, so the same seed gives the same bytes, whatever else is
drawn. The camera comes last. The mask is never blended: it takes one of every four drawn pixels, the image their mean.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.errors import MachineError, UsageError
from converter.sample.buildings import draw_buildings
from converter.sample.camera import photograph
from converter.sample.cars import draw_parking, draw_traffic
from converter.sample.ground import draw_ground
from converter.sample.plan import lay_out
from converter.sample.roads import draw_roads
from converter.sample.scene import CLASSES, PALETTE, SCALE, SIZE
from converter.sample.trees import draw_hedges, draw_trees
from converter.system.console import Progress

JPEG_QUALITY = 88  # as drones and map servers use: small files, with the artefacts that a model must tolerate
FOLDERS = {"train": ("jpg", "png"), "val": ("val_jpg", "val_png")}


def draw_tile(
    seed: int, split: str, number: int, size: tuple[int, int] = SIZE
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draws one tile of the town, seen from straight above.

    Args:
      seed: 0 or more; selects the town.
      split: such as "train"; the same number in another split is another tile.
      number: 0 or more.
      size: (height, width) in pixels.

    Returns:
      The image, uint8 [height, width, 3], and its mask, class indices uint8 [height, width]. A car has the class of
      the ground under it, a shadow that of the ground it falls on.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(split.encode(), "big"), number]))
    scene = lay_out(rng, size)
    draw_ground(scene)
    draw_roads(scene)
    draw_parking(scene)
    draw_buildings(scene)
    draw_traffic(scene)
    draw_hedges(scene)
    draw_trees(scene)
    return photograph(scene), np.ascontiguousarray(scene.mask[::SCALE, ::SCALE])


def write_sample(folder: Path, *, train: int = 160, val: int = 40, seed: int = 0) -> None:
    """Writes a dataset in the tutorial's layout; `folder` appears only when it is complete.

    Args:
      folder: must not exist, or be empty.
      train: number of training pairs.
      val: number of validation pairs.
      seed: 0 or more; the same seed gives the same bytes.

    Raises:
      UsageError: `folder` exists and is not an empty folder.
      MachineError: the disk failed.
    """
    target = folder.resolve()
    try:
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise UsageError(folder, "already holds something", "Choose a new folder.", "E_OUT_NOT_EMPTY")
        unfinished = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)  # left by a run that was killed
        try:
            fill(unfinished, {"train": train, "val": val}, seed)
            unfinished.replace(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)  # not there any more, unless we failed or were interrupted
    except OSError as error:
        fix = "Free some space or choose another folder, then run the same command again."
        raise MachineError(folder, f"could not be written: {error.strerror or error}", fix, "E_WRITE") from error


def fill(folder: Path, counts: dict[str, int], seed: int) -> None:
    """Writes class map, split lists, images and masks into a new folder."""
    folder.mkdir(parents=True)
    rows = ["name,value", *(f"{name},{colour}" for name, colour in CLASSES)]
    (folder / "classes.csv").write_text("\n".join(rows) + "\n", "utf-8", newline="\n")
    with Progress(sum(counts.values()), "tile") as progress:
        done = 0
        for split, count in counts.items():
            images, masks = (folder / name for name in FOLDERS[split])
            images.mkdir()
            masks.mkdir()
            names = [f"tile_{number:04d}" for number in range(1, count + 1)]
            lines = "".join(f"{name}.jpg;{name}.png\n" for name in names)
            (folder / f"{split}.txt").write_text(lines, "utf-8", newline="\n")
            for number, name in enumerate(names, start=1):
                image, mask = draw_tile(seed, split, number)
                Image.fromarray(image).save(images / f"{name}.jpg", quality=JPEG_QUALITY)
                Image.fromarray(PALETTE[mask]).save(masks / f"{name}.png")
                done += 1
                progress.show(done)
