"""The data: every record once, exactly the stored pixels, and nothing damaged."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image
from trainer_fixtures import NEEDS_TF, write_records

from converter.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import DataError, UsageError
from converter.manifest import Manifest
from converter.schema import IMAGE, MASK
from converter.source import RecordSource

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, size=SIZE, records={"train": [7, 5, 4], "val": [3]})


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
    pairs = []
    for (batch,) in batches:
        for image, mask in zip(batch["image"].numpy(), batch["mask"].numpy(), strict=True):
            pairs.append((image.tobytes(), mask.tobytes()))
    return pairs


def test_pixels_are_bit_for_bit_those_that_pillow_reads_and_in_order(records):
    from trainer.data import dataset

    folder, manifest = records
    for split in ("train", "val"):
        assert epoch(dataset(manifest, folder, split, batch=5)) == stored_pairs(folder, manifest, split)


def test_batches_are_uint8_of_static_size_and_keep_the_remainder(records):
    from trainer.data import dataset

    folder, manifest = records
    batches = dataset(manifest, folder, "train", batch=5)
    (spec,) = batches.element_spec
    assert {key: (value.dtype.name, value.shape.as_list()) for key, value in spec.items()} == {
        "image": ("uint8", [None, *SIZE, 3]),
        "mask": ("uint8", [None, *SIZE]),
    }
    assert len(batches) == 4
    assert [len(batch["mask"]) for (batch,) in batches] == [5, 5, 5, 1]


def test_a_shuffled_epoch_has_every_record_once_and_an_order_of_its_own(records):
    from trainer.data import dataset

    folder, manifest = records
    stored = stored_pairs(folder, manifest, "train")
    batches = dataset(manifest, folder, "train", batch=4, shuffle=True, seed=1)
    first, second = epoch(batches), epoch(batches)
    assert sorted(first) == sorted(second) == sorted(stored)
    assert len(set(stored)) == 16
    assert first != stored
    assert first != second


def test_the_order_depends_on_the_seed_alone(records):
    from trainer.data import dataset

    folder, manifest = records

    def order(seed: int) -> list[tuple[bytes, bytes]]:
        batches = dataset(manifest, folder, "train", batch=4, shuffle=True, seed=seed)
        return epoch(batches) + epoch(batches)

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_one_flipped_bit_is_found_before_tensorflow_reads(tmp_path):
    from trainer.data import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3], "val": [2]})
    path = tmp_path / "records" / manifest.splits["train"].shards[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_records(tmp_path / "records", ("train", "val"))
    assert caught.value.code == "E_SHARD_CRC"
    assert open_records(tmp_path / "records", ("val",)).name == "tiny"  # what is not read is not in the way


def test_an_absent_split_is_named_with_those_that_are_there(records):
    from trainer.data import open_records

    with pytest.raises(UsageError, match="has no split 'test', but 'train', 'val'"):
        open_records(records[0], ("test",))


def test_an_empty_split_is_refused(tmp_path):
    from trainer.data import open_records

    write_records(tmp_path / "records", records={"train": [3], "val": []})
    with pytest.raises(UsageError, match="split 'val' holds no records"):
        open_records(tmp_path / "records", ("train", "val"))


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    from trainer.data import open_records

    with pytest.raises(UsageError, match="segconv build --src"):
        open_records(tmp_path, ("train",))


@pytest.mark.parametrize("image_format", ["jpeg:80", "png", "keep"])
def test_what_segconv_builds_is_decoded_to_the_same_pixels_whatever_its_format(tmp_path, image_format):
    from trainer.data import dataset, open_records

    source = write_dataset(tmp_path / "source", size=(33, 47))
    image = Image.open(source / "jpg/p0.jpg")
    image.save(source / "jpg/p1.jpg", "PNG")
    image.save(source / "jpg/p2.jpg", quality=70, subsampling="4:2:2", progressive=True)
    image.save(source / "jpg/p3.jpg", quality=70, keep_rgb=True)
    pair = PairConfig((33, 47), image_format=image_format)
    out = build(BuildConfig(SourceConfig(source), tmp_path / "out", pair=pair, workers=1)).out
    batches = epoch(dataset(open_records(out, ("train",)), out, "train", batch=4))
    assert batches == [(record.image.tobytes(), record.mask.tobytes()) for record in RecordSource(out, "train")]
    assert len(batches) == 6


def test_records_of_different_sizes_are_refused(tmp_path):
    from trainer.data import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3]})
    text = dataclasses.replace(manifest, size=None).to_json()
    (tmp_path / "records/manifest.json").write_text(text)
    with pytest.raises(
        UsageError, match=r"records: records have no common size\. Build .* --size HEIGHTxWIDTH"
    ) as caught:
        open_records(tmp_path / "records", ("train",))
    assert caught.value.code == "E_SIZE"
