"""Info: config.json, with which a run describes itself.

It holds every choice, so that the run can be repeated, and all that is needed to predict a photograph without the
records: size, fit, classes with their colours and source values, and what the model expects of an image.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converter.dataset.manifest import ClassInfo, Manifest, seal_of
from converter.errors import DataError, UsageError
from converter.system.files import write_whole
from converter.version import __version__
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.encoders import Preprocessing
from trainer.config import TrainConfig
from trainer.models import preprocessing_of

CONFIG = "config.json"
TRAIN_ONE = "Train one: segconv train"


@dataclass(frozen=True)
class ImageInput:
    """What a saved model expects of an image, and what it does to it first.

    Attributes:
      channels: their order.
      range: lowest and highest value.
      dtype: of the values.
      preprocessing: what the model itself does to the image first, so that nobody else has to; None where that is not
        known, as of a model of one's own.
    """

    channels: str = "RGB"
    range: tuple[float, float] = (0.0, 255.0)
    dtype: str = "float32"
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class RunInfo:
    """What config.json of a run says.

    Attributes:
      config: the choices the run was started with; `data` is absolute.
      dataset: name of the dataset.
      size: (height, width) of the model's input, in pixels.
      classes: class names in order of their indices.
      records: seal of the manifest of the records, which names their content; empty in a run of an older version, as
        are all that follow.
      fit: how photographs were brought to that size: "pad", "stretch" or "crop".
      class_map: the classes with their colours and source values, in order of their indices.
      ignore_values: the source values that count as IGNORE_INDEX, in the notation of classes.csv.
      image: what the model expects of an image.
      versions: of segconv and the libraries that decide what a run computes, by package.
    """

    config: TrainConfig
    dataset: str
    size: tuple[int, int]
    classes: tuple[str, ...]
    records: str
    fit: str = ""
    class_map: tuple[ClassInfo, ...] = ()
    ignore_values: tuple[str, ...] = ()
    image: ImageInput = ImageInput()
    versions: Mapping[str, str] = field(default_factory=dict)


def write_config(run: Path, config: TrainConfig, manifest: Manifest) -> None:
    """Writes config.json of a run.

    Raises:
      MachineError: it cannot be written.
    """
    choices = dataclasses.asdict(config)
    choices["data"] = config.data.absolute()  # so that `segconv evaluate` works from any folder
    if Path(config.weights).suffix:
        choices["weights"] = Path(config.weights).absolute()
    facts = {
        "config": {key: str(value) if isinstance(value, Path) else value for key, value in choices.items()},
        "dataset": manifest.name,
        "records": seal_of_records(manifest),
        "size": list(manifest.common_size(config.data)),
        "classes": list(manifest.class_names),
        "fit": manifest.fit,
        "class_map": [dataclasses.asdict(info) for info in manifest.classes],
        "ignore_values": list(manifest.ignore_values),
        "image": dataclasses.asdict(ImageInput(preprocessing=preprocessing_of(config.model, config.encoder))),
        "versions": _versions(),
    }
    write_whole(run / CONFIG, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def seal_of_records(manifest: Manifest) -> str:
    """Returns the seal of the manifest: the same records, built anew, have the same."""
    return seal_of(json.loads(manifest.to_json()))


def read_run(run: Path) -> RunInfo:
    """Returns what config.json of a run says.

    Raises:
      UsageError: the folder is no run.
      DataError: config.json is not one of segconv's.
    """
    path = run / CONFIG
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        config = _config(raw["config"])
        height, width = (int(n) for n in raw["size"])
        classes = tuple(map(str, raw["classes"]))
        return RunInfo(
            config,
            str(raw["dataset"]),
            (height, width),
            classes,
            str(raw.get("records", "")),
            fit=str(raw.get("fit", "")),
            class_map=tuple(map(_class_info, raw.get("class_map", ()))),
            ignore_values=tuple(map(str, raw.get("ignore_values", ()))),
            image=_image_input(raw["image"]) if "image" in raw else ImageInput(),
            versions={str(package): str(number) for package, number in raw.get("versions", {}).items()},
        )
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(run, f"holds no {CONFIG}, so it is no run", TRAIN_ONE, "E_NO_RUN") from None
    except UsageError as error:
        what = f"holds a choice that cannot be: {error.where} {error.what}"
        raise DataError(path, what, "Train again, or restore the file.", "E_RUN") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"is not a run's {CONFIG} ({type(error).__name__}: {error})"
        raise DataError(path, what, "Train again, or restore the file.", "E_RUN") from None


def _config(raw: dict[str, Any]) -> TrainConfig:
    """Returns the choices in a config.json; what a later version added to them is left out."""
    choices = {field.name: raw[field.name] for field in dataclasses.fields(TrainConfig) if field.name in raw}
    choices |= {key: Path(choices[key]) for key in ("data", "runs")}
    for key, default in vars(TrainConfig()).items():
        kinds = {float: (float, int), type(None): (str, type(None))}.get(type(default), (type(default),))
        if key != "strengths" and type(choices.get(key, default)) not in kinds:
            raise TypeError(f"{key} is {choices[key]!r}")
    strengths = dict(choices.get("strengths", vars(AUGMENTS[choices.get("augment", TrainConfig.augment)])))
    known = {field.name for field in dataclasses.fields(AugmentConfig)}
    choices["strengths"] = AugmentConfig(**{key: value for key, value in strengths.items() if key in known})
    return TrainConfig(**choices)


def _class_info(raw: dict[str, Any]) -> ClassInfo:
    red, green, blue = (int(part) for part in raw["color"])
    return ClassInfo(int(raw["id"]), str(raw["name"]), (red, green, blue), tuple(map(str, raw["values"])))


def _image_input(raw: dict[str, Any]) -> ImageInput:
    lowest, highest = (float(end) for end in raw["range"])
    inside = raw["preprocessing"]
    preprocessing = None
    if inside is not None:
        mean, std = ((float(r), float(g), float(b)) for r, g, b in (inside["mean"], inside["std"]))
        preprocessing = Preprocessing(str(inside["name"]), mean, std, str(inside["channels"]))
    return ImageInput(str(raw["channels"]), (lowest, highest), str(raw["dtype"]), preprocessing)


def _versions() -> dict[str, str]:
    """Returns the versions that decide what a run computes, without importing the libraries."""
    versions = {"segconv": __version__}
    for package in ("tensorflow", "keras", "numpy"):
        with contextlib.suppress(PackageNotFoundError):  # a CUDA or nightly build goes by another name
            versions[package] = version(package)
    return versions
