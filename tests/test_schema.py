"""Facts about the schema: keys with an unambiguous order, and the names of shards."""

from __future__ import annotations

import itertools

from converter.limits import MAX_CLASSES
from converter.schema import BYTES_KEYS, IGNORE_INDEX, INT64_KEYS, holds_shards, shard_name


def test_no_key_is_a_prefix_of_another():
    keys = (*BYTES_KEYS, *INT64_KEYS)
    assert [(a, b) for a, b in itertools.permutations(keys, 2) if b.startswith(a)] == []


def test_the_keys_are_the_published_ones():
    assert sorted((*BYTES_KEYS, *INT64_KEYS)) == [
        "file_name",
        "image",
        "mask_name",
        "original_height",
        "original_width",
        "segmentation_mask",
    ]


def test_ignore_is_the_one_byte_that_no_class_can_have():
    assert IGNORE_INDEX == 255
    assert MAX_CLASSES - 1 < IGNORE_INDEX


def test_a_shard_is_named_as_tfds_expects():
    assert shard_name("town", "train", 3, 16) == "town-train.tfrecord-00003-of-00016"


def test_shard_names_sort_in_the_order_of_their_numbers():
    names = [shard_name("town", "val", shard, 12345) for shard in (0, 9, 10, 99, 12344)]
    assert names == sorted(names)


def test_a_folder_of_records_is_known_by_a_shard_with_its_index():
    shard = shard_name("town", "train", 3, 16)
    assert holds_shards({"notes.txt", shard, f"{shard}.idx"})
    assert not holds_shards({shard, "dataset_info.json", "features.json"})  # as TFDS leaves it
    assert not holds_shards({f"{shard}.idx"})
    assert not holds_shards({f"{shard}.bak", f"{shard}.bak.idx"})
    assert not holds_shards(set())
