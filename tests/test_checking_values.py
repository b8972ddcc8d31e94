"""Values: one row for each value of the masks."""

from __future__ import annotations

from tests.facts_by_hand import GOOD, NAMES, fact, grey, judged


def test_values_that_only_the_star_row_takes_share_a_row():
    report = judged([fact(1, GOOD | {grey(7): 5, grey(9): 2}), fact(1, GOOD, "val")], NAMES + "ignore,*\n")
    (star,) = [row for row in report.rows if row.value == "*"]
    assert (star.id, star.pixels, star.images) == (255, 7, 1)
    assert report.ok
