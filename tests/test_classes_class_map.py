"""Class maps: which values make which class, and which rows contradict each other."""

from __future__ import annotations

import pytest

from converter.classes.class_map import ClassMap, ClassMapBuilder, greys_of
from converter.classes.native import parse_class_map
from converter.errors import UsageError
from converter.pixels.colors import wheel_color


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
    ("rows", "reason"),
    [
        ((), "names no class"),
        (("ignore,1,",), "names no class"),
        (("a,1,0", "b,2,0"), "assigns the same index to two names"),
        (("a,1,0", "b,2,2"), "has the indices [0, 2]"),
        (("a,1,1",), "has the indices [1]"),
        (("a,76,0", "b,76 76 76,1"), "assigns 76 and 76 76 76, the same value, to two classes"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(rows, reason):
    assert reason in refusal(*rows, header="name,value,index")


def test_255_classes_fit_and_one_more_does_not():
    rows = [f"class {number},{number}" for number in range(256)]
    assert parse(*rows[:255]).num_classes == 255
    message = refusal(*rows)
    assert message.startswith("classes.csv:257: class 'class 255' would have index 255; the largest is 254")


def test_a_class_is_drawn_in_the_first_of_its_own_colours_and_else_in_one_of_the_wheel():
    classes = parse("a,76", "b,0 255 0", "b,9 9 9", "ignore,1 1 1")
    assert classes.colors() == (wheel_color(0), (0, 255, 0))


def test_the_values_of_a_class_are_told_in_the_notation_of_the_file():
    classes = parse("a,76", "a,22 0 255", "a,p15", "a,*", "b,7", "ignore,255")
    assert classes.values_of(0) == ("76", "#1600FF", "p15", "*")
    assert classes.values_of(1) == ("7",)
    assert classes.values_of(255) == ("255",)


def test_the_told_values_make_the_same_map_again():
    classes = parse("a,76", "a,22 0 255", "b,p15", "b,*", "ignore,3")
    rows = [f"{classes.name_of(index)},{value}" for index in (0, 1, 255) for value in classes.values_of(index)]
    assert parse(*rows) == classes


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


def test_the_greys_of_a_class_map_leave_out_what_is_grey_already():
    classes = parse("a,255 0 0", "b,0 255 0", "c,9 9 9", "d,0 129 3", "ignore,255 255 0")
    assert greys_of(classes) == {76: (255, 0, 0), 150: (0, 255, 0), 226: (255, 255, 0)}  # (0, 129, 3) is also 76
