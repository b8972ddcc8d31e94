"""Export: every format gives the classes of best.keras in its own runtime; what does not is not kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from exported_runs import FORMATS, NEEDS_LITERT, NEEDS_TF2ONNX, small_run
from trainer_fixtures import NEEDS_TF

from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from trainer.exporting.options import FORMATS as ROWS
from trainer.exporting.options import ExportConfig

pytestmark = NEEDS_TF


def export(run: Path, format: str, **choices: object):  # noqa: A002 - as the option
    from trainer.exporting.export import export as export_run

    return export_run(ExportConfig(run, format, **choices))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def expected(run):
    """Images of the records, and their classes by NumPy's argmax of what plain Keras gives."""
    import keras

    source = RecordSource(run.parent.parent / "records", "val")
    images = np.stack([source[number].image for number in range(len(source))])
    logits = keras.saving.load_model(run / "best.keras").predict(images.astype(np.float32), verbose=0)
    return images, logits


@pytest.mark.parametrize("format", FORMATS)
def test_a_stored_model_gives_the_classes_of_the_run(run, expected, tmp_path, format):  # noqa: A002
    out = tmp_path / f"own{ROWS[format].suffix}"
    report = export(run, format, out=out, probabilities=True)
    assert report.comparison.lowest == 1
    assert report.comparison.label == "3 records of split 'val'"
    from pkgutil import resolve_name

    images, logits = expected
    found = resolve_name(ROWS[format].load)(out)(images)
    assert found["class_map"].dtype == np.uint8
    np.testing.assert_array_equal(found["class_map"], logits.argmax(axis=-1))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    np.testing.assert_allclose(found["probabilities"], powers / powers.sum(axis=-1, keepdims=True), atol=1e-5)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert (tmp_path / "MODEL_CARD.md").is_file()


def test_by_default_it_is_written_into_the_run_folder_and_replaced_there(run):
    first = export(run, "keras")
    assert first.config.path == run / "export/model.keras"
    assert first.card == run / "export/MODEL_CARD.md"
    before = (run / "export/model.keras").stat().st_ino
    again = export(run, "keras")
    assert again.size == (run / "export/model.keras").stat().st_size
    assert (run / "export/model.keras").stat().st_ino != before
    assert sorted(path.name for path in (run / "export").iterdir()) == ["MODEL_CARD.md", "model.keras"]


def test_an_export_that_gives_other_classes_is_not_kept(run, tmp_path, monkeypatch):
    from trainer.exporting import saved_model

    load = saved_model.load_saved_model

    def broken(path):
        run = load(path)
        return lambda images: {"class_map": 1 - run(images)["class_map"]}

    monkeypatch.setattr(saved_model, "load_saved_model", broken)
    with pytest.raises(DataError, match=r"another class to up to 100.* and was not kept"):
        export(run, "savedmodel", out=tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_file_of_a_converter_is_not_kept(run, tmp_path, monkeypatch):
    from trainer.exporting import keras_file

    def unchecked(served, path):
        path.write_bytes(b"no model")

    monkeypatch.setattr(keras_file, "write_keras", unchecked)
    with pytest.raises(DataError, match=r"cannot be run \(.*\), and was not kept"):
        export(run, "keras", out=tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_converted_is_one_line(run, tmp_path, monkeypatch):
    from trainer.exporting import keras_file

    def failing(served, path):
        raise NotImplementedError("no such operation\nlong details")

    monkeypatch.setattr(keras_file, "write_keras", failing)
    with pytest.raises(UsageError, match=r"cannot be converted \(NotImplementedError: no such operation\)"):
        export(run, "keras", out=tmp_path / "model.keras")


@pytest.mark.slow
@NEEDS_LITERT
@pytest.mark.parametrize("quantize", ["float16", "int8"])
def test_a_quantized_model_is_smaller_and_its_scores_are_told(run, tmp_path, quantize):
    plain = export(run, "litert", out=tmp_path / "model.tflite")
    report = export(run, "litert", out=tmp_path / "small.tflite", quantize=quantize)
    assert report.comparison.lowest >= {"float16": 0.99, "int8": 0.8}[quantize]
    before, after = report.comparison.miou
    assert before == plain.comparison.miou[0]
    assert f"mIoU {after:.2%} instead of {before:.2%}" in report.to_text()
    import zipfile

    with zipfile.ZipFile(tmp_path / "small.tflite") as archive:
        assert json.loads(archive.read("segconv.json"))["export"]["quantize"] == quantize


@pytest.mark.slow
@NEEDS_LITERT
def test_without_its_records_int8_cannot_be_calibrated(tmp_path):
    run = small_run(tmp_path, has_records=False)
    with pytest.raises(UsageError, match="calibrated on the training records"):
        export(run, "litert", quantize="int8")
    report = export(run, "litert", quantize="int8", data=tmp_path / "moved")
    assert report.comparison.label == "3 records of split 'val'"


def test_without_its_records_drawn_images_are_compared(tmp_path, caplog):
    run = small_run(tmp_path, has_records=False)
    report = export(run, "keras")
    assert report.comparison.label == "8 drawn images"
    assert report.comparison.miou is None
    assert "holds no records: compared on drawn images" in caplog.text
    assert "None: the records were not at hand." in (run / "export/MODEL_CARD.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS[:3])
def test_a_run_of_windows_is_compared_in_windows_that_cover_its_records(tmp_path, format):  # noqa: A002
    run = small_run(tmp_path, (48, 60), (20, 70), crop="32x40")
    report = export(run, format)
    assert report.comparison.lowest == 1
    assert report.inputs == {"image": "uint8 [N, 32, 40, 3], RGB"}
    assert len(report.comparison.before.names) == 3


@pytest.mark.slow
@NEEDS_TF2ONNX
def test_a_run_in_bfloat16_is_stored_in_float32(tmp_path):
    import keras

    run = small_run(tmp_path)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        from exported_runs import small_net

        small_net((32, 32)).save(run / "best.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    assert export(run, "onnx").comparison.lowest == 1
    from trainer.prediction.on_onnx import open_session

    assert {output.type for output in open_session(run / "export/model.onnx").get_outputs()} == {
        "tensor(uint8)",
        "tensor(float)",
    }


@pytest.mark.parametrize(
    ("format", "module", "extra"), [("onnx", "tf2onnx", "export"), ("litert", "ai_edge_litert.interpreter", "litert")]
)
def test_a_missing_package_is_one_line_with_the_command(run, tmp_path, monkeypatch, format, module, extra):  # noqa: A002
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"pip install 'segconv\[{extra}\]'"):
        export(run, format, out=tmp_path / f"model{ROWS[format].suffix}")
    assert list(tmp_path.iterdir()) == []
