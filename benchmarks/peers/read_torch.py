"""Reads the source folder with torch's DataLoader, in one process: the step of peers/step.py without encoding.

The variants "cached" and "cached by one thread" keep the decoded pairs in memory from the first epoch on; the second
stacks its batches without torch's own threads.
"""

from __future__ import annotations

import torch
from epochs import BATCH, read, read_reading
from step import Pair, plain_pixels, read_classes, read_pairs
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    """Pairs of a folder, by number."""

    def __init__(self, pairs: list[Pair], size: tuple[int, int], classes: object, *, is_cached: bool) -> None:
        self.pairs, self.size, self.classes = pairs, size, classes
        self.cache: dict[int, tuple[torch.Tensor, torch.Tensor]] | None = {} if is_cached else None

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        if self.cache is not None and number in self.cache:
            return self.cache[number]
        image, mask = plain_pixels(self.pairs[number], self.size, self.classes)
        pair = torch.from_numpy(image.copy()), torch.from_numpy(mask.copy())
        if self.cache is not None:
            self.cache[number] = pair
        return pair


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    if reading.variant == "cached by one thread":
        torch.set_num_threads(1)
    pairs = Pairs(
        read_pairs(reading.source), reading.size, read_classes(reading.source), is_cached=bool(reading.variant)
    )
    loader = DataLoader(pairs, batch_size=BATCH, shuffle=True, generator=torch.Generator().manual_seed(0))
    read(lambda _: loader, reading)


if __name__ == "__main__":
    main()
