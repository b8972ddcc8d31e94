"""Speed of prediction with Keras and with ONNX Runtime, in turn, on the same photographs.

    python benchmarks/predict_runtimes.py --models unet_small encoder_unet --rounds 7

Each model is built for 512x512 with random weights and 12 classes, saved as a run and written as ONNX. Every round
predicts the same photographs with each of them, from files to class maps. Printed as JSON are the images/s and the
CPU time of each, and the medians over the rounds of how many times as fast ONNX Runtime is, by the clock and by CPU
time, which other work on the machine affects less; above 1 it is faster.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, CLASSES = 512, 12


def write_models(folder: Path, name: str) -> tuple[Path, Path]:
    """Writes a run folder and an ONNX file of one model, and returns both paths."""
    from converter.dataset.manifest import ClassInfo, Manifest
    from trainer.config import TrainConfig
    from trainer.exporting.facts import facts_of
    from trainer.exporting.onnx_file import write_onnx
    from trainer.exporting.serving import Served
    from trainer.models.build import build_model
    from trainer.run.info import read_run
    from trainer.run.runs import create_run

    classes = tuple(ClassInfo(n, f"class {n}", (20 * n, 0, 0), (str(n),)) for n in range(CLASSES))
    config = TrainConfig(data=folder, runs=folder / "runs", model=name)
    run = create_run(config, Manifest("speed", (SIDE, SIDE), "pad", classes, {}))
    net = build_model(name, (SIDE, SIDE), CLASSES)
    net.save(run / "best.keras")
    facts = facts_of(run, read_run(run), {"format": "onnx", "free_size": False}, ["class_map", "logits"])
    write_onnx(Served(net, (SIDE, SIDE), facts), run / "model.onnx")
    return run, run / "model.onnx"


def photographs(count: int) -> list[bytes]:
    """Returns JPEG files of soft noise."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
        buffer = io.BytesIO()
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


def seconds_of(predictor: Any, files: list[bytes]) -> tuple[float, float]:
    """Returns the seconds from files to class maps, and those of the CPU."""
    from converter.pixels.images import open_image

    start = time.perf_counter(), time.process_time()
    looks = ((number, predictor.look(open_image(data, "photo.jpg"))) for number, data in enumerate(files))
    assert len(list(predictor.class_maps(looks))) == len(files)  # noqa: S101
    return time.perf_counter() - start[0], time.process_time() - start[1]


def measured(folder: Path, name: str, batch: int, rounds: int) -> dict[str, Any]:
    """Returns images/s and CPU milliseconds of an image with each, and the medians of the ratios."""
    from trainer.prediction.predictor import Predictor

    run, exported = write_models(folder, name)
    predictors = {"keras": Predictor(run, batch=batch), "onnx": Predictor(exported, batch=batch)}
    files = photographs(2 * batch)
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in predictors}
    for number in range(rounds + 1):
        for kind in sorted(predictors, reverse=number % 2 == 1):
            times[kind].append(seconds_of(predictors[kind], files))
    wall, cpu = ({kind: [both[at] for both in found[1:]] for kind, found in times.items()} for at in (0, 1))
    return {  # without the first round, which compiles
        "images_per_s": {kind: round(len(files) / statistics.median(found), 2) for kind, found in wall.items()},
        "cpu_ms": {kind: round(1000 * statistics.median(found) / len(files), 1) for kind, found in cpu.items()},
        "times_as_fast": _ratio(wall),
        "times_as_fast_by_cpu": _ratio(cpu),
    }


def _ratio(seconds: dict[str, list[float]]) -> float:
    return round(statistics.median(k / o for k, o in zip(seconds["keras"], seconds["onnx"], strict=True)), 3)


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["unet_small", "encoder_unet"])
    parser.add_argument("--batch", type=int, default=4, help="photographs per step")
    parser.add_argument("--rounds", type=int, default=7)
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {
            name: measured(Path(folder) / name.replace(":", "-"), name, choices.batch, choices.rounds)
            for name in choices.models
        }
    print(json.dumps({"size": [SIDE, SIDE], "classes": CLASSES, "batch": choices.batch, "models": found}))


if __name__ == "__main__":
    main()
