"""Takes training steps of `segconv train`: unet_small, with the augmentation that is named, on a batch in memory."""

from __future__ import annotations

import sys

from epochs import BATCH, take_turns
from training import CLASSES, SIZE, STEPS, random_batch

from trainer.backend import tf
from trainer.choices.augments import AUGMENTS
from trainer.config import TrainConfig
from trainer.learning.augment import build_augment
from trainer.learning.losses import build_loss
from trainer.learning.optimizers import build_optimizer
from trainer.learning.step import SegTrainer
from trainer.models.build import build_model


def main() -> None:
    """Trains for the epochs that are asked for on stdin."""
    net = build_model("unet_small", SIZE, CLASSES)
    augment = build_augment(AUGMENTS[sys.argv[1]], 0)
    trainer = SegTrainer(net, CLASSES, build_loss("crossentropy", CLASSES), augment)
    trainer.compile(build_optimizer(TrainConfig(), 1000), jit_compile="auto")
    trainer.optimizer.build(trainer.trainable_variables)
    image, mask = random_batch()
    batches = iter(tf.data.Dataset.from_tensors(({"image": image, "mask": mask},)).repeat())
    trainer.make_train_function()

    def epoch(_: int) -> int:
        for _ in range(STEPS):
            scores = trainer.train_function(batches)  # what Keras' fit calls; that it starts an epoch is no step
        float(scores["loss"])  # waits for the last step
        return STEPS * BATCH

    take_turns(epoch)


if __name__ == "__main__":
    main()
