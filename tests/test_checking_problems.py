"""Problems: each problem in the facts of a dataset is reported once, with its fix."""

from __future__ import annotations

from pathlib import Path

from converter.checking.check import judge
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import DataError
from converter.sources.layouts.layout import Layout
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
    assert "--tolerance 5" in problems["E_MASK_VALUE"].fix
    assert len(problems["E_MASK_VALUE"].places) == 3
    assert report.next_command == "segconv build --src 'my data' --tolerance 5"
    assert judged(facts, classes, PairConfig(tolerance=5)).ok


PINK_ON_BLACK = "name,value\na,#000000\nb,#FF00C8\n"
FLAT = {rgb(0, 0, 0): 50_000, rgb(255, 0, 200): 40_000}
BLENDED = {rgb(level, 0, level * 200 // 255): 30 for level in range(15, 255, 15)}
JPEG = {rgb(255 - step, other, 200): 3 for step in range(1, 6) for other in range(3)}


def test_values_half_way_between_two_classes_are_never_given_to_one():
    for edges, tolerance in ((BLENDED, 30), (BLENDED | JPEG, 30)):
        report = judged([fact(n, FLAT | edges) for n in (1, 2, 3)], PINK_ON_BLACK)
        problems = by_code(report)
        expected = f"without anti-aliasing; or pass --tolerance {tolerance} and add the row `ignore,*`"
        assert expected in problems["W_EDGE"].fix
        assert expected in problems["E_MASK_VALUE"].fix
        assert report.next_command.startswith("fix")
        fixed = judged([fact(1, FLAT | edges)], f"{PINK_ON_BLACK}ignore,*\n", PairConfig(tolerance=tolerance))
        assert {problem.code for problem in fixed.problems} == {"W_NO_VAL"}


def test_a_rare_class_next_to_a_frequent_one_is_a_warning_where_both_are_listed():
    classes = f"{PINK_ON_BLACK}edge,#F000BC\n"
    ((where, what),) = by_code(judged([fact(1, FLAT | BLENDED)], classes))["W_RARE_VALUE"].places
    assert (where, what[:51]) == ("class 'edge'", "#F000BC has 30 pixels and is next to #FF00C8, 'b': ")


def test_a_mask_with_too_many_values_is_a_photograph_where_hardly_one_is_listed_and_damaged_else():
    more = {"other_values": 9000, "other_pixels": 20_000}
    facts = [fact(1, FLAT | JPEG), fact(2, FLAT | JPEG, **more), fact(3, {rgb(70, 80, 90): 9, rgb(0, 0, 0): 9}, **more)]
    fixes = {
        where: problem.fix
        for problem in judged(facts, PINK_ON_BLACK).problems
        for where, _ in problem.places
        if problem.code == "E_MASK_VALUE"
    }
    assert fixes["train.txt:1"].startswith("Pass --tolerance 5 ")
    assert "`ignore,*`" in fixes["train.txt:2"]
    assert "photograph" in fixes["train.txt:3"]


def test_a_file_in_no_pair_is_told_with_what_it_may_have_been_meant_by_but_never_with_another_number():
    missing = DataError("images/img_07.jpg", "does not exist", "Put it there.", "E_MISSING")
    unmatched = ("images/img_08.jpg", "images/img7.jpg", "images/scene3.jpg", "masks/scne_03.png", "masks/other.png")
    facts = [fact(1, {}, error=missing), fact(2, GOOD)]
    problems = by_code(judged(facts, unmatched=unmatched))
    assert problems["E_MISSING"].places == (
        ("train.txt:1", "images/img_07.jpg does not exist; closest: images/img7.jpg"),
    )
    assert problems["W_UNMATCHED"].places == (
        ("images/img_08.jpg", "is in no pair"),
        ("images/img7.jpg", "is in no pair; closest: images/img_07.jpg"),
        ("images/scene3.jpg", "is in no pair; closest: masks/scne_03.png"),
        ("masks/scne_03.png", "is in no pair; closest: images/scene3.jpg"),
        ("masks/other.png", "is in no pair"),
    )


def test_masks_that_hold_the_greys_of_the_colours_are_explained_once():
    classes = "name,value\na,#000000\nb,#FF0000\nc,#00FF00\n"
    facts = [fact(n, {grey(0): 40, grey(76): 30, grey(150): 30}) for n in range(1, 4)]
    problems = by_code(judged(facts, classes))
    ((where, what),) = problems["W_GREYED"].places
    assert where == "classes.csv"
    assert "76 is (255, 0, 0) converted to grey" in what
    assert len(problems["E_MASK_VALUE"].places) == 3


def test_colour_masks_under_a_class_map_of_their_greys_are_explained_once():
    facts = [fact(n, {rgb(0, 0, 0): 40, rgb(255, 0, 0): 30, rgb(0, 255, 0): 30}) for n in range(1, 4)]
    ((_, what),) = by_code(judged(facts, "name,value\na,0\nb,76\nc,150\n"))["W_GREYED"].places
    assert "lists grey levels, but the masks hold colours" in what
    assert "converted to grey is" in what


def test_one_unlisted_value_that_happens_to_be_a_grey_is_not_called_greyed():
    classes = "name,value\na,0\nb,#FF0000\n"
    assert "W_GREYED" not in by_code(judged([fact(1, {grey(0): 40, grey(76): 30})], classes))


def test_peers_row_3_masks_of_0_and_255_under_a_map_that_ignores_255_are_explained():
    facts = [fact(1, {grey(0): 60, grey(255): 40})]
    assert "foreground" in by_code(judged(facts))["W_BINARY"].fix
    assert "W_BINARY" not in by_code(judged(facts, "name,value\nbackground,0\nforeground,255\n"))


def test_empty_and_single_class_masks_are_named():
    facts = [fact(1, {grey(255): 100}), fact(2, {grey(1): 60, grey(255): 40}), fact(3, GOOD), fact(1, GOOD, "val")]
    assert by_code(judged(facts))["W_EMPTY_MASK"].places == (
        ("train.txt:1", "train/m1.png is all ignore"),
        ("train.txt:2", "train/m2.png holds only 'road'"),
    )


def test_peers_row_10_photographs_that_exif_turns_are_counted_and_those_it_cannot_decide_are_named():
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
    assert any(text.startswith("train/p2.jpg is left as stored") for text in texts)
    assert any(text.startswith("train/p3.jpg") and "do not show whether" in text for text in texts)


def test_a_leak_that_is_allowed_is_a_warning():
    facts = [fact(1, GOOD, digest=b"d"), fact(2, GOOD, "val", digest=b"d")]
    assert by_code(judged(facts))["E_LEAK"].severity == "error"
    config = BuildConfig(SourceConfig(Path("data")), allow_leak=True)
    report = judge(config, Layout("list", (), {"train": (facts[0].ref,), "val": (facts[1].ref,)}), facts)
    assert by_code(report)["W_LEAK"].severity == "warning"


def test_peers_row_5_rare_dominant_and_absent_classes_are_told():
    report = judged([fact(1, {grey(0): 99_950, grey(1): 50})])
    problems = by_code(report)
    assert [where for where, _ in problems["W_IMBALANCE"].places] == ["class 'background'", "class 'road'"]
    assert problems["W_ABSENT_CLASS"].places == (("class 'car'", "never occurs"),)
    assert (report.rows[-1].name, report.rows[-1].pixels, report.rows[-1].value) == ("car", 0, "2")
    shares = {grey(0): 60, grey(1): 40}
    spread = judged([fact(1, shares), fact(1, {grey(0): 60, grey(2): 40}, "val")])
    assert by_code(spread)["W_ABSENT_CLASS"].places == (
        ("class 'road'", "does not occur in val, so it is not evaluated"),
        ("class 'car'", "occurs in val, but not in train"),
    )


def test_photographs_that_lose_most_of_their_detail_are_told_with_the_command_that_cuts_them():
    large = {"image_size": (4100, 6000), "mask_size": (4100, 6000)}
    problem = by_code(judged([fact(1, GOOD, **large), fact(1, GOOD, "val", **large)]))["W_SHRUNK"]
    assert "4100x6000 pixels, of which 512x512 are stored" in problem.places[0][1]
    assert problem.fix.endswith("`segconv build --src 'my data' --fit tile --size 512x512`.")
    small = PairConfig((64, 64))
    problem = by_code(judged([fact(1, GOOD, **large)], pair=small))["W_SHRUNK"]
    assert problem.fix.endswith("--fit tile --size 64x64 --overlap 8`.")
    for pair in (PairConfig((513, 800)), PairConfig(None), PairConfig((512, 512), "tile")):
        assert "W_SHRUNK" not in by_code(judged([fact(1, GOOD, **large)], pair=pair))
