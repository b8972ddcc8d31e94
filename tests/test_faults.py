"""What is wrong with a dataset, told from facts that are written by hand: no file is read here."""

from __future__ import annotations

from pathlib import Path

from converter.check import judge
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.layouts import Layout
from tests.facts_by_hand import GOOD, by_code, fact, grey, judged, rgb


def test_an_unlisted_value_names_count_and_nearest_class_and_the_row_comes_last():
    report = judged([fact(1, GOOD | {grey(3): 5}), fact(2, GOOD), fact(1, GOOD, "val")])
    assert by_code(report)["E_MASK_VALUE"].places == (
        ("train.txt:1", "train/m1.png holds 1 unlisted value: 3 (5 pixels, nearest: 'car' 2)"),
    )
    assert (report.rows[-1].id, report.rows[-1].value, report.rows[-1].pixels) == (None, "3", 5)


def test_blended_edges_are_one_warning_and_the_next_command_has_the_tolerance():
    classes = "name,value\na,#000000\nb,#FF0000\n"
    edges = {rgb(255 - step, other, other): 3 for step in range(1, 6) for other in range(3)}
    facts = [fact(n, {rgb(0, 0, 0): 50_000, rgb(255, 0, 0): 40_000} | edges) for n in range(1, 4)]
    report = judged([*facts, fact(1, {rgb(0, 0, 0): 5, rgb(255, 0, 0): 5}, "val")], classes)
    problems = by_code(report)
    assert "15 rare values" in problems["W_EDGE"].places[0][1]
    assert "--tolerance 5" in problems["E_MASK_VALUE"].mend
    assert len(problems["E_MASK_VALUE"].places) == 3
    assert report.next_command == "segconv build --src 'my data' --tolerance 5"
    assert judged(facts, classes, PairConfig(tolerance=5)).ok


def test_masks_that_hold_the_greys_of_the_colours_are_explained_once():
    classes = "name,value\na,#000000\nb,#FF0000\nc,#00FF00\n"
    facts = [fact(n, {grey(0): 40, grey(76): 30, grey(150): 30}) for n in range(1, 4)]
    problems = by_code(judged(facts, classes))
    ((where, what),) = problems["W_GREYED"].places
    assert where == "classes.csv"
    assert "76 is what a conversion to grey makes of (255, 0, 0)" in what
    assert len(problems["E_MASK_VALUE"].places) == 3


def test_colour_masks_under_a_class_map_of_their_greys_are_explained_once():
    facts = [fact(n, {rgb(0, 0, 0): 40, rgb(255, 0, 0): 30, rgb(0, 255, 0): 30}) for n in range(1, 4)]
    ((_, what),) = by_code(judged(facts, "name,value\na,0\nb,76\nc,150\n"))["W_GREYED"].places
    assert "becomes" in what


def test_one_unlisted_value_that_happens_to_be_a_grey_is_not_called_greyed():
    classes = "name,value\na,0\nb,#FF0000\n"
    assert "W_GREYED" not in by_code(judged([fact(1, {grey(0): 40, grey(76): 30})], classes))


def test_masks_of_0_and_255_under_a_map_that_ignores_255_are_explained():  # PEERS row 3
    facts = [fact(1, {grey(0): 60, grey(255): 40})]
    assert "foreground" in by_code(judged(facts))["W_BINARY"].mend
    assert "W_BINARY" not in by_code(judged(facts, "name,value\nbackground,0\nforeground,255\n"))


def test_empty_and_single_class_masks_are_named():
    facts = [fact(1, {grey(255): 100}), fact(2, {grey(1): 60, grey(255): 40}), fact(3, GOOD), fact(1, GOOD, "val")]
    assert by_code(judged(facts))["W_EMPTY_MASK"].places == (
        ("train.txt:1", "train/m1.png is ignored throughout"),
        ("train.txt:2", "train/m2.png holds 'road' alone"),
    )


def test_a_dataset_without_a_val_split_is_split_next():
    report = judged([fact(1, GOOD)])
    assert report.ok
    assert "W_NO_VAL" in by_code(report)
    assert report.next_command == "segconv split --src 'my data'"


def test_photographs_that_exif_turns_are_counted_and_those_it_cannot_decide_are_named():  # PEERS row 10
    facts = [
        fact(1, GOOD, orientation=6, turned=True, image_size=(20, 10)),
        fact(2, GOOD, orientation=6, turned=False, image_size=(20, 10)),
        fact(3, GOOD, orientation=3, turned=True),
    ]
    report = judged(facts)
    assert (report.turned, report.unturned) == (2, 1)
    turned = [problem for problem in report.problems if problem.code == "W_TURNED"]
    texts = [what for problem in turned for _, what in problem.places]
    assert len(texts) == 3
    assert any(text.startswith("train/p2.jpg is left as it is stored") for text in texts)
    assert any(text.startswith("train/p3.jpg") and "cannot tell" in text for text in texts)


def test_a_leak_that_is_allowed_is_a_warning():
    facts = [fact(1, GOOD, digest=b"d"), fact(2, GOOD, "val", digest=b"d")]
    assert by_code(judged(facts))["E_LEAK"].severity == "error"
    config = BuildConfig(SourceConfig(Path("data")), allow_leak=True)
    report = judge(config, Layout("list", (), {"train": (facts[0].ref,), "val": (facts[1].ref,)}), facts)
    assert by_code(report)["W_LEAK"].severity == "warning"
