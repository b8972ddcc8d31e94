"""Instances: values that mean another thing in each image are named, and are not drafted as classes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from drawn_datasets import draw, report_on, rows

from converter.checking.draft import draft_classes
from converter.checking.instances import instance_problem
from converter.checking.survey import survey
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.find import find_layout

README = Path(__file__).parent.parent / "data/README.md"


def facts_of(folder):
    source = SourceConfig(folder)
    refs = [ref for pairs in find_layout(source).refs.values() for ref in pairs]
    return survey(refs, source, 1, lambda done: None, tolerance=1)


def ade20k(number: int, seed: int = 1) -> list[np.ndarray]:
    """Returns masks of three classes with R // 10 * 256 + G as the class and an instance in B."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(number):
        classes = rows(1, 2, 3)
        blue = rng.choice(250, 4, replace=False)[classes]
        masks.append(np.dstack([10 * classes, 7 * classes, blue]).astype(np.uint8))
    return masks


RNG = np.random.default_rng(2)
COLORED = [RNG.integers(1, 255, (5, 3)).astype(np.uint8)[rows(0, 1, 2, 3, 4)] for _ in range(4)]  # 5 colours each
PANOPTIC = [np.array([0, *RNG.integers(1000, 60_000, 4)], np.uint16)[rows(0, 1, 2, 3, 4)] for _ in range(5)]
NUMBERED = [rows(*range(end + 1)) for end in (3, 9, 5, 2, 12, 7)]


@pytest.mark.parametrize(
    ("masks", "reason"),
    [
        (ade20k(9), r"hold \d+ values, of which \d+ occur in one mask only"),
        (COLORED, "hold 20 values, of which 20 occur in one mask only"),
        (PANOPTIC, "hold 21 values, of which 20 occur in one mask only"),
        (NUMBERED, r"number their regions 1, 2, 3, ..., each mask to an end of its own \(2 to 12\)"),
        ([np.dstack([mask] * 3) for mask in NUMBERED], "number their regions"),
    ],
)
def test_instances_are_a_warning_and_not_drafted_unless_asked(tmp_path, masks, reason):
    folder = draw(tmp_path, masks)
    report = report_on(folder)
    (problem,) = [one for one in report.problems if one.code == "W_INSTANCES"]
    assert re.search(reason, problem.places[0][1])
    assert "classes" not in report.next_command
    assert [one.fix for one in report.problems if one.code == "E_CLASSES"] == [
        "The values of the masks are no classes: see W_INSTANCES."
    ]
    assert all("class_" not in row.name for row in report.rows)
    facts = facts_of(folder)
    with pytest.raises(UsageError, match=reason) as caught:
        draft_classes(facts, None)
    assert (caught.value.code, "--instances" in caught.value.fix) == ("E_MASK_VALUE", True)
    assert "class_" in draft_classes(facts, None, allows_instances=True).text


def test_the_full_ade20k_is_named_with_the_number_of_its_classes(tmp_path):
    folder = draw(tmp_path, ade20k(6))
    for kind in ("images", "masks"):
        for number in range(6):
            suffix = "_seg" if kind == "masks" else ""
            (folder / f"{kind}/{number}.png").rename(folder / f"{kind}/ADE_train_{number:08}{suffix}.png")
    (problem,) = [one for one in report_on(folder).problems if one.code == "W_INSTANCES"]
    assert "are those of the full ADE20K, in which R // 10 * 256 + G is the class" in problem.places[0][1]
    assert "are 3 classes" in problem.places[0][1]
    assert "16-bit PNG: data/README.md, section 3" in problem.fix
    (lines,) = re.findall(r"```python\n(from pathlib import Path\n.*?)```", README.read_text(), re.DOTALL)
    exec(lines.replace("ADE20K-copy", str(folder)), {})  # noqa: S102 - our own lines
    assert "W_INSTANCES" not in {problem.code for problem in report_on(folder).problems}
    text = draft_classes(facts_of(folder), None).text
    assert [line for line in text.splitlines() if line[0] != "#"][1:] == [
        "class_263,263",
        "class_526,526",
        "class_789,789",
    ]


@pytest.mark.parametrize(
    "masks",
    [
        [rows(0, 1, 2)] * 6,
        [rows(*range(12))] * 4,
        [rows(*np.random.default_rng(n).choice(20, 6, replace=False).tolist()) for n in range(12)],
        [rows(0, 255)] * 5,
        [rows(0, n) for n in range(1, 7)],
        [rows(*range(end + 1)) for end in (3, 3, 2, 3, 2, 1)],
    ],
)
def test_classes_are_no_instances(tmp_path, masks):
    assert instance_problem(facts_of(draw(tmp_path, masks))) is None


def test_instances_that_a_class_map_makes_one_class_are_no_problem(tmp_path):
    folder = draw(tmp_path, [np.where(mask == mask[0, 0], 0, mask).astype(np.uint8) for mask in COLORED])
    (folder / "classes.csv").write_text("name,value\nbackground,#000000\nobject,*\n")
    assert "W_INSTANCES" not in {problem.code for problem in report_on(folder).problems}


@pytest.mark.parametrize("quality", [75, 90, 95])
def test_colours_of_jpeg_masks_are_drafted_without_those_of_edges_and_are_no_instances(tmp_path, quality):
    colors = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
    rng = np.random.default_rng(0)
    masks = []
    for _ in range(6):
        classes = np.zeros((96, 128), np.uint8)
        for number in (1, 2, 3):
            top, left = rng.integers(0, (60, 90))
            classes[top : top + 30, left : left + 35] = number
        masks.append(colors[classes])
    facts = facts_of(draw(tmp_path / "src", masks, suffix=".jpg", quality=quality))
    assert instance_problem(facts) is None
    drafted = draft_classes(facts, None)
    rows_of = [line.split(",") for line in drafted.text.split("name,value\n")[1].splitlines()]
    assert rows_of.pop() == ["ignore", "*"]  # within 32 levels a colour is mapped, a blend of two classes is ignored
    assert drafted.tolerance == 32
    found = np.array([[int(value[i : i + 2], 16) for i in (1, 3, 5)] for _, value in rows_of])
    assert len(found) == 4
    assert np.abs(found[:, None] - colors.astype(int)).max(2).min(0).max() <= 2
