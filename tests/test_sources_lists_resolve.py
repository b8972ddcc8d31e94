"""Resolve: each line of a list is a pair below its folders, or rejected by its number."""

from __future__ import annotations

import time

import pytest
from list_files import FILES, TUTORIAL, found, look_up

from converter.errors import UsageError
from converter.limits import MAX_CLOSEST
from converter.sources.lists import resolve as resolving
from converter.sources.lists.resolve import PathRule, resolve
from converter.sources.lists.text import read_split_list
from converter.sources.names import Names
from converter.sources.refs import ExampleRef


def test_each_line_is_a_pair_below_its_folders(tmp_path):
    done = look_up(tmp_path, "a.jpg;a.png\nsub/d.jpg;c.png\n")
    assert done.refs() == [
        ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 1),
        ExampleRef("train", "jpg/sub/d.jpg", "png/c.png", "train.txt", 2),
    ]
    assert done.rejects == []
    assert done.evidence() == "train.txt: 2 lines, separator ';', paths below jpg/ and png/"


@pytest.mark.parametrize(("content", "line", "text"), [
    ("a17.jpg;a_17.png\na;a\nb;b\n", 1, "png/a_17.png: does not exist (closest: 'A17.PNG')"),
    ("a17.jpg;a18.png\na;a\nb;b\n", 1, "png/a18.png: does not exist. "),  # A17.PNG is another pair's
    ("a.jpg;a.png\nsub/dd.jpg;b.png\n", 2, "jpg/sub/dd.jpg: does not exist (closest: 'd.jpg')"),
    ("a.jpg;a.png\nd.jpg;b.png\n", 2, "jpg/d.jpg: does not exist (closest: 'jpg/sub/d.jpg')"),
    ("a.jpg;a.png\ntwo;b.png\n", 2, "jpg/two: matches several files (closest: 'two.jpg')"),
    ("a.jpg;a.png\nqqqqqq.jpg;b.png\n", 2, "jpg/qqqqqq.jpg: does not exist. Put"),
])  # fmt: skip
def test_peers_row_25_a_line_that_is_not_found_is_named_with_the_closest_file(tmp_path, content, line, text):
    done = look_up(tmp_path, content)
    assert [(reject.line, reject.error.code) for reject in done.rejects] == [(line, "E_MISSING")]
    assert f"train.txt:{line}: {text}" in str(done.rejects[0])


def test_the_rule_that_finds_most_lines_holds_for_all_of_them(tmp_path):
    rules = [TUTORIAL, ("paths from the source folder", ("", ""))]
    done = look_up(tmp_path, "a.jpg;a.png\njpg/b.jpg;png/b.png\njpg/c.jpg;png/c.png\n", *rules)
    assert done.rule.text == "paths from the source folder"
    assert found(done) == [("jpg/b.jpg", "png/b.png"), ("jpg/c.jpg", "png/c.png")]
    assert [(reject.line, reject.error.where) for reject in done.rejects] == [(1, "a.jpg")]
    assert look_up(tmp_path, "a.jpg;a.png\njpg/b.jpg;png/b.png\n", *rules).rule.text == TUTORIAL[0]


@pytest.mark.parametrize(("line", "code"), [
    ("/SegNet/data/jpg/a.jpg /SegNet/data/png/a.png", "E_MISSING"), (r"C:\x\jpg\a.jpg;C:\x\png\a.png", "E_PATH"),
])  # fmt: skip
def test_a_prefix_of_another_machine_is_dropped_only_by_its_rule_and_must_lead_inside(tmp_path, line, code):
    names = Names((name, name) for name in FILES)
    (tmp_path / "train.txt").write_text(f"{line}\n")
    listed = read_split_list("train", tmp_path / "train.txt", "train.txt")
    rules = [PathRule("plain", names, ("", ""))]
    assert [reject.error.code for reject in resolve(listed, rules).rejects] == [code]
    rules += [PathRule("dropping", names, ("", ""), drop) for drop in (1, 2, 3)]
    assert found(resolve(listed, rules)) == [("jpg/a.jpg", "png/a.png")]


