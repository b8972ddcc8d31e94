"""Wall time of `segconv predict` beside a bare loop of the same model over images that lie decoded in memory.

    python benchmarks/predict_cost.py [--photos 96] [--rounds 6]

unet_small for 12 classes, photographs of 512x512 as JPEG, batches of 4. predict reads, decodes, predicts, restores,
encodes and writes; the bare loop calls the compiled model and takes the class of each pixel. Start-up and compilation
count in neither: the time is that of --photos more photographs. Both run in turn, and the minimum of the rounds counts.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from predict_memory import CLASSES, WINDOW

BATCH, FEW = 4, 16
GOAL = 1.10


def write_run(folder: Path) -> Path:
    """Writes a run folder with unet_small, untrained."""
    from converter.dataset.manifest import ClassInfo, Manifest
    from trainer.config import TrainConfig
    from trainer.models.build import build_model
    from trainer.run.runs import create_run

    classes = tuple(ClassInfo(n, f"class {n}", (20 * n, 0, 0), (str(n),)) for n in range(CLASSES))
    config = TrainConfig(data=folder, runs=folder / "runs", model="unet_small")
    run = create_run(config, Manifest("photos", (WINDOW, WINDOW), "pad", classes, {}))
    build_model("unet_small", (WINDOW, WINDOW), CLASSES).save(run / "best.keras")
    return run


def photographs(folder: Path, count: int) -> np.ndarray:
    """Writes photographs and returns their pixels, uint8 [count, WINDOW, WINDOW, 3]."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    pixels = []
    for number in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8))
        photograph = coarse.resize((WINDOW, WINDOW), Image.Resampling.BICUBIC)
        photograph.save(folder / f"{number:04d}.jpg", quality=90)
        pixels.append(np.asarray(photograph))
    return np.stack(pixels)


def predict_seconds(run: Path, folder: Path, out: Path) -> float:
    """Returns the time of `segconv predict` of a folder."""
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    start = time.monotonic()
    predict(PredictConfig(run, (str(folder),), out, batch=BATCH))
    seconds = time.monotonic() - start
    shutil.rmtree(out)
    return seconds


def main() -> None:
    """Prints both times and their ratio."""
    from trainer.backend import keras
    from trainer.learning.step import ClassMaps

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        run = write_run(work)
        photographs(work / "few", FEW)
        pixels = photographs(work / "many", FEW + options.photos)
        maps = ClassMaps(keras.saving.load_model(run / "best.keras", compile=False))
        maps.predict_on_batch(pixels[:BATCH])
        ours, bare = [], []
        for _ in range(options.rounds):
            few = predict_seconds(run, work / "few", work / "out")
            ours.append(predict_seconds(run, work / "many", work / "out") - few)
            start = time.monotonic()
            for first in range(FEW, len(pixels), BATCH):
                maps.predict_on_batch(pixels[first : first + BATCH])
            bare.append(time.monotonic() - start)
    ratio = min(ours) / min(bare)
    print(f"segconv predict, {options.photos} photographs  {min(ours):7.2f} s")
    print(f"bare loop of the model         {min(bare):7.2f} s")
    print(f"ratio {ratio:.3f}, goal {GOAL:.2f}: {'pass' if ratio <= GOAL else 'fail'}")


if __name__ == "__main__":
    main()
