"""Facts of masks made in a test."""

from __future__ import annotations

import numpy as np

from converter.checking.survey import PairFacts
from converter.pixels.masks import ValueCounter, open_mask
from converter.sources.refs import ExampleRef

TOWN = np.array([(0, 0, 0), (128, 0, 0), (128, 64, 128), (128, 128, 0), (60, 40, 222), (192, 192, 128)], np.uint8)


def facts_of(*masks: bytes) -> list[PairFacts]:
    facts = []
    for number, data in enumerate(masks):
        ref = ExampleRef("train", f"{number}.jpg", f"{number}.png")
        counts = ValueCounter().count(open_mask(data, ref.mask))
        facts.append(PairFacts(ref, values=tuple(sorted(counts.items(), key=lambda item: -item[1]))))
    return facts
