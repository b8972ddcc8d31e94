"""Pairs: a block of a photograph is that part of image and mask, at any size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from converter.classes.class_map import ClassMapBuilder
from converter.classes.mapper import MaskMapper
from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.pixels.geometry import Box
from converter.sources.refs import ExampleRef
from trainer.evaluation.pairs import PairReader, name_of

SIZE = (40, 60)
BLOCK = Box(10, 20, 16, 30)


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (*SIZE, 3), np.uint8), rng.integers(0, 3, SIZE, np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(mask).save(tmp_path / "a_mask.png")
    return image, mask


def reader(folder, resample="nearest", **options):
    builder = ClassMapBuilder()
    for number, name in enumerate(("background", "building", "road")):
        builder.add(name, str(number), number)
    return PairReader(SourceConfig(folder, **options), MaskMapper(builder.finish()), resample)


def test_a_pair_is_all_of_both_files(tmp_path, arrays):
    opened = reader(tmp_path).open(ExampleRef("val", "a.png", "a_mask.png"))
    assert opened.image.size == SIZE
    np.testing.assert_array_equal(opened.truth(SIZE, "pad"), arrays[1])


def test_a_block_is_that_part_of_both(tmp_path, arrays):
    image, mask = arrays
    ref = ExampleRef("val", "a.png", "a_mask.png", "val.txt", 7, window=BLOCK)
    opened = reader(tmp_path).open(ref)
    np.testing.assert_array_equal(np.asarray(opened.image.picture), image[10:26, 20:50])
    np.testing.assert_array_equal(opened.truth((16, 30), "stretch"), mask[10:26, 20:50])
    np.testing.assert_array_equal(opened.truth((8, 15), "stretch"), mask[11:26:2, 21:50:2])
    voted = reader(tmp_path, "vote").open(ref).truth((8, 15), "stretch")
    assert voted.shape == (8, 15)
    assert (voted != mask[11:26:2, 21:50:2]).any()
    assert name_of(ref) == "a.png[10,20,16,30]"


def test_a_block_over_the_edge_is_named_by_its_line(tmp_path, arrays):
    ref = ExampleRef("val", "a.png", "a_mask.png", "val.txt", 7, window=Box(30, 0, 11, 60))
    with pytest.raises(
        UsageError, match=r"val\.txt:7: names a block of a\.png .* segconv split --src .* --blocks 2048"
    ):
        reader(tmp_path).open(ref)


def test_a_photograph_beyond_the_limits_is_scored_by_blocks(tmp_path, arrays):
    for name in ("a", "a_mask"):
        Image.open(tmp_path / f"{name}.png").save(tmp_path / f"{name}.tif")
    ref = ExampleRef("val", "a.tif", "a_mask.tif")
    assert reader(tmp_path).open(ref).image.size == SIZE
    with pytest.raises(DataError, match=r"a\.tif: is beyond the limits .*: segconv split --src .* --blocks 2048"):
        reader(tmp_path, max_pixels=1000).open(ref)


def test_without_a_mask_all_of_it_is_what_the_user_says(tmp_path, arrays):
    for window, size in ((None, SIZE), (BLOCK, (16, 30))):
        ref = ExampleRef("val", "a.png", "", window=window)
        for choice, index in (("ignore", 255), ("background", 0)):
            opened = reader(tmp_path, missing_mask=choice).open(ref)
            assert (opened.truth(size, "stretch") == index).all()


def test_what_build_refuses_is_refused(tmp_path, arrays):
    Image.fromarray(arrays[1][:30]).save(tmp_path / "a_mask.png")
    with pytest.raises(DataError, match="is 30 high and 60 wide"):
        reader(tmp_path).open(ExampleRef("val", "a.png", "a_mask.png"))
