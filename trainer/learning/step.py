"""Step: what happens to one batch on the device, in training and in prediction.

A uint8 pair is augmented, passed through the model, and its loss and confusion matrix are computed, all in one compiled
step. Only `net`, the plain model from image to logits, is ever saved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainer.backend import DistributedModel, Tensor, argmax, keras, num_replicas, sum_over_replicas
from trainer.learning.augment import Augment
from trainer.learning.averaging import StatisticsAverage
from trainer.learning.batch_norm import fused_batch_norm
from trainer.learning.losses import Loss
from trainer.learning.metrics import ConfusionMatrix
from trainer.learning.optimizers import freeze_encoder
from trainer.learning.sliding import predict_logits
from trainer.learning.upsampling import upsampled_by_axis
from trainer.models.auxiliary import at_coarse_pixels, with_auxiliary_head
from trainer.models.frozen import encoder_in, with_frozen_encoder


class FiniteSteps(keras.metrics.Metric):
    """Counts the steps before the first with a loss that is not finite, without waiting for the device."""

    def __init__(self) -> None:
        super().__init__(name="finite_steps", dtype="float32")
        self.steps = self.add_weight(shape=(), initializer="zeros", name="steps")
        self.broken = self.add_weight(shape=(), initializer="zeros", name="broken")

    def update_state(self, loss: Tensor) -> None:
        """Counts one step, given its loss, a float scalar."""
        finite = keras.ops.cast(keras.ops.isfinite(loss), "float32")
        # A failure on one device counts for all: the others may continue, where float16 skips such a step.
        finite = keras.ops.cast(sum_over_replicas(finite) >= num_replicas(), "float32")
        self.broken.assign(keras.ops.maximum(self.broken, 1.0 - finite))
        self.steps.assign_add(1.0 - self.broken)

    def result(self) -> Tensor:
        """Returns the number of steps, float32, added up over all devices."""
        return self.steps * 1.0  # a tensor: a strategy wraps variables in its own type


@dataclass(frozen=True)
class StepOptions:
    """What a step does beside its loss; by default, nothing.

    Attributes:
      ema: decay of the moving average of the weights; 0 disables it.
      tta: test-time augmentation in validation, as in `sliding.predict_logits`.
      aux_loss: weight of the loss of an auxiliary head, where the model has a level for it; 0 disables it.
    """

    ema: float = 0.0
    tta: str = "none"
    aux_loss: float = 0.0


class SegTrainer(DistributedModel):
    """Wraps a segmentation model for Keras' own fit and evaluate.

    Input: {"image": uint8 [B, H, W, 3], "mask": uint8 [B, H, W]}, and "size", float32 [B, 2], where records have
    several; without a target, since the mask has to pass the augmentation together with the image.

    Attributes:
      net: image, float32 [B, H, W, 3] in 0..255, to logits, float32 [B, H, W, num_classes].
      loss_of: (mask, logits) to the loss over the valid pixels of the whole batch, from `losses.build_loss`.
      options: what else is chosen.
      augment: applied in training, never in validation; None for no augmentation.
      auxiliary: `net` with the logits of an auxiliary head as another output; None without one.
      statistics: moving average of the statistics of batch normalization; None without one of the weights.
      confusion: confusion matrix of the current pass.
      finite_steps: steps of the current pass before the first with a loss that is not finite.
    """

    def __init__(
        self,
        net: keras.Model,
        num_classes: int,
        loss_of: Loss,
        augment: Augment | None = None,
        *,
        options: StepOptions = StepOptions(),
    ) -> None:
        super().__init__(name="trainer")
        self.net = net
        self.auxiliary = with_auxiliary_head(net, num_classes) if options.aux_loss else None
        self.options = options
        self.loss_of = loss_of
        self.augment = augment
        self.statistics = StatisticsAverage(net, options.ema) if options.ema else None
        self.confusion = ConfusionMatrix(num_classes)
        self.finite_steps = FiniteSteps()
        self._call_frozen: Callable[..., Tensor] | None = None  # a model here would count as another layer
        self.built = True  # `net` is; there is nothing else to build

    def call(self, batch: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        """Returns {"logits": float32 [B, H, W, num_classes], "mask": the mask after the same augmentation}.

        In training, where there is an auxiliary head, also its logits, "auxiliary".
        """
        image, mask = batch["image"], batch["mask"]
        if training and self.augment is not None:
            image, mask = self.augment(image, mask, batch.get("size"))
        image = keras.ops.cast(image, "float32")
        is_compiled = bool(self.jit_compile)
        with upsampled_by_axis(is_compiled), fused_batch_norm(is_compiled, training):
            if not training:
                return {"logits": predict_logits(self.net, image, self.options.tta), "mask": mask}
            outputs = (self._call_frozen or self._trained)(image, training=True)
        if self.statistics is not None:
            self.statistics.follow(self.net)
        if self.auxiliary is None:
            return {"logits": outputs, "mask": mask}
        return {"logits": outputs[0], "auxiliary": outputs[1], "mask": mask}

    @property
    def _trained(self) -> keras.Model:
        return self.net if self.auxiliary is None else self.auxiliary

    def freeze_encoder(self, is_frozen: bool) -> None:
        """Sets whether the steps from now on leave the encoder of `net` as it is, its batch statistics included.

        Where that changes, the step is compiled again. The optimizer must be one that can freeze it.
        """
        if is_frozen == (self._call_frozen is not None):
            return
        encoder = encoder_in(self.net)
        self._call_frozen = with_frozen_encoder(self._trained, encoder).__call__ if is_frozen else None
        freeze_encoder(self.optimizer, is_frozen)
        self.make_train_function(force=True)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Returns this device's part of the loss, with auxiliary head and regularization, and counts the step.

        In validation, regularization is that of weights alone.

        The gradients of all devices are added up, so each contributes 1 / num_replicas of the loss.
        """
        loss = self.loss_of(y_pred["mask"], y_pred["logits"])
        if "auxiliary" in y_pred:
            loss += self.options.aux_loss * self.loss_of(*at_coarse_pixels(y_pred["mask"], y_pred["auxiliary"]))
        # Those of activations arise in calls, which validation may make within a loop: they are for training alone.
        for penalty in self.losses if training else self._get_regularization_losses():
            loss += keras.ops.cast(penalty, "float32")
        self.finite_steps.update_state(loss)
        return loss / num_replicas()

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Tensor]:
        """Counts the batch and returns the loss and the pixel accuracy so far."""
        self.confusion.update_state(y_pred["mask"], y_pred["logits"])
        return self.get_metrics_result()


