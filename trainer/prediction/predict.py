"""Predict: photographs -> class maps as files in an output folder. What is there and unchanged is not done again.

Three things happen at a time: a thread decodes the next photographs, the device computes, a thread draws and writes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from converter.errors import DataError, UsageError
from converter.limits import MAX_PROBABILITY_BYTES
from converter.pixels.images import open_image
from converter.pixels.masks import count_classes
from converter.pixels.polygons import opencv
from converter.sources.ground import (
    georeference_of,
    is_geotiff,
    is_tiff,
    metres_of,
    rasterio_of,
    square_metres_of,
    valid_pixels_of,
)
from converter.system.console import Progress, log, table
from converter.system.files import Stamp
from converter.version import __version__
from trainer.prediction import geojson, geotiff
from trainer.prediction.inputs import Photograph, find_photographs
from trainer.prediction.large import predict_large
from trainer.prediction.on_onnx import SUFFIX
from trainer.prediction.options import PredictConfig, parse_scale
from trainer.prediction.outputs import KIND, Outputs, Receipt, opened_outputs, picture_path, refusal, world_paths
from trainer.prediction.pictures import PICTURES, Drawing, wanted_for
from trainer.prediction.polygons import POLYGONS, labelme_json
from trainer.prediction.predictor import AHEAD_PIXELS, Look, Predictor, ahead, read_info
from trainer.prediction.restoring import ClassMap, without_data
from trainer.prediction.stored import remove_stored
from trainer.run.info import RunInfo
from trainer.run.runs import BEST

_FILES = {**PICTURES, POLYGONS: labelme_json, geotiff.GEOTIFF: geotiff.geotiff, geojson.GEOJSON: geojson.geojson}


@dataclass(frozen=True)
class PredictReport:
    """What a prediction did.

    Attributes:
      config: its options.
      classes: names in order of their indices.
      predicted: number of photographs that were predicted.
      kept: number of those that were done and unchanged.
      refused: errors of those that were left out.
      pixels: of each class, over all these photographs.
      seconds: from the first to the last.
    """

    config: PredictConfig
    classes: tuple[str, ...]
    predicted: int
    kept: int
    refused: tuple[DataError, ...]
    pixels: tuple[int, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints."""
        return {
            "run": str(self.config.run),
            "out": str(self.config.out),
            "predicted": self.predicted,
            "unchanged": self.kept,
            "refused": [refusal(error) for error in self.refused],
            "seconds": round(self.seconds, 3),
            "classes": [
                {"id": index, "name": name, "pixels": pixels}
                for index, (name, pixels) in enumerate(zip(self.classes, self.pixels, strict=True))
            ],
        }

    def to_text(self) -> str:
        """Returns the share of each class, and what was done."""
        total = max(1, sum(self.pixels))
        rows: list[tuple[str, ...]] = [("class", "pixels", "share")]
        rows += [(name, str(n), f"{n / total:.1%}") for name, n in zip(self.classes, self.pixels, strict=True)]
        done = f"{self.predicted} predicted, {self.kept} unchanged, {len(self.refused)} left out"
        return f"{table(rows)}\n\n{done}: {self.config.out}"


class _Opened(NamedTuple):
    """A photograph that was read, and what its receipt will need."""

    photograph: Photograph
    data: bytes
    stamp: Stamp | None
    is_turned: bool


class _Ground(NamedTuple):
    """What a file says of the ground: area of a pixel in square metres, and where it has data, bool [H, W]; or None."""

    square_metres: float | None = None
    valid: np.ndarray | None = None


