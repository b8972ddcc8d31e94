"""Source folders of empty files, and the layouts found in them."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.find import find_layout
from converter.sources.layouts.layout import Layout


def draw(folder: Path, *names: str, **lists: str) -> Path:
    """Makes empty files, folders for names that end in a slash, and lists: train="a;b" writes train.txt."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    for name, content in lists.items():
        (folder / f"{name}.txt").write_text(content)
    return folder


def write(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def find(folder: Path, **options: object) -> Layout:
    return find_layout(SourceConfig(folder, **options))  # type: ignore[arg-type]


def pairs(layout: Layout) -> dict[str, list[tuple[str, str]]]:
    return {split: [(ref.image, ref.mask) for ref in refs] for split, refs in layout.refs.items()}


def drawn(folder: Path, files: tuple[str, ...], texts: dict[str, str]) -> Path:
    """Makes empty files, and files with text in them."""
    draw(folder, *files)
    for name, text in texts.items():
        write(folder, name, text)
    return folder


def assert_is_detected(
    folder: Path,
    name: str,
    files: tuple[str, ...],
    texts: dict[str, str],
    train: list[tuple[str, str]],
    val: list[tuple[str, str]],
    evidence: str,
    preset: str | None,
) -> None:
    """Makes the files of a layout and compares what is found with what is expected."""
    layout = find(drawn(folder, files, texts))
    assert layout.name == name
    assert pairs(layout) == {"train": train} | ({"val": val} if val else {})
    assert evidence in layout.evidence
    assert layout.preset == preset
    assert layout.rejects == ()
    assert find(folder, layout=layout.name) == layout


def refused(folder: Path, **options: object) -> str:
    """Returns the message with which a folder is refused, after checking what every such message must have."""
    with pytest.raises(UsageError) as caught:
        find(folder, **options)
    assert caught.value.code == "E_LAYOUT"
    assert "--layout" in caught.value.fix
    assert "--image" in caught.value.fix
    return caught.value.what


VOC = ("JPEGImages/a.jpg", "JPEGImages/b.jpg", "SegmentationClass/a.png", "SegmentationClass/b.png")
VOC_LISTS = {"ImageSets/Segmentation/train.txt": "a\n", "ImageSets/Segmentation/val.txt": "b\n"}
CITY = "leftImg8bit/train/aachen/a_1_leftImg8bit.png"


def paint(folder: Path, *, photos: tuple[str, ...] = (), masks: tuple[str, ...] = (), values: int = 3) -> Path:
    """Makes small image files: photos of many colours, and masks of the levels 0..values-1."""
    rng = np.random.default_rng(5)
    for names, is_mask in ((photos, False), (masks, True)):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            levels = (
                rng.integers(0, values, (12, 16), np.uint8) if is_mask else rng.integers(0, 256, (12, 16, 3), np.uint8)
            )
            Image.fromarray(levels).save(path)
    return folder


def numbered(template: str, count: int = 4, first: int = 0) -> tuple[str, ...]:
    """Returns names with numbers: a/0.png to a/3.png for the template a/{}.png."""
    return tuple(template.format(number) for number in range(first, first + count))


def options_in(fix: str) -> list[dict[str, str]]:
    """Returns the values of --image and --mask of each way that a message offers."""
    words = shlex.split(fix)
    found: list[dict[str, str]] = []
    for place, word in enumerate(words):
        if word == "--image":
            found.append({"image": words[place + 1]})
        elif word == "--mask" and found:
            found[-1]["mask"] = words[place + 1]
    return found
