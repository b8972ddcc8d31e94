"""Memory that predict takes for a large photograph, beyond what it takes for a small one with the same model.

    python benchmarks/predict_memory.py --side 10000
    python benchmarks/predict_memory.py --side 10000 20000 30000 --tiff

Each photograph is predicted by a process of its own, by a model of 12 classes that does next to nothing, in windows of
512x512; the difference of the peaks is printed. A JPEG is decoded as a whole; with --tiff, photographs are orthophotos
in blocks of 256x256, read and written by windows, and all files are saved that can be. That needs segconv[geo], and for
30000x30000 some 8 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

WINDOW, CLASSES = 512, 12

MEASURED = """
import resource, sys
from pathlib import Path
from trainer.prediction.options import PredictConfig
from trainer.prediction.predict import predict

run, photo, out, save, most = sys.argv[1:]
predict(PredictConfig(Path(run), (photo,), Path(out), save=tuple(save.split(",")), batch=4, max_pixels=int(most)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
SAVED_BY_WINDOWS = "index,color,overlay,confidence,geotiff"


def write_run(folder: Path) -> Path:
    """Writes a run folder with a model of one convolution, trained on windows of records that keep their sizes."""
    from converter.dataset.manifest import ClassInfo, Manifest
    from trainer.backend import keras
    from trainer.config import TrainConfig
    from trainer.run.runs import create_run

    classes = tuple(ClassInfo(n, f"class {n}", (20 * n, 0, 0), (str(n),)) for n in range(CLASSES))
    config = TrainConfig(data=folder, runs=folder / "runs", model="unet_small", crop=f"{WINDOW}x{WINDOW}")
    run = create_run(config, Manifest("large", None, "pad", classes, {}))
    image = keras.Input((WINDOW, WINDOW, 3))
    keras.Model(image, keras.layers.Conv2D(CLASSES, 1)(image)).save(run / "best.keras")
    return run


def write_jpeg(path: Path, side: int) -> None:
    """Writes a photograph of side x side pixels."""
    ramp = (np.arange(side) // 7 % 256).astype(np.uint8)
    pixels = np.broadcast_to(ramp[:, None, None], (side, side, 3))
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)


def write_tiff(path: Path, side: int) -> None:
    """Writes an orthophoto of side x side pixels, some rows at a time, with a corner that has no data."""
    import rasterio

    options = {"driver": "GTiff", "dtype": "uint8", "tiled": True, "blockxsize": 256, "blockysize": 256, "nodata": 0}
    options |= {"compress": "deflate", "zlevel": 1, "crs": "EPSG:25832", "bigtiff": "if_safer", "count": 3}
    options["transform"] = rasterio.Affine(0.1, 0, 500_000, 0, -0.1, 5_000_000)
    with rasterio.open(path, "w", height=side, width=side, **options) as file:
        for top in range(0, side, 256):
            y, x = np.mgrid[top : min(top + 256, side), 0:side]
            noise = np.random.default_rng(top).integers(1, 32, y.shape, dtype=np.uint8)
            red, green = ((x // 97 % 7 * 30).astype(np.uint8), (y // 61 % 200 + 1).astype(np.uint8))
            levels = np.stack([red + noise, green, noise])
            levels[:, (x < 200) & (y < 200)] = 0
            file.write(levels, window=((top, top + len(y)), (0, side)))


def measured(run: Path, photo: Path, out: Path, *, by_windows: bool) -> tuple[int, float]:
    """Returns the peak of the resident memory of a process that predicts one photograph, in bytes, and its seconds."""
    save, most = (SAVED_BY_WINDOWS, 1) if by_windows else ("index", 10**9)
    command = [sys.executable, "-c", MEASURED, str(run), str(photo), str(out), save, str(most)]
    start = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]), time.monotonic() - start


def main() -> None:
    """Prints one JSON object for each side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, nargs="+", default=[10_000], help="of large photographs, in pixels")
    parser.add_argument("--tiff", action="store_true", help="orthophotos that are read by windows")
    parser.add_argument("--folder", type=Path, help="to work in; default: a temporary one")
    options = parser.parse_args()
    write, suffix = (write_tiff, "tif") if options.tiff else (write_jpeg, "jpg")
    small = None
    for side in (WINDOW, *options.side):
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            write(folder / f"photo.{suffix}", side)
            photo, run = folder / f"photo.{suffix}", write_run(folder)
            peak, seconds = measured(run, photo, folder / "out", by_windows=options.tiff)
        if small is None:
            small = peak
            continue
        facts = {"side": side, "small": small, "large": peak, "seconds": round(seconds)}
        print(json.dumps({**facts, "beyond_the_model_gb": round((peak - small) / 1e9, 2)}), flush=True)


if __name__ == "__main__":
    main()
