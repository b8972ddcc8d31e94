"""Options: where an export goes, and what its options refuse."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name

import pytest

from converter.errors import UsageError
from trainer.exporting.options import FORMATS, ExportConfig

RUN = Path("runs/a")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"format": "onnx"}, "runs/a/export/model.onnx"),
        ({"format": "onnx", "free_size": True}, "runs/a/export/model-free.onnx"),
        ({"format": "savedmodel"}, "runs/a/export/savedmodel"),
        ({"format": "litert", "quantize": "int8"}, "runs/a/export/model-int8.tflite"),
        ({"format": "keras", "out": Path("m.keras")}, "m.keras"),
    ],
)
def test_where_an_export_goes(choices, expected):
    assert ExportConfig(RUN, **choices).path == Path(expected)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"format": "tflite"}, "--format: is 'tflite', expected one of keras, savedmodel, onnx, litert"),
        ({"format": "litert", "quantize": "int4"}, "--quantize: is 'int4', expected one of none, float16, int8"),
        ({"format": "onnx", "quantize": "int8"}, "Pass --format litert, or leave out --quantize"),
        ({"format": "litert", "free_size": True}, "Pass --format savedmodel or onnx, or leave out --free-size"),
        ({"format": "onnx", "out": Path("m.keras")}, r"--out: is 'm.keras', .*\. Pass --out m\.onnx"),
    ],
)
def test_what_cannot_be_is_one_line(choices, message):
    with pytest.raises(UsageError, match=message):
        ExportConfig(RUN, **choices)


@pytest.mark.tf
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_its_functions(name):
    assert callable(resolve_name(FORMATS[name].write))
    assert callable(resolve_name(FORMATS[name].load))
