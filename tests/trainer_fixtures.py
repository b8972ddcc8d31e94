"""A tiny folder of records for the tests of the trainer, written by TensorFlow's own writer."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.dataset.manifest import ClassInfo, Manifest, ShardInfo, SplitInfo
from converter.schema import (
    FILE_NAME,
    IGNORE_INDEX,
    IMAGE,
    INDEX_SUFFIX,
    MANIFEST,
    MASK,
    MASK_NAME,
    ORIGINAL_HEIGHT,
    ORIGINAL_WIDTH,
    shard_name,
)

# Keras 3.15 hands its variables to numpy in a way that numpy 2 deprecates.
IGNORE_KERAS_COPY = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
NEEDS_TF = [pytest.mark.tf, IGNORE_KERAS_COPY]  # for `pytestmark`

FRAMING_BYTES = 16  # of a TFRecord: length, checksum of the length, checksum of the record

GROUND, ROOF = (90, 120, 60), (200, 60, 50)  # colours of the two classes in the images
CLASSES = (ClassInfo(0, "ground", GROUND, ("0",)), ClassInfo(1, "roof", ROOF, ("1",)))

# A model that does not know its shapes, and hides its layers from Keras by a function of TensorFlow.
SUBCLASSED = """
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("subclassed")
class Net(keras.Model):
    def __init__(self, classes, **options):
        super().__init__(**options)
        self.classes = classes
        self.wide, self.head = keras.layers.Conv2D(8, 3, padding="same"), keras.layers.Conv2D(classes, 1)

    def call(self, image):
        return self.head(tf.nn.relu(self.wide(image / 255)))

    def get_config(self):
        return {"classes": self.classes, **super().get_config()}


def net(size, num_classes):
    return Net(num_classes, name="subclassed")
"""

# A custom model that allocates 16 TiB, which no machine has, as soon as a batch has two records.
GREEDY = """
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("greedy")
class Greedy(keras.layers.Layer):
    def call(self, x):
        side = tf.where(tf.shape(x, tf.int64)[:1] > 1, tf.constant(2**42, tf.int64), 1)
        return x + 1e-9 * tf.reduce_mean(tf.fill(side, tf.reduce_mean(x)))


def net(size, num_classes):
    image = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    return keras.Model(image, keras.layers.Conv2D(num_classes, 3, padding="same")(Greedy()(x)))
"""


def draw_pair(seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns a noisy image with one rectangle, uint8 [H, W, 3], and its mask, uint8 [H, W], with a void first row."""
    rng = np.random.default_rng(seed)
    height, width = size
    mask = np.zeros(size, np.uint8)
    top, left = rng.integers(1, height // 2), rng.integers(0, width // 2)
    mask[top : top + height // 2, left : left + width // 2] = 1
    image = np.array([GROUND, ROOF])[mask] + rng.normal(0, 12, (*size, 3))
    mask[0] = IGNORE_INDEX
    return image.clip(0, 255).astype(np.uint8), mask


def write_records(
    folder: Path, *sizes: tuple[int, int], records: dict[str, list[int]], listed: bool = True
) -> Manifest:
    """Writes a complete folder of records of two classes.

    Args:
      folder: created here.
      sizes: (height, width) of the records, in turn within each shard; 32x32 without any.
      records: number of records per shard, per split.
      listed: whether the manifest lists the sizes, where there are several.
    """
    folder.mkdir(parents=True)
    sizes = sizes or ((32, 32),)
    splits = {split: _write_split(folder, split, counts, sizes, listed) for split, counts in records.items()}
    manifest = Manifest("tiny", sizes[0] if len(sizes) == 1 else None, "pad", CLASSES, splits)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _write_split(
    folder: Path, split: str, counts: list[int], sizes: tuple[tuple[int, int], ...], listed: bool
) -> SplitInfo:
    from trainer.backend import tf

    shards, masks, example_bytes = [], [], 0
    for shard, count in enumerate(counts):
        path = folder / shard_name("tiny", split, shard, len(counts))
        index, offset = [], 0
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(count):
                name = f"{split}/{shard}_{number}"
                image, mask = draw_pair(hash_seed(name), sizes[number % len(sizes)])
                example = _example(name, image, mask)
                writer.write(example)
                masks.append(mask)
                example_bytes += len(example)
                size_in_shard = len(example) + FRAMING_BYTES
                index.append(f"{offset} {size_in_shard}\n")
                offset += size_in_shard
        path.with_name(path.name + INDEX_SUFFIX).write_text("".join(index), encoding="ascii")
        content = path.read_bytes()
        shards.append(ShardInfo(path.name, count, len(content), hashlib.sha256(content).hexdigest()))
    found = Counter(mask.shape for mask in masks)
    return SplitInfo(
        shards=tuple(shards),
        example_bytes=example_bytes,
        pixels=tuple(sum(int((mask == index).sum()) for mask in masks) for index in range(len(CLASSES))),
        images=tuple(sum(bool((mask == index).any()) for mask in masks) for index in range(len(CLASSES))),
        ignored_pixels=sum(int((mask == IGNORE_INDEX).sum()) for mask in masks),
        sizes=tuple((*size, count) for size, count in found.items()) if listed else (),
        other_sizes=0 if listed else len(masks),
    )


def hash_seed(name: str) -> int:
    """Returns the random seed of the pair of that name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _example(name: str, image: np.ndarray, mask: np.ndarray) -> bytes:
    from trainer.backend import tf

    def encoded(pixels: np.ndarray, **options: object) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, **options)
        return buffer.getvalue()

    texts = {
        IMAGE: encoded(image, format="JPEG", quality=95),
        MASK: encoded(mask, format="PNG"),
        FILE_NAME: f"{name}.jpg".encode(),
        MASK_NAME: f"{name}.png".encode(),
    }
    feature = {key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text])) for key, text in texts.items()}
    for key, pixels in ((ORIGINAL_HEIGHT, image.shape[0]), (ORIGINAL_WIDTH, image.shape[1])):
        feature[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=[pixels]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def stored_pairs(folder, manifest: Manifest, split: str) -> list[tuple[bytes, bytes]]:
    """Pixels of every record in order, decoded by Pillow."""
    from trainer.backend import tf

    def pixels(encoded: bytes) -> bytes:
        return np.asarray(Image.open(io.BytesIO(encoded))).tobytes()

    pairs = []
    for shard in manifest.splits[split].shards:
        for record in tf.data.TFRecordDataset(str(folder / shard.name)):
            feature = tf.train.Example.FromString(record.numpy()).features.feature
            pairs.append(tuple(pixels(feature[key].bytes_list.value[0]) for key in (IMAGE, MASK)))
    return pairs


def epoch(batches) -> list[tuple[bytes, bytes]]:
    """Pixels of every record of some batches, in their order."""
    pairs = []
    for (batch,) in batches:
        for image, mask in zip(batch["image"].numpy(), batch["mask"].numpy(), strict=True):
            pairs.append((image.tobytes(), mask.tobytes()))
    return pairs


def noise_image(size: tuple[int, int] = (45, 61), seed: int = 0) -> np.ndarray:
    """Returns noise in 0..255, float32 [1, H, W, 3]; the default size is no multiple of any stride."""
    return np.random.default_rng(seed).uniform(0, 255, (1, *size, 3)).astype(np.float32)
