"""Info: config.json, the description of a run.

It holds every option, to repeat the run, and everything that is needed to predict an image without the records: size,
fit, classes with their colours and source values, and the input that the model expects.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converter.config import parse_levels
from converter.dataset.manifest import ClassInfo, Manifest, seal_of
from converter.errors import DataError, UsageError
from converter.limits import MAX_CLASSES, MAX_RUN_CONFIG_BYTES, MAX_SIDE
from converter.pixels.bands import AS_STORED, Samples
from converter.pixels.colors import wheel_color
from converter.system.files import NotRegularError, read_regular, write_whole
from converter.system.urls import UrlPath
from converter.version import __version__
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.encoders import Preprocessing
from trainer.config import TrainConfig
from trainer.models import preprocessing_of

CONFIG = "config.json"
NOT_REGULAR = "is not a regular file"
FIX_RUN = "Train again, or restore the file."
TRAIN_ONE = "Train one: segconv train"


@dataclass(frozen=True)
class ImageInput:
    """The input that a saved model expects, and its preprocessing.

    Attributes:
      channels: their order.
      range: lowest and highest value.
      dtype: of the values.
      preprocessing: the preprocessing inside the model, which callers must not repeat; None where it is not known, as
        for a custom model.
    """

    channels: str = "RGB"
    range: tuple[float, float] = (0.0, 255.0)
    dtype: str = "float32"
    preprocessing: Preprocessing | None = None


@dataclass(frozen=True)
class RunInfo:
    """The content of a run's config.json.

    Attributes:
      config: the options that the run was started with; `data` is absolute.
      dataset: name of the dataset.
      size: (height, width) of the model's input, in pixels.
      classes: class names in order of their indices.
      records: seal of the manifest of the records, which identifies their content; empty in a run of an older version,
        as are all that follow.
      fit: how images were resized to that size: "pad", "stretch" or "crop"; "tile" where windows were cut out of them.
      class_map: the classes with their colours and source values, in order of their indices.
      ignore_values: the source values that count as IGNORE_INDEX, in the notation of classes.csv.
      image: the input that the model expects.
      versions: versions of segconv and of the libraries that affect the results, by package.
      records_size: (height, width) of the records, in pixels; None where they keep the size of their photographs.
      photo_size: most frequent (height, width) of the upright photographs of the records; None where it is not known.
      largest_photo: (height, width): the greatest height and the greatest width among those photographs.
      samples: bands and levels that were read from the photographs.
      tile_scale: factor by which photographs were resized before they were cut into tiles; 1 where they were not.
      tile_gsd: metres a pixel to which they were resized instead; None where they were not.
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
    records_size: tuple[int, int] | None = None
    photo_size: tuple[int, int] | None = None
    largest_photo: tuple[int, int] | None = None
    samples: Samples = AS_STORED
    tile_scale: float = 1.0
    tile_gsd: float | None = None

    @property
    def drawn_classes(self) -> tuple[ClassInfo, ...]:
        """The class map; for a run of an older version, the classes in the colours of a colour wheel."""
        return self.class_map or tuple(ClassInfo(n, name, wheel_color(n)) for n, name in enumerate(self.classes))


