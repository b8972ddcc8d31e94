"""ONNX file: a valid one by ONNX's own checker, with classes inside, and an argmax that ONNX knows."""

from __future__ import annotations

import numpy as np
from exported_runs import NEEDS_TF2ONNX, small_net, small_run
from trainer_fixtures import NEEDS_TF

from trainer.run.info import read_run

pytestmark = [*NEEDS_TF, NEEDS_TF2ONNX]


def test_the_file_is_valid_and_describes_itself(tmp_path):
    import onnx

    from trainer.exporting.facts import facts_of
    from trainer.exporting.onnx_file import load_onnx, write_onnx
    from trainer.exporting.serving import Served

    run = small_run(tmp_path)
    facts = facts_of(run, read_run(run), {"format": "onnx", "free_size": False}, ["class_map", "logits"])
    net = small_net((32, 32))
    write_onnx(Served(net, (32, 32), facts), tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import if not entry.domain] == [("", 18)]
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts["segconv"].encode() == facts
    assert texts["classes"] == "ground,roof"
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    run_onnx = load_onnx(tmp_path / "model.onnx")
    logits = net.predict(images.astype(np.float32), verbose=0)
    for count in (1, 5):
        found = run_onnx(images[:count])
        np.testing.assert_array_equal(found["class_map"], logits[:count].argmax(axis=-1))
        np.testing.assert_allclose(found["logits"], logits[:count], atol=1e-4)
