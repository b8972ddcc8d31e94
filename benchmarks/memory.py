"""Memory and CPU time of a training step of every model; `segconv train --dry-run`'s estimate against the peak.

    python benchmarks/memory.py

Each model is built and trained for some steps with the default recipe, and validated for one, in a process of its own
on the CPU. Its peak is the resident memory that the kernel reports, less what the process had reached after TensorFlow
ran a first, tiny model. The time of a step is the CPU time of all threads, the least of some, as a multiple of that of
the first model. Models of keras-hub are measured where it is installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

CASES = (  # model, height, width, batch, classes; for windows, height and width of the records
    ("unet_small", 256, 256, 4, 12),
    ("mobilenetv3_unet", 256, 256, 4, 12),
    ("encoder_unet", 256, 256, 4, 12),
    ("resnet50_segnet", 256, 256, 4, 12),
    ("deeplabv3plus", 256, 256, 4, 12),
    ("segnet", 256, 256, 4, 12),
    ("unet", 256, 256, 4, 12),
    ("fcn8s", 256, 256, 4, 12),
    ("segformer_b0", 256, 256, 4, 12),
    ("segformer_b2", 256, 256, 4, 12),
    ("segformer_b5", 256, 256, 4, 12),
    ("unet_small", 128, 160, 8, 21),
    ("encoder_unet", 128, 160, 8, 12),
    ("unet_small", 128, 128, 4, 4, 600, 800),
    ("unet_small", 256, 256, 2, 12, 1000, 1500),
)
TIMED_STEPS = 4
GOAL = 0.2  # largest difference, as a share of the measured peak


def peak_bytes() -> int:
    """Returns the largest resident memory of this process so far, on Linux; getrusage includes that of its parent."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def measure(model: str, height: int, width: int, batch: int, num_classes: int, *records: int) -> tuple[int, int, float]:
    """Returns the estimated and the measured peak, in bytes, and the CPU seconds of a step, in a new process."""
    import numpy as np

    from trainer.backend import keras, tf
    from trainer.config import of_recipe
    from trainer.learning.augment import build_augment
    from trainer.learning.footprint import memory_parts, sliding_bytes
    from trainer.learning.losses import build_loss
    from trainer.learning.optimizers import build_optimizer
    from trainer.learning.step import SegTrainer, StepOptions
    from trainer.models import MODELS
    from trainer.models.build import build_model

    first = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    first.compile("sgd", "mse")
    first.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 6, 6, 2)), verbose=0)
    before = peak_bytes()
    config, size, rng = of_recipe("default"), (height, width), np.random.default_rng(0)
    net = build_model(model, size, num_classes)
    loss = build_loss(
        config.loss,
        num_classes,
        class_weights=np.linspace(1, 2, num_classes),
        logit_adjustment=config.logit_adjustment,
    )
    options = StepOptions(aux_loss=config.aux_loss if MODELS[model].has_levels else 0.0)
    window, whole = (size, records) if records else (None, size)
    trainer = SegTrainer(net, num_classes, loss, build_augment(config.strengths, 0, window), options=options)
    trainer.compile(build_optimizer(config, 10), jit_compile="auto")
    trainer.optimizer.build(trainer.trainable_variables)
    image = rng.integers(0, 256, (batch, *whole, 3), dtype=np.uint8)
    mask = rng.integers(0, num_classes, (batch, *whole), dtype=np.uint8)
    batches = tf.data.Dataset.from_tensors(({"image": image, "mask": mask},)).repeat()
    val_batch = 1 if records else batch
    val = tf.data.Dataset.from_tensors(({"image": image[:val_batch], "mask": mask[:val_batch]},)).repeat()
    trainer.fit(batches, steps_per_epoch=2, validation_data=val, validation_steps=1, verbose=0, shuffle=False)
    measured = peak_bytes() - before
    seconds = []
    for _ in range(TIMED_STEPS):
        start = time.process_time()
        trainer.fit(batches, steps_per_epoch=1, verbose=0, shuffle=False)
        seconds.append(time.process_time() - start)
    parts = memory_parts(trainer, size, batch, config.loss, records or None)
    sliding = parts["weights"] + sliding_bytes(num_classes, records, val_batch) if records else 0
    return max(sum(parts.values()), sliding), measured, min(seconds)


def main() -> None:
    """Prints the table; exits with 1 where an estimate is further off than the goal."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:]))))
        return
    print(f"{'model':<18}{'size':>9}{'batch':>6}{'classes':>8}{'estimate':>11}{'measured':>11}{'off by':>8}{'step':>7}")
    worst, first_seconds = 0.0, 0.0
    has_hub = find_spec("keras_hub") is not None
    for model, height, width, batch, num_classes, *records in CASES:
        if model.startswith("segformer") and not has_hub:
            continue
        command = [sys.executable, __file__, model, *map(str, (height, width, batch, num_classes, *records))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        estimate, measured, seconds = json.loads(done.stdout.splitlines()[-1])
        first_seconds = first_seconds or seconds
        off = estimate / measured - 1
        worst = max(worst, abs(off))
        figures = (
            f"{estimate / 1e6:>8,.0f} MB{measured / 1e6:>8,.0f} MB{100 * off:>+7.0f}%{seconds / first_seconds:>7.2f}"
        )
        print(f"{model:<18}{f'{height}x{width}':>9}{batch:>6}{num_classes:>8}{figures}")
    sys.exit(worst > GOAL)


if __name__ == "__main__":
    main()
