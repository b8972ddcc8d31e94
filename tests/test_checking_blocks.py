"""Blocks: one photograph in several splits, without a pixel in common."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from command_line import assert_one_line
from conftest import COLORS, draw_pair, visible
from cut_photos import cutting, write_photos
from PIL import Image
from test_verifying_verify import found_here

from converter.building.build import build
from converter.checking.blocks import block_boxes, make_blocks
from converter.checking.split_plan import SplitConfig
from converter.config import PairConfig, SourceConfig, TileConfig
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef

SIZE = (300, 410)


@pytest.fixture
def source(tmp_path):
    """A dataset of one photograph."""
    for kind in ("images", "masks"):
        (tmp_path / "src" / kind).mkdir(parents=True)
    image, mask = draw_pair(0, SIZE)
    Image.fromarray(image).save(tmp_path / "src/images/a.png")
    Image.fromarray(COLORS[mask]).save(tmp_path / "src/masks/a.png")
    write_photos(tmp_path / "other")
    (tmp_path / "src/classes.csv").write_bytes((tmp_path / "other/classes.csv").read_bytes())
    return tmp_path / "src"


@pytest.mark.parametrize(("side", "gap"), [(100, 0), (100, 9), (64, 32), (1000, 5), (41, 1)])
def test_blocks_cover_all_but_the_gaps(side, gap):
    seen = np.zeros(SIZE, int)
    boxes = block_boxes(SIZE, side, gap)
    for top, left, height, width in boxes:
        assert 0.5 * min(side, 300) - gap <= min(height, width)
        assert max(height, width) <= 1.5 * side or side > 300
        seen[top : top + height, left : left + width] += 1
    assert seen.max() == 1
    rows, columns = (max(1, round(length / side)) for length in SIZE)
    missing = gap * (rows - 1) * SIZE[1] + gap * (columns - 1) * SIZE[0] - gap**2 * (rows - 1) * (columns - 1)
    assert (len(boxes), int((seen == 0).sum())) == (rows * columns, missing)


@pytest.mark.parametrize("tile", [TileConfig(8), TileConfig(8, "pad"), TileConfig(0, scale=0.5)])
def test_no_pixel_is_in_two_splits(segconv, source, tmp_path, tile):
    done = segconv("split", "--src", source, "--blocks", 100, "--gap", 12, "--test", 0.2)
    assert done.returncode == 0, done.stderr
    assert f"next: segconv build --src {source} --fit tile" in done.stderr
    config = cutting(source, tmp_path / "out", tile)
    build(config)
    seen = {}
    for split in ("train", "val", "test"):
        seen[split] = np.zeros([round(side * tile.scale) for side in SIZE], bool)
        for record in RecordSource(tmp_path / "out", split):
            top, left, height, width = record.tile.window
            assert top + height <= seen[split].shape[0]  # nothing is padded: blocks are larger than tiles
            assert left + width <= seen[split].shape[1]
            seen[split][top : top + height, left : left + width] = True
    grown = {split: grow(each, round(11 * tile.scale)) for split, each in seen.items()}
    assert not (grown["train"] & seen["val"]).any()
    assert not (grown["train"] & seen["test"]).any()
    assert not (grown["val"] & seen["test"]).any()
    assert 0.1 < seen["val"].mean() < 0.35
    assert found_here(tmp_path / "out", source=SourceConfig(source), records=None).problems == []
    assert build(config).is_up_to_date


def grow(mask, pixels):
    """Returns a mask that is true wherever one within some pixels is."""
    grown = mask.copy()
    for axis in (0, 1):
        for step in range(1, pixels + 1):
            for shift in (step, -step):
                moved = np.roll(mask, shift, axis)
                index = [slice(None)] * 2
                index[axis] = slice(0, shift) if shift > 0 else slice(shift, None)
                moved[tuple(index)] = False
                grown = grown | moved
        mask = grown
    return grown


def test_the_same_options_give_the_same_lists_and_another_seed_others(segconv, source):
    texts = []
    for seed in (0, 0, 1):
        assert segconv("split", "--src", source, "--blocks", 60, "--seed", seed, "--overwrite").returncode == 0
        texts.append((source / "val.txt").read_text())
    assert texts[0] == texts[1]
    assert texts[0].splitlines()[1:] != texts[2].splitlines()[1:]
    layout = find_layout(SourceConfig(source))
    assert layout.rejects == ()
    assert sum(len(refs) for refs in layout.refs.values()) == 35
    assert all(ref.window for refs in layout.refs.values() for ref in refs)


def test_blocks_that_overlap_in_two_splits_are_a_leak(source):
    (source / "train.txt").write_text(
        "images/a.png[0,0,100,100];masks/a.png\nimages/a.png[100,0,100,100];masks/a.png\n"
    )
    (source / "val.txt").write_text("images/a.png[150,50,100,100];masks/a.png\n")
    with pytest.raises(UsageError, match=r"val.txt:1: names images/a.png, which train.txt:2 names too"):
        build(cutting(source, source.parent / "out"))
    (source / "val.txt").write_text("images/a.png[200,0,100,100];masks/a.png\n")
    assert build(cutting(source, source.parent / "out")).manifest.splits["val"].records > 0
    (source / "val.txt").write_text("images/a.png;masks/a.png\n")
    with pytest.raises(UsageError, match=r"names images/a\.png, which train.txt:1 names too"):
        build(cutting(source, source.parent / "out"))


def test_blocks_need_tiles_that_fit_into_them(source, tmp_path):
    (source / "train.txt").write_text("images/a.png[0,0,100,30];masks/a.png\n")
    config = cutting(source, tmp_path / "out")
    with pytest.raises(UsageError, match=r"train.txt:1: has a block of 100x30 pixels, smaller than a tile"):
        build(config)
    with pytest.raises(UsageError, match=r"train.txt:1: names a block of images/a.png, .* Pass --fit tile"):
        build(dataclasses.replace(config, pair=PairConfig((32, 40))))
    (source / "train.txt").write_text("images/a.png[250,0,100,300];masks/a.png\n")
    with pytest.raises(UsageError, match=r"names a block of images/a.png that is not within its 300x410 pixels"):
        build(config)
    (source / "train.txt").write_text("images/a.png[0,0,9,99];masks/a.png\nimages/a.png[0,0,9,99];masks/a.png\n")
    assert [reject.error.code for reject in find_layout(SourceConfig(source)).rejects] == ["E_DUPLICATE"]


def test_what_cannot_be_divided_is_refused(segconv, source):
    refs = [ExampleRef("train", "images/a.png", "masks/a.png")]
    with pytest.raises(UsageError, match="--blocks: 900 gives 1 block for 2 splits"):
        make_blocks(refs, SourceConfig(source), SplitConfig(blocks=900))
    with pytest.raises(DataError, match=r"images/b.png: cannot be read"):
        make_blocks([ExampleRef("train", "images/b.png", "masks/b.png")], SourceConfig(source), SplitConfig(blocks=9))
    assert_one_line(segconv("split", "--src", source, "--blocks", 9, "--gap", 5), 2, "--gap: 5 is not within 0..4")
    assert_one_line(segconv("split", "--src", source, "--gap", 5), 2, "--gap: 5 is not within 0..0")
    done = segconv("split", "--src", source, "--blocks", 9, "--folds", 2)
    assert_one_line(done, 2, "--blocks: divides photographs, which --group and --folds keep whole")


def test_a_test_split_that_exists_is_kept(tmp_path):
    write_photos(tmp_path / "src")
    refs = [ExampleRef("train", "odd.png", "odd_mask.png"), ExampleRef("test", "turned.png", "turned_mask.png")]
    plan = make_blocks(refs, SourceConfig(tmp_path / "src"), SplitConfig(blocks=30))
    assert plan.refs["test"] == (refs[1],)
    assert {ref.image for split in ("train", "val") for ref in plan.refs[split]} == {"odd.png"}
    assert "test" in plan.to_text()
    assert plan.to_json()["splits"]["val"]["blocks"] == len(plan.refs["val"])


def test_a_photograph_of_one_block_is_cut_as_without(source, tmp_path):
    (source / "train.txt").write_text("images/a.png;masks/a.png\n")
    build(cutting(source, tmp_path / "a"))
    (source / "train.txt").write_text(f"images/a.png[0,0,{SIZE[0]},{SIZE[1]}];masks/a.png\n")
    build(cutting(source, tmp_path / "b"))
    assert visible(tmp_path / "a") == visible(tmp_path / "b")
