"""Limits: each is a positive number that some module uses, and related ones are consistent."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

from converter import limits
from converter.dataset.manifest import ShardInfo
from converter.schema import IGNORE_INDEX, is_shard_name, shard_name

NAMES = {name: value for name, value in vars(limits).items() if name.isupper()}


def test_every_limit_is_a_positive_number():
    assert all(isinstance(value, int | float) and value > 0 for value in NAMES.values())


def test_every_limit_is_asked_for_by_some_module():
    own = Path(limits.__file__)
    folders = (own.parent, own.parent.parent / "trainer")
    texts = [path.read_text() for folder in folders for path in folder.rglob("*.py") if path != own]
    used = {name for text in texts for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text)}
    assert not NAMES.keys() - used


def test_limits_that_belong_together_fit_each_other():
    assert limits.MAX_CLASSES == IGNORE_INDEX  # indices are below it, and a byte has one more value
    assert limits.MAX_RECORD_BYTES >= 2 * limits.MAX_FILE_BYTES  # image and mask
    assert limits.MAX_PEAKS > limits.MAX_CLASSES
    assert limits.MAX_PAGE_LISTED > limits.MAX_CLASSES
    assert limits.MAX_SIDE**2 >= limits.MAX_PIXELS
    name = shard_name("n" * limits.MAX_DATASET_NAME_CHARS, "train", limits.MAX_SHARDS - 1, limits.MAX_SHARDS)
    shard = json.dumps(
        {"splits": {"train": {"shards": [asdict(ShardInfo(name, 10**6, 10**11, "0" * 64, "0" * 64))]}}}, indent=1
    )
    assert is_shard_name(name)
    assert limits.MAX_SHARDS * len(shard) < 0.8 * limits.MAX_MANIFEST_BYTES
    assert limits.MAX_DATASET_NAME_CHARS + len("-validation.tfrecord-00000-of-00000.index") < 255
