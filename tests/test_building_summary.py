"""Summary: the counts of the manifest are those of the shards."""

from __future__ import annotations

import numpy as np
from builds import config
from conftest import COLORS, draw_pair, write_dataset
from made_pairs import CLASSES
from PIL import Image

from converter.building.build import build
from converter.building.plan import plan_shards
from converter.building.shards import run_shard_task
from converter.building.store import LocalStore
from converter.building.summary import stored_size
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.integrity import check_shard_file
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef


def test_manifest_counts_what_the_shards_hold(dataset, tmp_path):
    report = build(config(dataset, tmp_path / "out", shards=2))
    manifest = read_manifest(tmp_path / "out")
    assert manifest == report.manifest
    for split, info in manifest.splits.items():
        masks = np.stack([record.mask for record in RecordSource(tmp_path / "out", split)])
        assert list(info.pixels) == [int((masks == index).sum()) for index in range(3)]
        assert list(info.images) == [int((masks == index).any((1, 2)).sum()) for index in range(3)]
        assert info.ignored_pixels == int((masks == 255).sum())
        for shard in info.shards:
            check_shard_file(tmp_path / "out", shard)
    assert [info.name for info in manifest.classes] == ["background", "building", "vegetation"]
    assert manifest.classes[1].color == tuple(COLORS[1])


def test_class_weights_come_from_the_manifest_alone(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", size=(20, 30)))
    masks = np.stack([record.mask for record in RecordSource(tmp_path / "out", "train")])
    counts = np.array([(masks == index).sum() for index in range(3)])
    expected = counts.sum() / (3 * counts)  # balanced: each class weighs the same in all
    info = read_manifest(tmp_path / "out").splits["train"]
    np.testing.assert_array_equal(sum(info.pixels) / (3 * np.array(info.pixels)), expected)


def test_the_manifest_tells_channels_and_sizes_of_each_split(dataset, tmp_path):
    image, mask = draw_pair(7, (10, 15))
    Image.fromarray(image).save(dataset / "jpg/p0.jpg")
    Image.fromarray(COLORS[mask]).save(dataset / "png/m0.png")
    build(config(dataset, tmp_path / "one", size=(40, 60)))
    build(config(dataset, tmp_path / "many", size=(40, 60), shards=3, workers=3))
    splits, others = read_manifest(tmp_path / "one").splits, read_manifest(tmp_path / "many").splits
    assert splits["train"].sizes == ((20, 30, 5), (10, 15, 1))
    assert splits["val"].sizes == ((20, 30, 2),)
    for split, folder in (("train", "jpg"), ("val", "val_jpg")):
        pictures = [
            Image.open(path).resize((60, 40), Image.Resampling.BILINEAR) for path in (dataset / folder).iterdir()
        ]
        pixels = np.stack([np.asarray(picture) for picture in pictures]).astype(np.float64)
        channels = splits[split].channels
        np.testing.assert_allclose(channels.mean, pixels.mean((0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(channels.std, pixels.std((0, 1, 2)), rtol=1e-12)
        assert channels == others[split].channels


def test_the_manifest_tells_what_was_done_but_no_path_of_this_machine(dataset, tmp_path):
    (dataset / "classes.csv").rename(tmp_path / "mine.csv")
    source = SourceConfig(dataset, classes=str(tmp_path / "mine.csv"))
    pair = PairConfig((24, 24), "crop", "vote", "jpeg:80", 2)
    manifest = build(BuildConfig(source, tmp_path / "out", pair=pair, seed=3, limit=2, workers=1)).manifest
    assert (manifest.class_map, manifest.layout, manifest.fit) == ("mine.csv", find_layout(source).name, "crop")
    assert manifest.ignore_values == ("#FFFF00",)
    assert manifest.options == {
        "size": [24, 24], "image_format": "jpeg:80", "mask_resample": "vote", "tolerance": 2, "seed": 3, "limit": 2,
        "shards": None, "shard_mb": 128,
    }  # fmt: skip
    assert str(tmp_path) not in (tmp_path / "out/manifest.json").read_text()


def test_records_that_keep_their_sizes_have_one_in_the_manifest_only_where_all_have_it(dataset, tmp_path):
    assert build(config(dataset, tmp_path / "same", size=None)).manifest.size == (20, 30)
    image, mask = draw_pair(7, (10, 15))
    Image.fromarray(image).save(dataset / "jpg/p0.jpg")
    Image.fromarray(COLORS[mask]).save(dataset / "png/m0.png")
    report = build(config(dataset, tmp_path / "mixed", size=None))
    assert read_manifest(tmp_path / "mixed").size is report.manifest.size is report.to_json()["size"] is None
    shapes = sorted(record.image.shape[:2] for record in RecordSource(tmp_path / "mixed", "train"))
    assert shapes == [(10, 15)] + [(20, 30)] * 5


def test_all_255_classes_are_counted(dataset, tmp_path):
    (dataset / "classes.csv").write_text("name,value\n" + "".join(f"c{n},{n}\n" for n in range(255)) + "ignore,255\n")
    for folder in ("png", "val_png"):
        for path in (dataset / folder).iterdir():
            Image.fromarray(np.arange(600).reshape(20, 30).astype(np.uint8)).save(path)
    manifest = build(config(dataset, tmp_path / "out", size=(20, 30))).manifest
    counts = np.bincount(np.arange(600) % 256)
    assert manifest.splits["val"].pixels == tuple(2 * counts[:255])
    assert manifest.splits["val"].images == (2,) * 255
    assert manifest.splits["val"].ignored_pixels == 2 * counts[255]


def test_records_have_a_size_in_common_where_all_photographs_have_it(tmp_path):
    src = write_dataset(tmp_path / "dataset", train=2, val=1)
    refs = [ExampleRef("train", f"jpg/p{n}.jpg", f"png/m{n}.png") for n in range(2)]
    config = BuildConfig(SourceConfig(src), tmp_path, pair=PairConfig(None), shards=2)

    def results() -> list:
        tasks = plan_shards("train", refs, config, CLASSES, LocalStore(tmp_path))
        return [run_shard_task(task, lambda: None) for task in tasks]

    assert stored_size(results(), PairConfig(None)) == (20, 30)
    assert stored_size(results(), PairConfig((24, 24))) == (24, 24)
    image, mask = draw_pair(1, (8, 9))
    Image.fromarray(image).save(src / "jpg/p1.jpg")
    Image.fromarray(COLORS[mask]).save(src / "png/m1.png")
    assert stored_size(results(), PairConfig(None)) is None
    assert stored_size([], PairConfig(None)) is None
