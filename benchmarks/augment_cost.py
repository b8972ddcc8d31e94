"""Cost of augmentation and one-hot on the device, compared with a training step.

    python benchmarks/augment_cost.py

All run in turn in this process, each compiled as in training. The medians of the rounds are shown for CPU time (user +
system) and wall time. The step is one of resnet50_segnet at 256x256 with a batch of 4: forward, backward and Adam, on a
batch that is already augmented and one-hot.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from converter.schema import IGNORE_INDEX
from trainer.backend import Tensor, keras, tf
from trainer.choices.augments import AUGMENTS
from trainer.learning.augment import build_augment
from trainer.models.build import build_model

BATCH, SIZE, CLASSES = 4, (256, 256), 12
ROUNDS = 9
GOAL = 0.03  # of a step, for "strong"


def training_step(image: Tensor, target: Tensor) -> Callable[[], object]:
    """Returns a function that runs one step and waits for its end."""
    net = build_model("resnet50_segnet", SIZE, CLASSES)
    net.compile(keras.optimizers.Adam(), keras.losses.CategoricalCrossentropy(from_logits=True))
    return lambda: net.train_on_batch(image, target)


def preparation(preset: str | None, image: Tensor, mask: Tensor) -> Callable[[], object]:
    """Returns a function that augments a batch, if a preset is given, and one-hot encodes its mask."""
    augment = build_augment(AUGMENTS[preset], seed=0) if preset else None

    @tf.function
    def prepare() -> tuple[Tensor, Tensor]:
        moved = augment(image, mask) if augment else (keras.ops.cast(image, "float32"), mask)
        return moved[0], one_hot(moved[1])

    return lambda: [tensor.numpy() for tensor in prepare()]


def one_hot(mask: Tensor) -> Tensor:
    """Returns float32 [B, H, W, CLASSES]; an ignored pixel counts as the last class."""
    return keras.ops.one_hot(keras.ops.minimum(mask, CLASSES - 1), CLASSES, dtype="float32")


def cost(function: Callable[[], object]) -> tuple[float, float]:
    """Returns (CPU seconds, wall seconds) of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Prints the figures."""
    rng = np.random.default_rng(0)
    image = tf.constant(rng.integers(0, 256, (BATCH, *SIZE, 3), np.uint8))
    mask = tf.constant(rng.choice(np.array([*range(CLASSES), IGNORE_INDEX], np.uint8), (BATCH, *SIZE)))
    parts = {
        "training step": training_step(keras.ops.cast(image, "float32"), one_hot(mask)),
        "one-hot alone": preparation(None, image, mask),
        "light + one-hot": preparation("light", image, mask),
        "nadir + one-hot": preparation("nadir", image, mask),
        "strong + one-hot": preparation("strong", image, mask),
    }
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in parts}
    for number in range(-1, ROUNDS):
        for name, part in parts.items():
            measured = cost(part)
            if number >= 0:  # round -1 compiles
                costs[name].append(measured)
    medians = {name: [statistics.median(kind) for kind in zip(*rounds, strict=True)] for name, rounds in costs.items()}
    step_cpu, step_wall = medians["training step"]
    print(f"{'':17} {'CPU':>7} {'of step':>8} {'wall':>8} {'of step':>8}")
    for name, (cpu, wall) in medians.items():
        print(f"{name:17} {cpu * 1e3:4.0f} ms {cpu / step_cpu:8.1%} {wall * 1e3:5.0f} ms {wall / step_wall:8.1%}")
    share = medians["strong + one-hot"][0] / step_cpu
    print(f"strong costs {share:.1%} of a step; the goal is {GOAL:.0%}: {'pass' if share <= GOAL else 'fail'}")


if __name__ == "__main__":
    main()