def predict(config: PredictConfig) -> PredictReport:
    """Predicts photographs and writes pictures, areas and receipts into the output folder.

    Raises:
      UsageError: no run, no such input, or an output folder that holds something else.
      DataError: a photograph that build would refuse, with on_error "fail"; or a damaged run.
      MachineError: the output folder cannot be written to, or the device is out of memory. What is finished stays.
    """
    if POLYGONS in config.save:
        opencv()  # or it would be missed after minutes
    for kind, needs in ((geotiff.GEOTIFF, geotiff.NEEDS), (geojson.GEOJSON, geojson.NEEDS)):
        if kind in config.save:
            rasterio_of("--save", needs)
    info = read_info(config.run)
    photographs = find_photographs(config.inputs, config.out)
    facts = _facts(config, info)
    with opened_outputs(config.out, facts, overwrite=config.overwrite) as outputs:
        todo = [photograph for photograph in photographs if not outputs.is_done(photograph, config.save)]
        kept = len(photographs) - len(todo)
        if kept:
            log.info("%d of %d photographs are done and unchanged.", kept, len(photographs))
        start = time.monotonic()
        refused = _Job(config, outputs, todo, facts).run() if todo else []
        remove_stored(config.out)
        outputs.finish(info.classes, refused, config.pixel_size)
        names = {photograph.name for photograph in photographs}
        done = [receipt.pixels for name, receipt in outputs.receipts.items() if name in names]
        pixels = tuple(map(sum, zip(*done, strict=True))) if done else (0,) * len(info.classes)
        seconds = time.monotonic() - start
    return PredictReport(config, info.classes, len(todo) - len(refused), kept, tuple(refused), pixels, seconds)


def _facts(config: PredictConfig, info: RunInfo) -> dict[str, Any]:
    """Returns what every prediction in an output folder depends on, as JSON has it."""
    try:
        with (config.run if config.run.suffix == SUFFIX else config.run / BEST).open("rb") as file:
            model = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise UsageError(config.run, f"holds no {BEST}", "Train it: segconv train", "E_NO_RUN") from None
    return {
        KIND: "segconv predictions",
        "written_by": __version__,
        "model": model,
        "classes": [{"name": row.name, "color": list(row.color)} for row in info.drawn_classes],
        "scale": config.scale,
        "tta": config.tta or info.config.tta,
        **({"pixel_size": config.pixel_size} if info.tile_gsd else {}),
    }


