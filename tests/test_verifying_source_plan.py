"""Source plan: a manifest has all that is needed to plan its records again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_dataset

from converter.building.build import build
from converter.classes.native import read_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.manifest import seal_of
from converter.dataset.parse import parse_manifest, read_manifest
from converter.errors import DataError
from converter.verifying import source_plan


@pytest.fixture
def own(tmp_path, request) -> tuple[Path, Path]:
    """A separate source, and its records: PNG, cropped, masks by vote, in two shards."""
    limit = getattr(request, "param", 5)
    dataset = write_dataset(tmp_path / "dataset", train=6, val=2, size=(20, 30))
    pair = PairConfig((12, 12), "crop", "vote", "png", tolerance=2)
    build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, shards=2, workers=1, seed=3, limit=limit))
    return dataset, tmp_path / "out"


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
    with pytest.raises(DataError, match=f"does not have the options of its build .*{option}"):
        source_plan.restored_config(out, manifest, SourceConfig(dataset))