@pytest.mark.parametrize("line", ["/jpg/a.jpg;/png/a.png", "/jpg/a.jpg /png/a.png", "//jpg//a.jpg;/./png/a.png"])
def test_a_leading_slash_means_the_source_folder_in_a_rule_without_a_base(tmp_path, line):
    done = look_up(tmp_path, f"{line}\n", TUTORIAL, ("paths from the source folder", ("", "")))
    assert found(done) == [("jpg/a.jpg", "png/a.png")]
    assert done.rule.text == "paths from the source folder"
    assert [
        reject.error.code for reject in look_up(tmp_path, "/../jpg/a.jpg;/png/a.png\n", ("", ("", ""))).rejects
    ] == ["E_PATH"]


def test_a_file_with_a_backslash_or_a_drive_in_its_name_is_found_by_exactly_that_name(tmp_path):
    files = ["jpg/back\\slash.jpg", "png/a.png", "C:/d.jpg", "png/d.png"]
    done = look_up(tmp_path, "jpg/back\\slash.jpg;png/a.png\nC:/d.jpg;png/d.png\n", ("", ("", "")), files=files)
    assert found(done) == [(files[0], files[1]), (files[2], files[3])]


@pytest.mark.parametrize("name", ["..dots.jpg", ".a.jpg", "sub/.b.jpg", ".hidden/c.jpg"])
def test_a_hidden_file_is_named_as_hidden_and_not_as_missing(tmp_path, name):
    (reject,) = look_up(tmp_path, f"{name};a.png\n").rejects
    assert (reject.error.code, "is hidden, as its name begins with a dot" in reject.error.what) == ("E_MISSING", True)
    assert "without the dot" in reject.error.fix


def test_a_path_may_climb_out_of_the_folder_of_its_list_but_not_out_of_the_source(tmp_path):
    (tmp_path / "train.txt").write_text("../jpg/a.jpg;../png/a.png\n../../jpg/a.jpg;../png/b.png\n")
    listed = read_split_list("train", tmp_path / "train.txt", "lists/train.txt")
    names = Names((name, name) for name in FILES)
    done = resolve(listed, [PathRule("paths from lists/", names, ("lists", "lists"), climbs=True)])
    assert found(done) == [("jpg/a.jpg", "png/a.png")]
    assert [(reject.line, reject.error.code) for reject in done.rejects] == [(2, "E_PATH")]


@pytest.mark.parametrize(("line", "code", "reason"), [
    ("a.jpg;a.png", "E_DUPLICATE", "repeats the image of line 1"),
    (" a.jpg ; a.png ", "E_DUPLICATE", "repeats the image of line 1"),
    ("A;b.png", "E_DUPLICATE", "repeats the image of line 1"),
    (".//a.jpg;b.png", "E_DUPLICATE", "repeats the image of line 1"),
    ("b.jpg b.png", "E_LINE", "has 0 separators"),
    ("b.jpg,b.png", "E_LINE", "has 0 separators"),
    ("b.jpg;b.png;1", "E_LINE", "has 2 separators"),
    ("b.jpg;b.png;", "E_LINE", "has 2 separators"),
    (";b.png", "E_LINE", "between two names"),
    ("b.jpg;", "E_NO_MASK", "has no mask in the list"),
    ("x.jpg;", "E_LINE", "between two names"),
    (";", "E_LINE", "between two names"),
    ("b" * 9000 + ".jpg;b.png", "E_LINE", "has 9010 characters"),
    ("/etc/passwd;b.png", "E_PATH", "leaves the source folder"),
    ("b.jpg;..\\b.png", "E_PATH", "leaves the source folder"),
    ("b.jpg;\0b.png", "E_PATH", "is not a path"),
    ("b.jpg;/", "E_PATH", "leaves the source folder"),
    ("b.jpg;.", "E_MISSING", "does not exist"),
])  # fmt: skip
def test_a_bad_line_is_rejected_with_its_number_and_the_others_are_kept(tmp_path, line, code, reason):
    done = look_up(tmp_path, f"a.jpg;a.png\n# comment\n{line}\nc.jpg;c.png\n")
    assert [ref.line for ref in done.refs()] == [1, 4]
    assert [(reject.line, reject.error.code) for reject in done.rejects] == [(3, code)]
    assert str(done.rejects[0]).startswith("train.txt:3: ")
    assert reason in str(done.rejects[0])
    assert len(str(done.rejects[0])) < 500


