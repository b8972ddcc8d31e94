"""Decoding: exactly the stored pixels, with either decoder."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image
from trainer_fixtures import NEEDS_TF, epoch, stored_pairs, write_records

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, SIZE, records={"train": [7, 5, 4], "val": [3]})


def test_the_order_and_the_pixels_are_the_same_with_the_fast_decoder_and_without(records, monkeypatch):
    from trainer.input import decoding
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    orders = []
    for decoder in (decoding.decode_image_png_u8, None):
        monkeypatch.setattr(decoding, "decode_image_png_u8", decoder)
        batches = train_batches(InputConfig(manifest, folder, "train", batch=5, cache="off"), seed=1, epochs=2)
        orders.append(epoch(batches.dataset))
    assert orders[0] == orders[1]
    assert set(orders[0]) <= set(stored_pairs(folder, manifest, "train"))


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB"])
def test_a_mask_is_what_tensorflow_reads_whatever_its_kind(mode):
    from trainer.backend import tf
    from trainer.input.decoding import mask_pixels

    indices = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
    mask = Image.fromarray(indices)
    if mode == "P":
        mask.putpalette([255 - value for value in range(256) for _ in range(3)])
    file = io.BytesIO()
    mask.convert(mode).save(file, "PNG")
    wanted = tf.io.decode_png(file.getvalue(), channels=1).numpy()[..., 0]
    np.testing.assert_array_equal(mask_pixels(file.getvalue(), (6, 8)), wanted)
    if mode == "L":
        np.testing.assert_array_equal(wanted, indices)


def test_a_mask_that_is_cut_off_is_an_error_and_no_pixels():
    from trainer.backend import tf
    from trainer.input.decoding import mask_pixels

    file = io.BytesIO()
    Image.fromarray(np.arange(200 * 8, dtype=np.uint8).reshape(40, 40)).save(file, "PNG")
    with pytest.raises(tf.errors.InvalidArgumentError):
        mask_pixels(file.getvalue()[:-60], (40, 40))


@pytest.mark.parametrize("image_format", ["jpeg:80", "png", "keep"])
def test_what_segconv_builds_is_decoded_to_the_same_pixels_whatever_its_format(tmp_path, image_format):
    from trainer.input.batches import eval_batches
    from trainer.input.reading import InputConfig
    from trainer.input.records import open_records

    source = write_dataset(tmp_path / "source", size=(33, 47))
    image = Image.open(source / "jpg/p0.jpg")
    image.save(source / "jpg/p1.jpg", "PNG")
    image.save(source / "jpg/p2.jpg", quality=70, subsampling="4:2:2", progressive=True)
    image.save(source / "jpg/p3.jpg", quality=70, keep_rgb=True)
    pair = PairConfig((33, 47), image_format=image_format)
    out = build(BuildConfig(SourceConfig(source), tmp_path / "out", pair=pair, workers=1)).out
    batches = epoch(eval_batches(InputConfig(open_records(out, ("train",)), out, "train", batch=3)).dataset)
    assert batches == [(record.image.tobytes(), record.mask.tobytes()) for record in RecordSource(out, "train")]
    assert len(batches) == 6
