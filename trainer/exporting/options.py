"""Options: every option of an export, with its default, and the table of formats. Standard library only.

To add a format, write one module with a function that writes it and one that loads it again, and one line in FORMATS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError

QUANTIZE = ("none", "float16", "int8")
FOLDER = "export"  # in the run folder: where exports go by default


@dataclass(frozen=True)
class Format:
    """One format of an exported model.

    Attributes:
      help: what reads it.
      stem: of its name in FOLDER.
      suffix: of its file; empty for a folder.
      write: import string of a function of (Served, path).
      load: import string of a function of a path to a Runtime, in the runtime that people will use.
      can_quantize: whether --quantize applies.
      has_free_size: whether --free-size applies.
      is_one_image: whether it takes one image at a time.
    """

    help: str
    stem: str
    suffix: str
    write: str
    load: str
    can_quantize: bool = False
    has_free_size: bool = False
    is_one_image: bool = False


_HERE = "trainer.exporting"
FORMATS: dict[str, Format] = {
    "keras": Format("Keras", "model", ".keras", f"{_HERE}.keras_file:write_keras", f"{_HERE}.keras_file:load_keras"),
    "savedmodel": Format(
        "TensorFlow, TensorFlow Serving",
        "savedmodel",
        "",
        f"{_HERE}.saved_model:write_saved_model",
        f"{_HERE}.saved_model:load_saved_model",
        has_free_size=True,
    ),
    "onnx": Format(
        "ONNX Runtime, segconv predict",
        "model",
        ".onnx",
        f"{_HERE}.onnx_file:write_onnx",
        f"{_HERE}.onnx_file:load_onnx",
        has_free_size=True,
    ),
    "litert": Format(
        "LiteRT",
        "model",
        ".tflite",
        f"{_HERE}.litert:write_litert",
        f"{_HERE}.litert:load_litert",
        can_quantize=True,
        is_one_image=True,
    ),
}


@dataclass(frozen=True)
class ExportConfig:
    """All options of an export.

    Attributes:
      run: run folder of the model.
      format: a key of FORMATS.
      out: file or folder to write; None for one in RUN/export/.
      quantize: one of QUANTIZE; "float16" stores weights in 16 bits, "int8" weights and activations in 8.
      probabilities: whether the model also gives the probability of every class.
      free_size: whether it takes images of any size.
      data: folder of records, to compare the export on and to calibrate int8 with; None for the run's.
    """

    run: Path
    format: str
    out: Path | None = None
    quantize: str = QUANTIZE[0]
    probabilities: bool = False
    free_size: bool = False
    data: Path | None = None

    def __post_init__(self) -> None:
        row = FORMATS.get(self.format)
        if row is None:
            what = f"is {self.format!r}, expected one of {', '.join(FORMATS)}"
            raise UsageError("--format", what, "For example, pass --format onnx.")
        if self.quantize not in QUANTIZE:
            what = f"is {self.quantize!r}, expected one of {', '.join(QUANTIZE)}"
            raise UsageError("--quantize", what, "For example, pass --quantize int8.")
        self._check_applies("--quantize", self.quantize != "none", "can_quantize")
        self._check_applies("--free-size", self.free_size, "has_free_size")
        if self.out is not None and self.out.suffix != row.suffix and row.suffix:
            what = f"is {str(self.out)!r}, but a file of {row.help} ends with {row.suffix}"
            raise UsageError("--out", what, f"Pass --out {self.out.with_suffix(row.suffix)}")

    def _check_applies(self, option: str, is_given: bool, ability: str) -> None:
        if is_given and not getattr(FORMATS[self.format], ability):
            fitting = " or ".join(name for name, row in FORMATS.items() if getattr(row, ability))
            what = f"does not apply to --format {self.format}"
            raise UsageError(option, what, f"Pass --format {fitting}, or leave out {option}.")

    @property
    def path(self) -> Path:
        """The file or folder that is written."""
        if self.out is not None:
            return self.out
        row = FORMATS[self.format]
        parts = [row.stem, *(["free"] if self.free_size else [])]
        parts += [self.quantize] if self.quantize != "none" else []
        return self.run / FOLDER / ("-".join(parts) + row.suffix)
