"""SVG of a page: curves end where their values do, gaps stay gaps, and lines differ in more than their colour."""

from __future__ import annotations

import math
import re

from check_pages import Page

from trainer.reporting import svg

NAN = math.nan


def drawn(*lines: svg.Curve, **options: object) -> str:
    epochs = list(range(1, len(lines[0].values) + 1))
    return svg.curves("Loss", epochs, lines, **options)


def test_a_curve_has_a_point_for_each_epoch_within_the_axes():
    text = drawn(svg.Curve("val", "val", [2.0, 1.0, 0.5]))
    (path,) = re.findall(r'class="line val" d="(M[^"]*L[^"]*)"', text)
    points = [tuple(map(float, pair.split())) for pair in path[1:].split("L")]
    assert len(points) == 3
    assert all(svg.LEFT <= x <= svg.WIDTH - svg.RIGHT for x, _ in points)
    assert [y for _, y in points] == sorted(y for _, y in points)  # down the page as the loss falls
    assert points[0][1] >= svg.TOP


def test_a_value_that_is_not_finite_is_a_gap_and_a_lone_value_a_dot():
    text = drawn(svg.Curve("val", "val", [2.0, 1.0, NAN, 0.5, NAN]))
    assert len(re.findall(r'class="line val" d="M[^"]*L', text)) == 1
    assert text.count("<circle") == 1


def test_each_curve_has_its_name_and_a_sample_of_its_line_apart_from_the_others():
    text = drawn(svg.Curve("train", "train", [1.0, 0.5]), svg.Curve("val", "val", [1.0, 0.5]))
    heights = [float(y) for y in re.findall(r'class="name"[^>]* y="([\d.]+)"', text)]
    assert abs(heights[0] - heights[1]) >= svg.LABEL_STEP
    assert text.count("h18") == 2
    assert set(Page(text).text) >= set("trainval")


def test_shares_are_in_percent_and_the_best_epoch_is_marked():
    text = drawn(svg.Curve("val", "val", [0.2, 0.6, 0.5]), is_share=True, best=1)
    labels = Page(re.sub("</text>", "|</text>", text)).text.split("|")
    assert {"20", "60"} <= set(labels)
    assert 'class="mark"' in text
    assert text.count("<circle") == 1


def test_nothing_but_gaps_is_still_a_drawing_and_every_tag_is_closed():
    text = drawn(svg.Curve("val", "val", [NAN, NAN]), svg.Curve("<b>", "train", [1.0, NAN]))
    page = Page(text)
    assert page.open == []
    assert page.all("b") == []


def test_a_perfect_model_lies_on_the_diagonal_of_the_reliability_diagram():
    text = svg.reliability("Reliability", [(0.25, 0.25, 0.5), (0.75, 0.75, 0.5)])
    (line,) = re.findall(r'class="line val" d="M([\d. L]+)"', text)
    (mark,) = re.findall(r'class="mark" d="M([\d. L]+)"', text)
    (x0, y0), (x1, y1) = (tuple(map(float, pair.split())) for pair in mark.split("L"))
    for x, y in (tuple(map(float, pair.split())) for pair in line.split("L")):
        assert abs((x - x0) / (x1 - x0) - (y - y0) / (y1 - y0)) < 0.002
