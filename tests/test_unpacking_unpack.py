"""Unpack: built again, the dataset gives the same shards."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig, TileConfig
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.unpacking.unpack import unpack
from tests.conftest import COLORS, EXPECTED, write_dataset


@pytest.fixture
def built(tmp_path):
    """Records that keep size and bytes of the images."""
    source = SourceConfig(write_dataset(tmp_path / "dataset"))
    pair = PairConfig(size=None, image_format="keep")
    build(BuildConfig(source, tmp_path / "records", "d", pair, shards=2, workers=1))
    return tmp_path / "records"


def test_files_hold_the_stored_bytes_under_the_paths_they_came_from(built, tmp_path):
    unpack(built, tmp_path / "out")
    assert (tmp_path / "out/jpg/p3.jpg").read_bytes() == (tmp_path / "dataset/jpg/p3.jpg").read_bytes()
    truth = np.asarray(Image.open(tmp_path / "dataset/png/m3.png"))
    index = EXPECTED[(truth[..., None, :] == COLORS).all(-1).argmax(-1)]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out/png/m3.png")), index)


def test_colours_are_those_of_the_classes_and_ignored_pixels_have_one_of_their_own(built, tmp_path):
    unpack(built, tmp_path / "out", "color")
    mask = np.asarray(Image.open(tmp_path / "out/png/m3.png").convert("RGB"))
    truth = np.asarray(Image.open(tmp_path / "dataset/png/m3.png"))
    ignored = (truth == COLORS[3]).all(-1)
    np.testing.assert_array_equal(mask[~ignored], truth[~ignored])
    assert {tuple(color) for color in mask[ignored].tolist()} == {(224, 224, 192)}
    assert (tmp_path / "out/classes.csv").read_text().splitlines()[-1] == "ignore,#E0E0C0"


def test_records_of_another_size_keep_their_pixels_in_a_second_round(tmp_path):
    source = SourceConfig(write_dataset(tmp_path / "dataset"))
    build(BuildConfig(source, tmp_path / "records", "d", PairConfig(size=(16, 24), image_format="png"), workers=1))
    unpack(tmp_path / "records", tmp_path / "out")
    assert (tmp_path / "out/jpg/p0.png").read_bytes().startswith(b"\x89PNG")  # stored as PNG, whatever it was before
    again = SourceConfig(tmp_path / "out")
    build(BuildConfig(again, tmp_path / "again", "d", PairConfig(size=None, image_format="keep"), workers=1))
    for split in ("train", "val"):
        one, other = (
            {record.mask_name: record for record in RecordSource(tmp_path / name, split)}
            for name in ("records", "again")
        )
        assert one.keys() == other.keys()
        for name, record in one.items():
            assert (record.image_bytes, record.mask_bytes) == (other[name].image_bytes, other[name].mask_bytes)


def test_images_of_one_name_get_a_number(tmp_path):
    folder = write_dataset(tmp_path / "dataset", train=2)
    image = Image.open(folder / "jpg/p0.jpg")
    image.save(folder / "jpg/p0.bmp")
    (folder / "train.txt").write_text("p0.jpg;m0.png\np0.bmp;m1.png\n")
    build(BuildConfig(SourceConfig(folder), tmp_path / "records", "d", PairConfig(size=(8, 8)), workers=1))
    unpack(tmp_path / "records", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out/jpg").iterdir()) == ["p0-2.jpg", "p0.jpg"]
    assert len((tmp_path / "out/train.txt").read_text().splitlines()) == 2


def test_tiles_are_named_by_their_corners(tmp_path):
    folder = write_dataset(tmp_path / "dataset", train=2, val=1, size=(20, 30))
    pair = PairConfig(size=(16, 16), fit="tile", tile=TileConfig(overlap=2), image_format="png")
    build(BuildConfig(SourceConfig(folder), tmp_path / "records", "d", pair, workers=1))
    unpack(tmp_path / "records", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out/png").iterdir())
    assert names == [f"m{n}@{top}_{left}.png" for n in range(2) for top in (0, 4) for left in (0, 14)]
    truth = np.asarray(Image.open(folder / "png/m1.png"))
    index = EXPECTED[(truth[..., None, :] == COLORS).all(-1).argmax(-1)]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out/png/m1@4_14.png")), index[4:20, 14:30])


def test_a_damaged_shard_leaves_nothing(built, tmp_path):
    shard = next(path for path in built.iterdir() if "val" in path.name and path.name.endswith("00001-of-00002"))
    data = bytearray(shard.read_bytes())
    data[100] ^= 1
    shard.write_bytes(data)
    with pytest.raises(DataError, match=shard.name):
        unpack(built, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "records"]


def test_a_folder_that_holds_something_is_refused_and_an_empty_one_is_used(built, tmp_path):
    with pytest.raises(UsageError, match="holds something already"):
        unpack(built, tmp_path / "dataset")
    (tmp_path / "out").mkdir()
    unpack(built, tmp_path / "out")
    assert (tmp_path / "out/train.txt").exists()


def test_a_path_that_leads_out_of_the_folder_is_refused(built, tmp_path, monkeypatch):
    true = RecordSource.__getitem__

    def outside(source, number):
        return dataclasses.replace(true(source, number), file_name="../../etc/x.jpg")

    monkeypatch.setattr(RecordSource, "__getitem__", outside)
    with pytest.raises(DataError, match="leaves the source folder"):
        unpack(built, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_classes_of_one_colour_cannot_be_told_apart_in_colours(built, tmp_path, monkeypatch):
    manifest = read_manifest(built)
    same = tuple(dataclasses.replace(info, color=(1, 2, 3)) for info in manifest.classes)
    monkeypatch.setattr(
        "converter.unpacking.unpack.read_manifest", lambda place: dataclasses.replace(manifest, classes=same)
    )
    with pytest.raises(UsageError, match=r"'building' and 'background' in the same colour, \(1, 2, 3\)"):
        unpack(built, tmp_path / "out", "color")
    unpack(built, tmp_path / "out")
