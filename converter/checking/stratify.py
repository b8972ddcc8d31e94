"""Stratify: groups of pairs -> the split of each, so that every split has its part of every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def stratify(groups: Sequence[Sequence[int]], pixels: np.ndarray, shares: Sequence[float]) -> list[int]:
    """Returns the split of each group, by number.

    Iterative stratification, in which the class that is rarest is dealt out first, while there is still a choice. Three
    things differ from the source. What is dealt are groups, large ones first (by powers of two, so that the seed still
    decides). Mass is pixels, not examples that have a label. And a group goes not where its rarest class is wanted
    most, but where it brings all classes, and the number of pairs, which weighs as much as all classes together,
    nearest to what is wanted: the sum of squared differences, as shares of the class and of the split, falls most.

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
    wanted = parts[:, None] * np.ones(mass.shape[1])
    sides = np.full(len(groups), -1)
    for group in _dealing_order(own, sizes):
        gain = (mass[group] * (2 * wanted - mass[group]) * weights).sum(1) / parts
        side = int(np.argmax(np.round(gain, 12)))  # rounded: sums of the same numbers may differ in their last bits
        sides[group] = side
        wanted[side] -= mass[group]
    for side in range(len(shares)):
        if not (sides == side).any():
            counts = np.bincount(sides, minlength=len(shares))
            movable = [group for group in range(len(groups)) if counts[sides[group]] > 1]
            sides[min(movable, key=lambda group: (sizes[group], group))] = side
    return [int(side) for side in sides]


def _dealing_order(own: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Returns the groups in the order in which they are dealt out: those with the rarest class first, large first."""
    order: dict[int, None] = {}
    for column in np.argsort(own.sum(0), kind="stable").tolist():
        holders = np.flatnonzero(own[:, column]).tolist()
        order |= dict.fromkeys(sorted(holders, key=lambda group: (-int(sizes[group]).bit_length(), group)))
    return [*order, *(group for group in range(len(sizes)) if group not in order)]
