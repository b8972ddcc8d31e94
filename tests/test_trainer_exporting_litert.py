"""LiteRT: one image at a time, no more on stderr than ours, and a file that programs for archives can read."""

from __future__ import annotations

import zipfile

import numpy as np
from exported_runs import NEEDS_LITERT, small_net
from trainer_fixtures import NEEDS_TF

pytestmark = [*NEEDS_TF, NEEDS_LITERT]


def test_weights_of_8_bits_take_a_quarter_and_the_input_stays_a_image(tmp_path, capfd):
    from trainer.exporting.litert import load_litert, write_litert
    from trainer.exporting.serving import Served

    net = small_net((32, 32))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
    maps = {}
    for quantize in ("none", "int8"):
        path = tmp_path / f"{quantize}.tflite"
        write_litert(Served(net, (32, 32), b"{}", quantize=quantize, images=lambda: iter(images)), path)
        maps[quantize] = load_litert(path)(images)["class_map"]
        with zipfile.ZipFile(path) as archive:
            assert archive.read("segconv.json") == b"{}"
    expected = net.predict(images.astype(np.float32), verbose=0).argmax(axis=-1)
    np.testing.assert_array_equal(maps["none"], expected)
    assert maps["int8"].dtype == np.uint8
    assert 0.9 < (maps["int8"] == expected).mean() < 1  # it is another model
    assert not [line for line in capfd.readouterr().err.splitlines() if "Lite" in line or "quantize" in line]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["int8.tflite", "none.tflite"]
