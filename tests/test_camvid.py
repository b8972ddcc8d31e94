"""A real dataset, where SEGCONV_CAMVID names its folder: 367 + 101 street photographs with RGB masks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.build import BuildReport, build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.inspect_shard import inspect_dataset

CAMVID = Path(os.environ.get("SEGCONV_CAMVID", "/nonexistent"))
COLORS = {
    "sky": (128, 128, 128),
    "building": (128, 0, 0),
    "pole": (192, 192, 128),
    "road": (128, 64, 128),
    "pavement": (60, 40, 222),
    "tree": (128, 128, 0),
    "sign": (192, 128, 128),
    "fence": (64, 64, 128),
    "car": (64, 0, 128),
    "pedestrian": (64, 64, 0),
    "bicyclist": (0, 128, 192),
}
VOID = (0, 0, 0)

pytestmark = pytest.mark.skipif(not CAMVID.is_dir(), reason="SEGCONV_CAMVID names no folder")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    folder = tmp_path_factory.mktemp("camvid")
    rows = [f"{name},{r} {g} {b}\n" for name, (r, g, b) in [*COLORS.items(), ("ignore", VOID)]]
    (folder / "classes.csv").write_text("name,value\n" + "".join(rows))
    pair = PairConfig(size=(360, 480))
    return build(BuildConfig(SourceConfig(CAMVID, classes=str(folder / "classes.csv")), folder / "records", pair=pair))


def packed(colors: object) -> np.ndarray:
    """Returns colours [..., 3] as one number each."""
    return np.asarray(colors, np.int64) @ (65536, 256, 1)


def test_every_pair_becomes_a_record(report):
    assert {name: split.records for name, split in report.manifest.splits.items()} == {"train": 367, "val": 101}


def test_class_counts_equal_those_of_the_source_masks(report):
    expected = np.zeros(1 << 24, np.int64)
    for path in [*(CAMVID / "png").iterdir(), *(CAMVID / "val_png").iterdir()]:
        values, counts = np.unique(packed(np.asarray(Image.open(path))), return_counts=True)
        expected[values] += counts
    manifest, reports = inspect_dataset(report.out)
    assert all(shard.fault is None for shard in reports)
    for index, name in enumerate(manifest.class_names):
        assert sum(shard.pixels[index] for shard in reports) == expected[packed(COLORS[name])]
    assert sum(shard.ignored_pixels for shard in reports) == expected[packed(VOID)]


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_tfds_reads_every_mask_as_it_was_drawn(report):
    import tensorflow_datasets as tfds

    table = np.array([*COLORS.values(), *[VOID] * (256 - len(COLORS))], np.uint8)
    builder = tfds.builder_from_directory(report.out)
    assert builder.info.features["segmentation_mask"].names == list(COLORS)
    for split, count in (("train", 367), ("val", 101)):
        seen = 0
        for example in tfds.as_numpy(builder.as_dataset(split)):
            drawn = np.asarray(Image.open(CAMVID / example["mask_name"].decode()))
            np.testing.assert_array_equal(table[example["segmentation_mask"][..., 0]], drawn)
            seen += 1
        assert seen == count
