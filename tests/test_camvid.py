"""CamVid, where SEGCONV_CAMVID names its folder: 367 + 101 street images with RGB masks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.building.build import build
from converter.building.report import BuildReport
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource
from converter.verifying.inspect import inspect_dataset

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
    manifest, reports = inspect_dataset(report.out, scan=True)
    assert all(shard.problem is None for shard in reports)
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


NAMES = [*COLORS, "ignore"]
DRAWN = [*COLORS.values(), VOID]
CODES = [20 * number + 5 for number in range(len(NAMES))]


def encoding(kind: str) -> tuple[str, str, object, dict[str, object]]:
    """Returns (name of the class file, its text, image of uint8 [H, W] indices into NAMES, options of save)."""
    palette = [level for color in DRAWN for level in color]
    colors = [(name, *color) for name, color in zip(NAMES, DRAWN, strict=True)]

    def indexed(places: np.ndarray) -> Image.Image:
        picture = Image.fromarray(places)
        picture.putpalette(palette)
        return picture

    def colored(places: np.ndarray) -> Image.Image:
        return Image.fromarray(np.array(DRAWN, np.uint8)[places])

    class_dict = "name,r,g,b\n" + "".join(f"{name},{r},{g},{b}\n" for name, r, g, b in colors)
    labelmap = "# label:color_rgb:parts:actions\n" + "".join(f"{name}:{r},{g},{b}::\n" for name, r, g, b in colors)
    label_colors = "".join(f"{r} {g} {b}\t{name}\n" for name, r, g, b in colors)
    codes = "name,value\n" + "".join(f"{name},{code}\n" for name, code in zip(NAMES, CODES, strict=True))
    entries = "name,value\n" + "".join(f"{name},p{place}\n" for place, name in enumerate(NAMES))
    places = "name,value\n" + "".join(f"{name},{place}\n" for place, name in enumerate(NAMES))
    return {
        "rgb": ("label_colors.txt", label_colors, colored, {}),
        "palette": ("classes.csv", entries, indexed, {}),
        "index": ("classes.csv", places, Image.fromarray, {}),
        "grey codes": ("classes.csv", codes, lambda mask: Image.fromarray(np.array(CODES, np.uint8)[mask]), {}),
        "4-bit palette": ("labelmap.txt", labelmap, indexed, {"bits": 4}),
        "tiff": ("class_dict.csv", class_dict, colored, {"compression": "tiff_adobe_deflate"}),
    }[kind]


@pytest.mark.parametrize("kind", ["rgb", "palette", "index", "grey codes", "4-bit palette", "tiff"])
def test_masks_written_in_six_ways_are_built_to_the_same_pixels(report, tmp_path, kind):
    class_file, text, draw, options = encoding(kind)
    (tmp_path / class_file).write_text(text)
    place_of = np.zeros(1 << 24, np.uint8)
    place_of[packed(DRAWN)] = range(len(DRAWN))
    ending = "tif" if kind == "tiff" else "png"
    for split, prefix in (("train", ""), ("val", "val_")):
        (tmp_path / f"{prefix}jpg").mkdir()
        (tmp_path / f"{prefix}png").mkdir()
        lines = [line.split(";") for line in (CAMVID / f"{split}.txt").read_text().split()]
        for image, mask in lines:
            shutil.copy(CAMVID / f"{prefix}jpg" / image, tmp_path / f"{prefix}jpg" / image)
            places = place_of[packed(np.asarray(Image.open(CAMVID / f"{prefix}png" / mask)))]
            draw(places).save((tmp_path / f"{prefix}png" / mask).with_suffix(f".{ending}"), **options)
        pairs = "".join(f"{image};{Path(mask).with_suffix(f'.{ending}')}\n" for image, mask in lines)
        (tmp_path / f"{split}.txt").write_text(pairs)
    built = build(BuildConfig(SourceConfig(tmp_path), tmp_path / "records", pair=PairConfig(size=(360, 480))))
    assert built.manifest.class_names == tuple(COLORS)
    for split in ("train", "val"):
        expected = {record.file_name: record.mask for record in RecordSource(report.out, split)}
        found = {record.file_name: record.mask for record in RecordSource(built.out, split)}
        assert found.keys() == expected.keys()
        for name, mask in expected.items():
            np.testing.assert_array_equal(found[name], mask)
