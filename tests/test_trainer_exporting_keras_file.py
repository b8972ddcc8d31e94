"""Keras file: it loads in a process without segconv, and describes itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
from exported_runs import small_net
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF

LOAD = """
import sys
sys.modules["trainer"] = sys.modules["converter"] = None
import keras, numpy as np
found = keras.saving.load_model("model.keras").predict(np.load("images.npy"), verbose=0)
np.save("found.npy", found["class_map"])
"""


def test_plain_keras_loads_it_where_segconv_is_not_installed(tmp_path):
    from trainer.exporting.keras_file import write_keras
    from trainer.exporting.serving import Served

    net = small_net((16, 24))
    write_keras(Served(net, (16, 24), b'{"classes": ["a", "b"]}'), tmp_path / "model.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 24, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", LOAD], cwd=tmp_path, env=env, check=True, capture_output=True)
    expected = net.predict(images.astype(np.float32), verbose=0).argmax(axis=-1)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), expected)
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert json.loads(archive.read("segconv.json")) == {"classes": ["a", "b"]}