def test_every_copy_of_a_pair_is_rejected_and_the_first_is_kept(tmp_path):
    done = look_up(tmp_path, "a.jpg;a.png\n" * 4)
    assert [ref.line for ref in done.refs()] == [1]
    assert [reject.line for reject in done.rejects] == [2, 3, 4]


def test_one_name_a_line_chooses_photographs_and_one_without_a_mask_is_named(tmp_path):
    done = look_up(tmp_path, "a\nb\n", ("names below jpg/", ("jpg",)))
    refs = done.refs({"jpg/a.jpg": "png/a.png", "jpg/b.jpg": None})
    assert refs == [ExampleRef("train", "jpg/a.jpg", "png/a.png", "train.txt", 1)]
    assert [(reject.line, reject.error.code, reject.error.what) for reject in done.rejects] == [
        (2, "E_MISSING", "has no mask")
    ]


@pytest.mark.parametrize(("first", "is_header"), [
    ("image;mask", True), ("Image path;Mask path", True), ("file_name;label", True), ("photo_7;mask_7", False),
    ("a;a", False), ("image.jpg;mask.png", False),
])  # fmt: skip
def test_a_first_line_that_names_the_columns_is_no_pair(tmp_path, first, is_header):
    done = look_up(tmp_path, f"{first}\nc.jpg;c.png\n")
    assert done.has_header is is_header
    assert ("its first line names the columns" in done.evidence()) is is_header


def test_peers_row_25_a_header_that_names_the_masks_first_is_followed(tmp_path):
    done = look_up(tmp_path, "Mask_path,image\nc.png,c.jpg\nb.png,a.jpg\n")
    assert found(done) == [("jpg/c.jpg", "png/c.png"), ("jpg/a.jpg", "png/b.png")]
    assert done.evidence().startswith("train.txt: 2 lines, separator ',', masks first, ")
    assert "its first line names the columns" in done.evidence()


def test_a_first_name_that_several_files_bear_is_no_header(tmp_path):
    files = ["one/x.jpg", "two/x.jpg", "one/y.jpg"]
    path = tmp_path / "train.txt"
    path.write_text("x\ny\n")
    names = Names((name.rpartition("/")[2], name) for name in files)
    done = resolve(read_split_list("train", path, "train.txt"), [PathRule("names", names, ("",))])
    assert not done.has_header
    assert [str(reject.error) for reject in done.rejects] == [
        "x: matches several files (closest: 'x.jpg'). Put the file there, or fix the list."
    ]


def test_a_photograph_is_not_its_own_mask(tmp_path):
    done = look_up(tmp_path, "a.png;a.png\nb.png;c.png\n", ("", ("png", "png")))
    assert [(reject.line, reject.error.code) for reject in done.rejects] == [(1, "E_LINE")]


def test_a_list_of_bad_lines_alone_is_returned_so_that_each_can_be_named(tmp_path):
    done = look_up(tmp_path, "nonsense\nmore\n")
    assert (done.found, [reject.line for reject in done.rejects]) == ([], [1, 2])
    assert "is one name, a pair has two" in str(done.rejects[0])


def test_a_list_of_too_many_bad_lines_is_refused_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(resolving, "MAX_REFUSED_LINES", 2)
    assert len(look_up(tmp_path, "nonsense\nmore\n").rejects) == 2
    with pytest.raises(UsageError, match="has more than 2 lines that are no pair, such as line 3: is one name"):
        look_up(tmp_path, "nonsense\nmore\nof it\n")


def test_a_long_list_of_missing_files_costs_seconds(tmp_path):
    files = [f"{folder}/p{n:05}.{folder}" for folder in ("jpg", "png") for n in range(20_000)]
    start = time.process_time()
    done = look_up(tmp_path, "".join(f"p{n:05}x.jpg;p{n:05}x.png\n" for n in range(20_000)), files=files)
    assert time.process_time() - start < 20  # 1 s on one core; comparing all pairs of names would take 10 hours
    assert [len(done.found), len(done.rejects)] == [0, 20_000]
    closest = ["closest" in reject.error.what for reject in done.rejects]
    assert closest == [True] * MAX_CLOSEST + [False] * (20_000 - MAX_CLOSEST)
