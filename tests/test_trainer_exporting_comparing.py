"""Comparing: shares and scores by hand; windows cover a record of any size."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from exported_runs import small_run
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, UsageError
from trainer.run.info import read_run

pytestmark = NEEDS_TF


class Maps:
    """In place of ClassMaps: class 1 where an image is bright."""

    def predict_on_batch(self, images):
        return (images[..., 0] > 127).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("comparing"), (40, 100), (20, 24), crop="32x48")


def test_windows_cover_every_pixel_of_a_record_of_any_size(run):
    from trainer.exporting.comparing import samples_of

    samples = samples_of(read_run(run), None)
    sizes = {}
    for name, images, masks in samples.windows():
        assert images.shape[1:] == (32, 48, 3)
        assert masks.shape == images.shape[:3]
        sizes[name] = len(images)
    assert sizes == {"val/0_0.jpg": 2 * 3, "val/0_1.jpg": 1, "val/1_0.jpg": 2 * 3}
    record = samples.source[1]
    _, images, masks = list(samples.windows())[1]
    np.testing.assert_array_equal(images[0, :20, :24], record.image)
    assert (images[0, 20:] == 127).all()
    np.testing.assert_array_equal(masks[0, :20, :24], record.mask)
    assert (masks[0, :, 24:] == 255).all()


def test_shares_are_those_of_the_pixels_that_agree(run):
    from trainer.exporting.comparing import check_agreement, compare, samples_of

    samples = dataclasses.replace(samples_of(read_run(run), None), numbers=(1,))

    def differing(count):
        def run_it(images):
            found = Maps().predict_on_batch(images)
            found.reshape(-1)[:count] ^= 1
            return {"class_map": found}

        return compare(run_it, Maps(), samples, 2)

    pixels = 32 * 48
    same = differing(0)
    assert (same.agreement, same.lowest, same.miou[0]) == (1, 1, same.miou[1])
    check_agreement(same, "model", "none")
    one = differing(1)
    assert one.agreement == one.lowest == 1 - 1 / pixels
    check_agreement(one, "model", "none")  # one pixel of a small image may be a tie
    two = differing(2)
    assert two.lowest == 1 - 2 / pixels
    check_agreement(two, "model", "float16")
    with pytest.raises(DataError, match=r"another class to up to 0\.1302% .* at most 0\.0001 of them may differ"):
        check_agreement(two, "model", "none")
    many = differing(pixels // 4)
    with pytest.raises(DataError, match=r"was not kept\. Export it without --quantize"):
        check_agreement(many, "model", "int8")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (lambda maps: {"class_map": maps.astype(np.int64)}, "class maps of int64"),
        (lambda maps: {"class_map": maps[:, 1:]}, r"expected uint8 \(1, 32, 48\)"),
        (
            lambda maps: {"class_map": maps, "logits": np.eye(2)[1 - maps]},
            "has logits that do not fit its class maps",
        ),
    ],
)
def test_other_outputs_are_refused(run, found, message):
    from trainer.exporting.comparing import compare, samples_of

    samples = dataclasses.replace(samples_of(read_run(run), None), numbers=(1,))
    with pytest.raises(DataError, match=message):
        compare(lambda images: found(Maps().predict_on_batch(images)), Maps(), samples, 2)


def test_the_records_are_of_the_first_split_that_has_any_and_evenly_spaced(run, monkeypatch):
    from trainer.exporting import comparing

    info = read_run(run)
    assert comparing.samples_of(info, None, ("test", "train")).label == "4 records of split 'train'"
    with pytest.raises(UsageError, match="has no records in test"):
        comparing.samples_of(info, None, ("test",))
    monkeypatch.setattr(comparing, "MAX_COMPARED_RECORDS", 2)
    samples = comparing.samples_of(info, None, ("train",))
    assert (samples.label, samples.numbers) == ("2 of 4 records of split 'train'", (0, 3))
