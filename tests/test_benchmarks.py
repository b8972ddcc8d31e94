"""The benchmarks: every step makes the same labels, a seed makes the same files, and the verdicts are right."""

from __future__ import annotations

import importlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = str(Path(__file__).parents[1])
BENCHMARKS = Path(ROOT) / "benchmarks"
_PATHS = [str(BENCHMARKS), str(BENCHMARKS / "peers")]

# The scripts import each other from their folder. The path and the name `datasets` are removed again, because other
# packages have a `datasets` module as well.
sys.path[:0] = _PATHS
try:
    converters, datasets, epochs, goals, growth, measure, memory, read, read_tutorial, reference, step, step_cost = (
        importlib.import_module(name)
        for name in (
            *("converters", "datasets", "epochs", "goals", "growth", "measure", "memory", "read", "read_tutorial"),
            *("reference", "step", "step_cost"),
        )
    )
finally:
    del sys.path[: len(_PATHS)]
    sys.modules.pop("datasets", None)

WHOLE = 5  # values of a case of memory.py without windows
TINY = datasets.Kind("tiny", (30, 40), quality=95, noise=4.0, texture=12.0, stored=(24, 24))
ODD = (25, 32)  # neither side divides evenly, and there is padding above and below


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
    # Centres of 3 targets over 5 pixels: 5/6, 15/6, 25/6; the height of 0.6 rows becomes one, in the middle of three.
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
    assert (first.figure, first.verdict) == ("0.5 (webdataset)", "pass")


def test_a_goal_that_was_not_measured_is_not_kept():
    rows = [*goals.rows_of("large", converters.Measured())]
    assert rows
    assert {row.verdict for row in rows} == {"not judged: not measured"}
    assert goals.at_most("x", 0.75, 0.76).verdict == "fail"


def test_a_straight_line_is_linear_wherever_it_begins_and_a_steeper_curve_is_not():
    images = [10, 100, 1_000, 10_000, 100_000]

    def verdict(cost):
        return growth.Curve("build", images, [cost(n) for n in images], "linear").verdict()

    assert verdict(lambda n: 5 + 0.001 * n) == "linear"
    assert verdict(lambda n: 0.001 * n) == "linear"
    assert verdict(lambda n: 5 + 0.001 * n**1.2) == "MORE THAN LINEAR"
    assert verdict(lambda n: 5 + n / 1e6) == "not judged"  # never above the noise of start-up


def test_memory_that_grows_is_not_called_flat():
    assert growth.Curve("worker", [1, 2, 3], [40.0, 45.0, 41.0], "flat").verdict() == "flat"
    assert growth.Curve("worker", [1, 2, 3], [40.0, 41.0, 60.0], "flat").verdict() == "NOT FLAT: 1.50 times its least"


def test_copies_of_a_photograph_differ_in_their_bytes_and_not_in_their_pixels(tmp_path):
    folder = growth.write_pairs(tmp_path / "growth", growth.draw_images(32), 20)
    files = [path.read_bytes() for path in sorted((folder / "jpg").iterdir())]
    assert len(set(files)) == 20
    first, again = (np.asarray(Image.open(io.BytesIO(files[number]))) for number in (0, growth.VARIETY))
    np.testing.assert_array_equal(first, again)
    assert [pair.image.name for pair in step.read_pairs(folder)][:2] == ["000001.jpg", "000002.jpg"]
    assert (folder / "val.txt").read_text().split() == ["000000.jpg;000000.png", "000010.jpg;000010.png"]


def test_the_memory_of_a_command_is_told_from_that_of_its_workers(tmp_path):
    hold = "import time\nheld = bytearray(10**8)\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    peaks = {}
    with growth.watched(peaks):
        measure.cost_of([sys.executable, "-c", code], tmp_path / "log")
    command, worker = (max(kib for depth, kib in peaks.values() if depth == wanted) for wanted in (2, 3))
    assert command * 1024 < 10**8 < worker * 1024


def test_every_curve_has_its_colour_in_the_picture():
    panel = growth.Panel("memory", "images", [growth.Curve(str(n), [1, 10], [n, 2 * n], "") for n in (1, 2, 3)], "MB")
    colors = {color for _, color in growth.draw([panel], "title").getcolors(1 << 20)}
    assert colors.issuperset(growth.LINE_COLORS[:3])


