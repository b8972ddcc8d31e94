"""Class files of other tools: each format yields the class map written out here, or is refused by its line."""

from __future__ import annotations

import json
import os
import time

import pytest
from class_file_texts import (
    CLASS_DICT,
    CLASS_NAMES,
    COCO_STUFF,
    CVAT,
    FORMATS,
    LABEL_COLORS,
    OBJECT_INFO,
    QGIS,
    ROBOFLOW,
)

from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses, read_class_file
from converter.classes.presets import preset
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES


def read(folder, content: str | bytes, name: str = "a_file") -> FoundClasses:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_class_file(path)


def refusal(folder, content: str | bytes) -> str:
    """Returns the message without the folder."""
    with pytest.raises(UsageError) as caught:
        read(folder, content)
    assert caught.value.code == "E_CLASSES"
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}{os.sep}")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("spell", [str, lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n") + "\r\n"])
def test_each_format_is_recognised_by_its_content(tmp_path, name, spell):
    text, expected = FORMATS[name]
    found = read(tmp_path, spell(text))
    assert found.classes == expected.classes
    assert (found.origin, found.kind, found.notes) == (str(tmp_path / "a_file"), expected.kind, expected.notes)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (CVAT + "tree:1,2::\n", 5, "colour '1,2' is not three integers 0..255"),
        (CVAT + "tree:1,2,256::\n", 5, "colour '1,2,256' is not three integers 0..255"),
        (CVAT + "tree:1,2,3:\n", 5, "has 3 fields, not the 4 of name:red,green,blue:parts:actions"),
        (CVAT + "road:1,2,3::\n", 5, "names 'road' again"),
        (CVAT + "tree:0,0,0::\n", 5, "value '0 0 0' already belongs to another class"),
        (CVAT + ":1,2,3::\n", 5, "has no printable name"),
        (CLASS_DICT + "Car,64.5,0,0\n", 4, "colour '64.5,0,0' is not three integers"),
        (CLASS_DICT + "Car,64,0\n", 4, "has 3 columns, the header has 4"),
        (CLASS_DICT + "Car,0,0,0\n", 4, "value '0 0 0' already belongs to another class"),
        (CLASS_DICT + "Car,-1,0,0\n", 4, "colour '-1,0,0' is not"),
        (ROBOFLOW + "x, dog\n", 5, "pixel value 'x' is not an 8-bit number"),
        (ROBOFLOW + "1, dog\n", 5, "value '1' already belongs to another class"),
        (ROBOFLOW + "3\n", 5, "has 1 columns, the header has 2"),
        (LABEL_COLORS + "1 2\tCar\n", 4, r"'1 2\tCar' is not red green blue name"),
        (LABEL_COLORS + "1 2 300\tCar\n", 4, "colour '1,2,300' is not three integers"),
        (CLASS_NAMES + "cat\n", 4, "names 'cat' again"),
        (CLASS_NAMES + "__ignore__\n", 4, "has __ignore__, which must come first or not at all"),
        (CLASS_NAMES + "\nowl\n", 5, "follows a line without a name"),
        (COCO_STUFF + "wood\n", 5, "'wood' is not number: name"),
        (COCO_STUFF + "182: stone\n", 5, "value '181' already belongs to another class"),
        (OBJECT_INFO + "4\t0.1\t6\t6\tsky\n", 4, "begins with '4' where Idx 3 comes next"),
        (QGIS + "3 255 0 0 building\n", 4, "is not value red green blue alpha label"),
        (QGIS + "3 255 0 999 255 x\n", 4, "colour '255,0,999' is not"),
        (QGIS + "2 9 9 1 255 x\n", 4, "value '2' already belongs to another class"),
        ("names:\n  0: a\n  2: b\n", 1, "has names with the numbers [0, 2], which are not 0, 1, 2, ..."),
        ("names:\n  0: a\n  0: b\n", 3, "names 0 again"),
        ("names:\n  0: a\n  - b\n", 3, "is an item of a list in a mapping, or the reverse"),
        ("names:\n  a: 0\n", 2, "'a: 0' is neither `- name` nor `0: name`"),
        ("names:\n  0: &x a\n", 2, "'&x a' is YAML that segconv does not read"),
        ("names:\n  - a: b\n", 2, "'a: b' is YAML that segconv does not read"),
        ("names: [a, b\n", 1, "neither a list nor a mapping in one line"),
        ("names: [a, [b]]\n", 1, "is not an item of a list of names"),
        ("names: {a: 0}\n", 1, "is not an item of a list of names"),
        ("names: coco.names\n", 1, "neither a list nor a mapping in one line"),
        ("names: [a]\nnames: [b]\n", 2, "has names a second time"),
        ("names: [a]\nlabel_mapping: {7: 0}\n", 2, "has a label_mapping, which segconv does not read"),
        ('{"kiwi":\n[1, 1, 1}', 2, "is not valid JSON"),
        ("name,value\na,red\n", 2, "value 'red' is neither"),
        ("id,name\n0,a\nx,b\n", 3, "number 'x' is not an integer"),
        ("id,name\n0,a\n0,b\n", 3, "value '0' already belongs to another class"),
        ("id,name\n0\n", 2, "has 1 columns, the header has 2"),
        ("item {\n name: 'a'\n}\n", 1, "has an item without a name or without a number as its id"),
        ("item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }\n", 2, "has the id 1 again"),
        ("item { id: 1 name: 'a' }\n}\n", 2, "has a } without its {"),
        ("item {\n id: 1\n name: 'a'\n", 3, "ends within an item"),
        ("item { id: 1 name: 'a' }\nroad\n", 2, "has 'road' where an item is expected"),
        ("item { id: 1 name: 'a }\n", 1, '"\'a }" is not part of an item'),
        ("road 1 2 3\ntree 1 2\n", 2, "'tree 1 2' is not name red green blue"),
        ("road 1 2 3\ntree 1 2 300\n", 2, "colour '1,2,300' is not three integers"),
        ("0 road\n1 2 tree\n", 2, "'1 2 tree' is not number: name"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, line, reason):
    message = refusal(tmp_path, text)
    assert message.startswith(f"a_file:{line}: ")
    assert reason in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"kiwi": [1, 1]}', "the colour of 'kiwi' is [1, 1], not three integers 0..255"),
        ('{"kiwi": [1, 1, 256]}', "the colour of 'kiwi' is [1, 1, 256], not"),
        ('{"kiwi": [1, 1, 1.0]}', "the colour of 'kiwi' is [1, 1, 1.0], not"),
        ('{"kiwi": [1, 1, 1], "lemon": [1, 1, 1]}', "class 'lemon': value '1' already belongs to another class"),
        ('{"kiwi": [1, 1, 1], "kiwi": [2, 2, 2]}', "has 'kiwi' twice"),
        ('{"ki\\u0000wi": [1, 1, 1]}', "has no printable name"),
        ('{"\\ud800": [1, 1, 1]}', "has no printable name"),
        ('{"labels": {"a": [1, 2]}, "modality": {}}', "label 'a' is a region of several values"),
        ('{"labels": {"a": 1.5}, "modality": {}}', "the value of 'a' is 1.5, not an integer"),
        ('{"labels": {"a": true}, "modality": {}}', "the value of 'a' is True, not an integer"),
        ('{"labels": {"a": -1}, "modality": {}}', "class 'a': value '-1' is neither a grey level nor a colour"),
        ('{"labels": {"a": {}}, "modality": {}}', "the value of 'a' is an object"),
        ('{"labels": {}, "modality": {}}', "names no class"),
        ('[{"png_index": 1}]', "has None where the name of a class is expected"),
        ('[{"png_index": "x", "class_name": "a"}]', "the png_index of 'a' is 'x', not an integer"),
        ('[{"png_index": 1, "class_name": "a"}, 7]', "has 7 where a class is expected"),
        ('{"label_map": {"x": "a"}}', "a number in label_map is 'x', not an integer"),
        ('{"label_map": {"1": "a", "0": "b"}, "segmentation_colors": [[0, 0, 0], [1, 1, 1]]}', "not in the order"),
        ('{"label_map": {"0": "a"}, "segmentation_colors": [[0, 0, 0], [1, 1, 1]]}', "has 2 segmentation_colors for 1"),
        ('{"label_map": {"0": ["a"]}}', "has ['a'] where the name of a class is expected"),
        ('{"0": "a", "1": 7}', "has 7 where the name of a class is expected"),
        ('{"a": 70000, "b": 1}', "class 'a': value '70000' exceeds 65535"),
        ('{"labels": [{"name": "a", "color": [1, 2]}]}', "the colour of 'a' is [1, 2], not three integers"),
        ('[{"name": "a", "color": [1, 2, 3], "id": -1}]', "class 'a': value '-1' is neither a grey level nor a colour"),
        ('{"label_map": {"0": "a"}, "labels": 7}', "has labels or segmentation_colors that are not a list"),
    ],
)
def test_a_wrong_entry_of_a_json_file_is_named(tmp_path, text, reason):
    message = refusal(tmp_path, text)
    assert message.startswith("a_file: ")
    assert reason in message


