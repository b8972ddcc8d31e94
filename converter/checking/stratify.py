"""Stratify: groups of pairs -> the split of each, stratified by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def stratify(groups: Sequence[Sequence[int]], pixels: np.ndarray, shares: Sequence[float]) -> list[int]:
    """Returns the split of each group, by number.

    Iterative stratification, which assigns the rarest class first, while there is still a choice. It differs from the
    source in three ways. It assigns groups, large ones first (by powers of two, which leaves the rest to the seed). It
    counts pixels, not examples that have a label. And a group goes not where its rarest class is needed most, but
    where it brings all classes and the number of pairs closest to their targets: where the sum of squared differences,
    as shares of the class and of the split, falls most. The number of pairs weighs as much as all classes together.

    Args:
      groups: rows of `pixels` that stay together, in random order.
      pixels: int64 [pairs, classes].
      shares: of each split; their sum is 1.

    Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011.
    """
    sizes = np.array([len(group) for group in groups])
    own = np.array([pixels[list(group)].sum(0) for group in groups], np.float64)
    own = own[:, own.sum(0) > 0]
    mass = np.concatenate([own / own.sum(0), (sizes / sizes.sum())[:, None]], 1)
    weights = np.append(np.ones(own.shape[1]), max(own.shape[1], 1))
    parts = np.array(shares)
    needed = parts[:, None] * np.ones(mass.shape[1])
    assigned = np.full(len(groups), -1)
    for group in _assignment_order(own, sizes):
        gain = (mass[group] * (2 * needed - mass[group]) * weights).sum(1) / parts
        split = int(np.argmax(np.round(gain, 12)))  # rounded: sums of the same numbers may differ in the last bits
        assigned[group] = split
        needed[split] -= mass[group]
    for split in range(len(shares)):
        if not (assigned == split).any():
            counts = np.bincount(assigned, minlength=len(shares))
            movable = [group for group in range(len(groups)) if counts[assigned[group]] > 1]
            assigned[min(movable, key=lambda group: (sizes[group], group))] = split
    return [int(split) for split in assigned]


def _assignment_order(own: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Returns the groups in the order of assignment: those with the rarest class first, large ones first."""
    order: dict[int, None] = {}
    for column in np.argsort(own.sum(0), kind="stable").tolist():
        holders = np.flatnonzero(own[:, column]).tolist()
        order |= dict.fromkeys(sorted(holders, key=lambda group: (-int(sizes[group]).bit_length(), group)))
    return [*order, *(group for group in range(len(sizes)) if group not in order)]
