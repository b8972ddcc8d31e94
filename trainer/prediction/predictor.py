"""Predictor: opened photographs -> class maps at their own size.

Photographs that the model sees in one window share a batch; on a larger one windows fill the batches. Every batch is
full, if need be with blanks: the model is compiled once, and the result does not depend on how many are left.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from converter.errors import DataError
from converter.pixels.geometry import Box, cut
from converter.pixels.images import OpenImage
from converter.system.console import log
from trainer.prediction.on_onnx import SUFFIX, OnnxNet, read_model
from trainer.prediction.options import AUTO
from trainer.prediction.restoring import NOTHING, ClassMap, Finish, Wanted, restored, restored_parts
from trainer.prediction.strips import Canvas, num_blocks, strips
from trainer.prediction.views import View, paint, view_of
from trainer.run.info import RunInfo, read_run

AHEAD_PIXELS = 8_000_000  # of a canvas or a photograph that is decoded ahead of the device; a larger one in its turn

Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Look:
    """A photograph, and how the model looks at it.

    Attributes:
      image: opened.
      view: where it is on the canvas.
      canvas: uint8 [H, W, 3]; None while it is not decoded.
    """

    image: OpenImage
    view: View
    canvas: np.ndarray | None = None

    def painted(self) -> np.ndarray:
        """Returns the canvas; DataError where the photograph is damaged."""
        return paint(self.image, self.view) if self.canvas is None else self.canvas


class Net(Protocol):
    """A model that gives logits, and the arithmetic on them, where it is done."""

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Returns the logits of windows, uint8 [B, h, w, 3]: float32 [B, h, w, num_classes]."""

    def class_maps(self, batch: np.ndarray) -> np.ndarray:
        """Returns the class of the largest of these logits, uint8 [B, h, w], of which the device copies less."""

    @property
    def finish(self) -> Finish:
        """What makes a class map of logits."""


