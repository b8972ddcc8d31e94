"""The benchmarks measure what they say: the same labels by every step, the same files from a seed, honest verdicts."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
_PATHS = [str(BENCHMARKS), str(BENCHMARKS / "peers")]

# Scripts find each other by the folder that they lie in. It leaves the path again, and the modules their names, since
# others have a `datasets` of their own that they ask for.
sys.path[:0] = _PATHS
try:
    converters, datasets, goals, measure, reference, step = (
        importlib.import_module(name) for name in ("converters", "datasets", "goals", "measure", "reference", "step")
    )
finally:
    del sys.path[: len(_PATHS)]
    sys.modules.pop("datasets", None)

TINY = datasets.Kind("tiny", (30, 40), quality=95, noise=4.0, texture=12.0, stored=(24, 24))
ODD = (25, 32)  # neither side divides, and there is padding above and below


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "tiny"
    datasets.write_dataset(folder, TINY, 5)
    return folder


def test_a_dataset_is_decided_by_its_seed(source, tmp_path):
    datasets.write_dataset(tmp_path / "again", TINY, 5)
    datasets.write_dataset(tmp_path / "other", TINY, 5, seed=1)
    names = ["jpg/00003.jpg", "png/00003.png", "train.txt", "classes.csv"]
    assert [(source / name).read_bytes() for name in names] == [(tmp_path / "again" / n).read_bytes() for n in names]
    assert (source / names[1]).read_bytes() != (tmp_path / "other" / names[1]).read_bytes()


def test_a_dataset_that_is_there_is_kept_and_another_one_is_drawn_anew(source, tmp_path):
    folder = tmp_path / "kept"
    facts = datasets.write_dataset(folder, TINY, 3)
    (folder / "jpg" / "00000.jpg").write_bytes(b"kept")
    assert datasets.write_dataset(folder, TINY, 3) == facts
    assert (folder / "jpg" / "00000.jpg").read_bytes() == b"kept"
    assert datasets.write_dataset(folder, TINY, 4).pairs == 4
    assert (folder / "jpg" / "00000.jpg").read_bytes() != b"kept"


def test_the_part_of_a_dataset_has_its_first_pairs(source, tmp_path):
    datasets.write_part(source, tmp_path / "part", 2)
    pairs = step.read_pairs(tmp_path / "part")
    assert [pair.image.read_bytes() for pair in pairs] == [pair.image.read_bytes() for pair in step.read_pairs(source)][
        :2
    ]


@pytest.mark.parametrize("name", sorted(step.STEPS))
@pytest.mark.parametrize("size", [TINY.size, TINY.stored, ODD])
def test_every_step_makes_the_labels_of_the_reference(source, name, size):
    classes = step.read_classes(source)
    for pair in step.read_pairs(source):
        image, mask = step.STEPS[name](pair, size, classes)
        wanted = reference.reference_mask(pair.mask, size, classes.colors)
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(mask))), wanted)
        assert Image.open(io.BytesIO(image)).size == (size[1], size[0])


@pytest.mark.parametrize("name", sorted(step.STEPS))
def test_every_step_refuses_a_colour_that_is_not_listed(source, tmp_path, name):
    path = tmp_path / "strange.png"
    Image.new("RGB", (40, 30), (1, 2, 3)).save(path)
    pair = step.Pair(step.read_pairs(source)[0].image, path)
    with pytest.raises(ValueError, match=r"strange\.png holds a colour"):
        step.STEPS[name](pair, TINY.stored, step.read_classes(source))


def test_the_reference_samples_the_pixel_under_the_middle_of_each_target_pixel(tmp_path):
    path = tmp_path / "mask.png"
    colors = {(0, 0, 0): 0, (10, 0, 0): 1, (20, 0, 0): 2, (30, 0, 0): 3, (40, 0, 0): 4}
    Image.fromarray(np.array([[*colors]], np.uint8)).save(path)
    # Middles of 3 targets over 5 pixels: 5/6, 15/6, 25/6; the height of 0.6 rows becomes one, in the middle of three.
    mask = reference.reference_mask(path, (3, 3), colors)
    np.testing.assert_array_equal(mask, [[255, 255, 255], [0, 2, 4], [255, 255, 255]])


def test_a_cost_counts_the_children_of_a_command(tmp_path):
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    cost = measure.cost_of([sys.executable, "-c", nested], tmp_path / "log")
    assert 0.3 <= cost.cpu_s < 3
    assert cost.work_s == cost.cpu_s


def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(RuntimeError, match="no such thing"):
        measure.cost_of([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")


def test_what_imports_cost_is_taken_off(tmp_path):
    command = [sys.executable, "-c", "import sys; open(sys.argv[-1], 'w').write('0.01')"]
    cost = measure.cost_of(command, tmp_path / "log", marks=True)
    assert cost.work_s == pytest.approx(cost.cpu_s - 0.01)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios():
    assert converters.ratio({"a": [1, 10, 3], "b": [2, 10, 2]}, "a", "b") == 1
    assert converters.ratio({"a": [1]}, "a", "b") is None


def test_the_best_peer_is_one_that_somebody_would_choose():
    measured = converters.Measured(
        cpu_ms={converters.OURS: [1.0], "tfds": [4.0], "webdataset": [2.0], "boolean masks": [0.5]}
    )
    assert goals.best_rival(measured) == "webdataset"
    first = next(goals.rows_of("small", measured))
    assert (first.figure, first.verdict) == ("0.5 (webdataset)", "kept")


def test_a_goal_that_was_not_measured_is_not_kept():
    rows = [*goals.rows_of("large", converters.Measured())]
    assert rows
    assert {row.verdict for row in rows} == {"not judged: not measured"}
    assert goals.at_most("x", 0.75, 0.76).verdict == "missed"