class _Job:
    """The photographs that are to be predicted, on their way from file to file."""

    def __init__(
        self, config: PredictConfig, outputs: Outputs, todo: Sequence[Photograph], facts: Mapping[str, Any]
    ) -> None:
        self.config = config
        self.outputs = outputs
        self.todo = todo
        self.facts = facts
        self.rasters: list[Photograph] = []
        self.refused: list[DataError] = []
        self.has_warned = False
        self.predictor = Predictor(
            config.run,
            batch=config.batch,
            tta=config.tta,
            scale=parse_scale(config.scale),
            wanted=wanted_for(config.save),
        )

    def run(self) -> list[DataError]:
        """Predicts all of them and returns the errors of those that were left out."""
        found = self._kept(self.predictor.class_maps(self._looks()))
        with Progress(len(self.todo), "photo") as progress:
            for number, receipt in enumerate(ahead(self._save, found, self.predictor.batch, _is_large), start=1):
                self.outputs.add(receipt)
                progress.show(number + len(self.refused))
        for photograph in self.rasters:  # each of them alone, with a progress of its own
            try:
                predict_large(photograph, self.predictor, self.outputs, self.config, self.facts)
            except DataError as error:
                self._refuse(error)
        return self.refused

    def _looks(self) -> Iterator[tuple[_Opened, Look]]:
        for found in ahead(self._read, self.todo, 2 * self.predictor.batch):
            if isinstance(found, DataError):
                self._refuse(found)
            elif isinstance(found, Photograph):
                self.rasters.append(found)
            else:
                yield found

    def _read(self, photograph: Photograph) -> tuple[_Opened, Look] | Photograph | DataError:
        """Returns a photograph, opened; as it is where it is read by windows; the error where it is refused."""
        try:
            if photograph.is_raster(self.config.max_pixels):
                return photograph
            data, stamp = photograph.read()
            image = open_image(data, photograph.where, self.config.max_pixels, self.predictor.info.samples)
            self._check_probabilities(photograph, image.size)
            opened = _Opened(photograph, data, stamp, image.orientation != 1)
            metres = self._metres(photograph, data)
            return opened, self.predictor.look(image, is_tile=photograph.is_tile, metres=metres)
        except DataError as error:
            return error

    def _metres(self, photograph: Photograph, data: bytes) -> float | None:
        """Returns the side of a pixel on the ground, where that matters; None where it is not known."""
        if self.predictor.info.tile_gsd is None or photograph.is_tile:
            return None
        return metres_of(georeference_of(data, photograph.where)) or self.config.pixel_size

    def _check_probabilities(self, photograph: Photograph, size: tuple[int, int]) -> None:
        """Raises DataError where the probabilities of all classes of a photograph would take too much memory."""
        count = size[0] * size[1] * len(self.predictor.info.classes) * 2  # float16
        if "probabilities" in self.config.save and count > MAX_PROBABILITY_BYTES:
            what = f"has {size[0]}x{size[1]} pixels, whose probabilities would take {count / 1e9:.1f} GB of memory"
            fix = (
                f"Save it as TIFF and pass --max-pixels {size[0] * size[1] - 1}, or leave probabilities out of --save."
            )
            raise DataError(photograph.where, what, fix, "E_TOO_LARGE")

    def _kept(self, found: Iterator[tuple[_Opened, ClassMap | DataError]]) -> Iterator[tuple[_Opened, ClassMap]]:
        for opened, result in found:
            if isinstance(result, DataError):
                self._refuse(result)
            else:
                yield opened, result

    def _refuse(self, error: DataError) -> None:
        if self.config.on_error == "fail":
            raise error
        log.warning("Left out: %s", error)
        self.refused.append(error)

    def _save(self, item: tuple[_Opened, ClassMap]) -> Receipt:
        """Writes the pictures of a photograph and returns their receipt."""
        (photograph, data, stamp, is_turned), found = item
        info = self.predictor.info
        ground = self._ground(data, photograph)
        found = without_data(found, ground.valid)
        drawing = Drawing(found, data, photograph.name, info.drawn_classes, self.config.max_pixels, info.samples)
        files = {}
        for kind in self.config.save:
            path = picture_path(kind, photograph.name)
            files[path] = self.outputs.write(path, _FILES[kind](drawing))
        files |= self._world_files(photograph, is_turned=is_turned)
        pixels, _ = count_classes(found.mask, len(info.classes))
        height, width = found.mask.shape
        digest = hashlib.sha256(data).hexdigest()
        return Receipt(photograph.name, digest, stamp, (height, width), tuple(pixels), files, ground.square_metres)

    def _world_files(self, photograph: Photograph, *, is_turned: bool) -> dict[str, str]:
        """Copies the world file of a photograph, if it has one, and returns the SHA-256 of each copy by its path."""
        world = photograph.world_file()
        if world is None:
            return {}
        if is_turned:
            what = "Warning: %s: its world file is not copied: it is about the photograph before its rotation by EXIF."
            log.warning(what, photograph.where)
            return {}
        return {path: self.outputs.write(path, world) for path in world_paths(self.config.save, photograph.name)}

    def _ground(self, data: bytes, photograph: Photograph) -> _Ground:
        """Returns what a GeoTIFF says of the ground; a warning names one that cannot be asked."""
        if not is_tiff(data):
            return _Ground()
        try:
            area = square_metres_of(georeference_of(data, photograph.where))
            return _Ground(area, valid_pixels_of(data, photograph.where, self.predictor.info.samples))
        except UsageError as error:
            if not self.has_warned and is_geotiff(data):
                what = "Warning: %s: area and pixels without data of a GeoTIFF are not known without rasterio. %s"
                log.warning(what, photograph.where, error.fix)
                self.has_warned = True
            return _Ground()


def _is_large(item: tuple[_Opened, ClassMap]) -> bool:
    return item[1].mask.size > AHEAD_PIXELS
