"""Check: all problems in a dataset, reported in one run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from cut_photos import cutting, write_photos
from PIL import Image
from sample_datasets import checked, plant_ten_faults

from converter.building.build import build
from converter.checking.check import FAST_PAIRS, check, judge
from converter.checking.survey import PairFacts
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.sample.write import write_sample
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef
from tests.conftest import write_dataset
from tests.facts_by_hand import by_code, grey, judged


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A generated sample dataset, to be copied before it is changed."""
    folder = tmp_path_factory.mktemp("check") / "drawn"
    write_sample(folder, train=14, val=4)
    return folder


@pytest.fixture
def sample(drawn, tmp_path):
    return Path(shutil.copytree(drawn, tmp_path / "town"))


def test_a_sample_dataset_has_no_errors(sample):
    report = checked(sample)
    assert report.ok
    assert [row.name for row in report.rows] == ["background", "building", "vegetation", "road"]
    assert sum(row.share for row in report.rows) == pytest.approx(1)
    assert report.next_command == f"segconv build --src {sample} --size 32x48"


def test_ten_planted_faults_are_all_reported_in_one_run_each_with_file_line_and_remedy(sample):
    planted = plant_ten_faults(sample)
    assert sum(map(len, planted.values())) == 10
    report = checked(sample)
    problems = by_code(report)
    for code, places in planted.items():
        assert [where for where, _ in problems[code].places] == [where for where, _ in places]
        for (_, part), (_, what) in zip(places, problems[code].places, strict=True):
            assert part in what
        assert problems[code].fix.endswith(".")
    assert not report.ok
    assert {problem.code for problem in report.problems if problem.severity == "error"} == set(planted)
    assert report.next_command.startswith("fix the errors above")
    text = report.to_text()
    assert all(where in text and code in text for code, places in planted.items() for where, _ in places)


def test_the_names_closest_to_missing_and_unmatched_files_are_told(sample):
    plant_ten_faults(sample)
    problems = by_code(checked(sample))
    ((where, what),) = problems["E_MISSING"].places
    assert where == "train.txt:1"
    assert "closest" in what
    lost = [what for where, what in problems["W_UNMATCHED"].places if "lost_" in where]
    assert lost == ["is in no pair; closest: png/tile_0001.png"]


def test_peers_row_9_all_size_mismatches_are_listed_with_line_and_both_sizes_and_swapped_ones_hinted(dataset):
    for number, size in ((0, (30, 20)), (2, (20, 31)), (5, (30, 20))):
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(dataset / f"png/m{number}.png")
    places = by_code(checked(dataset))["E_SIZE"].places
    assert [where for where, _ in places] == ["train.txt:1", "train.txt:3", "train.txt:6"]
    assert all("its image jpg/p" in what and "is 20 high and 30 wide" in what for _, what in places)
    assert "png/m2.png is 20 high and 31 wide" in places[1][1]
    assert ["swapped" in what for _, what in places] == [True, False, True]


def test_peers_row_26_leaks_by_name_and_content_are_errors_and_near_duplicates_warnings(sample):
    train, val = sample / "jpg", sample / "val_jpg"
    names = sorted(path.name for path in train.iterdir())
    own = sorted(path.name for path in val.iterdir())
    shutil.copy(train / names[0], val / own[0])
    Image.open(train / names[1]).save(val / own[1], quality=40)
    shutil.copy(train / names[2], train / names[3])
    report = checked(sample)
    problems = by_code(report)
    assert [where for where, _ in problems["E_LEAK"].places] == ["val.txt:1"]
    assert problems["W_NEAR_DUPLICATE"].places == (
        ("val.txt:2", f"val_jpg/{own[1]} looks like jpg/{names[1]} (train.txt:2)"),
    )
    assert problems["W_DUPLICATE"].places == (
        ("train.txt:4", f"jpg/{names[3]} has the content of jpg/{names[2]} (train.txt:3)"),
    )
    assert not report.ok


def test_without_a_class_map_the_values_are_shown_and_the_next_command_drafts_one(dataset):
    (dataset / "classes.csv").unlink()
    report = checked(dataset)
    assert {row.value for row in report.rows} == {"#000000", "#1600FF", "#00FF00", "#FFFF00"}
    assert all(row.id is None and row.name for row in report.rows)
    assert [problem.code for problem in report.problems if problem.severity == "error"] == ["E_CLASSES"]
    assert report.next_command == f"segconv classes --src {dataset} --write"
    assert report.records_mb > 0


def test_a_class_map_that_is_wrong_is_an_error_with_its_line(dataset):
    (dataset / "classes.csv").write_text("name,value\nroad,#12\n")
    report = checked(dataset)
    ((where, _),) = by_code(report)["E_CLASSES"].places
    assert where.endswith("classes.csv:2")
    assert report.next_command.startswith("fix")


def test_fast_reads_a_sample_of_every_split_and_says_so(tmp_path):
    folder = write_dataset(tmp_path / "many", train=FAST_PAIRS, val=50, size=(4, 4))
    report = checked(folder, fast=True)
    assert (report.read, report.num_pairs) == (200, 250)
    assert all(sum(split.class_pixels) for split in report.splits.values())
    assert "200 of 250 pairs (--fast)" in report.to_text()
    assert [ref.image for ref in report.samples] == [ref.image for ref in checked(folder, fast=True).samples]


def test_the_size_of_the_records_is_predicted(sample):
    small, large = checked(sample), checked(sample, pair=PairConfig(size=(288, 384)))
    assert 0 < small.records_mb < large.records_mb < 10
    files = [path for kind in ("jpg", "png", "val_jpg", "val_png") for path in (sample / kind).iterdir()]
    assert large.source_mb == pytest.approx(sum(path.stat().st_size for path in files) / 1e6)


def test_names_with_control_characters_are_shown_escaped():
    evil = ExampleRef("train", "a\x1b[2J.jpg", "m.png", "tr\nain.txt", 1)
    error = PairFacts(evil, values=((grey(9), 1),), image_size=(1, 1))
    report = judge(BuildConfig(SourceConfig(Path("d\x1b"))), Layout("list", ("\x1b",), {"train": (evil,)}), [error])
    assert "\x1b" not in report.to_text()


def test_a_dataset_none_of_whose_pairs_could_be_read_is_judged_too():
    report = judged([])
    assert (report.read, report.source_mb, report.rows) == (0, 0, report.rows)
    assert report.to_text()


def test_the_size_of_the_records_is_that_of_all_tiles(tmp_path):
    write_photos(tmp_path / "src")
    config = cutting(tmp_path / "src", tmp_path / "out")
    report = check(config)
    assert report.ok
    records = build(config).manifest.splits.values()
    assert report.records_mb * 1e6 == pytest.approx(sum(split.bytes for split in records), rel=0.25)
