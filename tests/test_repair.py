"""Repair: a finished dataset is told apart from what its sources give now, and its very bytes are brought back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import COLORS, draw_pair, write_dataset
from PIL import Image
from test_verify import everything, found_in, here  # noqa: F401 - a fixture is used by its name

from converter.building.build import build
from converter.building.commit import locked
from converter.classes.native import read_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import Record, decode_record
from converter.dataset.manifest import seal_of
from converter.dataset.parse import parse_manifest, read_manifest
from converter.dataset.tfrecord import read_shard
from converter.errors import DataError, UsageError
from converter.verifying import source_plan


@pytest.fixture
def own(tmp_path, request) -> tuple[Path, Path]:
    """A source of its own, and its records: PNG, cropped, by vote, in two shards."""
    limit = getattr(request, "param", 5)
    dataset = write_dataset(tmp_path / "dataset", train=6, val=2, size=(20, 30))
    pair = PairConfig((12, 12), "crop", "vote", "png", tolerance=2)
    build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, shards=2, workers=1, seed=3, limit=limit))
    return dataset, tmp_path / "out"


@pytest.mark.usefixtures("here")
def test_a_source_that_changed_or_vanished_is_reported_record_by_record(own):
    dataset, out = own
    assert found_in(out, source=SourceConfig(dataset), records=None).derived == 7
    assert found_in(out, source=SourceConfig(dataset), records=None).problems == []
    stored = {Path(r.file_name).name for shard in out.glob("*train*-of-00002") for r in decoded(shard)}
    first, second, third = sorted(stored)[:3]
    mask = COLORS[draw_pair(77, (20, 30))[1]]
    Image.fromarray(mask).save(dataset / f"png/m{first[1]}.png")
    (dataset / f"jpg/{second}").unlink()
    Image.fromarray(draw_pair(78, (20, 30))[0]).save(dataset / f"jpg/{third}")
    problems = found_in(out, source=SourceConfig(dataset), records=None).problems
    assert {problem.error.code for problem in problems} == {"E_SOURCE"}
    said = "\n".join(map(str, problems))
    assert len(problems) == 3
    assert f"png/m{first[1]}.png (" in said
    assert f"jpg/{second} does not exist" in said
    assert f"is no longer what its sources give: jpg/{third} changed" in said


def decoded(shard: Path) -> list[Record]:
    return [decode_record(data, shard) for data in read_shard(shard)]


@pytest.mark.usefixtures("here")
def test_another_class_map_in_the_source_is_reported_and_the_records_are_held_against_their_own(own):
    dataset, out = own
    text = (dataset / "classes.csv").read_text()
    (dataset / "classes.csv").write_text(text.replace("0 255 0", "0 254 0"))
    (problem,) = found_in(out, source=SourceConfig(dataset)).problems
    assert "has for class 2 vegetation: #00FE00, the records were made with vegetation: #00FF00" in str(problem)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("own", [None], indirect=True)
def test_a_pair_that_left_its_list_is_reported(own):
    dataset, out = own
    stored = decoded(next(out.glob("*val*-00000-of-00002")))[0]
    lines = (dataset / "val.txt").read_text().splitlines()
    kept = [line for line in lines if Path(stored.file_name).name not in line]
    (dataset / "val.txt").write_text("\n".join(kept))
    said = [str(problem) for problem in found_in(out, source=SourceConfig(dataset), records=None).problems]
    assert "has 1 pairs for split 'val', the records were made of 2" in said[0]
    assert f"record 0: is of {stored.file_name} and {stored.mask_name}, no pair now" in said[1]


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
    mended = {train[0].name, f"{train[0].name}.idx", val[1].name, f"{val[1].name}.idx", f"{val[0].name}.idx"}
    assert set(report.repaired) == mended | {"segmentation_mask.labels.txt"}
    untouched = before.keys() - mended - {"segmentation_mask.labels.txt"}
    assert all((out / name).stat().st_ino == inodes[name] for name in untouched)
    assert report.derived == 7


@pytest.mark.usefixtures("here")
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
    report = found_in(out, source=SourceConfig(dataset), repair=True, records=None)
    assert report.problems == []
    assert report.derived == 6
    assert everything(out) == before


@pytest.mark.usefixtures("here")
def test_a_repair_keeps_out_of_a_folder_that_a_build_works_in_or_has_left_half_exchanged(own):
    dataset, out = own
    with locked(out), pytest.raises(UsageError, match="is being written by another segconv"):
        found_in(out, source=SourceConfig(dataset), repair=True)
    (out / ".segconv-commit").write_text("{}")
    with pytest.raises(UsageError, match="is half exchanged for another dataset"):
        found_in(out, source=SourceConfig(dataset), repair=True)


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
    assert "cannot be repaired: made again from the source it has another SHA-256, so the source has changed" in said
    assert report.repaired == []
    assert everything(out) == before


def test_the_class_map_of_a_manifest_is_that_of_its_build(own):
    dataset, out = own
    classes = source_plan.restored_classes(out, read_manifest(out))
    assert classes == read_class_map(dataset / "classes.csv")


@pytest.mark.parametrize("option", ["size", "mask_resample", "image_format", "tolerance", "seed", "limit"])
def test_a_manifest_without_an_option_of_its_build_is_refused(own, option):
    dataset, out = own
    raw = json.loads(read_manifest(out).to_json())
    del raw["options"][option]
    raw["seal"] = seal_of(raw)
    manifest = parse_manifest(json.dumps(raw), "m")
    with pytest.raises(DataError, match=f"does not tell the options of its build .*{option}"):
        source_plan.restored_config(out, manifest, SourceConfig(dataset))


@pytest.mark.usefixtures("here")
def test_a_folder_in_the_place_of_a_file_is_named_and_all_else_is_repaired(own):
    dataset, out = own
    first, second = sorted(out.glob("*train*-of-00002"))
    before = everything(out)
    for path in (first, out / "features.json", second.with_name(second.name + ".idx")):
        path.unlink()
        path.mkdir()
    (out / "dataset_info.json").unlink()
    report = found_in(out, source=SourceConfig(dataset), repair=True)
    said = [str(problem) for problem in report.problems]
    for name in (first.name, "features.json", f"{second.name}.idx"):
        told = f"{out / name}: is a folder, where a file of the dataset belongs. Move it out of the folder."
        assert said.count(told) == 1
        (out / name).rmdir()
    assert report.repaired == ["dataset_info.json"]
    assert report.damaged == [first.name, second.name]
    report = found_in(out, source=SourceConfig(dataset), repair=True)
    assert report.problems == []
    assert everything(out) == before


@pytest.mark.usefixtures("here")
def test_a_source_that_changed_is_no_damage_of_a_shard(own):
    dataset, out = own
    record = decoded(sorted(out.glob("*train*-of-00002"))[0])[0]
    (dataset / record.mask_name).unlink()
    report = found_in(out, source=SourceConfig(dataset), records=None)
    assert report.damaged == []
    assert report.to_text().splitlines()[-1] == "4 shards, 7 records: whole, but the source has changed"
    assert [problem.shard for problem in report.problems] == [sorted(out.glob("*train*-of-00002"))[0].name]
