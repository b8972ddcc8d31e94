"""The sessions in the documents run as they stand there, with less data and fewer epochs, and print what is shown."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import threading
import urllib.request
from http.server import HTTPServer
from pathlib import Path

import numpy as np
import pytest
from annotation_files import SIZE, scene
from documents import ROOT, Block, matches, sessions
from exported_runs import NEEDS_TF2ONNX
from PIL import Image
from trainer_fixtures import IGNORE_KERAS_COPY

from converter.cli import segconv
from converter.dataset.parse import read_manifest

pytestmark = [pytest.mark.tf, IGNORE_KERAS_COPY]
# What takes minutes in the documents and seconds here.
QUICK = {
    "SEGCONV_SAMPLE_TRAIN": "12",
    "SEGCONV_SAMPLE_VAL": "4",
    "SEGCONV_BUILD_WORKERS": "1",
    "SEGCONV_BUILD_SHARDS": "1",
    "SEGCONV_TRAIN_MODEL": "unet_small",
    "SEGCONV_TRAIN_BATCH": "4",
}
PROGRESS = re.compile(r"\d+/\d+ \w+, [\d.]+/s, \d+ s left")  # a line that a slow machine prints every few seconds
REPLACED = {"--epochs 6": "--epochs 1"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder, and options in the environment that make everything quick."""
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(block: Block) -> None:
    """Runs a command of a document in this process and holds what it prints against what is shown."""
    line = block.command
    for text, quick in REPLACED.items():
        line = line.replace(text, quick)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        segconv.main(shlex.split(line)[1:], standalone_mode=False)
    lines = [line for line in printed.getvalue().splitlines() if not PROGRESS.fullmatch(line)]
    if block.output:
        assert matches(block.output, lines), "\n".join([line, *lines])


def test_what_is_wrong_with_a_dataset_is_reported_as_shown(folder):
    block, *_ = sessions((ROOT / "docs/symptoms.md").read_text())[0]
    segconv.main(["sample", "dataset"], standalone_mode=False)
    mask = folder / "dataset/png/tile_0005.png"
    pixels = np.asarray(Image.open(mask)).copy()
    row, column = np.argwhere((pixels == (0, 255, 0)).all(axis=-1))[0]
    pixels[row, column, 1] = 250
    Image.fromarray(pixels).save(mask)
    shutil.copy(folder / "dataset/jpg/tile_0003.jpg", folder / "dataset/val_jpg/tile_0002.jpg")
    run(block)
    assert (folder / "report.html").is_file()


def exported(folder: Path, form: str) -> list[Block]:
    """Writes ten annotated photographs as a tool exports them, and returns the session of the page for that tool."""
    scene(folder / form, form, tuple(f"photo_{index}" for index in range(10)))
    both = dict(zip(("cvat", "labelme"), sessions((ROOT / "docs/annotations.md").read_text()), strict=True))
    return both[form]


def test_five_commands_lead_from_an_annotation_export_to_scores_and_predictions(folder, monkeypatch):
    monkeypatch.setenv("SEGCONV_BUILD_SIZE", "32")
    monkeypatch.setenv("SEGCONV_TRAIN_EPOCHS", "1")
    session = exported(folder, "cvat")
    assert [block.command.split()[1] for block in session] == ["masks", "build", "train", "evaluate", "predict"]
    for block in session:
        run(block)
    with Image.open(folder / "predictions/index/photo_9.png") as found:
        assert (found.size, found.mode) == (SIZE[::-1], "L")
        assert found.getextrema()[1] < 3


def test_the_commands_for_labelme_build_the_same_records_and_go_on_in_the_same_way(folder, monkeypatch):
    monkeypatch.setenv("SEGCONV_BUILD_SIZE", "32")
    session, other = exported(folder, "labelme"), exported(folder, "cvat")
    assert [block.command.replace("labelme", "cvat") for block in session] == [block.command for block in other]
    for block in session[:2]:
        run(block)
    manifest = read_manifest(folder / "records")
    assert manifest.class_names == ("background", "car", "road")
    assert {name: split.records for name, split in manifest.splits.items()} == {"train": 8, "val": 2}


@pytest.mark.slow
@NEEDS_TF2ONNX
def test_the_tutorial_leads_from_photographs_to_a_served_model(folder):
    text = (ROOT / "docs/tutorial.md").read_text()
    blocks = [block for session in sessions(text) for block in session]
    asked = blocks.pop()
    for block in blocks:
        run(block)
    assert (folder / "sheet.png").stat().st_size > 10_000
    assert {path.name for path in (folder / "predictions").iterdir()} >= {"index", "overlay", "areas.csv"}

    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    *program, last = code.rstrip().splitlines()
    assert last == 'HTTPServer(("127.0.0.1", 8000), Answer).serve_forever()'
    names: dict[str, object] = {}
    exec(compile("\n".join(program), "serve.py", "exec"), names)  # noqa: S102 - our own document
    words = shlex.split(asked.command)
    photograph = (folder / words[words.index("--data-binary") + 1].removeprefix("@")).read_bytes()
    with HTTPServer(("127.0.0.1", 0), names["Answer"]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(address, photograph) as answer:
            class_map = np.asarray(Image.open(io.BytesIO(answer.read())))
        server.shutdown()
    assert class_map.shape == (224, 288)
    assert class_map.max() < 4
