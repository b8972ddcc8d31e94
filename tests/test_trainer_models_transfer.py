"""Transfer: the head follows the names of the classes."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image, write_records

from converter.errors import UsageError

pytestmark = NEEDS_TF

SIZE = (32, 32)
NAMES = ("road", "sky", "tree")


@pytest.fixture(scope="module")
def former(tmp_path_factory):
    """A saved model of three classes, and its logits for one image."""
    from trainer.models.build import build_model

    path = tmp_path_factory.mktemp("former") / "best.keras"
    model = build_model("unet_small", SIZE, 3)
    model.set_weights([np.random.default_rng(1).normal(0.1, 0.1, w.shape) ** 2 for w in model.get_weights()])
    model.save(path)
    return path, np.asarray(model(noise_image(SIZE)))


def built(path, wanted, of_file, num_classes: int | None = None, name: str = "unet_small"):
    from trainer.models.build import build_model
    from trainer.models.transfer import ClassNames

    names = ClassNames(wanted, of_file)
    return build_model(name, SIZE, num_classes or len(wanted), weights=str(path), names=names)


def kept(path, model) -> list[bool]:
    from trainer.models.load import load_model

    saved = load_model(path).get_weights()
    return [np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), saved, strict=True)]


def test_the_same_classes_are_taken_without_a_word(former, caplog):
    path, logits = former
    with caplog.at_level(logging.INFO):
        model = built(path, NAMES, NAMES)
    np.testing.assert_array_equal(model(noise_image(SIZE)), logits)
    assert caplog.text == ""


def test_another_order_rearranges_the_head_and_says_which_class_went_where(former, caplog):
    path, logits = former
    with caplog.at_level(logging.INFO):
        model = built(path, ("tree", "road", "sky"), NAMES)
    np.testing.assert_array_equal(np.asarray(model(noise_image(SIZE))), logits[..., [2, 0, 1]])
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith("its head was rearranged by name: tree 2 -> 0, road 0 -> 1, sky 1 -> 2.")


@pytest.mark.parametrize(("wanted", "told"), [
    (("road", "sky", "wall"), "(without wall and with tree)"),
    (("road", "sky"), "(with tree)"),
    (("road", "sky", "tree", "wall"), "(without wall)"),
])  # fmt: skip
def test_other_classes_start_the_head_anew_and_keep_the_rest(former, caplog, wanted, told):
    path, _ = former
    with caplog.at_level(logging.INFO):
        model = built(path, wanted, NAMES)
    assert kept(path, model) == [True] * (len(model.weights) - 2) + [False] * 2
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith(f"a model of other classes {told}: its head starts anew, all other weights are kept.")


def test_without_names_the_classes_are_assumed_or_counted(former, caplog):
    path, logits = former
    with caplog.at_level(logging.INFO):
        model = built(path, NAMES, None)
        built(path, (*NAMES, "wall"), None)
    np.testing.assert_array_equal(model(noise_image(SIZE)), logits)
    same, more = (record.getMessage() for record in caplog.records)
    assert same.endswith("no config.json beside it names its classes: they are taken for those of the records.")
    assert "(it has 3, the records have 4)" in more


def test_every_head_of_a_model_with_several_follows(tmp_path, monkeypatch):
    from trainer.models import fcn8s
    from trainer.models.build import build_model

    monkeypatch.setattr(fcn8s, "FC_FILTERS", 8)
    former = build_model("fcn8s", SIZE, 2)
    former.save(tmp_path / "best.keras")
    model = built(tmp_path / "best.keras", ("b", "a"), ("a", "b"), name="fcn8s")
    expected = np.asarray(former(noise_image(SIZE)))[..., ::-1]
    np.testing.assert_array_equal(np.asarray(model(noise_image(SIZE))), expected)


def test_another_model_is_refused(former):
    path, _ = former
    with pytest.raises(UsageError, match=r"does not fit unet: \d+ of \d+ weights differ in shape") as caught:
        built(path, NAMES, NAMES, name="unet")
    assert caught.value.code == "E_WEIGHTS"


def test_the_names_come_from_the_run_that_the_file_is_in(tmp_path, caplog):
    import json

    from trainer.config import TrainConfig
    from trainer.models.build import build_model
    from trainer.run.runs import create_run
    from trainer.setup import prepare

    manifest = write_records(tmp_path / "records", records={"train": [2], "val": [1]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2)
    run = create_run(config, manifest)
    former = build_model("unet_small", SIZE, 2)
    former.save(run / "best.keras")
    facts = json.loads((run / "config.json").read_text())
    facts["classes"].reverse()
    (run / "config.json").write_text(json.dumps(facts))
    caplog.set_level(logging.INFO)
    again = prepare(TrainConfig(config.data, config.runs, "unet_small", weights=str(run / "best.keras"), batch=2))
    expected = np.asarray(former(noise_image(SIZE)))[..., ::-1]
    np.testing.assert_array_equal(np.asarray(again.trainer.net(noise_image(SIZE))), expected)
    assert "ground 1 -> 0, roof 0 -> 1" in caplog.text
    (run / "config.json").write_text("{}")  # of another program
    prepare(TrainConfig(config.data, config.runs, "unet_small", weights=str(run / "best.keras"), batch=2))
    assert "no config.json beside it names its classes" in caplog.text
