"""Tables of a page: the numbers are those of the evaluation, and no class name can write into it."""

from __future__ import annotations

import math
import re

import numpy as np
from check_pages import Page

from converter.dataset.manifest import ClassInfo
from trainer.evaluation.files import ClassScores, Interval, Scored
from trainer.reporting.tables import CONFUSIONS, MATRIX_CLASSES, class_table, confusion, interval_text

HOSTILE = "<script>alert(1)</script>"
SEEN = ClassScores("road", 0.5, 0.6, 0.7, 0.65, 900, Interval(0.4, 0.6))
UNSEEN = ClassScores(HOSTILE, *(math.nan,) * 4, pixels=0, interval=Interval(math.nan, math.nan))
SCORED = Scored("val", "val", 3, "stored", 0.5, 0.5, 0.7, (SEEN, UNSEEN), Interval(0.4, 0.6))
CLASSES = (ClassInfo(0, "road", (1, 2, 3)), ClassInfo(1, HOSTILE, (4, 5, 6)))


def test_each_class_has_its_scores_its_interval_and_a_bar_with_a_bracket():
    text = class_table(SCORED, CLASSES)
    page = Page(text)
    assert page.open == []
    assert page.all("script") == []
    assert all(number in page.text for number in ("50.0%", "40.0–60.0", "60.0%", "70.0%", "65.0%", "100.0%"))
    assert 'width:50.0%"></span><i style="left:40.0%;width:20.0%"' in text
    assert "background:rgb(1,2,3)" in text
    assert page.text.count("n/a") == 4


def test_boundary_iou_has_a_column_where_it_was_counted():
    assert "Boundary" not in class_table(SCORED, CLASSES)
    with_it = Scored(**vars(SCORED) | {"classes": (ClassScores(**vars(SEEN) | {"boundary_iou": 0.123}), UNSEEN)})
    assert "12.3%" in class_table(with_it, CLASSES)


def test_an_interval_that_is_not_there_is_left_out():
    assert interval_text(None) == interval_text(Interval(math.nan, math.nan)) == ""


def test_rows_of_the_matrix_are_in_percent_of_their_class():
    text = confusion(np.array([[90, 10, 0], [0, 1, 999], [0, 0, 0]]), ("road", HOSTILE, "sign"))
    page = Page(text)
    assert page.open == []
    assert page.all("script") == []
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", text)
    assert cells == ["90", "10", "", "", "&lt;1", "100", "", "", ""]
    assert "road taken for <script>" in page.text
    assert page.text.index("999 pixels") < page.text.index("10 pixels")


def test_a_perfect_model_confuses_nothing():
    assert "Nothing was confused" in confusion(np.diag([5, 5]), ("a", "b"))


def test_of_many_classes_only_the_largest_confusions_are_shown():
    count = MATRIX_CLASSES + 1
    text = confusion(np.ones((count, count), int), [f"c{n}" for n in range(count)])
    assert "<table" not in text
    assert text.count("<li>") == CONFUSIONS
