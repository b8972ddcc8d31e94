"""Facts: an exported model describes itself, reads as a run, and names no path of the machine."""

from __future__ import annotations

import json

from exported_runs import small_run
from trainer_fixtures import CLASSES, NEEDS_TF

from trainer.run.info import parse_run, read_run

pytestmark = NEEDS_TF


def test_the_description_reads_as_the_run_without_its_paths(tmp_path):
    from trainer.exporting.facts import facts_of

    run = small_run(tmp_path, weights=str(tmp_path / "secret/other.keras"))
    info = read_run(run)
    text = facts_of(run, info, {"format": "onnx", "free_size": False}, ["class_map", "logits"])
    assert str(tmp_path) not in text.decode()
    found = parse_run(text, "model.onnx")
    assert (found.size, found.classes, found.records, found.fit) == (info.size, info.classes, info.records, "pad")
    assert found.class_map == CLASSES
    assert found.config.weights == "other.keras"
    export = json.loads(text)["export"]
    assert export["run"] == run.name
    assert export["input"] == {"image": "uint8 [N, 32, 32, 3], RGB"}
    assert export["outputs"]["logits"] == "float32 [N, height, width, 2]"
