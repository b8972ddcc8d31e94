"""Step: what happens to one batch on the device, in training and in prediction.

A pair comes in as uint8 and is augmented, turned into logits, compared by the loss and counted, all inside one
compiled step. Only `net`, the plain model from image to logits, is ever saved.
"""

from __future__ import annotations

from typing import Any

from trainer.augment import RandomFlips
from trainer.backend import Tensor, keras
from trainer.losses import targets_and_weights
from trainer.metrics import ConfusionMatrix


class SegTrainer(keras.Model):
    """Wraps a segmentation model for Keras' own fit and evaluate.

    Input: {"image": uint8 [B, H, W, 3], "mask": uint8 [B, H, W]}, without a target: the mask has to pass the
    augmentation together with the image.

    Attributes:
      net: image, float32 [B, H, W, 3] in 0..255, to logits, float32 [B, H, W, num_classes].
      num_classes: number of classes.
      augment: applied in training, never in validation; None for no augmentation.
      confusion: counts of the current pass.
    """

    def __init__(self, net: keras.Model, num_classes: int, augment: RandomFlips | None = None) -> None:
        super().__init__(name="trainer")
        self.net = net
        self.num_classes = num_classes
        self.augment = augment
        self.confusion = ConfusionMatrix(num_classes)
        self.built = True  # `net` is; there is nothing else to build

    def call(self, batch: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        """Returns {"logits": float32 [B, H, W, num_classes], "mask": the mask as the logits see it}."""
        image, mask = batch["image"], batch["mask"]
        if training and self.augment is not None:
            image, mask = self.augment(image, mask)
        return {"logits": self.net(keras.ops.cast(image, "float32"), training=training), "mask": mask}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Returns the loss over the valid pixels of the batch.

        It goes through Keras' own compute_loss, which scales it rightly under a distribution strategy.
        """
        targets, weights = targets_and_weights(y_pred["mask"], self.num_classes)
        return super().compute_loss(x, targets, y_pred["logits"], weights, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Tensor]:
        """Counts the batch and returns the loss and the pixel accuracy so far."""
        self.confusion.update_state(y_pred["mask"], y_pred["logits"])
        return self.get_metrics_result()


class ClassMaps(keras.Model):
    """Wraps a segmentation model for prediction: images, uint8 [B, H, W, 3], to class indices, uint8 [B, H, W].

    The largest logit is found on the device, so that one byte per pixel comes back and not 4 x num_classes.
    """

    def __init__(self, net: keras.Model) -> None:
        super().__init__(name="class_maps")
        self.net = net
        self.built = True

    def call(self, image: Tensor, training: bool = False) -> Tensor:
        """Returns the class index of every pixel."""
        logits = self.net(keras.ops.cast(image, "float32"), training=False)
        return keras.ops.cast(keras.ops.argmax(logits, axis=-1), "uint8")