def write_config(run: Path, config: TrainConfig, manifest: Manifest) -> None:
    """Writes config.json of a run.

    Raises:
      MachineError: it cannot be written.
    """
    choices = dataclasses.asdict(config)
    choices["data"] = config.data.absolute()  # `segconv evaluate` then works from any folder
    if Path(config.weights).suffix:
        choices["weights"] = Path(config.weights).absolute()
    facts = {
        "config": {key: str(value) if isinstance(value, Path) else value for key, value in choices.items()},
        "dataset": manifest.name,
        "records": seal_of_records(manifest),
        "size": list(size_of(config, manifest)),
        "classes": list(manifest.class_names),
        "fit": manifest.fit,
        "class_map": [dataclasses.asdict(info) for info in manifest.classes],
        "ignore_values": list(manifest.ignore_values),
        "image": dataclasses.asdict(ImageInput(preprocessing=preprocessing_of(config.model, config.encoder))),
        "versions": _versions(),
        "photos": _photos(manifest),
    }
    write_whole(run / CONFIG, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def size_of(config: TrainConfig, manifest: Manifest) -> tuple[int, int]:
    """Returns (height, width) of the model's input, in pixels.

    Raises:
      UsageError: it is that of the records, which have no common one.
    """
    return config.window or manifest.common_size(config.data)


def seal_of_records(manifest: Manifest) -> str:
    """Returns the seal of the manifest: the same records, rebuilt, have the same seal."""
    return seal_of(json.loads(manifest.to_json()))


def read_run(run: Path) -> RunInfo:
    """Returns the content of a run's config.json.

    Raises:
      UsageError: the folder is not a run.
      DataError: config.json is damaged or not from segconv.
    """
    path = run / CONFIG
    try:
        text = read_regular(path, MAX_RUN_CONFIG_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(run, f"holds no {CONFIG}, so it is not a run", TRAIN_ONE, "E_NO_RUN") from None
    except NotRegularError:
        raise DataError(path, NOT_REGULAR, FIX_RUN, "E_RUN") from None
    except OSError as error:
        raise _unreadable(path, error) from None
    return parse_run(text, path)


def parse_run(text: bytes, where: object) -> RunInfo:
    """Returns the content of a config.json, or of the copy of it that an exported model carries.

    Args:
      text: JSON, UTF-8; not trusted.
      where: it comes from, for messages.

    Raises:
      DataError: it is damaged or not from segconv.
    """
    try:
        raw = json.loads(text.decode("utf-8"))
        config = _config(raw["config"])
        height, width = _sides(raw["size"])
        classes = tuple(map(str, raw["classes"]))
        class_map = tuple(map(_class_info, raw.get("class_map", ())))
        if not 0 < len(classes) <= MAX_CLASSES or [row.id for row in class_map] not in ([], [*range(len(classes))]):
            raise ValueError(f"{len(classes)} classes, and {len(class_map)} colours")
        return RunInfo(
            config,
            str(raw["dataset"]),
            (height, width),
            classes,
            str(raw.get("records", "")),
            fit=str(raw.get("fit", "")),
            class_map=class_map,
            ignore_values=tuple(map(str, raw.get("ignore_values", ()))),
            image=_image_input(raw["image"]) if "image" in raw else ImageInput(),
            versions={str(package): str(number) for package, number in raw.get("versions", {}).items()},
            **_read_photos(raw.get("photos"), config.crop, (height, width)),
        )
    except UsageError as error:
        what = f"holds an invalid option: {error.where} {error.what}"
        raise DataError(where, what, FIX_RUN, "E_RUN") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise _unreadable(where, error) from None


def _unreadable(where: object, error: Exception) -> DataError:
    what = f"is not a run's {CONFIG} ({type(error).__name__}: {error})"
    return DataError(where, what, FIX_RUN, "E_RUN")


def _config(raw: dict[str, Any]) -> TrainConfig:
    """Returns the options in a config.json; options of a later version are ignored."""
    choices = {field.name: raw[field.name] for field in dataclasses.fields(TrainConfig) if field.name in raw}
    choices |= {"data": UrlPath(choices["data"]), "runs": Path(choices["runs"])}
    for key, default in vars(TrainConfig()).items():
        kinds = {float: (float, int), type(None): (str, type(None))}.get(type(default), (type(default),))
        if key not in ("strengths", "data") and type(choices.get(key, default)) not in kinds:
            raise TypeError(f"{key} is {choices[key]!r}")
    strengths = dict(choices.get("strengths", vars(AUGMENTS[choices.get("augment", TrainConfig.augment)])))
    known = {field.name for field in dataclasses.fields(AugmentConfig)}
    choices["strengths"] = AugmentConfig(**{key: value for key, value in strengths.items() if key in known})
    return TrainConfig(**choices)


def _class_info(raw: dict[str, Any]) -> ClassInfo:
    red, green, blue = (int(part) for part in raw["color"])
    if not 0 <= min(red, green, blue) <= max(red, green, blue) <= 255:
        raise ValueError(f"colour {red}, {green}, {blue}")
    return ClassInfo(int(raw["id"]), str(raw["name"]), (red, green, blue), tuple(map(str, raw["values"])))


def _photos(manifest: Manifest) -> dict[str, Any]:
    """Returns what the photographs of the records were, and at which size they are stored."""
    counts = Counter[tuple[int, int]]()
    for split in manifest.splits.values():
        counts.update({(height, width): images for height, width, images in split.sizes})
    largest = [max(sides) for sides in zip(*counts, strict=True)]
    return {
        # Of records that keep their sizes, the manifest has a size, too, where all of them happen to have the same.
        "records_size": manifest.size if manifest.options.get("size", manifest.size) else None,
        "size": counts.most_common(1)[0][0] if counts else None,
        "largest": largest or None,
        "bands": manifest.options.get("bands", []),
        "levels": manifest.options.get("levels", ""),
        "scale": manifest.options.get("scale", 1.0),
        "gsd": manifest.options.get("gsd"),
    }


def _read_photos(raw: dict[str, Any] | None, crop: str | None, size: tuple[int, int]) -> dict[str, Any]:
    """Returns those attributes of a RunInfo that come from "photos", which an older version did not write."""
    if raw is None:
        return {"records_size": None if crop else size}
    levels = parse_levels(str(raw["levels"])) if raw["levels"] else ()
    return {
        "records_size": _size(raw["records_size"], MAX_SIDE),
        "photo_size": _size(raw["size"]),
        "largest_photo": _size(raw["largest"]),
        "samples": Samples(tuple(int(band) for band in raw["bands"]), levels),
        "tile_scale": float(raw.get("scale", 1.0)),
        "tile_gsd": _metres(raw.get("gsd")),
    }


def _metres(raw: Any) -> float | None:
    if raw is not None and not 0 < float(raw) < math.inf:
        raise ValueError(f"{raw} metres a pixel")
    return None if raw is None else float(raw)


def _size(raw: list[Any] | None, most: float = math.inf) -> tuple[int, int] | None:
    return None if raw is None else _sides(raw, most)


def _sides(raw: list[Any], most: float = MAX_SIDE) -> tuple[int, int]:
    height, width = (int(n) for n in raw)
    if not 0 < min(height, width) <= max(height, width) <= most:
        raise ValueError(f"{height}x{width} pixels")
    return height, width


def _image_input(raw: dict[str, Any]) -> ImageInput:
    lowest, highest = (float(end) for end in raw["range"])
    inside = raw["preprocessing"]
    preprocessing = None
    if inside is not None:
        mean, std = ((float(r), float(g), float(b)) for r, g, b in (inside["mean"], inside["std"]))
        preprocessing = Preprocessing(str(inside["name"]), mean, std, str(inside["channels"]))
    return ImageInput(str(raw["channels"]), (lowest, highest), str(raw["dtype"]), preprocessing)


def _versions() -> dict[str, str]:
    """Returns the versions that affect the results of a run, without importing the libraries."""
    versions = {"segconv": __version__}
    for package in ("tensorflow", "keras", "numpy"):
        with contextlib.suppress(PackageNotFoundError):  # a CUDA or nightly build has another name
            versions[package] = version(package)
    return versions
