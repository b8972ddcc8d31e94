"""Card: the facts of a run, the scores with their intervals, and what people wrote, which stays."""

from __future__ import annotations

import hashlib
import json

import pytest
from exported_runs import small_run
from trainer_fixtures import NEEDS_TF

from trainer.run.info import read_run

pytestmark = NEEDS_TF

SCORES = {
    "split": "val",
    "records": 3,
    "miou": 0.5,
    "miou_interval": [0.25, 0.75],
    "pixel_accuracy": 0.875,
    "classes": [
        {"name": "ground", "iou": 0.5, "iou_interval": [0.4, 0.6], "precision": 0.7, "recall": 0.8, "f1": 0.75}
        | {"pixels": 1000},
        {"name": "a|b", "iou": None, "precision": None, "recall": None, "f1": None, "pixels": 0},
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("card"))


def write(run, path, name="model.onnx", scores=(SCORES,)):
    from trainer.exporting.card import ExportedFile, write_card

    return write_card(path, read_run(run), run, list(scores), ExportedFile(name, "ONNX Runtime", "all equal"))


def test_the_card_has_data_scores_with_intervals_options_and_versions(run, tmp_path):
    assert write(run, tmp_path / "MODEL_CARD.md")
    text = (tmp_path / "MODEL_CARD.md").read_text()
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        *("Intended use", "Limits", "Model", "Files", "Data", "Scores", "Training options", "Versions"),
    ]
    for line in (
        "# tiny: unet_small",
        "| trained on | 32x32 pixels (height x width) |",
        f"| seal of the records | {read_run(run).records} |",
        "| 1 | roof | #C83C32 | 1 |",
        "Split 'val', 3 records: mIoU 50.0% (25.0%..75.0%), pixel accuracy 87.5% (n/a).",
        "| ground | 50.0% | 40.0%..60.0% | 70.0% | 80.0% | 75.0% | 1000 |",
        r"| a\|b | n/a | n/a | n/a | n/a | n/a | 0 |",
        "| batch | 2 |",
        "| model.onnx | ONNX Runtime | all equal |",
    ):
        assert line in text.splitlines(), text
    assert "To be filled in" in text
    assert str(run.parent.parent) not in text


def test_what_people_wrote_and_other_files_stay(run, tmp_path):
    path = tmp_path / "MODEL_CARD.md"
    (tmp_path / "model.onnx").write_bytes(b"x")
    write(run, path)
    text = path.read_text()
    start, end = text.index("_To be filled in: for which"), text.index("## Limits")
    path.write_text(f"{text[:start]}Roofs of Bavaria.\n\n### Not\n\nOther roofs.\n\n{text[end:]}")
    write(run, path, "model.keras")
    text = path.read_text()
    assert "## Intended use\n\nRoofs of Bavaria.\n\n### Not\n\nOther roofs.\n\n## Limits\n\n_To be" in text
    assert "| model.onnx | " in text
    assert "| model.keras | " in text
    (tmp_path / "model.onnx").unlink()
    write(run, path, "model.tflite")
    assert "model.onnx" not in path.read_text()


def test_a_card_of_somebody_else_is_left_alone(run, tmp_path, caplog):
    path = tmp_path / "MODEL_CARD.md"
    path.write_text("# Mine\n")
    assert not write(run, path)
    assert path.read_text() == "# Mine\n"
    assert "segconv did not write it: the model card was not written" in caplog.text


def test_saved_scores_are_those_of_this_model(tmp_path):
    from trainer.exporting.card import saved_scores

    run = small_run(tmp_path)
    assert saved_scores(run) == []
    model = hashlib.sha256((run / "best.keras").read_bytes()).hexdigest()
    (run / "evaluation-val.json").write_text(json.dumps(SCORES | {"model": model}))
    (run / "evaluation-test.json").write_text("[]")
    assert [scores["split"] for scores in saved_scores(run)] == ["val"]
    (run / "best.keras").write_bytes(b"of a later epoch")
    assert saved_scores(run) == []
