"""Derive: a source that changed is reported record by record."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import COLORS, draw_pair, write_dataset
from PIL import Image
from test_verifying_verify import found_here

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import Record, decode_record
from converter.dataset.tfrecord import read_shard


@pytest.fixture
def own(tmp_path, request) -> tuple[Path, Path]:
    """A separate source, and its records: PNG, cropped, masks by vote, in two shards."""
    limit = getattr(request, "param", 5)
    dataset = write_dataset(tmp_path / "dataset", train=6, val=2, size=(20, 30))
    pair = PairConfig((12, 12), "crop", "vote", "png", tolerance=2)
    build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, shards=2, workers=1, seed=3, limit=limit))
    return dataset, tmp_path / "out"


def test_a_source_that_changed_or_vanished_is_reported_record_by_record(own):
    dataset, out = own
    assert found_here(out, source=SourceConfig(dataset), records=None).derived == 7
    assert found_here(out, source=SourceConfig(dataset), records=None).problems == []
    stored = {Path(r.file_name).name for shard in out.glob("*train*-of-00002") for r in decoded(shard)}
    first, second, third = sorted(stored)[:3]
    mask = COLORS[draw_pair(77, (20, 30))[1]]
    Image.fromarray(mask).save(dataset / f"png/m{first[1]}.png")
    (dataset / f"jpg/{second}").unlink()
    Image.fromarray(draw_pair(78, (20, 30))[0]).save(dataset / f"jpg/{third}")
    problems = found_here(out, source=SourceConfig(dataset), records=None).problems
    assert {problem.error.code for problem in problems} == {"E_SOURCE"}
    said = "\n".join(map(str, problems))
    assert len(problems) == 3
    assert f"png/m{first[1]}.png (" in said
    assert f"jpg/{second} does not exist" in said
    assert f"differs from its sources: jpg/{third} changed" in said


def decoded(shard: Path) -> list[Record]:
    return [decode_record(data, shard) for data in read_shard(shard.parent, shard.name)]


def test_another_class_map_in_the_source_is_reported_and_the_records_are_held_against_their_own(own):
    dataset, out = own
    text = (dataset / "classes.csv").read_text()
    (dataset / "classes.csv").write_text(text.replace("0 255 0", "0 254 0"))
    (problem,) = found_here(out, source=SourceConfig(dataset)).problems
    assert "has for class 2 vegetation: #00FE00, the records were built with vegetation: #00FF00" in str(problem)


@pytest.mark.parametrize("own", [None], indirect=True)
def test_a_pair_that_left_its_list_is_reported(own):
    dataset, out = own
    stored = decoded(next(out.glob("*val*-00000-of-00002")))[0]
    lines = (dataset / "val.txt").read_text().splitlines()
    kept = [line for line in lines if Path(stored.file_name).name not in line]
    (dataset / "val.txt").write_text("\n".join(kept))
    said = [str(problem) for problem in found_here(out, source=SourceConfig(dataset), records=None).problems]
    assert "has 1 pairs for split 'val', the records were built from 2" in said[0]
    assert f"record 0: is of {stored.file_name} and {stored.mask_name}, no longer a pair" in said[1]
