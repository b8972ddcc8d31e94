"""The table of models: each row is complete and correct."""

from __future__ import annotations

import sys
from pkgutil import resolve_name

import pytest
from trainer_fixtures import IGNORE_KERAS_COPY

from trainer.choices.encoders import ENCODERS, PREPROCESSINGS
from trainer.models import HAS_ENCODER, MODELS, TAKES_ENCODER, encoder_of, preprocessing_of


def test_a_model_tells_its_encoder():
    assert encoder_of("unet") is None
    assert encoder_of("unet", "mobilenetv2") == "mobilenetv2"
    assert encoder_of("deeplabv3plus") == "resnet50"
    assert encoder_of("my.nets:build") is None


def test_every_model_has_an_encoder_or_a_preprocessing_of_its_own():
    for name, row in MODELS.items():
        assert (row.encoder in ENCODERS) != (row.preprocessing in PREPROCESSINGS), name
    assert TAKES_ENCODER == ("unet", "encoder_unet", "deeplabv3plus")
    assert HAS_ENCODER == ("resnet50_segnet", "segnet", "encoder_unet", "fcn8s", "deeplabv3plus", "mobilenetv3_unet")


def test_the_preprocessing_is_that_of_the_encoder_where_there_is_one():
    assert preprocessing_of("unet") is PREPROCESSINGS["scale"]
    assert preprocessing_of("unet", "convnext_tiny") is PREPROCESSINGS["standardize"]
    assert preprocessing_of("fcn8s") is PREPROCESSINGS["caffe"]
    assert preprocessing_of("my.nets:build") is None


@pytest.mark.tf
@IGNORE_KERAS_COPY
@pytest.mark.parametrize("name", MODELS)
def test_the_builder_is_a_function_and_its_encoder_is_the_one_of_the_row(name):
    builder = resolve_name(MODELS[name].builder)
    own = getattr(sys.modules[builder.__module__], "ENCODER", MODELS[name].encoder)
    assert callable(builder)
    assert own == MODELS[name].encoder


@pytest.mark.tf
@IGNORE_KERAS_COPY
@pytest.mark.parametrize(
    ("name", "encoder"), [(name, None) for name in MODELS if "segformer" not in name] + [("unet", "convnext_tiny")]
)
def test_a_model_has_the_layer_of_its_preprocessing_inside(name, encoder):
    from trainer.models.build import build_model

    if name == "fcn8s":
        pytest.skip("takes half a gigabyte; built in test_trainer_models_build.py")
    net = build_model(name, (32, 32), 2, encoder=encoder)
    found = [layer.name for layer in net.layers if layer.name in PREPROCESSINGS]
    assert found == [preprocessing_of(name, encoder).name]
