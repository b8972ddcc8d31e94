"""Beside: README.md and croissant.json are written with the shards, stay when people edit them, and are no damage."""

from __future__ import annotations

import json

import pytest
from builds import config
from in_process import in_process

from converter.building.build import build
from converter.dataset.parse import read_manifest
from converter.dataset.readme import readme_text
from converter.errors import DataError
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify


@pytest.fixture
def out(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"), engine=in_process)
    return tmp_path / "out"


def notes(out) -> list[str]:
    report = verify(VerifyConfig(out, workers=1))
    assert not report.problems
    return report.notes


def again(dataset, out, **options):
    return build(config(dataset, out, **options), engine=in_process)


def test_the_page_follows_from_the_manifest_and_is_no_part_of_it(out):
    assert (out / "README.md").read_text() == readme_text(read_manifest(out))
    assert "README" not in (out / "manifest.json").read_text()
    assert notes(out) == []
    assert not (out / "croissant.json").exists()


def test_a_missing_page_is_a_remark_and_the_next_build_writes_it_and_no_shard(dataset, out):
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("dataset-*")}
    page = (out / "README.md").read_bytes()
    (out / "README.md").unlink()
    assert notes(out) == ["README.md is missing; the next build writes it"]
    again(dataset, out)
    assert (out / "README.md").read_bytes() == page
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("dataset-*")} == before
    assert again(dataset, out).is_up_to_date


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_edited_page_stays_whatever_is_built(dataset, out, overwrite):
    (out / "README.md").write_text("# My own words\n")
    assert notes(out) == ["README.md was edited; builds leave it as it is, and write it anew once it is deleted"]
    assert again(dataset, out).is_up_to_date
    (dataset / "train.txt").write_text("p0.jpg;m0.png\n")
    again(dataset, out, overwrite=overwrite)
    assert (out / "README.md").read_text() == "# My own words\n"


def test_an_edited_page_stays_where_the_manifest_is_lost(dataset, out):
    (out / "README.md").write_text("# My own words\n")
    (out / "manifest.json").unlink()
    again(dataset, out, overwrite=True)
    assert (out / "README.md").read_text() == "# My own words\n"


def test_a_page_that_nobody_edited_follows_the_records(dataset, out):
    (dataset / "train.txt").write_text("p0.jpg;m0.png\np1.jpg;m1.png\n")
    again(dataset, out)
    assert "| train | 2 |" in (out / "README.md").read_text()


def test_croissant_is_written_when_it_is_asked_for_and_kept_up_to_date_with_keys_of_others(dataset, out):
    again(dataset, out, croissant=True)
    path = out / "croissant.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"license": "CC-BY-4.0"}))
    assert notes(out) == []
    (dataset / "train.txt").write_text("p0.jpg;m0.png\n")
    manifest = (out / "manifest.json").read_bytes()
    again(dataset, out)
    raw = json.loads(path.read_text())
    assert raw["license"] == "CC-BY-4.0"
    assert raw["recordSet"][1]["data"][0]["splits/pairs"] == 1
    assert manifest != (out / "manifest.json").read_bytes()
    assert again(dataset, out).is_up_to_date


def test_croissant_of_other_records_is_a_remark(dataset, out):
    again(dataset, out, croissant=True)
    raw = json.loads((out / "croissant.json").read_text())
    (out / "croissant.json").write_text(json.dumps(raw | {"description": "another"}))
    assert notes(out) == ["croissant.json does not describe these records; the next build brings it up to date"]
    again(dataset, out)
    assert notes(out) == []


def test_a_file_of_others_in_its_place_is_left_and_named(dataset, out, caplog):
    (out / "croissant.json").write_text("not JSON")
    again(dataset, out, croissant=True)
    assert (out / "croissant.json").read_text() == "not JSON"
    assert "croissant.json is not JSON: it is left as it is." in caplog.text
    assert notes(out) == ["croissant.json does not describe these records; delete it to have it written anew"]


def test_a_folder_in_place_of_the_page_is_named_and_nothing_is_changed(dataset, out):
    (out / "README.md").unlink()
    (out / "README.md").mkdir()
    before = (out / "manifest.json").read_bytes()
    (dataset / "train.txt").write_text("p0.jpg;m0.png\n")
    with pytest.raises(DataError, match=r"README\.md: is a folder, where a file of the dataset belongs"):
        again(dataset, out)
    assert (out / "manifest.json").read_bytes() == before
