"""Tiles: windows of a photograph, decoded once, with every promise of a pair."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest
from conftest import COLORS, draw_pair, visible
from cut_photos import PHOTOS, cutting, write_photos
from in_process import in_process
from made_pairs import KINDS
from PIL import Image
from test_verifying_verify import found_here

from converter.building import photos as photos_of
from converter.building import tiles
from converter.building.build import build
from converter.building.plan import plan_build
from converter.building.report import RefusedPairsError
from converter.building.shards import without_pair
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig, TileConfig
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import MachineError
from converter.pixels.geometry import Box, tile_boxes
from converter.schema import IGNORE_INDEX


def records_of(out):
    return [record for split in ("train", "val") for record in RecordSource(out, split)]


@pytest.mark.parametrize("edge", ["shift", "pad"])
def test_tiles_are_the_pixels_of_the_photograph_and_cover_all_of_it(tmp_path, edge):
    photos = write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(7, edge)))
    seen = {name: np.zeros(mask.shape, int) for name, (_, mask) in photos.items()}
    for record in records_of(tmp_path / "out"):
        name = record.file_name.removesuffix(".png")
        image, mask = photos[name]
        top, left, height, width = record.tile.window
        assert record.tile.scaled_size == record.original_size == mask.shape
        below, right = max(0, top + height - mask.shape[0]), max(0, left + width - mask.shape[1])
        assert edge == "pad" or not (below and mask.shape[0] >= 32)
        assert edge == "pad" or not (right and mask.shape[1] >= 40)
        padded = np.pad(image, ((0, below), (0, right), (0, 0)))[top : top + 32, left : left + 40]
        np.testing.assert_array_equal(record.image, padded)
        padded = np.pad(mask, ((0, below), (0, right)), constant_values=IGNORE_INDEX)[top : top + 32, left : left + 40]
        np.testing.assert_array_equal(record.mask, padded)
        seen[name][top : top + 32, left : left + 40] += 1
    assert all(count.all() for count in seen.values())


def test_counts_of_the_manifest_are_those_of_the_tiles(tmp_path):
    write_photos(tmp_path / "src")
    report = build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(7, "pad")))
    split = report.manifest.splits["train"]
    stored = list(RecordSource(tmp_path / "out", "train"))
    masks = np.stack([record.mask for record in stored])
    assert split.pixels == tuple(int((masks == index).sum()) for index in range(3))
    assert split.ignored_pixels == int((masks == IGNORE_INDEX).sum())
    sizes = Counter(record.original_size for record in stored)
    assert {(height, width): count for height, width, count in split.sizes} == sizes
    assert split.turned == sum(count for size, count in sizes.items() if size == (75, 50))
    planned = sum(
        len(tile_boxes(Box(0, 0, *size), (32, 40), 7, "pad")) * n for size, n in Counter(sizes.keys()).items()
    )
    assert (split.tiles.photographs, split.tiles.planned, split.tiles.dropped) == (5, planned, 0)
    assert split.records == planned
    inside = [record.image[: min(32, h - top), : min(40, w - left)] for record in stored
              for (top, left, _, _), (h, w) in [record.tile[:2]]]  # fmt: skip
    mean = np.concatenate([part.reshape(-1, 3) for part in inside]).mean(axis=0)
    np.testing.assert_allclose(split.channels.mean, mean, rtol=1e-12)


def test_a_scaled_photograph_is_resized_as_a_whole_before_it_is_cut(tmp_path):
    photos = write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(7, "pad", scale=0.5)))
    for record in records_of(tmp_path / "out"):
        image, mask = photos[record.file_name.removesuffix(".png")]
        height, width = (max(1, round(side / 2)) for side in mask.shape)
        assert record.tile.scaled_size == (height, width)
        reduced = Image.fromarray(image)
        if record.file_name == "turned.png":  # resized as it is stored, then turned: the filter is the same
            continue
        top, left, *_ = record.tile.window
        inside = min(32, height - top), min(40, width - left)
        whole = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
        np.testing.assert_array_equal(
            record.mask[: inside[0], : inside[1]], whole[top : top + inside[0], left : left + inside[1]]
        )
        if record.file_name not in ("mirrored.png",):
            whole = np.asarray(reduced.resize((width, height), Image.Resampling.BILINEAR))
            np.testing.assert_array_equal(
                record.image[: inside[0], : inside[1]], whole[top : top + inside[0], left : left + inside[1]]
            )


def test_a_photograph_is_decoded_once_for_all_its_tiles(tmp_path, monkeypatch):
    write_photos(tmp_path / "src")
    opened = Counter()
    true = photos_of.open_pair

    def counting(ref, *arguments):
        opened[ref.image] += 1
        return true(ref, *arguments)

    monkeypatch.setattr(photos_of, "open_pair", counting)
    report = build(cutting(tmp_path / "src", tmp_path / "out", shards=2), engine=in_process)
    assert set(opened) == {f"{name}.png" for name in PHOTOS}
    shards = [shard for _, shard in report.manifest.shards()]
    assert sum(opened.values()) <= len(PHOTOS) + len(shards) - 2


def test_the_bytes_do_not_depend_on_the_workers_and_the_same_command_changes_nothing(tmp_path):
    write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "a", shards=3))
    build(cutting(tmp_path / "src", tmp_path / "b", shards=3, workers=2))
    assert visible(tmp_path / "a") == visible(tmp_path / "b")
    assert build(cutting(tmp_path / "src", tmp_path / "b", shards=3)).is_up_to_date
    assert build(cutting(tmp_path / "src", tmp_path / "b", shards=3, rehash=True)).is_up_to_date


def test_the_order_of_a_list_does_not_matter(tmp_path):
    write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "a", shards=3))
    lines = (tmp_path / "src/train.txt").read_text().splitlines(keepends=True)
    (tmp_path / "src/train.txt").write_text("".join(reversed(lines)))
    build(cutting(tmp_path / "src", tmp_path / "b", shards=3))
    assert visible(tmp_path / "a") == visible(tmp_path / "b")


def test_one_edited_mask_makes_the_shards_of_its_tiles_alone_again(tmp_path):
    write_photos(tmp_path / "src")
    before = build(cutting(tmp_path / "src", tmp_path / "out", shards=3)).manifest
    holders = {
        task.name for task in plan_build(cutting(tmp_path / "src", tmp_path / "out", shards=3)).all_tasks
        if any(ref.image == "odd.png" for ref in task.refs)
    }  # fmt: skip
    Image.fromarray(COLORS[draw_pair(99, (71, 95))[1]]).save(tmp_path / "src/odd_mask.png")
    after = build(cutting(tmp_path / "src", tmp_path / "out", shards=3))
    changed = {s.name for (_, s), (_, t) in zip(before.shards(), after.manifest.shards(), strict=True) if s != t}
    assert changed == holders
    assert after.reused == 6 - len(holders)
    build(cutting(tmp_path / "src", tmp_path / "fresh", shards=3))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_a_photograph_of_another_size_gets_other_tiles(tmp_path):
    write_photos(tmp_path / "src")
    build(cutting(tmp_path / "src", tmp_path / "out"))
    image, mask = draw_pair(98, (100, 101))
    Image.fromarray(image).save(tmp_path / "src/odd.png")
    Image.fromarray(COLORS[mask]).save(tmp_path / "src/odd_mask.png")
    found = found_here(tmp_path / "out", source=SourceConfig(tmp_path / "src"), records=None)
    assert any("tiles for split 'train', where there were" in str(problem) for problem in found.problems)
    build(cutting(tmp_path / "src", tmp_path / "out"))
    build(cutting(tmp_path / "src", tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_verify_derives_each_tile_and_repair_brings_the_same_bytes_back(tmp_path):
    write_photos(tmp_path / "src")
    report = build(cutting(tmp_path / "src", tmp_path / "out", shards=2))
    source = SourceConfig(tmp_path / "src")
    found = found_here(tmp_path / "out", source=source, records=None)
    assert (found.problems, found.derived) == ([], sum(split.records for split in report.manifest.splits.values()))
    before = visible(tmp_path / "out")
    shard = tmp_path / "out" / next(shard.name for _, shard in report.manifest.shards())
    shard.write_bytes(shard.read_bytes()[:-7])
    assert found_here(tmp_path / "out", source=source, repair=True).problems == []
    assert visible(tmp_path / "out") == before
    Image.fromarray(COLORS[draw_pair(99, (71, 95))[1]]).save(tmp_path / "src/odd_mask.png")
    problems = found_here(tmp_path / "out", source=source, records=None).problems
    assert len(problems) == len(tile_boxes(Box(0, 0, 71, 95), (32, 40), 7, "shift"))


def test_tiles_that_are_ignored_are_dropped_and_counted(tmp_path):
    write_photos(tmp_path / "src")
    mask = draw_pair(0, (71, 95))[1]
    mask[:32, :40] = 3  # ignore
    mask[0, :10] = 0  # of 1280 pixels 0.8 % are not: more than 99 % are ignored
    Image.fromarray(COLORS[mask]).save(tmp_path / "src/odd_mask.png")
    report = build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(7, max_ignored=0.99), shards=2))
    windows = {tuple(r.tile.window) for r in records_of(tmp_path / "out") if r.file_name == "odd.png"}
    assert Box(0, 0, 32, 40) not in windows
    assert report.manifest.splits["train"].tiles.dropped == 1
    assert report.to_json()["dropped"] == 1
    assert "tiles dropped" in report.to_text()
    assert build(cutting(tmp_path / "src", tmp_path / "out", TileConfig(7, max_ignored=0.99), shards=2)).is_up_to_date
    assert found_here(tmp_path / "out", source=SourceConfig(tmp_path / "src"), records=None).problems == []
    kept = build(cutting(tmp_path / "src", tmp_path / "all", TileConfig(7, max_ignored=0.993), shards=2))
    assert kept.manifest.splits["train"].tiles.dropped == 0


def test_a_photograph_that_is_refused_is_named_once(tmp_path):
    write_photos(tmp_path / "src")
    mask = COLORS[draw_pair(0, (71, 95))[1]]
    mask[60, 60] = (1, 2, 3)
    Image.fromarray(mask).save(tmp_path / "src/odd_mask.png")
    (tmp_path / "src/exact.png").write_bytes(b"")
    with pytest.raises(RefusedPairsError) as caught:
        build(cutting(tmp_path / "src", tmp_path / "out", shards=4))
    assert "2 of 7 pairs were refused (1 E_MASK_VALUE, 1 E_FILE_SIZE)" in str(caught.value)
    report = build(cutting(tmp_path / "src", tmp_path / "out", shards=4, on_error="skip"))
    assert len(report.rejects) == 2
    lines = (tmp_path / "out/errors.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 2]
    split = read_manifest(tmp_path / "out").splits["train"]
    assert split.skipped == 2
    assert split.records < split.tiles.planned
    assert found_here(tmp_path / "out", source=SourceConfig(tmp_path / "src")).problems == []


def test_a_photograph_that_shrinks_between_plan_and_build_is_refused(tmp_path):
    write_photos(tmp_path / "src")
    config = cutting(tmp_path / "src", tmp_path / "out")
    ref = next(ref for ref in plan_build(config).all_tasks[0].refs if ref.image == "odd.png")
    maker = tiles.RecordMaker(config.source, MaskMapper(KINDS), config.pair)
    with pytest.raises(Exception, match="was 9x9 when its tiles were planned, and is now 71x95"):
        maker.make(dataclasses.replace(ref, size=(9, 9)))


def test_an_image_without_a_mask_is_cut_as_well_and_never_dropped(tmp_path):
    (tmp_path / "src/images").mkdir(parents=True)
    (tmp_path / "src/masks").mkdir()
    (tmp_path / "src/classes.csv").write_text("name,value\nbackground,0 0 0\nb,#1600FF\n")
    for number in range(2):
        image, mask = draw_pair(number, (50, 60))
        Image.fromarray(image).save(tmp_path / f"src/images/{number}.png")
        if number == 0:
            Image.fromarray(COLORS[mask % 2]).save(tmp_path / "src/masks/0.png")
    config = cutting(tmp_path / "src", tmp_path / "out")
    config = dataclasses.replace(config, source=SourceConfig(tmp_path / "src", missing_mask="ignore"))
    report = build(config)
    assert report.manifest.splits["train"].records == 8
    assert report.manifest.splits["train"].tiles.dropped == 0


def test_the_manifest_of_a_dataset_without_tiles_does_not_mention_them(dataset, tmp_path):
    config = cutting(dataset, tmp_path / "out")
    build(dataclasses.replace(config, pair=PairConfig((24, 24))))
    assert "tile" not in (tmp_path / "out/manifest.json").read_text()


def test_all_tiles_of_a_photograph_that_kills_its_worker_are_refused_together(tmp_path):
    write_photos(tmp_path / "src")
    (task,) = plan_build(cutting(tmp_path / "src", tmp_path / "out", shards=1)).tasks["train"]
    own = [number for number, ref in enumerate(task.refs) if ref.image == "odd.png"]
    left = without_pair(task, own[0], "signal 9")
    assert left.crashed == tuple((number, "signal 9") for number in own)
    with pytest.raises(MachineError):
        without_pair(task, len(task.refs), "signal 9")
