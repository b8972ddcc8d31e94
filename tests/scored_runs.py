"""Run folders with the files of training and of an evaluation, written by hand: no model and no TensorFlow."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from converter.dataset.manifest import ClassInfo, Manifest, ShardInfo, SplitInfo
from converter.schema import shard_name
from trainer.config import TrainConfig
from trainer.run.info import read_run
from trainer.run.runs import BEST, METRICS, create_run

NAMES = ("road", "tree", "sign")
COLORS = ((128, 64, 128), (0, 128, 0), (220, 220, 0))
METRICS_HEAD = "epoch,loss,pixel_accuracy,miou,val_loss,val_pixel_accuracy,val_miou,learning_rate,input_wait,seconds"


def manifest_of(names: tuple[str, ...] = NAMES, dataset: str = "town") -> Manifest:
    classes = tuple(ClassInfo(n, name, COLORS[n % 3], (str(n),)) for n, name in enumerate(names))
    count = len(names)
    splits = {
        split: SplitInfo(
            shards=(ShardInfo(shard_name(dataset, split, 0, 1), 1, 100, "0" * 64),),
            example_bytes=84,
            pixels=(1,) * count,
            images=(1,) * count,
            ignored_pixels=0,
        )
        for split in ("train", "val")
    }
    return Manifest(dataset, (32, 48), "pad", classes, splits)


def counts_of(seed: int, images: int = 8, classes: int = len(NAMES), right: float = 0.7) -> np.ndarray:
    """Returns counts, int64 [images, 3, classes], of random confusion matrices with that share on the diagonal."""
    rng = np.random.default_rng(seed)
    matrices = rng.integers(0, 100, (images, classes, classes))
    diagonal = rng.integers(int(200 * right), int(400 * right), (images, classes))
    matrices[:, np.arange(classes), np.arange(classes)] = diagonal
    return np.stack([diagonal, matrices.sum(axis=2), matrices.sum(axis=1)], axis=1)


def matrix_of(counts: np.ndarray) -> np.ndarray:
    """Returns a confusion matrix that has these counts in all; of two classes more than one are possible."""
    right, true, predicted = counts.sum(axis=0)
    matrix = np.diag(right)
    missed, wrong = true - right, predicted - right
    for row in range(len(right)):
        for column in range(len(right)):
            moved = min(missed[row], wrong[column])
            matrix[row, column] += moved
            missed[row] -= moved
            wrong[column] -= moved
    return matrix


def write_run(
    root: Path, *, names: tuple[str, ...] = NAMES, model: bytes = b"model", dataset: str = "town", **options: Any
) -> Path:
    """Writes a run of three epochs, of which the second is the best, with a file in the place of a model."""
    config = TrainConfig(data=root / "records", runs=root / "runs", model="unet_small", epochs=3, **options)
    run = create_run(config, manifest_of(names, dataset))
    heads = "".join(f",val_iou_{name}" for name in names)
    rows = [(1, 1.5, 0.5, 0.2, 1.4, 0.55, 0.25), (2, 1.0, 0.7, 0.5, 1.1, 0.65, 0.45), (3, 0.8, 0.8, 0.6, 1.2, 0.6, 0.4)]
    lines = [",".join(map(str, (*row, 0.001, 0.02, 12.5, *(row[-1],) * len(names)))) for row in rows]
    (run / METRICS).write_text(METRICS_HEAD + heads + "\n" + "\n".join(lines) + "\n")
    (run / "log.txt").write_text(
        "2026-11-29T18:04:44 Devices: 2 x NVIDIA H100, bfloat16\n"
        "2026-11-29T18:05:00 Warning: records was built with --fit crop.\n"
    )
    (run / BEST).write_bytes(model)
    return run


def write_evaluation(run: Path, counts: np.ndarray, label: str = "val", **changes: Any) -> None:
    """Writes the files of an evaluation with these counts; `changes` replace keys of its JSON object."""
    info = read_run(run)
    names = info.classes
    right, true, predicted = counts.sum(axis=0)
    iou = right / (true + predicted - right)
    rows = [
        {
            "id": n,
            "name": name,
            "iou": iou[n],
            "precision": right[n] / predicted[n],
            "recall": right[n] / true[n],
            "f1": 2 * right[n] / (true[n] + predicted[n]),
            "pixels": int(true[n]),
            "iou_interval": [iou[n] * 0.9, min(1, iou[n] * 1.1)],
        }
        for n, name in enumerate(names)
    ]
    found = {
        "run": str(run),
        "data": str(info.config.data),
        "split": "val",
        "records": len(counts),
        "at": "stored",
        "miou": float(iou.mean()),
        "fwiou": float((iou * true).sum() / true.sum()),
        "pixel_accuracy": float(right.sum() / true.sum()),
        "classes": rows,
        "miou_interval": [float(iou.mean() * 0.9), float(iou.mean() * 1.1)],
        "pixel_accuracy_interval": [0.5, 0.9],
        "seal": info.records,
        "model": hashlib.sha256((run / BEST).read_bytes()).hexdigest(),
    } | changes
    (run / f"evaluation-{label}.json").write_text(json.dumps(found))
    head = ["file", *(f"{part}:{name}" for part in ("correct", "true", "predicted") for name in names)]
    lines = [[f"{n}.png", *row.ravel().tolist()] for n, row in enumerate(counts)]
    write_csv(run / f"counts-{label}.csv", [head, *lines])
    matrix = matrix_of(counts)
    table = [["truth", *names], *([name, *row] for name, row in zip(names, matrix.tolist(), strict=True))]
    write_csv(run / f"confusion-{label}.csv", table)
    (run / f"examples-{label}.json").write_text(json.dumps({"examples": [example(names, kind) for kind in KINDS]}))


KINDS = ("worst", "median", "best")


def example(names: tuple[str, ...], kind: str) -> dict[str, Any]:
    """Returns an example as in examples-SPLIT.json."""
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (90, 90, 90)).save(buffer, "JPEG")
    jpeg = base64.b64encode(buffer.getvalue()).decode()
    cells = dict.fromkeys(("image", "truth", "prediction", "errors"), jpeg)
    iou = {names[0]: 0.9, names[1]: 0.25}
    return {
        "kind": kind,
        "file": f"{kind}.png",
        "miou": 0.5,
        "pixel_accuracy": 0.8,
        "iou": iou,
        "size": [32, 48],
    } | cells


def write_csv(path: Path, rows: list[list[Any]]) -> None:
    """Writes a CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
