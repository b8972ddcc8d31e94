"""The page of a comparison: it says what the comparison says, and no name can write into it."""

from __future__ import annotations

import re

import pytest
from check_pages import Page
from scored_runs import counts_of, write_evaluation, write_run

from trainer.reporting.compare import compare
from trainer.reporting.compare_page import compare_page

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def found(tmp_path):
    runs = []
    for number, right in enumerate((0.5, 0.9)):
        root = tmp_path / f"{number}<b>"
        runs.append(write_run(root, names=(HOSTILE, "tree", "sign"), dataset=HOSTILE, seed=number))
        write_evaluation(runs[-1], counts_of(3, right=right))
    return compare(runs)


def test_the_page_says_what_the_comparison_says_and_runs_nothing(found):
    text = compare_page(found)
    page = Page(text)
    assert page.open == []
    assert page.all("script") == page.all("img") == []
    difference = found.runs[1].differences["mIoU"]
    said = [
        "B is better than A",
        f"{100 * difference.value:+.1f}",
        "higher",
        "--seed",
        *(str(run.run) for run in found.runs),
    ]
    said += [f"{found.runs[0].means.miou:.1%}", HOSTILE, "8 images"]
    assert [word for word in said if word not in page.text] == []
    assert not re.search(r"https?://|url\(|\son\w+=", text)
    assert compare_page(found) == text


def test_the_longest_interval_reaches_the_end_of_its_scale_and_0_is_in_the_middle(found):
    text = compare_page(found)
    ends = [(float(left), float(width)) for left, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", text)]
    assert max(left + width for left, width in ends) == pytest.approx(100, abs=0.2)
    assert all(left >= 0 for left, _ in ends)


def test_runs_that_do_not_differ_are_not_called_better(found):
    same = compare([found.runs[0].run, found.runs[0].run])
    text = Page(compare_page(same)).text
    assert "B and A do not differ clearly" in text
    assert "The options of all runs are the same." in text
