"""On Keras: the best model of a run, and the arithmetic on its logits, on Keras' device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.backend import Tensor, argmax, keras
from trainer.devices import is_out_of_memory, out_of_memory
from trainer.learning.sliding import predict_logits
from trainer.learning.step import ClassMaps
from trainer.models.load import load_model
from trainer.prediction.restoring import FULL, ClassMap, Taken, Wanted
from trainer.run.info import RunInfo
from trainer.run.runs import BEST


class WindowLogits(keras.Model):
    """Wraps a segmentation model: images, uint8 [B, H, W, 3], to logits, float32 [B, H, W, num_classes]."""

    def __init__(self, net: keras.Model, tta: str = "none") -> None:
        super().__init__(name="window_logits")
        self.net = net
        self.tta = tta
        self.built = True

    def call(self, image: Tensor, training: bool = False) -> Tensor:
        """Returns the logits of every pixel."""
        logits = predict_logits(self.net, keras.ops.cast(image, "float32"), self.tta)
        return keras.ops.cast(logits, "float32")


class KerasNet:
    """The best model of a run."""

    def __init__(self, run: Path, info: RunInfo, tta: str) -> None:
        """Loads the model.

        Args:
          run: the run folder.
          info: of the run.
          tta: one of TTA_NAMES.

        Raises:
          UsageError: there is no model in the run.
          DataError: it is damaged.
        """
        self._run = run
        net = load_model(run / BEST, info.config.model)
        self._logits = WindowLogits(net, tta)
        self._class_maps = ClassMaps(net, tta)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Returns the logits of windows, uint8 [B, h, w, 3]: float32 [B, h, w, num_classes].

        Raises:
          MachineError: the device is out of memory.
        """
        return self._predict(self._logits, batch)

    def class_maps(self, batch: np.ndarray) -> np.ndarray:
        """Returns the class indices of windows, uint8 [B, h, w, 3]: uint8 [B, h, w]. Errors as of `logits`."""
        return self._predict(self._class_maps, batch)

    def _predict(self, model: keras.Model, batch: np.ndarray) -> np.ndarray:
        try:
            found: np.ndarray = model.predict_on_batch(batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise out_of_memory(self._run, len(batch)) from error
        return found

    def finish(self, logits: np.ndarray, rows: Taken, columns: Taken, wanted: Wanted) -> ClassMap:
        """Returns the class map of resampled logits, as a `Finish`."""
        x = _blended(_blended(keras.ops.convert_to_tensor(logits), rows, axis=0), columns, axis=1)
        mask = keras.ops.convert_to_numpy(argmax(x)).astype(np.uint8)
        if not any(wanted):
            return ClassMap(mask)
        shares = keras.ops.softmax(x)
        confidence = probabilities = None
        if wanted.confidence:
            highest = keras.ops.convert_to_numpy(keras.ops.max(shares, axis=-1))
            confidence = np.rint(highest * FULL).astype(np.uint16)
        if wanted.probabilities:
            probabilities = keras.ops.convert_to_numpy(keras.ops.cast(shares, "float16"))
        return ClassMap(mask, confidence, probabilities)


def _blended(x: Tensor, taken: Taken, axis: int) -> Tensor:
    """Returns a tensor with one axis resampled; as it is where nothing changes."""
    if len(taken.first) == x.shape[axis] and taken.is_identity:
        return x
    share = taken.share.reshape([-1 if number == axis else 1 for number in range(3)])
    first = keras.ops.take(x, taken.first, axis=axis)
    return first + share * (keras.ops.take(x, taken.second, axis=axis) - first)
