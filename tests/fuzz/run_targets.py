"""Targets that read what an evaluation has left in a run folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from trainer.evaluation.files import (
    CONFUSION,
    COUNTS,
    EVALUATION,
    EXAMPLES,
    ClassScores,
    Scored,
    read_confusion,
    read_counts,
    read_examples,
    read_scored,
)

SCORED = Scored(
    "val", "val", 1, "stored", 0.5, 0.5, 0.5, (ClassScores("a", 0.5, 0.5, 0.5, 0.5, 7), ClassScores("b", 0, 0, 0, 0, 3))
)
CLASSES = [
    {"name": name, "pixels": pixels} | dict.fromkeys(("iou", "precision", "recall", "f1"), 0.5)
    for name, pixels in (("a", 7), ("b", 3))
]
RAW = {
    "split": "val",
    "records": 1,
    "at": "stored",
    "miou": 0.5,
    "fwiou": 0.25,
    "pixel_accuracy": None,
    "classes": CLASSES,
}
EXAMPLE = {"kind": "worst", "file": "a.png", "miou": 0.5, "iou": {"a": 1}, "size": [3, 4]}
CELLS = dict.fromkeys(("image", "truth", "prediction", "errors"), "/9j/4AAQ")


def evaluation(folder: Path, data: bytes) -> None:
    """Reads one of the four files, by the first byte."""
    which, text = data[:1], data[1:]
    kinds: dict[bytes, tuple[str, Callable[[], object]]] = {
        b"0": (EVALUATION, lambda: read_scored(folder, "val")),
        b"1": (COUNTS, lambda: read_counts(folder, SCORED)),
        b"2": (CONFUSION, lambda: read_confusion(folder, SCORED)),
    }
    name, read = kinds.get(which, (EXAMPLES, lambda: read_examples(folder, SCORED)))
    (folder / name.format("val")).write_bytes(text)
    read()


def evaluation_seeds() -> list[bytes]:
    """Returns each of the four files, whole."""
    scored = RAW | {"miou_interval": [0.4, 0.6], "seal": "ab", "model": "cd"}
    scored |= {"calibration": {"ece": 0.1, "bins": [{"confidence": 0.9, "accuracy": 0.8, "pixels": 10}]}}
    texts = [json.dumps(scored), "file,correct:a,correct:b,true:a,true:b,predicted:a,predicted:b\nx.png,5,2,7,3,6,4\n"]
    texts += ["truth,a,b\na,6,1\nb,0,3\n", json.dumps({"examples": [EXAMPLE | CELLS]})]
    return [str(number).encode() + text.encode() for number, text in enumerate(texts)]