class Predictor:
    """The best model of a run, or an exported one, ready for photographs of any size.

    Attributes:
      info: of the run.
      batch: windows per step.
    """

    def __init__(
        self,
        run: Path,
        *,
        batch: int | None = None,
        tta: str | None = None,
        scale: str | float = AUTO,
        wanted: Wanted = NOTHING,
    ) -> None:
        """Loads the model.

        Args:
          run: the run folder, or an exported ONNX file.
          batch: windows per step; None for the run's.
          tta: test-time augmentation of each window, one of TTA_NAMES; None for the run's.
          scale: as in `view_of`.
          wanted: what class maps have beside their classes.

        Raises:
          UsageError: no run, or no model in it, or `tta` is not possible with it.
          DataError: the run or its model is damaged.
        """
        self.info = _with_fit(read_info(run), run)
        self.batch = batch or self.info.config.batch
        self._net = _net_of(run, self.info, tta or self.info.config.tta)
        self._scale = scale
        self._wanted = wanted

    def look(self, image: OpenImage, *, is_tile: bool = False, metres: float | None = None) -> Look:
        """Returns how the model looks at a photograph, decoded unless it is large; may be called in any thread.

        Args:
          image: opened.
          is_tile: whether it is a record of a photograph that was resized before: as it is, by scale "auto" or "fit".
          metres: side of its pixels on the ground; None where it is not known.

        Raises:
          DataError: the pixels are truncated or damaged; or the run was trained on tiles of the same metres a pixel,
            and `metres` is not known.
        """
        look = Look(image, self.view(image.size, image.name, is_tile=is_tile, metres=metres))
        pixels = max(height * width for height, width in (look.view.canvas, image.raw_size))
        return look if pixels > AHEAD_PIXELS else dataclasses.replace(look, canvas=paint(image, look.view))

    def view(self, size: tuple[int, int], name: str, *, is_tile: bool = False, metres: float | None = None) -> View:
        """Returns how the model looks at a photograph of a size; arguments and errors as for `look`."""
        if not isinstance(self._scale, str):
            return view_of(self.info, size, self._scale)
        if is_tile:
            return view_of(self.info, size, 1.0)
        return view_of(dataclasses.replace(self.info, tile_scale=self.tile_scale(name, metres)), size, self._scale)

    def tile_scale(self, name: str, metres: float | None) -> float:
        """Returns the factor by which a photograph is resized as those were that tiles were cut out of.

        Raises:
          DataError: as `look`.
        """
        gsd = self.info.tile_gsd
        if gsd is None:
            return self.info.tile_scale
        if metres is None:
            what = f"does not say how large its pixels are on the ground, and the run was trained at {gsd:g} m a pixel"
            raise DataError(name, what, "Pass --pixel-size METRES, or --scale FACTOR.", "E_FORMAT")
        return metres / gsd

    def class_maps(self, looks: Iterable[tuple[Key, Look]]) -> Iterator[tuple[Key, ClassMap | DataError]]:
        """Yields the class map of each photograph, those that fill a batch together; the error of a damaged one.

        Raises:
          MachineError: the device is out of memory.
        """
        whole: list[tuple[Key, Look]] = []  # the model's class map is theirs
        fitted: list[tuple[Key, Look]] = []
        for key, look in looks:
            if look.canvas is None or look.view.canvas != self.info.size:
                try:
                    found: ClassMap | DataError = self.class_map(look)
                except DataError as error:
                    found = error
                yield key, found
                continue
            waiting = whole if look.view.is_identity and not any(self._wanted) else fitted
            waiting.append((key, look))
            if len(waiting) == self.batch:
                yield from self._together(waiting, is_whole=waiting is whole)
                waiting.clear()
        yield from self._together(whole, is_whole=True)
        yield from self._together(fitted, is_whole=False)

    def class_map(self, look: Look) -> ClassMap:
        """Returns the class map of one photograph.

        Raises:
          DataError: it is truncated or damaged.
          MachineError: the device is out of memory.
        """
        canvas, view = look.painted(), look.view
        return restored(view, self._seen(canvas), self._net.finish, **self._choices(view))

    def parts(self, canvas: Canvas, view: View, after: Box | None = None) -> Iterator[tuple[Box, ClassMap]]:
        """Yields the class map of a photograph in parts, as `restored_parts` does: what `class_map` returns.

        Args:
          canvas: of the photograph.
          view: where the photograph is on it.
          after: the last part that is done.

        Raises:
          MachineError: the device is out of memory.
        """
        return restored_parts(view, self._seen(canvas), self._net.finish, after=after, **self._choices(view))

    def _seen(self, canvas: Canvas) -> Callable[[Box], Iterator[np.ndarray]]:
        return lambda box: strips(self._logits, canvas, self.info.size, box)

    def _choices(self, view: View) -> dict[str, Any]:
        count = num_blocks(view.scaled[1], self.info.size[0], len(self.info.classes))
        return {"blocks": count, "wanted": self._wanted}

    def _together(self, looks: list[tuple[Key, Look]], *, is_whole: bool) -> Iterator[tuple[Key, ClassMap]]:
        """Yields the class maps of photographs, a batch at most, of which the model sees each in one window."""
        windows = (look.painted() for _, look in looks)
        every = self._in_batches(self._net.class_maps, windows) if is_whole else self._logits(windows)
        for (key, look), found in zip(looks, every, strict=True):
            if is_whole:
                yield key, ClassMap(found)
            else:
                yield key, restored(look.view, _within(found), self._net.finish, wanted=self._wanted)

    def _logits(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yields the logits of windows, float32 [h, w, num_classes] each."""
        return self._in_batches(self._net.logits, windows)

    def _in_batches(
        self, compute: Callable[[np.ndarray], np.ndarray], windows: Iterable[np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Yields what is computed of windows, a batch at a time."""
        batch = np.zeros((self.batch, *self.info.size, 3), np.uint8)
        filled = 0
        for window in windows:
            batch[filled] = window
            filled += 1
            if filled == self.batch:
                yield from compute(batch)
                filled = 0
        if filled:
            batch[filled:] = 0
            yield from compute(batch)[:filled]


def ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    most: int,
    is_alone: Callable[[Item], bool] = lambda item: False,
) -> Iterator[Result]:
    """Yields the results of a function in order, computed in a thread, up to `most` before they are asked for.

    The result of an item that is alone, such as one that takes much memory, is yielded before the next item is taken.
    """
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                while len(waiting) > (0 if is_alone(item) else most):
                    yield waiting.popleft().result()
                del item  # or it would be held while the next one is computed
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _within(logits: np.ndarray) -> Callable[[Box], list[np.ndarray]]:
    """Returns what gives a part of the logits of one window, as one block of rows."""
    return lambda box: [cut(logits, box)]


def read_info(run: Path) -> RunInfo:
    """Returns the description in a run folder, or in an exported ONNX file.

    Raises:
      UsageError: there is none.
      DataError: it is damaged.
    """
    return read_model(run) if run.suffix == SUFFIX else read_run(run)


def _net_of(run: Path, info: RunInfo, tta: str) -> Net:
    if run.suffix == SUFFIX:
        return OnnxNet(run, tta)
    from trainer.prediction.on_keras import KerasNet  # with it TensorFlow, which an ONNX file does not need

    return KerasNet(run, info, tta)


def _with_fit(info: RunInfo, run: Path) -> RunInfo:
    if info.fit:
        return info
    what = "an older version, which did not note how images were resized: taken for --fit pad"
    log.warning("Warning: %s was trained by %s.", run, what)
    return dataclasses.replace(info, fit="pad")