def test_the_best_reader_is_one_that_somebody_would_choose_and_cached_ones_are_judged_among_themselves():
    cpu_ms = {read.OURS: [1.0], read.OURS_CACHED: [0.1], read.BARE: [0.8], "Pillow loop": [0.9]}
    cpu_ms |= {
        "tfds": [2.0],
        "mds": [4.0],
        "tfds cached": [0.3],
        "torch cached": [0.2],
        "torch cached 1 thread": [0.01],
    }
    rows = read.rows_of("small", cpu_ms)
    assert [row.figure for row in rows] == ["1.25", "0.5 (tfds)", "0.5 (torch cached)"]
    assert {row.verdict for row in read.rows_of("small", {read.OURS: [1.0]})} == {"not judged: not measured"}


@pytest.mark.parametrize(
    ("images", "masks"),
    [((2, 4, 6, 3), (2, 6, 4)), ((2, 4, 6), (2, 4, 6)), ((2, 4, 6, 3), (2, 4, 6, 2)), ((2, 6, 4, 3), (2, 4, 6))],
)
def test_a_batch_of_other_shapes_or_types_is_no_measurement(images, masks):
    right = np.zeros((2, 4, 6, 3), np.uint8), np.zeros((2, 4, 6), np.uint8)
    epochs.check_batch(*right, (4, 6))
    epochs.check_batch(right[0], right[1][..., None], (4, 6))
    with pytest.raises(ValueError, match="a batch of"):
        epochs.check_batch(np.zeros(images, np.uint8), np.zeros(masks, np.uint8), (4, 6))
    with pytest.raises(ValueError, match="a batch of"):
        epochs.check_batch(right[0].astype(np.float32), right[1], (4, 6))


COUNTING = """
import sys
sys.path.insert(0, sys.argv[1])
from epochs import take_turns
print("not an answer")
take_turns(lambda number: 5 if number < 4 else 6)
"""


def test_a_reader_reads_as_many_epochs_as_it_is_asked_to_and_says_why_it_ended(tmp_path):
    command = [sys.executable, "-c", COUNTING, BENCHMARKS / "peers"]
    with read.Turns(command, {}, tmp_path / "log") as turns:
        assert [turns.read(count)["pairs"] for count in (1, 3)] == [5, 15]
        with pytest.raises(RuntimeError, match="epoch 4 has 6 pairs, the first one 5"):
            turns.read(1)
        with pytest.raises(RuntimeError, match="epoch 4"):
            turns.read(1)


@pytest.mark.parametrize("is_boolean", [False, True])
def test_the_tutorials_generator_makes_one_hot_of_the_class_of_each_pixel(source, is_boolean):
    classes = step.read_classes(source)
    pair = step.read_pairs(source)[0]
    image, mask = read_tutorial.pair_of(pair, TINY.size, classes, is_boolean=is_boolean)
    assert (image.shape, image.dtype, mask.dtype) == ((*TINY.size, 3), np.float32, np.float32)
    assert 0 <= image.min() < 0.5 < image.max() <= 1
    indices = reference.reference_mask(pair.mask, TINY.size, classes.colors).ravel()
    np.testing.assert_array_equal(mask, np.eye(len(classes.colors))[indices])


def test_the_cost_of_planning_is_measured_stage_by_stage(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "scale.py"), "--pairs", "200", "--files", "40", "--work", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": ROOT})
    lines = [line.rsplit(maxsplit=5)[:2] for line in done.stdout.splitlines()]
    assert lines[1:] == [["list", "40"], ["copies", "40"], ["plan", "200"], ["up to date", "40"]]
    assert not any(tmp_path.iterdir())


def test_a_step_is_compared_with_the_fastest_loop_of_each_library():
    rows = step_cost.rows_of(
        {"segconv": [10.0, 11], "keras loop": [10.0, 10], "keras loop xla": [20.0, 20], "torch": [9.0, 9]}
    )
    assert [(row.figure, row.verdict) for row in rows] == [("1.05 (keras loop)", "pass"), ("1.17 (torch)", "fail")]


@pytest.mark.slow
@pytest.mark.tf
@pytest.mark.parametrize("case", [*memory.CASES[:5], *(case for case in memory.CASES if len(case) > WHOLE)])
def test_the_memory_that_is_estimated_is_near_the_peak_of_a_process(case):
    command = [sys.executable, BENCHMARKS / "memory.py", *map(str, case)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    estimate, peak, _ = json.loads(done.stdout.splitlines()[-1])
    assert peak > 100e6
    assert estimate == pytest.approx(peak, rel=memory.GOAL)
