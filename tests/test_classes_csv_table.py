"""CSV: every separator, quoting and comment that spreadsheets write is read."""

from __future__ import annotations

import pytest

from converter.classes.class_map import ClassMap
from converter.classes.native import parse_class_map, read_class_map


def parse(*rows: str, header: str = "name,value") -> ClassMap:
    return parse_class_map("\n".join((header, *rows)) + "\n", "classes.csv")


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_spreadsheets_may_separate_as_they_like(delimiter):
    classes = parse(f"a{delimiter}1", f"b{delimiter}0 0 2", header=f"name{delimiter}value")
    assert classes == ClassMap(("a", "b"), {1: 0}, {(0, 0, 2): 1}, {})


def test_with_semicolons_a_colour_with_commas_needs_no_quotes():
    assert parse("a;1,2,3", header="name;value").rgb == {(1, 2, 3): 0}


def test_a_byte_order_mark_crlf_blank_lines_and_spaces_are_tolerated(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_bytes(b"\xef\xbb\xbf\r\n Name , VALUE \r\n\r\n a , 1 \r\n  \r\nb,2\r\n")
    assert read_class_map(path) == ClassMap(("a", "b"), {1: 0, 2: 1}, {}, {})


def test_lines_that_begin_with_a_hash_are_remarks():
    classes = parse_class_map("# a draft\n#\nname,value\n  # 61.2 % of all pixels, 12 images\na,#010203\n#a,4\n", "x")
    assert classes == ClassMap(("a",), {}, {(1, 2, 3): 0}, {})


def test_what_spreadsheets_add_is_tolerated():
    lines = ['"sep=;"', "NAME;Value;;", "a;1;;", ";;;", "# comment;;;", '"b"; "0,255,0";;', '"c; d";p15;;']
    assert parse_class_map("\r\n".join(lines), "x") == ClassMap(("a", "b", "c; d"), {1: 0}, {(0, 255, 0): 1}, {15: 2})


def test_the_separator_that_a_first_line_names_is_taken():
    assert parse_class_map("sep=,\nname,value\na;b,1\n", "x").names == ("a;b",)


def test_quotes_in_a_name_are_doubled():
    assert parse('"say ""a""",1').names == ('say "a"',)
