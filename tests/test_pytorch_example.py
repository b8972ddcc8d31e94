"""docs/pytorch.md: the program in examples/ learns, and keeps the weights of the epoch that was best on val."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reader_environments import is_installed, python, reason

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples/pytorch_train.py"
TEXT = (ROOT / "docs/pytorch.md").read_text()
COLORS = np.array([(0, 0, 0), (200, 30, 30), (30, 60, 200)], np.uint8)
SIZE = (64, 64)
PREDICT = """
import json
import sys
from pathlib import Path

sys.path.insert(0, EXAMPLES)
import torch
from pytorch_train import SmallUNet, batch_of

from converter import RecordSource

saved = torch.load("best.pt", weights_only=True)
model = SmallUNet(len(saved["classes"]))
model.load_state_dict(saved["weights"])
model.eval()
images, _ = batch_of(list(RecordSource(Path("records"), "val")))
with torch.no_grad():
    print(json.dumps([list(saved["classes"]), model(images).argmax(1).tolist()]))
"""

needs_torch = pytest.mark.skipif(not is_installed("torch"), reason=reason("torch"))


def draw(folder: Path) -> None:
    """Draws photographs whose colours tell the class, with noise, and an ignored corner."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    (folder / "classes.csv").write_text("name,value\nground,#000000\nroof,#C81E1E\nwater,#1E3CC8\nignore,#FFFFFF\n")
    for split, count in (("train", 12), ("val", 4)):
        for number in range(count):
            mask = np.kron(rng.integers(0, 3, (4, 4)), np.ones((16, 16), int))
            picture = COLORS[mask]
            image = np.clip(picture + rng.normal(60, 20, picture.shape), 0, 255).astype(np.uint8)
            picture[:8, :8] = 255
            Image.fromarray(image).save(folder / f"{split}{number}.jpg", quality=95)
            Image.fromarray(picture).save(folder / f"{split}{number}.png")
        lines = (f"{split}{number}.jpg;{split}{number}.png\n" for number in range(count))
        (folder / f"{split}.txt").write_text("".join(lines))


@needs_torch
def test_it_learns_and_keeps_the_weights_that_were_best_on_val(tmp_path):
    draw(tmp_path / "dataset")
    out = tmp_path / "records"
    build(BuildConfig(SourceConfig(tmp_path / "dataset"), out, pair=PairConfig(size=SIZE), workers=1))
    options = ("--epochs", "4", "--batch", "4", "--learning-rate", "0.05", "--workers", "1")
    done = python("torch", EXAMPLE, "records", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    losses = {split: re.findall(rf"{split} +loss ([\d.]+)", done.stdout) for split in ("train", "val")}
    assert [len(some) for some in losses.values()] == [4, 4]
    assert float(losses["train"][-1]) < float(losses["train"][0]) / 2

    script = tmp_path / "predict.py"
    script.write_text(PREDICT.replace("EXAMPLES", repr(str(EXAMPLE.parent))))
    told = python("torch", script, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    names, found = json.loads(told.stdout)
    assert names == ["ground", "roof", "water"]
    truth = np.stack([record.mask for record in RecordSource(out, "val")])
    assert (truth == 255).any()  # is ignored: it may be predicted as anything
    found = np.where(truth == 255, 255, np.array(found))
    ious = [np.mean((truth == i) & (found == i)) / np.mean((truth == i) | (found == i)) for i in range(3)]
    said = [float(share) for share in re.findall(r"mIoU ([\d.]+)%", done.stdout)]
    assert f"best mIoU of val {max(said[1::2]):.2f}%" in done.stdout
    assert max(said[1::2]) == pytest.approx(100 * np.mean(ious), abs=0.01)


def test_the_page_shows_the_loader_of_the_program():
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    body = code[code.index("    images = ") : code.index("source = ")].strip()
    assert body in EXAMPLE.read_text()
    for command in re.findall(r"^\$ (python .*)", TEXT, re.MULTILINE):
        assert (ROOT / command.split()[1]).is_file()
