"""Facts about class maps: each way to write a value, each line that is refused, and what the numbers mean."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from converter.classes.class_map import ClassMap, ClassMapBuilder, greys_of
from converter.classes.native import parse_class_map, read_class_map, to_csv
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES
from converter.pixels.colors import luminance, wheel_color


def parse(*rows: str, header: str = "name,value") -> ClassMap:
    return parse_class_map("\n".join((header, *rows)) + "\n", "classes.csv")


def refusal(*rows: str, header: str = "name,value") -> str:
    with pytest.raises(UsageError) as caught:
        parse(*rows, header=header)
    assert caught.value.code == "E_CLASSES"
    return str(caught.value)


def test_every_form_of_a_value_is_understood():
    classes = parse(
        "ground,0", "ground,*", "roof,76", "roof,#1600fF", "tree,0 255 0", 'tree,"1,2,3"', 'tree,"(4, 5, 6)"', "car,p15"
    )
    assert classes == ClassMap(
        names=("ground", "roof", "tree", "car"),
        grey={0: 0, 76: 1},
        rgb={(22, 0, 255): 1, (0, 255, 0): 2, (1, 2, 3): 2, (4, 5, 6): 2},
        palette={15: 3},
        default=0,
    )


def test_grey_levels_reach_to_16_bits_and_palette_indices_to_8():
    classes = parse("a,65535", "b,P255")
    assert (classes.grey, classes.palette) == ({65535: 0}, {255: 1})


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
    lines = ['"sep=;"', "NAME;Value;;", "a;1;;", ";;;", "# remark;;;", '"b"; "0,255,0";;', '"c; d";p15;;']
    assert parse_class_map("\r\n".join(lines), "x") == ClassMap(("a", "b", "c; d"), {1: 0}, {(0, 255, 0): 1}, {15: 2})


def test_the_separator_that_a_first_line_names_is_taken():
    assert parse_class_map("sep=,\nname,value\na;b,1\n", "x").names == ("a;b",)


def test_quotes_in_a_name_are_doubled():
    assert parse('"say ""a""",1').names == ('say "a"',)


def test_a_name_that_occurs_again_adds_its_value_to_the_class():
    assert parse("a,1", "b,2", "a,3") == ClassMap(("a", "b"), {1: 0, 2: 1, 3: 0}, {}, {})


def test_a_row_that_is_there_twice_changes_nothing():
    assert parse("a,1", "a,1") == parse("a,1")


def test_an_index_column_decides_the_order():
    classes = parse("road,3,2", "ground,1,0", "roof,2,1", "road,4,2", header="name,value,index")
    assert classes == ClassMap(("ground", "roof", "road"), {3: 2, 1: 0, 2: 1, 4: 2}, {}, {})


@pytest.mark.parametrize("name", ["ignore", "Ignore", "IGNORE"])
def test_ignore_is_255_and_no_class(name):
    classes = parse("a,1", f"{name},2", f"{name},*")
    assert classes == ClassMap(("a",), {1: 0, 2: 255}, {}, {}, default=255)
    assert classes.name_of(255) == "ignore"


def test_ignore_may_have_its_own_index():
    assert parse("a,1,0", "ignore,2,255", header="name,value,index").grey == {1: 0, 2: 255}


