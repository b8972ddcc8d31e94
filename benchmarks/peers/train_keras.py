"""Takes training steps of unet_small in a bare compiled loop: forward pass, crossentropy, backward pass, Adam.

The variants are "graph", as tf.function compiles it, and "xla".
"""

from __future__ import annotations

import sys

from epochs import BATCH, take_turns
from training import CLASSES, SIZE, STEPS, random_batch

from trainer.backend import keras, tf
from trainer.models.build import build_model


def main() -> None:
    """Trains for the epochs that are asked for on stdin."""
    net = build_model("unet_small", SIZE, CLASSES)
    adam = keras.optimizers.Adam(1e-3)
    adam.build(net.trainable_variables)
    images, masks = random_batch()
    image, mask = tf.constant(images, tf.float32), tf.constant(masks, tf.int32)

    @tf.function(jit_compile=sys.argv[1] == "xla")
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(mask, net(image, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, net.trainable_variables)
        adam.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
        return loss

    def epoch(_: int) -> int:
        for _ in range(STEPS):
            loss = step()
        float(loss)  # waits for the last step
        return STEPS * BATCH

    take_turns(epoch)


if __name__ == "__main__":
    main()
