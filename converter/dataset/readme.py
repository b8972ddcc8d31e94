"""Readme: README.md beside the shards, for whoever finds the folder: what it holds, and how to read and verify it.

Its text follows from the manifest, so the same records always have the same one. It is no part of the seal: its last
line tells whether somebody has edited it, and then it is theirs: no build replaces it, and it is no damage.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Iterator, Sequence

from converter.dataset.manifest import Manifest
from converter.errors import shown
from converter.schema import (
    BYTES_KEYS,
    FILE_NAME,
    IGNORE_INDEX,
    IMAGE,
    INT64_KEYS,
    MASK,
    MASK_NAME,
    ORIGINAL_HEIGHT,
    ORIGINAL_WIDTH,
    TILE_KEYS,
)
from converter.system.outputs import MARK

README = "README.md"
BATCH = 8  # records in a batch of the examples, where all have the same size

_KEYS = {
    IMAGE: "the photograph: JPEG or PNG, RGB",
    MASK: "class indices: PNG, 8 bits, one channel, as large as the photograph",
    FILE_NAME: "path of the photograph in the source folder, UTF-8",
    MASK_NAME: "path of its mask, UTF-8",
    ORIGINAL_HEIGHT: "rows of the upright photograph before it was resized",
    ORIGINAL_WIDTH: "its columns",
}
_FITS = {
    "pad": "resized as a whole, and padded to the stored size: with 0 in the photograph, as ignored in the mask",
    "stretch": "resized without regard to its proportions",
    "crop": "resized to cover the stored size, and cut at the edges",
    "tile": "cut into windows; the window of each is in its record",
}

_TFDS = """
import tensorflow_datasets as tfds

builder = tfds.builder_from_directory(".")
dataset = builder.as_dataset("{split}", as_supervised=True)  # image [H, W, 3] and mask [H, W, 1], uint8
names = builder.info.features["segmentation_mask"].names
"""
_TENSORFLOW = """
import tensorflow as tf

KEYS = {{key: tf.io.FixedLenFeature([], tf.string) for key in ("image", "segmentation_mask")}}

def pair(record):
    record = tf.io.parse_single_example(record, KEYS)
    image = tf.io.decode_jpeg(record["image"], channels=3, dct_method="INTEGER_ACCURATE")  # PNG as well
    return image, tf.io.decode_png(record["segmentation_mask"], channels=1)[..., 0]

shards = tf.io.matching_files("{name}-{split}.tfrecord-?????-of-?????")
dataset = tf.data.TFRecordDataset(shards).map(pair).batch({batch})
"""
_TORCH = """
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from converter import RecordSource  # of segconv

def batch_of(records):
    images = torch.stack([torch.tensor(record.image) for record in records])
    masks = torch.stack([torch.tensor(record.mask) for record in records])
    return images.permute(0, 3, 1, 2) / 255, masks.long()  # for CrossEntropyLoss(ignore_index=255)

if __name__ == "__main__":
    source = RecordSource(Path("."), "{split}")
    loader = DataLoader(source, batch_size={batch}, shuffle=True, num_workers=2, collate_fn=batch_of)
"""
_GRAIN = """
from pathlib import Path

import grain

from converter import RecordSource  # of segconv

dataset = grain.MapDataset.source(RecordSource(Path("."), "{split}")).shuffle(seed=0)
dataset = dataset.map(lambda record: {{"image": record.image, "mask": record.mask}}).batch({batch})
"""
_DATASETS = """
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Image, Sequence

from converter import RecordSource, read_manifest  # of segconv

def rows(folder, split):
    for record in RecordSource(Path(folder), split):
        yield {{
            "image": {{"bytes": record.image_bytes, "path": None}},
            "segmentation_mask": {{"bytes": record.mask_bytes, "path": None}},
            "classes": sorted(set(record.mask.tobytes()) - {{255}}),
        }}

