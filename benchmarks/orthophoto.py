"""A large orthophoto, cut into tiles by windows: time, memory of a worker, and whether the tiles give its mask again.

    python benchmarks/orthophoto.py --side 30000

Writes a tiled TIFF and its mask (Deflate, blocks of 256x256), builds them with `--fit tile`, holds the stitched mask
against the one that was drawn, changes one block of the mask and builds again. Prints one JSON object. Needs
segconv[geo], and for 30000x30000 some 4 GB of disk and 2 GB of memory for the comparison.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

BLOCK = 256  # rows that are drawn at a time
COMMAND = (sys.executable, "-c", "from converter.cli import main; main()")


def rows_of(side: int, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns image, uint8 [3, n, side], and classes, uint8 [n, side], of the rows from `top` on."""
    y, x = np.mgrid[top : min(top + BLOCK, side), 0:side]
    classes = ((x // 97 + y // 61) % 5).astype(np.uint8)
    noise = np.random.default_rng(top).integers(0, 32, classes.shape, dtype=np.uint8)
    return np.stack(
        [classes * 40 + noise, (x // 512 % 200).astype(np.uint8), (y // 512 % 200).astype(np.uint8)]
    ), classes


def write_source(folder: Path, side: int) -> None:
    """Writes a dataset of one orthophoto of side x side pixels, and a small one for val."""
    import rasterio

    transform = rasterio.Affine(0.1, 0, 500_000, 0, -0.1, 5_000_000)
    options = {"driver": "GTiff", "dtype": "uint8", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
    options |= {"compress": "deflate", "zlevel": 1, "crs": "EPSG:25832", "transform": transform, "bigtiff": "if_safer"}
    for split, length in (("train", side), ("val", 2048)):
        image = rasterio.open(folder / f"{split}.tif", "w", height=length, width=length, count=3, **options)
        mask = rasterio.open(folder / f"{split}_mask.tif", "w", height=length, width=length, count=1, **options)
        with image, mask:
            for top in range(0, length, BLOCK):
                levels, classes = rows_of(length, top)
                window = ((top, top + classes.shape[0]), (0, length))
                image.write(levels, window=window)
                mask.write(classes[None], window=window)
        (folder / f"{split}.txt").write_text(f"{split}.tif;{split}_mask.tif\n")
    (folder / "classes.csv").write_text("name,value\n" + "".join(f"class_{n},{n}\n" for n in range(5)))


def build(src: Path, out: Path, workers: int) -> dict[str, object]:
    """Builds tiles; returns what `build --json` prints, and the peak of the largest process, in MB."""
    options = ["--fit", "tile", "--size", "512", "--overlap", "64", "-j", str(workers), "--json"]
    command = [*COMMAND, "-q", "build", "--src", str(src), "--out", str(out), *options]
    start = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(done.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    return {"seconds": round(time.monotonic() - start, 1), "peak_mb": round(peak), **facts}


def stitched_rows(path: Path, side: int) -> Iterator[bool]:
    """Yields of each block of rows whether the stitched mask has the classes that were drawn."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as picture:
        mask = np.asarray(picture)
    for top in range(0, side, BLOCK):
        yield bool((mask[top : top + BLOCK] == rows_of(side, top)[1]).all())


def main() -> None:
    """Prints one JSON object."""
    import rasterio

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=30_000, help="of the orthophoto, in pixels")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="to work in; default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        src, out, side = Path(name) / "source", Path(name) / "records", options.side
        src.mkdir()
        write_source(src, side)
        size = (src / "train.tif").stat().st_size
        first = build(src, out, options.workers)
        stitched = [*COMMAND, "-q", "inspect", str(out), "--stitch", "train.tif", str(Path(name) / "mask.png")]
        subprocess.run(stitched, check=True, capture_output=True)
        equal = all(stitched_rows(Path(name) / "mask.png", side))
        with rasterio.open(src / "train_mask.tif", "r+") as mask:
            mask.write(np.full((1, BLOCK, BLOCK), 4, np.uint8), window=((0, BLOCK), (0, BLOCK)))
        again = build(src, out, options.workers)
    print(
        json.dumps(
            {
                "side": side,
                "image_mb": round(size / 1e6),
                "tiles": first["splits"]["train"]["records"],
                "shards": first["splits"]["train"]["shards"],
                "seconds": first["seconds"],
                "peak_mb_of_a_process": first["peak_mb"],
                "stitched_equals": equal,
                "shards_made_again": again["shards_built"],
                "seconds_again": again["seconds"],
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
