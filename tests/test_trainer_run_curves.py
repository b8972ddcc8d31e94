"""The plots of a run's epochs, and the file that they are drawn from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from converter.errors import DataError
from trainer.run.curves import (
    BEST,
    BLUE,
    LINE_PX,
    PALETTE,
    VERMILION,
    Axis,
    best_epoch,
    draw_curves,
    epoch_axis,
    linear_axis,
    log_axis,
    nice_step,
    read_metrics,
    spread,
)
from trainer.run.runs import append_metrics

NAN = math.nan
# Boxes of the curves in the image, as (first column, highest row, last column, lowest row).
LOSS, MIOU, CLASSES, RATE = (64, 70, 576, 294), (664, 70, 1176, 294), (64, 366, 946, 590), (64, 662, 576, 886)


def row(epoch: int, **values: float) -> dict[str, float]:
    return {"epoch": epoch, "loss": 1.0, "val_loss": 2.0, "miou": 0.5, "val_miou": 0.4, "learning_rate": 1e-3} | values


def drawn(rows) -> np.ndarray:
    """Returns the image as uint8 [H, W, 3]."""
    return np.asarray(draw_curves(rows, "title"))


def has(pixels: np.ndarray, color) -> np.ndarray:
    return (pixels == color).all(axis=-1)


def inside(pixels: np.ndarray, plot) -> np.ndarray:
    left, top, right, bottom = plot
    return pixels[top : bottom + 1, left : right + 1]


@pytest.mark.parametrize(
    ("axis", "value", "pixel"),
    [
        (Axis(0, 2, ()), 0, 300),
        (Axis(0, 2, ()), 2, 100),
        (Axis(0, 2, ()), 0.5, 250),
        (Axis(-1, 1, ()), 3, -100),  # beyond the axis, and so beyond the plot
        (Axis(1e-4, 1e-2, (), is_log=True), 1e-3, 200),
        (Axis(1, 10, (), is_log=True), 10**0.25, 250),
    ],
)
def test_a_value_has_one_place_between_the_ends_of_its_axis(axis, value, pixel):
    assert axis.pixel(value, 300, 100) == pytest.approx(pixel)


@pytest.mark.parametrize(
    ("values", "ends", "labels"),
    [
        ([0.3, 2.4], (0.0, 2.5), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]),
        ([0.31, 0.39], (0.3, 0.4), ["0.30", "0.32", "0.34", "0.36", "0.38", "0.40"]),
        ([120.0, 380.0], (100.0, 400.0), ["100", "200", "300", "400"]),
        ([-1.0, 1.0], (-1.0, 1.0), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        ([3e-7, 9e-7], (2e-7, 1e-6), ["2e-07", "4e-07", "6e-07", "8e-07", "1e-06"]),
        ([1.0], (0.9, 1.1), ["0.90", "0.95", "1.00", "1.05", "1.10"]),
        ([0.0, 0.0], (-0.1, 0.1), ["-0.10", "-0.05", "0.00", "0.05", "0.10"]),
        ([NAN, math.inf], (0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_an_axis_has_round_ends_and_numbers_that_can_be_read(values, ends, labels):
    axis = linear_axis(values)
    assert (axis.low, axis.high) == pytest.approx(ends)
    assert axis.labels() == labels


@pytest.mark.parametrize("values", [[1e6, 0.5, 0.3], [0.5, 0.3, 0.4, 1e30], [1e6, 0.5]])
def test_a_loss_that_flew_off_does_not_flatten_the_others(values):
    axis = linear_axis(values)
    assert axis.high <= 0.6


def test_a_score_has_no_outliers_and_no_place_outside_its_limits():
    axis = linear_axis([0.001, 0.001, 0.002, 0.98], lowest=0.0, highest=1.0)
    assert (axis.low, axis.high) == (0.0, 1.0)
    assert linear_axis([1.0, 1.0], lowest=0.0, highest=1.0).high == 1.0


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1e-3, 1e-3], [1e-3]),
        ([1e-3, 5e-5], [5e-5, 1e-4, 2e-4, 5e-4, 1e-3]),
        ([1e-3, 1e-6, 0.0], [1e-6, 1e-5, 1e-4, 1e-3]),
        ([1.0, 1e-30], [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]),  # a cosine ends at nearly 0
        ([0.0, NAN], [0.1, 0.2, 0.5, 1.0]),
    ],
)
def test_a_log_axis_is_numbered_at_powers_of_ten(values, ticks):
    assert log_axis(values).ticks == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [([1], [1]), ([1, 2], [1, 2]), (range(1, 8), [1, 2, 3, 4, 5, 6, 7]), (range(1, 501), range(50, 501, 50))],
)
def test_epochs_are_numbered_with_whole_numbers(epochs, ticks):
    axis = epoch_axis(epochs)
    assert list(axis.ticks) == list(ticks)
    assert axis.low < min(epochs) <= max(epochs) < axis.high


@pytest.mark.parametrize(("span", "most", "step"), [(1, 5, 0.2), (1.01, 5, 0.5), (499, 12, 50), (0.3, 3, 0.1)])
def test_a_step_is_1_2_or_5_times_a_power_of_ten(span, most, step):
    assert nice_step(span, most) == pytest.approx(step)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([10, 50, 90], [10, 50, 90]),
        ([50, 50, 50], [50, 60, 70]),
        ([95, 98, 99], [80, 90, 100]),  # pushed up from the lower end
        ([-40, 0, 3], [0, 10, 20]),
    ],
)
def test_names_keep_their_distance_and_stay_inside(wanted, places):
    assert spread(wanted, 10, 0, 100) == places


def test_a_curve_goes_through_the_pixel_of_its_value():
    rows = [row(1, val_loss=0.0), row(2), row(3, val_loss=0.0)]
    pixels = inside(drawn(rows), LOSS)
    height, width = pixels.shape[:2]
    assert (height, width) == (225, 513)
    # The axis of the loss runs from 0 to 2: 1.0 is half way up, and epoch 2 half way across.
    assert has(pixels[112, 10:100], BLUE).all()
    assert has(pixels[0:2, 256], VERMILION).any()
    assert not has(pixels[5:90, 256], VERMILION).any()
    # Each epoch takes 1 / 2.04 of the width, 250.98 pixels, after a spare 1 / 204; in the middle of the first stride
    # the validation loss is 1.0, too, where the training loss is on top; at three quarters of it, 1.5.
    assert has(pixels[54:59, round(512 * (0.02 + 0.75) / 2.04)], VERMILION).any()


def test_what_is_no_number_is_a_gap_and_an_epoch_between_gaps_is_a_dot():
    losses = [1.5, 1.5, NAN, 1.5, NAN, 1.5, 1.5]
    pixels = inside(drawn([row(n, loss=loss, val_loss=1 + n % 2) for n, loss in enumerate(losses, 1)]), LOSS)
    columns = np.flatnonzero(has(pixels, BLUE).any(axis=0))
    places = [512 * (n + 0.06) / 6.12 for n in range(7)]
    assert has(pixels, BLUE)[:, round(places[0]) + 1 : round(places[1])].any(axis=0).all()
    for gap in (2, 4):
        assert not ((places[gap] - 40 < columns) & (columns < places[gap] + 40)).any()
    dot = has(pixels, BLUE)[:, round(places[3]) - 4 : round(places[3]) + 5]
    assert 5 <= dot.any(axis=0).sum() <= 7
    assert 5 <= dot.any(axis=1).sum() <= 7


def test_one_epoch_is_a_dot_in_the_middle():
    ink = has(inside(drawn([row(1, loss=1.63)]), LOSS), BLUE)
    rows, columns = np.nonzero(ink)
    assert (columns.min() + columns.max()) / 2 == 256
    assert 5 <= rows.max() - rows.min() + 1 <= 7


def test_the_best_epoch_is_the_first_of_equals_and_is_marked():
    rows = [row(n, val_miou=score) for n, score in enumerate([0.1, NAN, 0.4, 0.2, 0.4], 1)]
    assert best_epoch(rows) == 2
    pixels = drawn(rows)
    for plot in (LOSS, MIOU, RATE):
        marks = has(inside(pixels, plot)[:-1], BEST).sum(axis=0)
        assert marks.argmax() == 256  # epoch 3 of 5
        assert marks.max() > 100
    assert best_epoch([row(1, val_miou=NAN)]) is None


def test_of_many_classes_the_best_six_and_the_worst_six_are_drawn():
    finals = np.arange(40) / 40
    rows = [row(n) | {f"val_iou_c{index}": value for index, value in enumerate(finals)} for n in (1, 2)]
    pixels = inside(drawn(rows), CLASSES)
    ink = (pixels.astype(int).max(axis=-1) - pixels.min(axis=-1) > 60) | (pixels.max(axis=-1) < 30)
    lines = np.flatnonzero(ink[:, 20:800].sum(axis=1) > 200)
    # The axis runs from 0 to 1 over 224 pixels.
    places = [224 - 224 * value for value in finals]
    seen = [index for index, place in enumerate(places) if np.abs(lines - place).min() <= 1]
    assert seen == [0, 1, 2, 3, 4, 5, 34, 35, 36, 37, 38, 39]


def test_a_curve_comes_into_view_after_a_value_far_off_the_axis():
    pixels = inside(drawn([row(1, loss=1e300), row(2, loss=1.2), row(3)]), LOSS)
    assert has(pixels[:, 200:250], BLUE).any(axis=0).sum() > 40  # epoch 2 is at column 256


def test_a_class_that_is_never_found_has_a_line_of_full_width():
    rows = [row(n, val_iou_road=1.0, val_iou_pole=0.0) for n in (1, 2)]
    foot = drawn(rows)[CLASSES[3] - 1 : CLASSES[3] + 2, 200:800]
    assert has(foot[1], PALETTE[1]).all()
    covered = (255.0 - foot) / (255 - np.array(PALETTE[1]))  # share of each pixel that the line covers
    np.testing.assert_allclose(covered.sum(axis=0), LINE_PX, atol=0.02)


def test_the_eighth_class_has_the_first_colour_again_but_dashed():
    rows = [row(n) | {f"val_iou_c{index}": 1 - index / 10 for index in range(8)} for n in (1, 2)]
    axis = linear_axis([0.3, 1.0], lowest=0.0, highest=1.0)
    line = has(drawn(rows)[round(axis.pixel(0.3, CLASSES[3], CLASSES[1])), 100:820], PALETTE[0])
    assert line.mean() == 0.5
    assert np.diff(np.flatnonzero(np.diff(line.astype(int)) == 1)).tolist() == [12] * 59


def test_a_class_without_a_value_has_no_line():
    rows = [row(n, val_iou_road=0.5, val_iou_tree=NAN) for n in (1, 2)]
    classes = inside(drawn(rows), CLASSES)
    assert has(classes, PALETTE[0]).any()
    assert not any(has(classes, color).any() for color in PALETTE[1:])


@pytest.mark.parametrize("epochs", [1, 2, 500])
@pytest.mark.parametrize("num_classes", [0, 2, 12, 40])
@pytest.mark.parametrize("has_wait", [False, True])
def test_any_run_fits_on_one_screen(epochs, num_classes, has_wait):
    rng = np.random.default_rng(epochs)
    classes = {f"val_iou_class {index} with a name that does not end": NAN for index in range(num_classes)}
    wait = {"input_wait": 0.3} if has_wait else {}
    rows = [row(n) | {name: float(rng.random()) for name in classes} | wait for n in range(1, epochs + 1)]
    drawn = draw_curves(rows, "t" * 400)
    assert drawn.mode == "RGB"
    assert drawn.size == (1200, 924)
    ink = np.asarray(drawn.convert("L")) < 250
    assert not ink[:, -4:].any()
    assert not ink[-2:].any()  # nothing is drawn over the edge
    assert ink[662:886, 664:1176].any() == has_wait


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf, 0.0, -1.0, 1e38, 1e300])
def test_no_value_stops_the_picture(value):
    columns = ("loss", "val_loss", "miou", "val_miou", "learning_rate", "input_wait", "val_iou_road")
    rows = [row(1) | {"input_wait": 0.1, "val_iou_road": 0.2}, row(2) | dict.fromkeys(columns, value)]
    for some in (rows, rows[::-1], rows[1:]):
        draw_curves(some, "title")


def test_no_epoch_and_missing_columns_do_not_stop_the_picture():
    draw_curves([], "title")
    draw_curves([{"epoch": 1.0}], "title")


def test_names_in_any_script_do_not_stop_the_picture():
    draw_curves([row(1) | {"val_iou_路面": 0.5, "val_iou_bâtiment 🏠\n": 0.25}], "données")


def test_metrics_come_back_as_they_were_appended(tmp_path):
    rows = [row(1) | {"val_iou_a, b": 0.5}, row(2, val_miou=NAN) | {"val_iou_a, b": 0.25}]
    for each in rows:
        append_metrics(tmp_path, each)
    found = read_metrics(tmp_path / "metrics.csv")
    np.testing.assert_equal(found, rows)


def test_a_half_last_line_is_left_out_and_a_short_one_is_filled_up(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss,miou\n1,0.5,0.25\n2,0.5\n3,0.")
    np.testing.assert_equal(
        read_metrics(path), [{"epoch": 1, "loss": 0.5, "miou": 0.25}, {"epoch": 2, "loss": 0.5, "miou": NAN}]
    )


@pytest.mark.parametrize("text", ["", "epoch,lo", "epoch,loss\n"])
def test_a_file_without_a_whole_epoch_has_none(tmp_path, text):
    path = tmp_path / "metrics.csv"
    path.write_text(text)
    assert read_metrics(path) == []


def test_a_cell_that_holds_no_number_is_named_by_its_line(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,loss\n1,0.5\n2,high\n")
    with pytest.raises(DataError, match=r"metrics\.csv:3: .*'high'"):
        read_metrics(path)