names = list(read_manifest(Path(".")).class_names)
features = Features(image=Image(), segmentation_mask=Image(), classes=Sequence(ClassLabel(names=names)))
dataset = Dataset.from_generator(rows, features=features, gen_kwargs={{"folder": ".", "split": "{split}"}})
"""
LIBRARIES = {  # heading -> code that reads a split
    "TensorFlow Datasets": _TFDS,
    "TensorFlow": _TENSORFLOW,
    "PyTorch": _TORCH,
    "Grain": _GRAIN,
    "Hugging Face datasets": _DATASETS,
}

_HASH = re.compile(rf"<!-- {MARK} build; SHA-256 of the text above: ([0-9a-f]{{64}}) -->\n?\Z")


def readme_text(manifest: Manifest) -> str:
    """Returns the text of README.md, in Markdown; the same manifest always gives the same text."""
    text = "\n\n".join(_sections(manifest)) + "\n\n"
    return f"{text}<!-- {MARK} build; SHA-256 of the text above: {hashlib.sha256(text.encode()).hexdigest()} -->\n"


def is_edited(data: bytes) -> bool:
    """Returns whether a README.md is not, or no longer, as some version of segconv wrote it."""
    text = data.decode("utf-8", "replace")
    found = _HASH.search(text)
    return found is None or hashlib.sha256(text[: found.start()].encode()).hexdigest() != found[1]


def _sections(manifest: Manifest) -> Iterator[str]:
    records = sum(split.records for split in manifest.splits.values())
    size = "{} high and {} wide".format(*manifest.size) if manifest.size else "of different sizes"
    yield f"# {manifest.name}: photographs and class masks for semantic segmentation"
    yield textwrap.fill(
        f"{records:,} pairs of a photograph and a mask, {size}, in TFRecord files. Each pixel of a mask is the index "
        f"of a class below, or {IGNORE_INDEX}: ignored, neither to be learned nor to be scored.",
        width=100,
    )
    yield _table(("split", "pairs", "shards", "MB", "left out"), _split_rows(manifest))
    yield "## Classes"
    yield _table(("index", "class", "colour", "pixels", "share", "pairs with it"), _class_rows(manifest))
    yield "## Read it"
    yield "From this folder, after `pip install segconv` where `converter` is imported:"
    split = next(iter(manifest.splits), "train")
    for library, code in LIBRARIES.items():
        filled = code.format(name=manifest.name, split=split, batch=BATCH if manifest.size else 1)
        yield f"### {library}\n\n```python{filled}```"
    yield "Beside each shard lies an index with one line per record, `offset size`: NVIDIA DALI reads it as well."
    yield "## Verify it"
    yield "    segconv verify ."
    yield textwrap.fill(
        "reads every byte and compares it with manifest.json, which has the SHA-256 of every shard, the counts, the "
        "class map, the options and the versions that these records were built with. Edit this page as you like: it "
        "is no part of what is verified, and no build replaces it once it was edited. Where it is missing, the next "
        "build writes it anew.",
        width=100,
    )
    yield "## What a record holds"
    yield f"A `tf.train.Example`. The photograph was {_FITS.get(manifest.fit, 'resized')}."
    yield _table(("key", "type", "content"), _key_rows(manifest))


def _split_rows(manifest: Manifest) -> Iterator[Sequence[str]]:
    for name, split in manifest.splits.items():
        numbers = (f"{split.records:,}", f"{len(split.shards):,}", f"{split.bytes / 1e6:,.1f}", f"{split.skipped:,}")
        yield _plain(name), *numbers


def _class_rows(manifest: Manifest) -> Iterator[Sequence[str]]:
    splits = manifest.splits.values()
    counts = [sum(split.pixels[info.id] for split in splits) for info in manifest.classes]
    total = sum(counts) or 1
    for info, count in zip(manifest.classes, counts, strict=True):
        images = sum(split.images[info.id] for split in splits)
        color = "#{:02X}{:02X}{:02X}".format(*info.color)
        yield str(info.id), _plain(info.name), color, f"{count:,}", f"{count / total:.2%}", f"{images:,}"
    yield str(IGNORE_INDEX), "(ignored)", "", f"{sum(split.ignored_pixels for split in splits):,}", "", ""


def _key_rows(manifest: Manifest) -> Iterator[Sequence[str]]:
    for key in (*BYTES_KEYS, *INT64_KEYS):
        yield f"`{key}`", "bytes" if key in BYTES_KEYS else "int64", _KEYS[key]
    for key in TILE_KEYS if manifest.fit == "tile" else ():
        yield f"`{key}`", "int64", "pixels of the upright, scaled photograph"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Returns a text that Markdown shows as it is: names come from files of others."""
    return re.sub(r"([\\`*_{}\[\]<>|&~])", r"\\\1", shown(text))
