"""SavedModel: its signature is what TensorFlow Serving reads, and it outlives the model that it was made from."""

from __future__ import annotations

import gc

import numpy as np
from exported_runs import small_net
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def test_the_signature_takes_images_and_gives_class_maps(tmp_path):
    import tensorflow as tf

    from trainer.exporting.saved_model import load_saved_model, write_saved_model
    from trainer.exporting.serving import Served

    net = small_net((16, 24))
    write_saved_model(Served(net, (16, 24), b"{}", has_probabilities=True), tmp_path / "model")
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), np.uint8)
    expected = net.predict(images.astype(np.float32), verbose=0).argmax(axis=-1)
    run = load_saved_model(tmp_path / "model")
    gc.collect()
    np.testing.assert_array_equal(run(images)["class_map"], expected)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    assert list(loaded.signatures) == ["serving_default"]
    serve = loaded.signatures["serving_default"]
    (given,) = serve.structured_input_signature[1].values()
    assert (given.name, given.dtype, tuple(given.shape)) == ("image", tf.uint8, (None, 16, 24, 3))
    outputs = {name: (spec.dtype, tuple(spec.shape)) for name, spec in serve.structured_outputs.items()}
    assert outputs == {
        "class_map": (tf.uint8, (None, 16, 24)),
        "probabilities": (tf.float32, (None, 16, 24, 2)),
    }
    assert (tmp_path / "model/assets.extra/segconv.json").read_bytes() == b"{}"
