"""The registry of class-file formats: each row is applied as written, in the order of the rows."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator

import pytest

from converter.classes.csv_table import ClassTable
from converter.classes.find import find_class_map, read_class_file
from converter.classes.formats.base import Row, cells_of
from converter.classes.formats.recognise import recognise
from converter.classes.formats.registry import FORMATS, JSON, LINES, TABLE, TEXT, Format
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.layout import Layout

LAYOUT = Layout("list", (), {})


@pytest.mark.parametrize("name", FORMATS)
def test_a_row_names_functions_that_exist_and_a_kind_of_its_own(name):
    form = FORMATS[name]
    assert callable(pkgutil.resolve_name(form.recogniser))
    assert callable(pkgutil.resolve_name(form.reader))
    assert form.syntax in (JSON, TEXT, TABLE, LINES)
    assert [row.kind for row in FORMATS.values()].count(form.kind) == 1


def test_a_place_is_of_one_format_and_shared_ones_are_apart():
    places = [place for form in FORMATS.values() for place in form.places]
    shared = {place for form in FORMATS.values() for place in form.shared_places}
    assert len(places) == len(set(places))
    assert not shared & set(places)


def test_of_files_that_say_the_same_the_first_in_this_order_is_the_origin(tmp_path):
    # The manifest stores the origin, so another order would change its bytes.
    order = [
        *("labelmap.txt", "class_dict.csv", "label_colors.txt", "class_names.txt", "dataset_meta.json"),
        *("obj_class_to_machine_color.json", "label_classes.json", "objectInfo150.txt", "_classes.csv"),
        *("train/_classes.csv", "valid/_classes.csv", "val/_classes.csv", "test/_classes.csv"),
        *("dataset.json", "labels.txt", "classes.txt", "data.yaml", "data.yml", "dataset.yaml"),
    ]
    for name in order:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("0: road\n1: tree\n")
    for name in order:
        assert find_class_map(SourceConfig(tmp_path), LAYOUT).origin == str(tmp_path / name)
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1 2 3 4 5 a\n", "qgis"),
        ("1 2 3 a\n", "label_colors"),
        ("1 2 3 4 5 a:b:c:d\n", "cvat"),
        ("0:a:b:c\n", "cvat"),
        ("0:a:b\n", "numbered"),
        ("name,r,g,b,x:::\n", "class_dict"),
        ("Idx\ta:b:c:d\tName\n", "object_info"),
        ("Idx\tr\tg\tb\tName\n", "class_dict"),
        ("name,value\nnames: [a]\n", "ultralytics"),
        ('{"labels": {"a": 1}, "modality": {}, "label_map": {"0": "a"}}', "nnunet"),
        ('{"labels": {"a": 1}, "label_map": {"0": "a"}}', "datumaro"),
        ("id,name,r,g,b\n", "class_dict"),
        ("Pixel Value,Class\n", "roboflow"),
        ("class,name\n", "id_table"),
        ("id,class\n", "id_table"),
        ("name,value\n", "native"),
        ('{"labels": [{"name": "a", "color": [1, 2, 3]}]}', "mapillary"),
        ('[{"png_index": 1, "name": "a", "color": [1, 2, 3]}]', "hasty"),
        ('{"0": "a", "label_map": {"0": "a"}}', "datumaro"),
        ("a 1 2 3\n", "color_after_name"),
        ("1 a\n", "numbered"),
        ("1 a 2 3\n", "numbered"),
        ("1 a 2 3 4\n", "numbered_colors"),
        ("1 2 3 4 5 a\n", "qgis"),
        ('{"#ff0000": "a"}', "color_names"),
    ],
)
def test_of_formats_that_both_recognise_a_file_one_is_taken(tmp_path, text, name):
    found = recognise(text, tmp_path)
    assert found is not None
    assert found[0] is FORMATS[name]


def test_a_bare_list_of_names_is_recognised_only_where_the_user_has_named_it(tmp_path):
    assert [name for name, form in FORMATS.items() if form.is_only_when_named] == ["names"]
    assert recognise("road\ntree\n", tmp_path) is None
    form, content = recognise("road\ntree\n", tmp_path, is_named=True) or (None, None)
    assert (form, content) == (FORMATS["names"], "road\ntree\n")


def is_legend(table: ClassTable) -> bool:
    return table.header == ["color", "name"]


def legend(text: str) -> Iterator[Row | str]:
    table = ClassTable(text)
    for color, name in cells_of(table):
        yield Row(table.line, name, color)


def test_one_more_row_is_one_more_format(tmp_path, monkeypatch):
    path = tmp_path / "legend.tsv"
    path.write_text('"color"\t"name"\n"#FF0000"\troad\n"0 0 255"\twater\n')
    with pytest.raises(UsageError, match="not with the header name,value"):
        read_class_file(path)
    row = Format("legend", TABLE, f"{__name__}:is_legend", f"{__name__}:legend", places=("legend.tsv",))
    monkeypatch.setitem(FORMATS, "legend", row)
    found = read_class_file(path)
    assert (found.kind, found.classes.rgb) == ("legend", {(255, 0, 0): 0, (0, 0, 255): 1})
    assert find_class_map(SourceConfig(tmp_path), LAYOUT).origin == str(path)


def test_a_shared_place_that_holds_no_class_file_is_passed_over_and_another_must_hold_one(tmp_path, monkeypatch):
    shared = Format("legend", TABLE, f"{__name__}:is_legend", f"{__name__}:legend", shared_places=("colors.tsv",))
    own = Format("legend", TABLE, f"{__name__}:is_legend", f"{__name__}:legend", places=("colors.tsv",))
    (tmp_path / "colors.tsv").write_text("price\tname\n1\ta\n")
    for form, reason in ((shared, "colors.tsv does not say which value is which class"), (own, "begins with 'price")):
        monkeypatch.setitem(FORMATS, "legend", form)
        with pytest.raises(UsageError) as caught:
            find_class_map(SourceConfig(tmp_path), LAYOUT)
        assert reason in caught.value.what
