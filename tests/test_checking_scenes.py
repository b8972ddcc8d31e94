"""Scenes: frames of a video that a split tears apart are named, with a --group that was tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from divided_pairs import divided, pair, texture

from converter.checking.scenes import torn_scenes
from converter.checking.split_plan import SplitConfig
from converter.checking.survey import PairFacts


def film(names: Callable[[int, int], str], scenes: int = 6, frames: int = 10, step: int = 12) -> list[PairFacts]:
    """Returns frames that change a little from one to the next, too much to be near-duplicates."""
    facts = []
    for scene in range(scenes):
        rng = np.random.default_rng(scene)
        pixels = rng.integers(0, 256, 256).astype(np.int64)
        for frame in range(frames):
            pixels = np.clip(pixels + rng.integers(-3 * step, 3 * step + 1, 256), 0, 255)
            facts.append(pair(names(scene, frame), thumbnail=pixels.astype(np.uint8).tobytes()))
    return facts


@pytest.mark.parametrize("names", [
    lambda scene, frame: f"s{scene}_{frame:04}",
    lambda scene, frame: f"clip{scene}/frame{frame + 7}",
    lambda scene, frame: f"{100 * scene + 2 * frame:05}_leftImg8bit",
    lambda scene, frame: f"frame_{10 * scene + frame:06}",
], ids=["prefix", "folder", "blocks", "one_film"])  # fmt: skip
def test_frames_in_different_splits_are_named_with_a_group_that_keeps_them_together(names):
    facts = film(names)
    config = SplitConfig(near=False)
    plan = divided(facts, config)
    torn = torn_scenes(plan, facts)
    assert torn is not None
    assert len(torn.pairs) >= 10
    assert torn.group
    again = divided(facts, replace(config, group=torn.group))
    after = torn_scenes(again, facts)
    assert after is None or 2 * len(after.pairs) < len(torn.pairs)
    assert f"{len(torn.pairs)} times two images that follow one another" in str(torn)


def test_numbers_that_follow_one_another_are_not_enough():
    facts = [pair(f"image_{number:04}", thumbnail=texture(number)) for number in range(60)]
    assert torn_scenes(divided(facts, SplitConfig()), facts) is None


def test_a_few_frames_in_one_split_are_no_film_that_is_torn():
    facts = film(lambda scene, frame: f"s{scene}_{frame:04}")
    assert torn_scenes(divided(facts, SplitConfig(group=r"(s\d)_", near=False)), facts) is None
    assert torn_scenes(divided(facts[:3], SplitConfig(near=False)), facts[:3]) is None


def test_no_group_is_proposed_where_none_can_be():
    facts = film(lambda scene, frame: f"{frame}", scenes=1, frames=9, step=4)
    torn = torn_scenes(divided(facts, SplitConfig(near=False)), facts)
    assert torn is not None
    assert torn.group == ""
