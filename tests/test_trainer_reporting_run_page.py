"""The page of a run: it says what the run says, loads nothing, and no name can write into it."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest
from check_pages import Page
from scored_runs import NAMES, counts_of, write_evaluation, write_run

from trainer.reporting.gather import RunFacts, gather
from trainer.reporting.run_page import run_page

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def run(tmp_path):
    found = write_run(tmp_path, seed=7)
    write_evaluation(found, counts_of(1))
    return found


def test_the_page_says_what_the_run_says(run):
    facts = gather(run)
    text = Page(run_page(facts)).text
    said = ["town", "unet_small", "3 classes", *NAMES, f"mIoU {facts.scored.miou:.1%}", "8 images", "worst.png"]
    said += ["2 x NVIDIA H100, bfloat16", "37.5 s", "12.5 s per epoch", "the best is epoch 2", "--seed", "--fit crop"]
    said += ["segconv train --data", "--seed 7", "Worst", "Median", "Best", "sign 90.0%".replace("sign", "road")]
    said += [f"{100 * facts.scored.interval.low:.1f}–{100 * facts.scored.interval.high:.1f}"]
    assert [word for word in said if word not in text] == []


def test_every_tag_is_closed_headings_are_in_order_and_references_lead_somewhere(run):
    page = Page(run_page(gather(run)))
    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= set(names)
    assert all(attrs["alt"] for attrs in page.all("img"))
    assert all(attrs["aria-label"] for attrs in page.all("svg"))


def test_the_page_loads_nothing_runs_nothing_and_is_the_same_each_time(run):
    text = run_page(gather(run))
    page = Page(text)
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    assert not re.search(r"https?://|url\(|@import|\son\w+=", text)
    assert not any("href" in attrs for _, attrs in page.tags)
    assert len(page.pictures()) == 3 * 4
    assert run_page(gather(run)) == text


def test_hostile_names_cannot_write_into_the_page(tmp_path):
    run = write_run(tmp_path, names=(HOSTILE, "</table>", "b"), dataset=HOSTILE, encoder=None)
    write_evaluation(run, counts_of(1))
    (run / "log.txt").write_text(f"2026-11-29T18:05:00 Warning: {HOSTILE}\n2026-11-29T18:05:00 Devices: {HOSTILE}\n")
    facts = gather(run)
    examples = tuple(dataclasses.replace(each, kind=HOSTILE, name=HOSTILE) for each in facts.examples)
    page = Page(run_page(dataclasses.replace(facts, examples=examples, missing={})))
    assert page.open == []
    assert page.all("script") == []
    assert not any(attribute.startswith("on") for _, attrs in page.tags for attribute in attrs)
    assert page.text.count("<script>alert(1)</script>") > 5


def test_a_run_of_which_nothing_is_left_but_its_options_is_still_a_page(run):
    reasons = {name: f"{name}: `segconv evaluate` makes it" for name in ("curves", "scores", "confusion", "examples")}
    page = Page(run_page(RunFacts(run, gather(run).info, missing=reasons)))
    assert page.open == []
    assert all(f"{name}: segconv evaluate makes it" in page.text for name in reasons)
    assert "no scores" in page.text
    assert "Repeat it" in page.text


def test_an_evaluation_with_confidences_has_a_reliability_diagram(run):
    assert "Calibration" not in Page(run_page(gather(run))).text
    bins = [{"confidence": 0.3, "accuracy": 0.2, "pixels": 1}, {"confidence": 0.9, "accuracy": 0.7, "pixels": 3}]
    write_evaluation(run, counts_of(1), calibration={"ece": 0.175, "bins": bins})
    page = Page(run_page(gather(run)))
    assert page.open == []
    assert "17.5%" in page.text  # (0.1 + 3 * 0.2) / 4
    assert len(page.all("svg")) == 3
    assert "confidence 90%, accuracy 70%" in str(page.all("svg")[2]["aria-label"])
