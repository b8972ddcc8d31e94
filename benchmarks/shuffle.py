"""How random the order of `segconv train --shuffle shards` is, beside that of `--shuffle full`.

    python benchmarks/shuffle.py [--records 100000] [--shards 64] [--batch 64]

No record is read. For one process and for eight that train together:

    moved    how far a record moves from one epoch to the next, as a share of the epoch; 1/3 if the order is random
    again    the probability that two records of a batch share a batch in the next epoch, as a multiple of that of a
             random order
    shards   from how many shards the records of a batch are
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

from converter.dataset.manifest import ClassInfo, Manifest, ShardInfo, SplitInfo
from trainer.devices import Share
from trainer.input.batches import epoch_order
from trainer.input.reading import InputConfig

EPOCHS = 3
CLASSES = (ClassInfo(0, "a", (0, 0, 0)), ClassInfo(1, "b", (1, 1, 1)))


def batches_of(manifest: Manifest, batch: int, workers: int, *, own: bool, epoch: int) -> np.ndarray:
    """Returns the numbers of the records in each batch of an epoch, over all workers, int64 [batches, batch]."""
    parts = []
    for worker in range(workers):
        share = Share(worker, workers, workers, has_own_shards=own)
        config = InputConfig(manifest, Path(), "train", batch, share=share)
        parts.append(np.array(epoch_order(config, seed=0, epoch=epoch)).reshape(-1, batch // workers))
    return np.concatenate(parts, axis=1)


def measure(epochs: list[np.ndarray], records: int, per_shard: int) -> tuple[float, float, float]:
    """Returns (moved, again, shards), each a mean over the epochs."""
    moved, again = [], []
    size = epochs[0].shape[1]
    for before, after in itertools.pairwise(epochs):
        place = np.full((2, records), -1)
        for row, order in zip(place, (before, after), strict=True):
            row[order.ravel()] = np.arange(order.size)
        both = (place >= 0).all(axis=0)
        moved.append(np.abs(place[0] - place[1])[both].mean() / before.size)
        batch_after = place[1, before] // size  # of each record, [batches, batch]; of those left out, none
        batch_after[place[1, before] < 0] = -1
        pairs = 0
        for numbers in batch_after:
            _, counts = np.unique(numbers[numbers >= 0], return_counts=True)
            pairs += int((counts * (counts - 1) // 2).sum())
        again.append(pairs / (before.shape[0] * size * (size - 1) / 2 * (size - 1) / (records - 1)))
    shards = np.mean([len(np.unique(batch // per_shard)) for order in epochs for batch in order])
    return float(np.mean(moved)), float(np.mean(again)), float(shards)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    chosen = parser.parse_args()
    per_shard = chosen.records // chosen.shards
    shards = tuple(ShardInfo(f"shard{number}", per_shard, 0, "") for number in range(chosen.shards))
    split = SplitInfo(shards, 0, (1, 1), (1, 1), 0)
    manifest = Manifest("numbers", (8, 8), "pad", CLASSES, {"train": split})
    print(f"{'order':<10}{'workers':>8}{'moved':>8}{'again':>8}{'shards':>8}")
    for own, workers in ((False, 1), (True, 1), (True, 8)):
        epochs = [batches_of(manifest, chosen.batch, workers, own=own, epoch=epoch) for epoch in range(EPOCHS)]
        figures = "".join(f"{value:>8.2f}" for value in measure(epochs, per_shard * chosen.shards, per_shard))
        print(f"{'shards' if own else 'full':<10}{workers:>8}{figures}", flush=True)


if __name__ == "__main__":
    main()
