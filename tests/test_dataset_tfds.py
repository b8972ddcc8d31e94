"""TFDS and TensorFlow read what segconv built, as it is."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from conftest import COLORS, EXPECTED, draw_pair
from PIL import Image

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource
from converter.dataset.tfds import tfds_files


@pytest.fixture
def built(dataset, tmp_path):
    text = (dataset / "classes.csv").read_text().replace("vegetation", "végétation dense")
    (dataset / "classes.csv").write_text(text, encoding="utf-8")
    return build(
        BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=PairConfig(size=(20, 30)), shards=2, workers=1)
    )


def test_files_tell_classes_counts_and_sizes(built):
    files = tfds_files(built.manifest)
    assert files["segmentation_mask.labels.txt"] == "background\nbuilding\nvégétation dense\n"
    info = json.loads(files["dataset_info.json"])
    features = json.loads(files["features.json"])["featuresDict"]["features"]
    assert features["image"]["image"]["encodingFormat"] == "jpeg"
    assert features["image"]["image"]["shape"]["dimensions"] == ["20", "30", "3"]
    assert [(split["name"], split["shardLengths"]) for split in info["splits"]] == [
        ("train", ["3", "3"]),
        ("val", ["1", "1"]),
    ]


def test_files_tell_png_and_sizes_that_differ(built):
    manifest = dataclasses.replace(built.manifest, size=None, options={"image_format": "png"})
    features = json.loads(tfds_files(manifest)["features.json"])["featuresDict"]["features"]
    assert features["image"]["image"]["encodingFormat"] == "png"
    assert features["image"]["image"]["shape"]["dimensions"] == ["-1", "-1", "3"]
    assert features["segmentation_mask"]["image"]["shape"]["dimensions"] == ["-1", "-1", "1"]


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_tfds_reads_every_pixel_and_the_class_names(built):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(built.out)
    assert builder.info.features["segmentation_mask"].names == ["background", "building", "végétation dense"]
    for split, first in (("train", 0), ("val", 100_000)):
        examples = list(tfds.as_numpy(builder.as_dataset(split)))
        ours = {record.file_name: record for record in RecordSource(built.out, split)}
        assert {example["file_name"].decode() for example in examples} == set(ours)
        assert len(examples) == len(ours)
        for example in examples:
            record = ours[example["file_name"].decode()]
            number = int(record.file_name.split("/p")[1].removesuffix(".jpg"))
            np.testing.assert_array_equal(example["segmentation_mask"][..., 0], EXPECTED[draw_pair(first + number)[1]])
            assert (example["original_height"], example["original_width"]) == (20, 30)
            assert example["image"].shape == (20, 30, 3)


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_tfds_reads_a_dataset_with_an_empty_shard(dataset, tmp_path):
    import tensorflow_datasets as tfds

    (dataset / "jpg/p0.jpg").unlink()
    out = tmp_path / "out"
    build(BuildConfig(SourceConfig(dataset), out, pair=PairConfig(size=(20, 30)), shards=6, workers=1, on_error="skip"))
    builder = tfds.builder_from_directory(out)
    assert len(list(builder.as_dataset("train"))) == builder.info.splits["train"].num_examples == 5


@pytest.mark.tf
def test_tensorflow_decodes_the_same_pixels_as_we_do(built):
    import tensorflow as tf

    shards = [str(built.out / shard.name) for split, shard in built.manifest.shards() if split == "train"]
    ours = list(RecordSource(built.out, "train"))
    features = {key: tf.io.FixedLenFeature([], tf.string) for key in ("image", "segmentation_mask")}
    theirs = [tf.io.parse_single_example(data, features) for data in tf.data.TFRecordDataset(shards)]
    for record, example in zip(ours, theirs, strict=True):
        image = tf.io.decode_jpeg(example["image"], dct_method="INTEGER_ACCURATE")
        np.testing.assert_array_equal(image, record.image)
        np.testing.assert_array_equal(tf.io.decode_png(example["segmentation_mask"])[..., 0], record.mask)


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    ("image_format", "size"), [("png", (20, 30)), ("keep", (20, 30)), ("png", None), ("keep", None)]
)
def test_tfds_reads_png_kept_photographs_and_records_of_different_sizes(dataset, tmp_path, image_format, size):
    import tensorflow_datasets as tfds

    Image.fromarray(draw_pair(1)[0]).save(dataset / "jpg/p1.jpg", "PNG")  # whatever its name says
    if size is None:
        image, mask = draw_pair(0, (33, 21))
        Image.fromarray(image).save(dataset / "jpg/p0.jpg")
        Image.fromarray(COLORS[mask]).save(dataset / "png/m0.png")
    pair = PairConfig(size=size, image_format=image_format)
    out = build(BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=pair, workers=1)).out
    builder = tfds.builder_from_directory(out)
    sides = size or (None, None)
    assert builder.info.features["image"].shape == (*sides, 3)
    assert builder.info.features["segmentation_mask"].shape == (*sides, 1)
    ours = {record.file_name: record for record in RecordSource(out, "train")}
    examples = list(tfds.as_numpy(builder.as_dataset("train")))
    assert len(examples) == len(ours) == 6
    for example in examples:
        record = ours[example["file_name"].decode()]
        np.testing.assert_array_equal(example["segmentation_mask"][..., 0], record.mask)
        assert example["image"].shape == record.image.shape
        if Image.open(io.BytesIO(record.image_bytes)).format == "PNG":  # TFDS decodes JPEG with another transform
            np.testing.assert_array_equal(example["image"], record.image)
