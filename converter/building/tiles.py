"""Tiles: pairs -> records, of which those that are tiles of one photograph share the work of reading it."""

from __future__ import annotations

import time
from collections.abc import Callable

from converter.building.convert import make_record
from converter.building.photos import Photo, RasterPhoto, WholePhoto
from converter.building.tally import Tally
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record
from converter.errors import DataError
from converter.sources.refs import ExampleRef
from converter.sources.sizes import reads_windows
from converter.system.files import Stamp

Read = Callable[[str], bytes]
WINDOW = "window:"  # before the digest of the pixels of a window, where the file as a whole is not read


class RecordMaker:
    """Makes records one after the other; a photograph is decoded once for all its tiles that follow one another."""

    def __init__(self, source: SourceConfig, mapper: MaskMapper, pair: PairConfig) -> None:
        self._source = source
        self._mapper = mapper
        self._pair = pair
        self._files: tuple[str, str] | None = None
        self._photo: Photo | DataError | None = None
        self._is_raster = False
        self._opened_ns = 0
        self._error: DataError | None = None

    def make(self, ref: ExampleRef, read: Read | None = None) -> tuple[Record, Tally] | None:
        """Returns the record of a pair or tile, and its counts; None of a tile that is dropped, since it is ignored.

        Args:
          ref: the pair.
          read: that of `open_pair`.

        Raises:
          UsageError: it is read by windows, and rasterio is not installed.
          DataError: the pair is refused.
        """
        if self._pair.tile is None:
            return make_record(ref, self._source, self._mapper, self._pair, read)
        try:
            self._error = None
            return self._photo_of(ref, read).record(ref)
        except DataError as error:
            self._error = error
            raise

    def digests(self, ref: ExampleRef) -> list[tuple[str, Stamp | None]] | None:
        """Returns (digest, stamp) of the windows of image and mask that were last read, `ref` being the tile.

        None where they were not read by windows. The digest is that of the pixels, so that another tile of the same
        files does not change with them; of a tile that was refused, the code that says why. The stamp is None where
        the file could change without another one.
        """
        if not self._is_raster or self._files != ref.files:
            return None
        if self._error or not isinstance(self._photo, RasterPhoto):
            code = self._error.code if self._error else "E_CRASH"
            return [(WINDOW + code, None), (WINDOW + code, None)]
        pairs = zip(self._photo.digests, self._photo.stamps, strict=True)
        return [
            (digest and WINDOW + digest, stamp if stamp and stamp.is_settled(self._opened_ns) else None)
            for digest, stamp in pairs
        ]

    def _photo_of(self, ref: ExampleRef, read: Read | None) -> Photo:
        if self._files != ref.files:
            if isinstance(self._photo, Photo):
                self._photo.close()
            self._files, self._photo, self._is_raster = ref.files, None, False  # frees the one before
            self._opened_ns = time.time_ns()
            try:
                self._is_raster = reads_windows(ref, self._source, self._pair)
                if self._is_raster:
                    self._photo = RasterPhoto(ref, self._source, self._mapper, self._pair)
                else:
                    self._photo = WholePhoto(ref, self._source, self._mapper, self._pair, read)
            except DataError as error:
                self._photo = error
        if isinstance(self._photo, DataError):
            raise self._photo
        assert self._photo is not None  # noqa: S101 - for mypy: it has just been set
        return self._photo
