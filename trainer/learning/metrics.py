"""Metrics: one confusion matrix, and every score from it.

Rows are the truth, columns the prediction; ignored pixels are in no cell. The formulas are in one place,
`scores_from_confusion`, on the host and in int64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer.backend import Tensor, keras


@dataclass(frozen=True)
class Scores:
    """Scores of a segmentation, each 0..1; NaN where a score is undefined.

    Attributes:
      iou: per class, TP / (TP + FP + FN).
      precision: per class, TP / (TP + FP).
      recall: per class, TP / (TP + FN).
      f1: per class, 2 TP / (2 TP + FP + FN).
      pixels: per class, pixels in the truth: TP + FN.
      predicted: per class, valid pixels in the prediction: TP + FP.
      miou: mean of `iou` over the classes that occur in the truth or in the prediction.
      pixel_accuracy: fraction of valid pixels that are correct.
      fwiou: frequency-weighted IoU: mean of `iou`, weighted by each class's fraction of the truth.
    """

    iou: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    pixels: tuple[int, ...]
    predicted: tuple[int, ...]
    miou: float
    pixel_accuracy: float
    fwiou: float

    @property
    def only_class(self) -> int | None:
        """The only predicted class, where the truth has several; None where several are predicted."""
        predicted = [index for index, pixels in enumerate(self.predicted) if pixels]
        num_true = sum(pixels > 0 for pixels in self.pixels)
        return predicted[0] if len(predicted) == 1 and num_true > 1 else None


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns int64 [num_classes, num_classes]: pixels per (true class, predicted class).

    Args:
      truth: integers of any shape; pixels with IGNORE_INDEX, or any other value that is not a class, are left out.
      prediction: integers of the same shape, each 0..num_classes-1.
      num_classes: number of classes.
    """
    valid = (truth >= 0) & (truth < num_classes)
    cells = truth[valid].astype(np.int64) * num_classes + prediction[valid]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def scores_from_confusion(matrix: np.ndarray) -> Scores:
    """Returns all scores of a confusion matrix.

    A class that occurs neither in the truth nor in the prediction has no IoU and does not count in the mean, as in
    Keras' MeanIoU.

    Args:
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.

    Sources: Everingham et al., The PASCAL VOC Challenge, IJCV 2010, section 4.4 (IoU = TP / (TP + FP + FN)); Long et
    al., Fully Convolutional Networks, CVPR 2015, section 5 (frequency-weighted IoU).
    """
    right = matrix.diagonal()
    pixels, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    iou = _ratio(right, pixels + predicted - right)
    return Scores(
        iou=tuple(iou.tolist()),
        precision=tuple(_ratio(right, predicted).tolist()),
        recall=tuple(_ratio(right, pixels).tolist()),
        f1=tuple(_ratio(2 * right, pixels + predicted).tolist()),
        pixels=tuple(pixels.tolist()),
        predicted=tuple(predicted.tolist()),
        miou=float(np.nanmean(iou)) if matrix.any() else float("nan"),
        pixel_accuracy=_ratio(right.sum(), matrix.sum()).item(),
        fwiou=_ratio(np.sum(pixels * np.nan_to_num(iou)), matrix.sum()).item(),
    )


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole in float64, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def classes_of(logits: Tensor) -> Tensor:
    """Returns the class with the largest logit of each pixel, the first where several are equal.

    By comparison with the largest, class by class: on a CPU that takes half the time of TensorFlow's argmax along the
    last axis, for memory of twice the size of the logits, which a step of training has.

    Args:
      logits: float [B, H, W, num_classes].

    Returns:
      Class indices, float32 [B, H, W]; the last class where a logit is NaN.
    """
    last = logits.shape[-1] - 1
    by_class = keras.ops.transpose(logits, (3, 0, 1, 2))
    index = keras.ops.reshape(keras.ops.arange(last + 1, dtype="float32"), (-1, 1, 1, 1))
    is_largest = keras.ops.equal(by_class, keras.ops.max(by_class, axis=0))
    return keras.ops.min(keras.ops.where(is_largest, index, float(last)), axis=0)


class ConfusionMatrix(keras.metrics.Metric):
    """Counts pixels per (true class, predicted class) on the device, batch by batch.

    `result()` is the pixel accuracy, for the progress bar; the scores of an epoch are read from `matrix()` on the host.

    Every cell is two integers, low + CARRY * high: JAX has 32-bit integers by default, and a float32 at 2^24, which
    is 64 images of 512x512, does not change when 1 is added. A device's batch may have at most CARRY pixels.

    Attributes:
      num_classes: number of classes.
    """

    def __init__(self, num_classes: int, name: str = "confusion") -> None:
        super().__init__(name=name)
        self.num_classes = num_classes
        # TensorFlow keeps 32-bit integers on the host, and every step would have to wait for them.
        dtype = "int32" if keras.backend.backend() == "jax" else "int64"
        shape = (num_classes**2,)
        self.low = self.add_weight(shape=shape, initializer="zeros", dtype=dtype, name="low")
        self.high = self.add_weight(shape=shape, initializer="zeros", dtype=dtype, name="high")

    def update_state(self, mask: Tensor, logits: Tensor) -> None:
        """Adds one batch.

        Args:
          mask: integers [B, H, W]: class indices; IGNORE_INDEX and any other value that is not a class are left out.
          logits: float [B, H, W, num_classes].
        """
        # Without XLA, TensorFlow computes int32 on the host, even next to a GPU. Cells below 2^24 are exact in float32,
        # and their counts in float64, whose sums have a kernel on a GPU, as those of int64 have not.
        truth, prediction = keras.ops.cast(mask, "float32"), classes_of(logits)
        # Ignored pixels go to an extra last cell, which is dropped: all shapes stay static for XLA.
        last = self.num_classes**2
        valid = keras.ops.logical_and(truth >= 0, truth < self.num_classes)
        cell = keras.ops.where(valid, truth * self.num_classes + prediction, float(last))
        cell = keras.ops.reshape(keras.ops.cast(cell, self.low.dtype), (-1,))
        ones = keras.ops.ones_like(cell, dtype="int32" if keras.backend.backend() == "jax" else "float64")
        counts = keras.ops.segment_sum(ones, cell, num_segments=last + 1)[:last]
        low = self.low + keras.ops.cast(counts, self.low.dtype)
        self.high.assign_add(low // CARRY)
        self.low.assign(low % CARRY)

    def result(self) -> dict[str, Tensor]:
        """Returns the fraction of valid pixels that are correct so far, float32; 0 before the first."""
        low, high = (keras.ops.cast(word, "float32") for word in (self.low, self.high))
        cells = keras.ops.reshape(low + float(CARRY) * high, (self.num_classes, self.num_classes))
        return {"pixel_accuracy": keras.ops.trace(cells) / keras.ops.maximum(keras.ops.sum(cells), 1.0)}

    def matrix(self) -> np.ndarray:
        """Returns the matrix so far, int64 [num_classes, num_classes], on the host."""
        words = (keras.ops.convert_to_tensor(word) for word in (self.low, self.high))
        low, high = (keras.ops.convert_to_numpy(word).astype(np.int64) for word in words)
        return (low + CARRY * high).reshape(self.num_classes, self.num_classes)


CARRY = 2**30  # low < CARRY, and a batch adds at most CARRY to it: their sum stays below 2^31
