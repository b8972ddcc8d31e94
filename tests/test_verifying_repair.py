"""Repair: damaged files are rebuilt byte for byte, and sources that have changed are reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import COLORS, draw_pair, write_dataset
from PIL import Image
from test_verifying_verify import everything, found_here, found_in

from converter.building.build import build
from converter.building.commit import locked
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import Record, decode_record
from converter.dataset.tfrecord import read_shard
from converter.errors import UsageError


@pytest.fixture
def own(tmp_path, request) -> tuple[Path, Path]:
    """A separate source, and its records: PNG, cropped, masks by vote, in two shards."""
    limit = getattr(request, "param", 5)
    dataset = write_dataset(tmp_path / "dataset", train=6, val=2, size=(20, 30))
    pair = PairConfig((12, 12), "crop", "vote", "png", tolerance=2)
    build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, shards=2, workers=1, seed=3, limit=limit))
    return dataset, tmp_path / "out"


def decoded(shard: Path) -> list[Record]:
    return [decode_record(data, shard) for data in read_shard(shard.parent, shard.name)]


def test_a_repair_brings_the_same_bytes_back_and_touches_nothing_else(own):
    dataset, out = own
    before = everything(out)
    inodes = {path.name: path.stat().st_ino for path in out.iterdir()}
    train = sorted(out.glob("*train*-of-00002"))
    data = bytearray(train[0].read_bytes())
    data[100] ^= 4
    train[0].write_bytes(data)
    val = sorted(out.glob("*val*-of-00002"))
    val[1].unlink()
    val[1].with_name(val[1].name + ".idx").unlink()
    val[0].with_name(val[0].name + ".idx").write_text("0 1\n")
    (out / "segmentation_mask.labels.txt").write_text("building\nbackground\n")
    report = found_in(out, source=SourceConfig(dataset), repair=True, records=None)
    assert report.problems == []
    assert everything(out) == before
    fixed = {train[0].name, f"{train[0].name}.idx", val[1].name, f"{val[1].name}.idx", f"{val[0].name}.idx"}
    assert set(report.repaired) == fixed | {"segmentation_mask.labels.txt"}
    untouched = before.keys() - fixed - {"segmentation_mask.labels.txt"}
    assert all((out / name).stat().st_ino == inodes[name] for name in untouched)
    assert report.derived == 7


@pytest.mark.parametrize(
    "pair",
    [
        PairConfig(None, image_format="keep"),
        PairConfig((24, 40), "stretch", "nearest", "jpeg:80"),
        PairConfig((24, 40), "pad", "vote", "png", tolerance=3),
    ],
)
def test_a_manifest_holds_enough_to_make_every_shard_again(tmp_path, pair):
    dataset = write_dataset(tmp_path / "dataset", train=5, val=2, size=(20, 30))
    (dataset / "classes.csv").rename(tmp_path / "map.csv")  # nor is the class map there any more
    (dataset / "jpg/p1.jpg").write_bytes(b"no photograph")
    source = SourceConfig(dataset, classes=str(tmp_path / "map.csv"))
    out = tmp_path / "out"
    build(BuildConfig(source, out, "town", pair, shards=2, workers=1, seed=7, on_error="skip", max_bad=50))
    before = everything(out)
    for path in out.glob("town-*"):
        path.unlink()
    report = found_here(out, source=SourceConfig(dataset), repair=True, records=None)
    assert report.problems == []
    assert report.derived == 6
    assert everything(out) == before


def test_a_repair_keeps_out_of_a_folder_that_a_build_works_in_or_has_left_half_exchanged(own):
    dataset, out = own
    with locked(out), pytest.raises(UsageError, match="is being written by another segconv"):
        found_here(out, source=SourceConfig(dataset), repair=True)
    (out / ".segconv-commit").write_text("{}")
    with pytest.raises(UsageError, match="is only partly replaced by another dataset"):
        found_here(out, source=SourceConfig(dataset), repair=True)


def test_a_repair_from_a_source_that_changed_is_refused_and_changes_nothing(own):
    dataset, out = own
    shard = sorted(out.glob("*train*-of-00002"))[0]
    record = decoded(shard)[0]
    Image.fromarray(COLORS[draw_pair(77, (20, 30))[1]]).save(dataset / record.mask_name)
    os.truncate(shard, 100)
    before = everything(out)
    report = found_in(out, source=SourceConfig(dataset), repair=True)
    said = "\n".join(map(str, report.problems))
    assert f"{shard}: record 0: " in said
    assert "cannot be repaired: rebuilt from the source it has another SHA-256, so the source has changed" in said
    assert report.repaired == []
    assert everything(out) == before


def test_a_folder_in_the_place_of_a_file_is_named_and_all_else_is_repaired(own):
    dataset, out = own
    first, second = sorted(out.glob("*train*-of-00002"))
    before = everything(out)
    for path in (first, out / "features.json", second.with_name(second.name + ".idx")):
        path.unlink()
        path.mkdir()
    (out / "dataset_info.json").unlink()
    report = found_here(out, source=SourceConfig(dataset), repair=True)
    said = [str(problem) for problem in report.problems]
    for name in (first.name, "features.json", f"{second.name}.idx"):
        told = f"{out / name}: is a folder, where a file of the dataset belongs. Move it out of the folder."
        assert said.count(told) == 1
        (out / name).rmdir()
    assert report.repaired == ["dataset_info.json"]
    assert report.damaged == [first.name, second.name]
    report = found_here(out, source=SourceConfig(dataset), repair=True)
    assert report.problems == []
    assert everything(out) == before


def test_a_source_that_changed_is_no_damage_of_a_shard(own):
    dataset, out = own
    record = decoded(sorted(out.glob("*train*-of-00002"))[0])[0]
    (dataset / record.mask_name).unlink()
    report = found_here(out, source=SourceConfig(dataset), records=None)
    assert report.damaged == []
    assert report.to_text().splitlines()[-1] == "4 shards, 7 records: intact, but the source has changed"
    assert [problem.shard for problem in report.problems] == [sorted(out.glob("*train*-of-00002"))[0].name]
