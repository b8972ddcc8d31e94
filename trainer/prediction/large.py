"""Large: a photograph that is read by windows -> its files, in memory that does not grow with it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from converter.errors import DataError, UsageError
from converter.sources.ground import metres_of, square_metres_of
from converter.sources.rasters import Raster
from converter.system.console import Progress, log
from trainer.prediction.canvas import RasterCanvas
from trainer.prediction.inputs import Photograph
from trainer.prediction.large_files import LARGE_FILES, LargeDrawing
from trainer.prediction.options import PredictConfig
from trainer.prediction.outputs import Outputs, Receipt, picture_path, world_paths
from trainer.prediction.pictures import wanted_for
from trainer.prediction.predictor import Predictor
from trainer.prediction.restoring import without_data
from trainer.prediction.stored import StoredMap, remove_stored
from trainer.prediction.views import View

MEGA = 1_000_000


def predict_large(
    photograph: Photograph, predictor: Predictor, outputs: Outputs, config: PredictConfig, facts: Mapping[str, Any]
) -> Receipt:
    """Predicts a photograph by windows, writes its files and returns their receipt; a killed prediction goes on.

    Args:
      photograph: a TIFF or JPEG 2000 file.
      predictor: of the run.
      outputs: the folder.
      config: the options.
      facts: what every prediction in the folder depends on, as JSON has them.

    Raises:
      UsageError: rasterio is not installed.
      DataError: the photograph is refused, or changes meanwhile, or files are wanted that cannot be made of it.
      MachineError: a file cannot be written, or the device is out of memory.
    """
    if others := [kind for kind in config.save if kind not in LARGE_FILES]:
        what = f"is read by windows, and --save {others[0]} needs all of it at once"
        fix = f"Save other files of it: --save {','.join(LARGE_FILES)}; GDAL's gdal_polygonize.py takes the GeoTIFF."
        raise DataError(photograph.where, what, fix, "E_TOO_LARGE")
    stamp = photograph.stamp()
    digest, settled = photograph.digest()
    source = photograph.raster_source(predictor.info.samples, config.max_pixels)
    with _named(photograph), Raster(photograph.path, source) as raster:
        identity = {**facts, "photograph": digest, "batch": predictor.batch}
        wanted, num_classes = wanted_for(config.save), len(predictor.info.classes)
        with StoredMap(outputs.out, identity, raster.size, wanted, num_classes) as stored:
            metres = metres_of(raster.georeference) or config.pixel_size
            view = predictor.view(raster.size, photograph.where, metres=metres)
            _predict_into(stored, raster, predictor, view)
            if photograph.stamp() != stamp:
                fix = "Run the same command again when it is finished."
                raise DataError(photograph.path, "was changed while it was predicted", fix, "E_UNREADABLE")
            pixels, ignored = stored.counts()
            drawing = LargeDrawing(stored, raster, photograph.name, predictor.info.drawn_classes, ignored > 0)
            files = {}
            for kind in config.save:
                path = picture_path(kind, photograph.name)
                files[path] = outputs.write_file(path, functools.partial(LARGE_FILES[kind], drawing))
            if world := photograph.world_file():
                files |= {path: outputs.write(path, world) for path in world_paths(config.save, photograph.name)}
        area = square_metres_of(raster.georeference)
        receipt = Receipt(photograph.name, digest, settled, raster.size, tuple(pixels), files, area)
        outputs.add(receipt)
        remove_stored(outputs.out)
    return receipt


def _predict_into(stored: StoredMap, raster: Raster, predictor: Predictor, view: View) -> None:
    """Predicts what a stored class map lacks."""
    height, width = raster.size
    log.info("%s: %dx%d pixels, read by windows%s.", raster.name, height, width, ", going on" if stored.after else "")
    with Progress(height * width // MEGA, "megapixel") as progress:
        for box, found in predictor.parts(RasterCanvas(raster, view), view, stored.after):
            stored.write(box, without_data(found, raster.valid(box)))
            progress.show((height * box.left + (box.top + box.height) * box.width) // MEGA)
    stored.note()


@contextlib.contextmanager
def _named(photograph: Photograph) -> Iterator[None]:
    """Names the photograph in errors as the user wrote it."""
    try:
        yield
    except (DataError, UsageError) as error:
        where = photograph.where if error.where == photograph.path else error.where
        raise type(error)(where, error.what, error.fix, error.code) from None
