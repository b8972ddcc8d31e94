"""docs/serve.md: every command and every block of code runs, as it stands there, and gives the classes of the run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exported_runs import NEEDS_LITERT, NEEDS_TF2ONNX, small_run
from PIL import Image
from trainer_fixtures import CLASSES, NEEDS_TF

TEXT = (Path(__file__).parent.parent / "docs/serve.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = {match[1]: match[0].split()[1:] for match in re.finditer(r"segconv export --format (\w+) --out \S+", TEXT)}
COLORS = BLOCKS[-1]
READERS = {"savedmodel": BLOCKS[0], "onnx": BLOCKS[1], "litert": BLOCKS[2], "keras": BLOCKS[3]}

pytestmark = NEEDS_TF


def test_every_block_is_one_that_is_run_and_has_ten_lines():
    assert len(BLOCKS) == len(READERS) + 1
    assert COMMANDS.keys() == READERS.keys()
    for block in BLOCKS:
        assert len([line for line in block.splitlines() if line and not line.startswith(("import", "from"))]) <= 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "savedmodel",
        "keras",
        pytest.param("onnx", marks=NEEDS_TF2ONNX),
        pytest.param("litert", marks=NEEDS_LITERT),
    ],
)
def test_the_command_and_the_code_give_the_classes_of_the_run(tmp_path, monkeypatch, name):
    import keras

    from converter.cli import segconv

    run = small_run(tmp_path)
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    segconv.main(COMMANDS[name], standalone_mode=False)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / "photo.jpg", quality=95)
    code = READERS[name] + COLORS
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    image = np.asarray(Image.open(tmp_path / "photo.jpg"), np.float32)
    net = keras.saving.load_model(run / "best.keras")
    expected = net.predict(image[None], verbose=0)[0].argmax(axis=-1)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"{name}.png")), expected)
    colors = np.array([info.color for info in CLASSES], np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "colors.png")), colors[expected])
    counts = {info.name: int((expected == info.id).sum()) for info in CLASSES}
    assert str(counts) in done.stdout