@pytest.mark.parametrize(
    "content",
    [
        "[" * 500_000,
        '{"a":' * 100_000,
        '{"labels": {"a": ' + "9" * 5000 + '}, "modality": {}}',
        '{"labels": {"a": ' + "9" * 4000 + '}, "modality": {}}',
        '{"labels": {"a": 1e999}, "modality": {}}',
        '{"labels": {"a": NaN}, "modality": {}}',
        '{"labels": {"a": ' + "[" * 900 + "]" * 900 + '}, "modality": {}}',
        "{}",
        "[]",
        "",
        "\n\n# nothing\n",
        "\0",
        "name,value\n\0,1\n",
        b"\xff\xfe",
        b"x" * (MAX_CLASS_FILE_BYTES + 1),
        "x" * MAX_CLASS_FILE_BYTES,
        "1 " * (MAX_CLASS_FILE_BYTES // 2),
        "1" * MAX_CLASS_FILE_BYTES,
        '"' * MAX_CLASS_FILE_BYTES,
        "names: [a" + " " * (MAX_CLASS_FILE_BYTES - 20) + "'",
        "names: [" + " " * (MAX_CLASS_FILE_BYTES - 20) + "[",
        "names: [" + "]" * (MAX_CLASS_FILE_BYTES - 20),
        "names:\n  0: '" + "''" * (MAX_CLASS_FILE_BYTES // 2 - 20),
        "names:\n  0: a" + " " * (MAX_CLASS_FILE_BYTES - 20) + "&:",
        "Idx\t" + "\tName" * (MAX_CLASS_FILE_BYTES // 6) + "x",
        "a:" + "1," * (MAX_CLASS_FILE_BYTES // 2 - 20) + "::",
        "0:" + " " * (MAX_CLASS_FILE_BYTES - 20) + "\x01",
        "\n".join(f"{n} 1 1 {n % 256} 255 a" for n in range(60_000)),
        "item {" * (MAX_CLASS_FILE_BYTES // 6),
        "item { id: 1 name: '" + "\\" * (MAX_CLASS_FILE_BYTES - 30),
        "item {" + " " * (MAX_CLASS_FILE_BYTES - 20) + "\x01",
        "item { id: 1 name: 'a' }" + "\n" * (MAX_CLASS_FILE_BYTES - 40) + "}",
        "a" + " " * (MAX_CLASS_FILE_BYTES - 20) + "1 2 x",
        "a 1" + " " * (MAX_CLASS_FILE_BYTES - 20) + "2 x",
        "0" + " " * (MAX_CLASS_FILE_BYTES - 20) + "\x01",
        "id,name\n" + "\n".join(f"{n},a{n}" for n in range(60_000)),
        json.dumps({str(n): f"a{n}" for n in range(50_000)}),
        json.dumps([{"name": "a", "color": "[" * 900}]),
        "\n".join(f"n{n}:::" for n in range(70_000)),
        "\n".join(f"{n}: n{n}" for n in range(70_000)),
    ],
)
def test_a_hostile_file_is_refused_in_one_line_and_soon(tmp_path, content):
    start = time.process_time()
    assert len(refusal(tmp_path, content)) < 2000
    assert time.process_time() - start < 5


def test_a_label_without_a_colour_beside_others_is_its_place_and_said(tmp_path):
    found = read(tmp_path, CVAT + "tree:::\n")
    assert found.classes.names[3] == "tree"
    assert found.classes.grey == {3: 3}
    assert found.notes == ("label 'tree' has no colour, so CVAT does not draw it; taken as value 3, its position",)


@pytest.mark.parametrize(
    "text",
    [
        "class;R;G;B\nAnimal;64;128;64\nVoid;0;0;0\n",
        "Label, Red, Green, Blue\nAnimal, 64, 128, 64\nVoid, 0, 0, 0\n",
        "r,g,b,name\n64,128,64,Animal\n0,0,0,Void\n",
        "name\tr\tg\tb\t\nAnimal\t64.0\t128.\t64\t\nVoid\t0.00\t0\t0\n",
    ],
)
def test_a_class_dict_has_many_headers(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.kind, found.classes) == ("class_dict.csv", FORMATS["class_dict"][1].classes)


def test_a_column_that_is_not_read_is_said(tmp_path):
    found = read(tmp_path, "name,r,g,b,class_11\nCar,1,2,3,0\n")
    assert found.notes == ("column 'class_11' is not read",)


def test_lines_of_one_name_are_one_class_and_that_is_said(tmp_path):
    found = read(tmp_path, "name,r,g,b\nCar,1,2,3\nSky,4,5,6\nCar,7,8,9\nCar,0,0,1\n")
    assert found.classes == ClassMap(("Car", "Sky"), {}, {(1, 2, 3): 0, (7, 8, 9): 0, (0, 0, 1): 0, (4, 5, 6): 1}, {})
    assert found.notes == ("class 'Car' of line 2 has values in later lines too",)


def test_the_order_of_a_roboflow_file_is_that_of_its_values(tmp_path):
    found = read(tmp_path, "Pixel Value,Class\n2,dog\n0,background\n1,cat\n")
    assert found.classes == ClassMap(("background", "cat", "dog"), {0: 0, 1: 1, 2: 2}, {}, {})


def test_the_ignored_label_of_labelme_stands_first_and_shifts_nothing(tmp_path):
    assert read(tmp_path, "__ignore__\n" + CLASS_NAMES).classes == FORMATS["class_names"][1].classes


@pytest.mark.parametrize("header", ["Idx\tRatio\tTrain\tVal\tName", "Idx\tRatio\tTrain\tVal\tStuff\tName"])
def test_object_info_agrees_with_the_preset(tmp_path, header):
    ade20k = preset("ade20k")
    middle = "\t0\t0\t0\t1\t" if "Stuff" in header else "\t0\t0\t0\t"
    rows = [f"{index + 1}{middle}{name}, another name" for index, name in enumerate(ade20k.names)]
    assert read(tmp_path, "\n".join((header, *rows))).classes == ade20k


def test_colours_of_a_qgis_palette_that_say_less_than_the_values_are_left_out(tmp_path):
    text = "0 1 1 1 255 none\n1 9 0 0 255 a\n2 9 0 0 255 b\n3 0 9 0 255 c\n"
    assert read(tmp_path, text).classes == ClassMap(
        ("none", "a", "b", "c"), {0: 0, 1: 1, 2: 2, 3: 3}, {(0, 9, 0): 3}, {}
    )


@pytest.mark.parametrize(
    "names",
    [
        "names: [road, a 'b', tree top]",
        "names: ['road', 'a ''b''', \"tree top\"]  # three",
        "names: {0: road, 2: tree top, 1: 'a ''b'''}",
        "names:\n- road\n- a 'b'\n- \"tree top\"",
        "names:   # by value\n\n  0: road\n  # a comment\n  '2': tree top\n  1: a 'b' # second\nnc: 3",
    ],
)
def test_names_in_yaml_are_written_in_many_ways(tmp_path, names):
    text = f"# a dataset\npath: x\n{names}\ntrain: images/train\n"
    text = text.replace("a 'b',", "\"a 'b'\",")
    assert read(tmp_path, text).classes == ClassMap(("road", "a 'b'", "tree top"), {0: 0, 1: 1, 2: 2, 255: 255}, {}, {})


def test_datumaro_without_colours_draws_in_those_of_voc(tmp_path):
    expected = ClassMap(("bg", "cat"), {0: 0, 1: 1}, {(128, 0, 0): 1}, {})
    assert read(tmp_path, '{"labels": ["bg", "cat"]}').classes == expected
    assert read(tmp_path, '{"label_map": {"0": "bg", "1": "cat"}}').classes == expected


def test_the_colours_of_datumaro_are_those_of_its_label_map(tmp_path):
    data = {"labels": ["bg", "cat", "dog"], "label_map": {"0": "bg", "2": "dog"}}
    found = read(tmp_path, json.dumps({**data, "segmentation_colors": [[0, 0, 0], [1, 2, 3]]}))
    assert found.classes == ClassMap(("bg", "cat", "dog"), {1: 1}, {(0, 0, 0): 0, (1, 2, 3): 2}, {})
    assert found.notes == ("label 'cat' has no colour; taken as value 1, its position",)


def test_a_class_that_supervisely_draws_with_0_stays_what_it_is(tmp_path):
    found = read(tmp_path, '{"sky": [0, 0, 0], "kiwi": [255, 0, 1]}')
    assert found.classes == ClassMap(("sky", "kiwi"), {0: 0}, {(255, 0, 1): 1}, {})
    assert not found.notes


def test_a_class_called_background_is_not_merged_with_what_is_not_drawn(tmp_path):
    found = read(tmp_path, '{"background": [1, 1, 1]}')
    assert found.classes == ClassMap(("unlabelled", "background"), {0: 0, 1: 1}, {}, {})


def test_the_first_version_of_nnunet_names_by_value(tmp_path):
    found = read(tmp_path, '{"modality": {"0": "CT"}, "labels": {"0": "background", "10": "b", "2": "a"}}')
    assert found.classes == ClassMap(("background", "a", "b"), {0: 0, 2: 1, 10: 2}, {}, {})


def test_a_bare_list_of_names_counts_from_0_and_says_so(tmp_path):
    found = read(tmp_path, "road\ntree top\nété\n")
    assert found.classes == ClassMap(("road", "tree top", "été"), {0: 0, 1: 1, 2: 2}, {}, {})
    assert (found.kind, *found.notes) == (
        "list of names",
        "the file is a bare list of names: the first, 'road', is taken as value 0",
    )


@pytest.mark.parametrize("text", ["a,1\n", "a;b\n", "2007_000032\n", "Read this: it is prose.\n", "a\nb = c\n"])
def test_what_is_no_class_file_is_refused(tmp_path, text):
    assert "not with the header name,value" in refusal(tmp_path, text)
