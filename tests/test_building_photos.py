"""Photos: a photograph that is read by windows gives the records of one that is decoded as a whole."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import visible
from geotiffs import LIMIT, NEEDS_RASTERIO, write_geotiff, write_orthophotos
from PIL import Image
from test_verifying_stitch import shards
from test_verifying_verify import found_here

from converter.building.build import build
from converter.building.report import RefusedPairsError
from converter.checking.check import check
from converter.config import BuildConfig, PairConfig, SourceConfig, TileConfig
from converter.dataset.reader import RecordSource
from converter.sources.layouts.find import find_layout
from converter.verifying.stitch import stitch

pytestmark = NEEDS_RASTERIO


def windows(src, out, tile=None, **options) -> BuildConfig:
    """Returns a build of tiles of 32 x 40 pixels, whose photographs are read by windows."""
    pair = PairConfig((32, 40), "tile", image_format="png", tile=tile or TileConfig(8), **options)
    return BuildConfig(SourceConfig(src, max_pixels=LIMIT), out, pair=pair, workers=1, shards=5)


def whole(config: BuildConfig, out) -> BuildConfig:
    return dataclasses.replace(config, out=out, source=SourceConfig(config.source.src))


def records_of(out):
    return [record for split in ("train", "val") for record in RecordSource(out, split)]


@pytest.mark.parametrize(
    "tile", [TileConfig(8), TileConfig(8, "pad"), TileConfig(8, scale=0.5), TileConfig(8, scale=1.3)]
)
def test_the_tiles_are_those_of_the_whole_photograph(tmp_path, tile):
    write_orthophotos(tmp_path / "src")
    config = windows(tmp_path / "src", tmp_path / "out", tile)
    report = build(config)
    expected = build(whole(config, tmp_path / "whole"))
    pairs = list(zip(records_of(tmp_path / "out"), records_of(tmp_path / "whole"), strict=True))
    for found, other in pairs:
        assert (found.key, found.tile[:2]) == (other.key, other.tile[:2])
        np.testing.assert_array_equal(found.mask, other.mask)
        # From another corner Pillow may round a tie otherwise, by one level in each of its two passes.
        assert np.abs(found.image.astype(int) - other.image).max() <= (0 if tile.scale == 1 else 2)
    for split, info in expected.manifest.splits.items():
        assert report.manifest.splits[split].pixels == info.pixels
        assert report.manifest.splits[split].padded_pixels == info.padded_pixels
    assert found_here(tmp_path / "out", source=config.source, records=None).problems == []
    assert build(config).is_up_to_date
    assert build(dataclasses.replace(config, rehash=True)).is_up_to_date


def test_put_together_they_are_the_mask_and_know_where_they_are(tmp_path):
    photos = write_orthophotos(tmp_path / "src")
    build(windows(tmp_path / "src", tmp_path / "out"))
    np.testing.assert_array_equal(stitch(shards(tmp_path / "out"), "train.tif").mask, photos["train"][1])
    for record in records_of(tmp_path / "out"):
        top, left, *_ = record.tile.window
        assert record.tile.crs == "EPSG:25832"
        np.testing.assert_allclose(record.tile.transform, (0.2, 0, 5e5 + 0.2 * left, 0, -0.2, 5e6 - 0.2 * top))


def test_one_edited_block_makes_the_shards_of_its_tiles_alone_again(tmp_path):
    import rasterio

    write_orthophotos(tmp_path / "src")
    before = build(windows(tmp_path / "src", tmp_path / "out")).manifest
    with rasterio.open(tmp_path / "src/train_mask.tif", "r+") as file:
        file.write(np.zeros((1, 16, 16), np.uint8), window=((0, 16), (0, 16)))
    after = build(windows(tmp_path / "src", tmp_path / "out"))
    changed = [
        old.name for (_, old), (_, new) in zip(before.shards(), after.manifest.shards(), strict=True) if old != new
    ]
    assert changed == ["src-train.tfrecord-00000-of-00005"]
    assert after.reused == 9
    build(windows(tmp_path / "src", tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_a_damaged_shard_is_repaired_to_the_same_bytes(tmp_path):
    write_orthophotos(tmp_path / "src")
    config = windows(tmp_path / "src", tmp_path / "out")
    report = build(config)
    before = visible(tmp_path / "out")
    shard = tmp_path / "out" / next(shard.name for _, shard in report.manifest.shards())
    shard.write_bytes(shard.read_bytes()[:-7])
    assert found_here(tmp_path / "out", source=config.source, repair=True).problems == []
    assert visible(tmp_path / "out") == before


def test_metres_a_pixel_say_how_a_photograph_is_resized(tmp_path):
    write_orthophotos(tmp_path / "src")
    image, _ = np.zeros((60, 80, 3), np.uint8), None
    write_geotiff(tmp_path / "src/val.tif", image, metres=0.4)
    write_geotiff(tmp_path / "src/val_mask.tif", image[..., 0], metres=0.4)
    config = windows(tmp_path / "src", tmp_path / "out", TileConfig(8, gsd=0.4))
    build(dataclasses.replace(config, source=SourceConfig(tmp_path / "src")))
    sizes = {record.file_name: record.tile.scaled_size for record in records_of(tmp_path / "out")}
    assert sizes == {"train.tif": (76, 102), "val.tif": (60, 80)}
    assert {round(record.tile.transform[0], 2) for record in records_of(tmp_path / "out")} == {0.4}
    write_geotiff(tmp_path / "src/val.tif", image, crs="EPSG:4326")
    with pytest.raises(RefusedPairsError) as caught:
        build(dataclasses.replace(config, source=SourceConfig(tmp_path / "src"), overwrite=True))
    assert [reject.error.what.split(",")[0] for reject in caught.value.rejects] == [
        "has no projected coordinate reference system"
    ]


def test_what_is_refused_is_named_once_and_read_again_when_it_was_mended(tmp_path):
    photos = write_orthophotos(tmp_path / "src")
    mask = np.where(photos["train"][1] == 255, 3, photos["train"][1]).astype(np.uint8)
    wrong = mask.copy()
    wrong[140:, 190:] = 77
    write_geotiff(tmp_path / "src/train_mask.tif", wrong)
    config = dataclasses.replace(windows(tmp_path / "src", tmp_path / "out"), on_error="skip", max_bad=50)
    report = build(config)
    assert [reject.error.code for reject in report.rejects] == ["E_MASK_VALUE"]
    assert report.manifest.splits["train"].records == report.manifest.splits["train"].tiles.planned - 2
    assert report.manifest.splits["train"].skipped == 1
    write_geotiff(tmp_path / "src/train_mask.tif", mask)
    assert build(config).rejects == []
    build(dataclasses.replace(config, out=tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    write_geotiff(tmp_path / "src/train_mask.tif", mask[:-1])
    with pytest.raises(RefusedPairsError, match=r"1 of 2 pairs were refused \(1 E_SIZE"):
        build(dataclasses.replace(config, on_error="fail"))


def test_a_mask_is_not_resized_by_vote(tmp_path):
    write_orthophotos(tmp_path / "src")
    config = windows(tmp_path / "src", tmp_path / "out", TileConfig(8, scale=0.5), mask_resample="vote")
    with pytest.raises(RefusedPairsError) as caught:
        build(config)
    assert "by the nearest pixel alone" in str(caught.value.rejects[0])


def test_check_says_what_it_did_not_read(tmp_path):
    write_orthophotos(tmp_path / "src")
    report = check(windows(tmp_path / "src", tmp_path / "out"))
    assert report.ok
    (problem,) = [problem for problem in report.problems if problem.code == "W_WINDOWS"]
    assert [where for where, _ in problem.places] == ["train.txt:1", "val.txt:1"]
    assert [problem.code for problem in report.problems] == ["W_WINDOWS"]  # nothing is said of classes


def test_a_photograph_without_a_place_has_none(tmp_path):
    write_orthophotos(tmp_path / "src")
    for name in ("val", "val_mask"):
        Image.new("L", (70, 50)).save(tmp_path / f"src/{name}.tif")
    build(windows(tmp_path / "src", tmp_path / "out"))
    assert {record.tile.crs for record in RecordSource(tmp_path / "out", "val")} == {""}


def test_jpeg_2000_that_a_list_names_is_read_by_windows(tmp_path):
    photos = write_orthophotos(tmp_path / "src")
    options = {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES", "tiled": None, "compress": None}
    options |= {"blockxsize": None, "blockysize": None}
    for split, (image, _) in photos.items():
        write_geotiff(tmp_path / f"src/{split}.jp2", image, **options)
        (tmp_path / f"src/{split}.tif").unlink()
        (tmp_path / f"src/{split}.txt").write_text(f"{split}.jp2;{split}_mask.tif\n")
    config = windows(tmp_path / "src", tmp_path / "out")
    report = build(dataclasses.replace(config, source=SourceConfig(tmp_path / "src")))
    assert report.manifest.splits["train"].records == report.manifest.splits["train"].tiles.planned
    for record in records_of(tmp_path / "out"):
        top, left, *_ = record.tile.window
        expected = photos[record.file_name.removesuffix(".jp2")][0][top : top + 32, left : left + 40]
        np.testing.assert_array_equal(record.image, expected)
    assert not any(unused.code == "W_UNREAD_FILES" for unused in find_layout(config.source).unused)