def test_ignore_needs_no_index():
    assert parse("a,1,0", "ignore,2,", header="name,value,index").grey == {1: 0, 2: 255}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b", "has 1 columns, the header has 2"),
        ("b,1,2", "has 3 columns, the header has 2"),
        ("b,0,255,0", "has 4 columns"),
        (",5", "has no name"),
        ("b,", "neither a grey level nor a colour"),
        ("b,-1", "neither a grey level nor a colour"),
        ("b,1.5", "neither a grey level nor a colour"),
        ("b,#12345", "neither a grey level nor a colour"),
        ("b,#12345G", "neither a grey level nor a colour"),
        ("b,0 255", "neither a grey level nor a colour"),
        ("b,0 255 0 0", "neither a grey level nor a colour"),
        ("b,0 256 0", "neither a grey level nor a colour"),
        ("b,red", "neither a grey level nor a colour"),
        ("b,**", "neither a grey level nor a colour"),
        ("b,65536", "value '65536' exceeds 65535"),
        ("b,p256", "value 'p256' exceeds 255"),
        ("b,7", "value '7' already belongs to another class"),
        ("b,#010203", "already belongs to another class"),
        ("b,p3", "already belongs to another class"),
        ("b,*", "is a second * row"),
        ("ignore,*", "is a second * row"),
        ("ignore,7", "already belongs to another class"),
        ('b,"1,2,3', "unexpected end of data"),
        ("b,\u0663", "neither a grey level nor a colour"),  # a digit, but not in ASCII
        ("b,8,9", "has 3 columns, the header has 2"),
        ("\0,8", "has no name"),
        ("b" * 201 + ",8", "has a name of 201 characters"),
        ("b,8\0", "neither a grey level nor a colour"),
        ("b,0 255 0" + " " * 60 + "9", "neither a grey level nor a colour"),
        ("b," + "9" * 5000, "neither a grey level nor a colour"),
        ("b," + "," * 100_000 + "9", "has 100002 columns"),
        ("b," + "x" * 200_000, "field larger than field limit"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(row, reason):
    # The blank line counts, as it does in an editor.
    message = refusal("a,7", "a,1 2 3", "a,p3", "a,*", "", row)
    assert message.startswith("classes.csv:7: ")
    assert reason in message


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,2,x", "index 'x' is no number"),
        ("b,2,-1", "index '-1' is no number"),
        ("b,2,", "index '' is no number"),
        ("b,2,255", "would have index 255; the largest is 254"),
        ("a,2,1", "class 'a' has another index, 0, in an earlier line"),
        ("b,2,\u0661", "index '\u0661' is no number"),
        ("ignore,2,0", "'ignore' has the index 255, not 0"),
    ],
)
def test_a_wrong_index_is_refused_with_its_line(row, reason):
    message = refusal("a,1,0", row, header="name,value,index")
    assert message.startswith("classes.csv:3: ")
    assert reason in message


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((), "names no class"),
        (("ignore,1,",), "names no class"),
        (("a,1,0", "b,2,0"), "gives two names the same index"),
        (("a,1,0", "b,2,2"), "has the indices [0, 2]"),
        (("a,1,1",), "has the indices [1]"),
        (("a,76,0", "b,76 76 76,1"), "gives 76 and 76 76 76, the same drawing, to two classes"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(rows, reason):
    assert reason in refusal(*rows, header="name,value,index")


@pytest.mark.parametrize("text", ["", "\n\n", "a,1\n", "value,name\na,1\n", "name;value,index\n", "name\na\n"])
def test_a_map_without_its_header_is_refused(text):
    with pytest.raises(UsageError, match="not with the header name,value"):
        parse_class_map(text, "classes.csv")


def test_255_classes_fit_and_one_more_does_not():
    rows = [f"class {number},{number}" for number in range(256)]
    assert parse(*rows[:255]).num_classes == 255
    message = refusal(*rows)
    assert message.startswith("classes.csv:257: class 'class 255' would have index 255; the largest is 254")


def test_a_class_is_drawn_in_the_first_of_its_own_colours_and_else_in_one_of_the_wheel():
    classes = parse("a,76", "b,0 255 0", "b,9 9 9", "ignore,1 1 1")
    assert classes.colors() == (wheel_color(0), (0, 255, 0))


def test_the_wheel_gives_every_class_a_colour_of_its_own():
    assert len({wheel_color(index) for index in range(255)}) > 240
    assert wheel_color(0) == (242, 12, 12)  # hue 0, saturation 0.95, value 0.95


def test_the_values_of_a_class_are_told_in_the_notation_of_the_file():
    classes = parse("a,76", "a,22 0 255", "a,p15", "a,*", "b,7", "ignore,255")
    assert classes.values_of(0) == ("76", "#1600FF", "p15", "*")
    assert classes.values_of(1) == ("7",)
    assert classes.values_of(255) == ("255",)


def test_the_told_values_make_the_same_map_again():
    classes = parse("a,76", "a,22 0 255", "b,p15", "b,*", "ignore,3")
    rows = [f"{classes.name_of(index)},{value}" for index in (0, 1, 255) for value in classes.values_of(index)]
    assert parse(*rows) == classes


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"name,value\n\xff,1\n", "is not UTF-8"),
        (b"x" * (2**20 + 1), "has more than 1048576 bytes, which no class map has"),
    ],
)
def test_a_file_that_is_no_class_map_is_refused(tmp_path, content, reason):
    path = tmp_path / "classes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        read_class_map(path)