class ClassMaps(keras.Model):
    """Wraps a segmentation model for prediction: images, uint8 [B, H, W, 3], to class indices, uint8 [B, H, W].

    The argmax is computed on the device: one byte per pixel is copied back instead of 4 x num_classes.

    Attributes:
      net: the model.
      tta: test-time augmentation, as in `sliding.predict_logits`.
      has_confidence: whether it returns (class indices, probability of that class, float32 [B, H, W]) instead.
    """

    def __init__(self, net: keras.Model, tta: str = "none", *, has_confidence: bool = False) -> None:
        super().__init__(name="class_maps")
        self.net = net
        self.tta = tta
        self.has_confidence = has_confidence
        self.built = True

    def call(self, image: Tensor, training: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Returns the class index of every pixel, and its probability where that is wanted."""
        is_compiled = bool(self.jit_compile)
        with upsampled_by_axis(is_compiled), fused_batch_norm(is_compiled, in_training=False):
            logits = predict_logits(self.net, keras.ops.cast(image, "float32"), self.tta)
        indices = keras.ops.cast(argmax(logits), "uint8")
        if not self.has_confidence:
            return indices
        logits = keras.ops.cast(logits, "float32")
        highest = keras.ops.max(logits, axis=-1, keepdims=True)
        return indices, 1 / keras.ops.sum(keras.ops.exp(logits - highest), axis=-1)
