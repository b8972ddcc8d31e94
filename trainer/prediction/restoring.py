"""Restoring: the logits of what the model saw -> the class map of the photograph, at its own size.

Logits are enlarged or reduced, not classes: between two pixels of the model they are linear, so that an edge lies
where it is in the photograph and not where the nearest pixel of the model ends. What runs the model also does the
arithmetic.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from converter.pixels.geometry import Box, cut
from converter.schema import IGNORE_INDEX
from trainer.prediction.views import View

CHUNK_BYTES = 32 * 2**20  # of the logits that are worked on at a time, at the size of the photograph
FULL = 65535  # of a confidence, which is 1


class ClassMap(NamedTuple):
    """What a model says of a photograph, or of some of its rows.

    Attributes:
      mask: uint8 [H, W], class indices; IGNORE_INDEX where the photograph has no data.
      confidence: uint16 [H, W], the probability of that class, FULL for 1; None where it is not wanted.
      probabilities: float16 [H, W, num_classes], of every class; None where they are not wanted.
    """

    mask: np.ndarray
    confidence: np.ndarray | None = None
    probabilities: np.ndarray | None = None


class Wanted(NamedTuple):
    """What a class map has beside its classes."""

    confidence: bool = False
    probabilities: bool = False


NOTHING = Wanted()


def without_data(found: ClassMap, valid: np.ndarray | None) -> ClassMap:
    """Returns a class map that is IGNORE_INDEX, and has confidence and probabilities of 0, where there is no data.

    Args:
      found: of the photograph.
      valid: bool [H, W], where it has data; None for everywhere.
    """
    if valid is None or valid.all():
        return found
    confidence, probabilities = found.confidence, found.probabilities
    return ClassMap(
        np.where(valid, found.mask, np.uint8(IGNORE_INDEX)),
        None if confidence is None else np.where(valid, confidence, np.uint16(0)),
        None if probabilities is None else np.where(valid[..., None], probabilities, np.float16(0)),
    )


class Taken(NamedTuple):
    """Which pixels of an axis are blended for each pixel of another length.

    Attributes:
      first, second: int32 [new], the pixels before and after its centre.
      share: float32 [new], of the second; the rest is that of the first.
    """

    first: np.ndarray
    second: np.ndarray
    share: np.ndarray

    @property
    def is_identity(self) -> bool:
        """Whether every pixel is what it was."""
        return bool(not self.share.any() and self.first[0] == 0 and (np.diff(self.first) == 1).all())

    def part(self, start: int, end: int) -> tuple[Taken, int, int]:
        """Returns that of the pixels from `start` to before `end`, and between which old ones, (first, end), it is."""
        first, last = int(self.first[start]), int(self.second[end - 1])
        taken = Taken(self.first[start:end] - first, self.second[start:end] - first, self.share[start:end])
        return taken, first, last + 1


class Finish(Protocol):
    """A function from logits to the class map of some rows of a photograph."""

    def __call__(self, logits: np.ndarray, rows: Taken, columns: Taken, wanted: Wanted) -> ClassMap:
        """Returns the class map.

        Args:
          logits: float32 [H, W, num_classes].
          rows: how they are resampled along the first axis, before the second one.
          columns: how they are resampled along the second axis.
          wanted: what it has beside its classes.
        """


def taken_along(old: int, new: int) -> Taken:
    """Returns what is blended for each of `new` pixels that cover the same as `old`: linear between two centres."""
    places = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    first = np.floor(places).astype(np.int32)
    return Taken(first, np.minimum(first + 1, old - 1).astype(np.int32), (places - first).astype(np.float32))


def restored(
    view: View,
    logits_of: Callable[[Box], Iterable[np.ndarray]],
    finish: Finish,
    *,
    blocks: int = 1,
    wanted: Wanted = NOTHING,
) -> ClassMap:
    """Returns the class map of a photograph; arguments as for `restored_parts`."""
    whole: list[np.ndarray | None] = [None, None, None]
    for box, found in restored_parts(view, logits_of, finish, blocks=blocks, wanted=wanted):
        for place, part in enumerate(found):
            if part is not None:
                if (array := whole[place]) is None:
                    array = whole[place] = np.empty((*view.size, *part.shape[2:]), part.dtype)
                cut(array, box)[:] = part
    assert whole[0] is not None  # noqa: S101 - for mypy
    return ClassMap(whole[0], whole[1], whole[2])


def restored_parts(
    view: View,
    logits_of: Callable[[Box], Iterable[np.ndarray]],
    finish: Finish,
    *,
    blocks: int = 1,
    wanted: Wanted = NOTHING,
    after: Box | None = None,
) -> Iterator[tuple[Box, ClassMap]]:
    """Yields the class map of a photograph in parts: blocks of columns from left to right, each from top to bottom.

    Args:
      view: how the model looked at it.
      logits_of: a part of the canvas to its logits, float32 [n, width, num_classes], from top to bottom; each is used
        before the next one is asked for.
      finish: makes the class map of some rows.
      blocks: into how many blocks of columns the work is divided.
      wanted: what it has beside its classes.
      after: the last part that is done, by the same arguments; None for none.
    """
    rows, columns = (taken_along(old, new) for old, new in zip(view.scaled, view.size, strict=True))
    edges = np.linspace(0, view.size[1], min(blocks, view.size[1]) + 1).astype(int).tolist()
    for left, right in itertools.pairwise(edges):
        done = after.top + after.height if after and after.left == left else 0
        if (after and left < after.left) or done == view.size[0]:
            continue
        part, first, end = columns.part(left, right)
        top = int(rows.first[done])
        box = Box(view.corner[0] + top, view.corner[1] + first, view.scaled[0] - top, end - first)
        finish_part = functools.partial(finish, columns=part, wanted=wanted)
        for found in _in_rows(logits_of(box), rows, part, finish_part, done):
            yield Box(done, left, len(found.mask), right - left), found
            done += len(found.mask)


def _in_rows(
    blocks: Iterable[np.ndarray], rows: Taken, columns: Taken, finish: Callable[..., ClassMap], done: int
) -> Iterator[ClassMap]:
    """Yields the class map from row `done` on, some rows at a time, from blocks of logits that follow each other."""
    held, start = None, int(rows.first[done])
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        ready = int(np.searchsorted(rows.second, start + len(held)))
        step = max(1, CHUNK_BYTES // (4 * len(columns.first) * held.shape[-1]))
        for top in range(done, ready, step):
            part, first, end = rows.part(top, min(top + step, ready))
            yield finish(held[first - start : end - start], part)
        done = ready
        if done == len(rows.first):
            return
        passed = min(int(rows.first[done]) - start, len(held))  # where it is reduced, rows are skipped
        held = held[passed:].copy()  # what it is cut from is overwritten
        start += passed