def test_a_file_may_be_as_long_as_the_limit(tmp_path):
    path = tmp_path / "classes.csv"
    text = "name,value\na,1\n"
    path.write_text(text + "#" * (MAX_CLASS_FILE_BYTES - len(text)))
    assert read_class_map(path).names == ("a",)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no regular file"):
        read_class_map(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="is no regular file"):
        read_class_map(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="cannot be read"):
        read_class_map(tmp_path / "loop")
    with pytest.raises(UsageError, match="does not exist"):
        read_class_map(tmp_path / "a\0b")


def random_map(seed: int) -> ClassMap:
    """Returns a class map with names and values of every form, the same for the same seed."""
    rng = np.random.default_rng(seed)
    names = ["#a", 'b "c"', "d,e;f", "été", "ignored", "*", "p1", "0", "i'j", "sep=;", "name", "ignore"]
    values = [str(level) for level in rng.choice(65536, 40, replace=False)]
    values += [f"p{entry}" for entry in rng.choice(256, 20, replace=False)]
    values += [f"{red} {green} 9" for red in (0, 7, 255) for green in (0, 8, 200)]
    owners = names + [str(name) for name in rng.choice(names, len(values) - len(names))]
    builder = ClassMapBuilder()
    for name, value in zip(owners, rng.permutation(values), strict=True):
        builder.add(name, str(value))
    if seed % 2:
        builder.add(str(rng.choice(names)), "*")
    return builder.finish()


@pytest.mark.parametrize("seed", range(20))
def test_a_class_map_survives_being_written_as_csv(seed):
    classes = random_map(seed)
    again = parse_class_map(to_csv(classes), "classes.csv")
    assert again == classes
    assert again.colors() == classes.colors()


def test_the_csv_of_a_class_map_reads_as_a_user_would_write_it():
    classes = parse("ignore,255", "a,22 0 255", "b,76", '"#x",p15', "a,77 77 77", "ignore,*")
    assert to_csv(classes) == 'name,value\na,#1600FF\na,#4D4D4D\nb,76\n"#x",p15\nignore,255\nignore,*\n'


def test_a_builder_takes_numbers_and_colours_as_well_as_text():
    builder = ClassMapBuilder()
    builder.add("b", (1, 2, 3), 1)
    builder.add("a", 7, 0)
    builder.add(" b ", "p4")
    builder.add("ignore", "*")
    assert builder.finish() == ClassMap(("a", "b"), {7: 0}, {(1, 2, 3): 1}, {4: 1}, 255)


@pytest.mark.parametrize("value", [-1, 65536, 10**30, (1, 2, 256), (-1, 0, 0), (1.5, 0, 0), "", "#00FF0"])
def test_a_builder_refuses_values_that_no_mask_can_hold(value):
    with pytest.raises(ValueError, match=r"exceeds 65535|neither a grey level nor a colour"):
        ClassMapBuilder().add("a", value)


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (255, 255, 255), (22, 0, 255), (1, 2, 3), (60, 40, 222)])
def test_luminance_is_what_pillow_makes_grey_of_a_colour(color):
    assert luminance(color) == Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))


def test_the_greys_of_a_class_map_leave_out_what_is_grey_already():
    classes = parse("a,255 0 0", "b,0 255 0", "c,9 9 9", "d,0 129 3", "ignore,255 255 0")
    assert greys_of(classes) == {76: (255, 0, 0), 150: (0, 255, 0), 226: (255, 255, 0)}  # (0, 129, 3) is 76 too
