"""Memory that predict takes for a large photograph, beyond what it takes for a small one with the same model.

    python benchmarks/predict_memory.py --side 10000

Each photograph is predicted by a process of its own, by a model of 12 classes that does next to nothing, in windows of
512x512; the difference of the peaks is printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WINDOW, CLASSES = 512, 12

MEASURED = """
import resource, sys
from pathlib import Path
from trainer.prediction.options import PredictConfig
from trainer.prediction.predict import predict

run, photo, out = sys.argv[1:]
predict(PredictConfig(Path(run), (photo,), Path(out), batch=4, max_pixels=10**9))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


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


def peak_bytes(run: Path, photo: Path, out: Path) -> int:
    """Returns the peak of the resident memory of a process that predicts one photograph."""
    command = [sys.executable, "-c", MEASURED, str(run), str(photo), str(out)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=10_000, help="of the large photograph, in pixels")
    side = parser.parse_args().side
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = write_run(folder)
        peaks = {}
        for label, length in (("small", WINDOW), ("large", side)):
            ramp = (np.arange(length) // 7 % 256).astype(np.uint8)
            pixels = np.broadcast_to(ramp[:, None, None], (length, length, 3))
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{label}.jpg")
            peaks[label] = peak_bytes(run, folder / f"{label}.jpg", folder / label)
    beyond = peaks["large"] - peaks["small"]
    print(json.dumps({"side": side, **peaks, "beyond_the_model_gb": round(beyond / 1e9, 2)}))


if __name__ == "__main__":
    main()
