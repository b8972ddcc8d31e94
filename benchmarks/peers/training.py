"""Training: the batch that all programs of `step_cost.py` train on; needs only NumPy, and Pillow for epochs.py."""

from __future__ import annotations

import numpy as np
from epochs import BATCH

SIZE, CLASSES = (128, 160), 12
STEPS = 20  # per epoch


def random_batch() -> tuple[np.ndarray, np.ndarray]:
    """Returns images, uint8 [B, H, W, 3], and masks, uint8 [B, H, W], at random."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (BATCH, *SIZE, 3), dtype=np.uint8)
    return image, rng.integers(0, CLASSES, (BATCH, *SIZE), dtype=np.uint8)
