"""Scenes: video frames that a split has torn apart, and the --group that would keep them together."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from converter.checking.split import make_splits
from converter.checking.split_plan import SplitPlan
from converter.checking.survey import PairFacts
from converter.errors import UsageError, shown
from converter.limits import MAX_FRAME_STEP
from converter.sources.names import stem_of

# What comes before the last number of a name; before its last digit; before its last two digits.
HEADS = ("^(.*?)[0-9]+", "^(.*[0-9])[0-9]", "^(.*[0-9])[0-9]{2}")
ALIKE = 0.6  # of the difference between any two images: frames of one video differ by less from the next one
_MIN_FRAMES = 4
_NUMBER = re.compile(r"^(.*?)([0-9]+)([^0-9/]*)$")


@dataclass(frozen=True)
class Torn:
    """Frames that follow one another and are in different splits.

    Attributes:
      pairs: (image, the next one), sorted.
      group: a --group that was tried on the names and keeps most of them together; "" where none does.
    """

    pairs: tuple[tuple[str, str], ...]
    group: str = ""

    def __str__(self) -> str:
        one, two = self.pairs[0]
        count = f"{len(self.pairs)} times two images" if len(self.pairs) > 1 else "two images"
        return f"{count} that follow one another and look alike are in different splits, such as {shown(one)} and {two}"


def torn_scenes(plan: SplitPlan, facts: Sequence[PairFacts]) -> Torn | None:
    """Returns the frames of videos that a split tears apart; None where there are none.

    Numbers that follow one another are not enough, since most datasets are numbered: the images must look more alike
    than any two images of the dataset do.

    Args:
      plan: the split.
      facts: of all pairs.
    """
    known = {fact.ref.image: fact for fact in facts if fact.thumbnail}
    tail = _common_tail(list(known))
    neighbours = _neighbours(list(known), tail)
    if len(neighbours) < _MIN_FRAMES - 1 or not _are_alike(neighbours, known):
        return None
    torn = _torn(neighbours, plan)
    if not torn:
        return None
    end = re.escape(tail) if re.search("[0-9]", tail) else "[^0-9/]*"
    for pattern in (f"{head}{end}$" for head in HEADS):
        try:
            config = replace(plan.config, group=pattern)
            other = make_splits([fact.ref for fact in facts], facts, config)
        except UsageError:  # too few groups
            continue
        largest = max(len(refs) for refs in other.refs.values())
        if 2 * len(_torn(neighbours, other)) < len(torn) and largest < len(facts):
            return Torn(tuple(torn), pattern)
    return Torn(tuple(torn))


def _common_tail(images: Sequence[str]) -> str:
    """Returns the end that all names share, from its first character that is no digit: "_leftImg8bit.png"."""
    shared = os.path.commonprefix([image[::-1] for image in images])[::-1]  # noqa: RUF071 - characters, not folders
    return shared.lstrip("0123456789")


def _neighbours(images: Sequence[str], tail: str) -> list[tuple[str, str]]:
    """Returns each image with the one of the next number, where names differ in their last number alone."""
    numbered: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for image in sorted(images):
        if match := _NUMBER.match(stem_of(image.removesuffix(tail))):
            numbered.setdefault((match[1], match[3]), []).append((int(match[2][-18:]), image))
    pairs = []
    for frames in numbered.values():
        frames.sort()
        pairs += [(one[1], two[1]) for one, two in itertools.pairwise(frames) if 0 < two[0] - one[0] <= MAX_FRAME_STEP]
    return pairs


def _are_alike(neighbours: Sequence[tuple[str, str]], known: Mapping[str, PairFacts]) -> bool:
    """Returns whether neighbours look more alike than images that are far apart in the order of their names."""
    images = sorted(known)
    pixels = {image: np.frombuffer(known[image].thumbnail, np.uint8).astype(np.int16) for image in images}
    near = [float(np.abs(pixels[one] - pixels[two]).mean()) for one, two in neighbours]
    half = len(images) // 2
    far = [float(np.abs(pixels[images[i]] - pixels[images[i + half]]).mean()) for i in range(half)]
    return bool(far) and float(np.median(near)) < ALIKE * float(np.median(far))


def _torn(neighbours: Sequence[tuple[str, str]], plan: SplitPlan) -> list[tuple[str, str]]:
    split_of = {
        ref.image: split for split, refs in plan.refs.items() for ref in refs if split != "test" or plan.config.test
    }
    return [(a, b) for a, b in neighbours if a in split_of and b in split_of and split_of[a] != split_of[b]]
