"""Places: numbers under a file of colours are taken by place where that is certain, and never ignored."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_datasets import COLORS, draw, report_on, rows

from converter.building.build import build
from converter.classes.class_map import ClassMap
from converter.classes.find import find_class_map
from converter.classes.places import by_place, lists_colors_only, probe_masks, span
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import decode_record
from converter.dataset.tfrecord import read_shard
from converter.errors import UsageError
from converter.pixels.masks import MaskValue
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef

DICT = "name,r,g,b\nbackground,0,0,0\ncat,255,0,0\ndog,0,255,0\n"
CVAT = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:255,0,0::\ndog:0,255,0::\n"
NAMES = ("background", "cat", "dog")
MANY = "name,r,g,b\n" + "".join(f"c{n},{n},{200 - n},7\n" for n in range(32))


def found_in(folder, **options: bool):
    source = SourceConfig(folder)
    return find_class_map(source, find_layout(source), **options)


@pytest.mark.parametrize(
    ("masks", "texts"),
    [
        ([rows(0, 1, 2)] * 3, {"class_dict.csv": DICT}),
        ([rows(0, 1, 2).astype(np.uint16)] * 3, {"class_dict.csv": DICT}),
        ([rows(0, 1), rows(0, 2)], {"labelmap.txt": CVAT}),
        ([rows(0, 1)] * 3, {"colors.csv": DICT}),  # two of three
        ([np.dstack([rows(0, 1, 2)] * 3)] * 3, {"class_dict.csv": DICT}),
        ([rows(0, 1, 2)] * 2, {"label_colors.txt": "0 0 0 background\n255 0 0 cat\n0 255 0 dog\n"}),
        ([rows(0, 1, 2)] * 2, {"classes.csv": "name,value\nbackground,#000000\ncat,#FF0000\ndog,#00FF00\n"}),
        ([rows(1, 2)] * 2, {"class_dict.csv": "name,r,g,b\nbackground,9,9,9\ncat,255,0,0\ndog,0,0,0\n"}),
    ],
)
def test_numbers_are_taken_as_places_and_every_stored_mask_is_what_was_drawn(tmp_path, masks, texts):
    folder = draw(tmp_path / "src", masks, texts)
    report = report_on(folder)
    assert report.ok
    assert any("taken as places in it: 0 'background', 1 'cat', 2 'dog'" in note for note in report.notes)
    assert "ignore" not in report.to_text()
    config = BuildConfig(SourceConfig(folder), tmp_path / "out", pair=PairConfig(size=None), workers=1)
    manifest = build(config).manifest
    assert tuple(each.name for each in manifest.classes) == NAMES
    for shard in manifest.splits["train"].shards:
        for data in read_shard(tmp_path / "out", shard.name):
            record = decode_record(data, "record")
            drawn = masks[int(record.file_name.split("/")[1][0])]
            assert np.array_equal(record.mask, drawn if drawn.ndim == 2 else drawn[..., 0])


def test_a_column_of_numbers_next_to_the_colours_decides(tmp_path):
    text = "id,name,r,g,b\n0,background,0,0,0\n7,cat,255,0,0\n9,dog,0,255,0\n"
    found = found_in(draw(tmp_path, [rows(0, 7, 9)] * 2, {"class_dict.csv": text}))
    assert found.classes.grey == {0: 0, 7: 1, 9: 2}


@pytest.mark.parametrize(
    "masks",
    [
        [COLORS[rows(0, 1, 2)]] * 3,
        [rows(0)] * 3,
        [rows(0, 76, 150)] * 3,  # the greys of these colours
        [COLORS[rows(0, 1, 2)], rows(0, 1, 2)],
        [rows(0, 40, 90, 200)] * 2,
    ],
)
def test_colours_stay_colours(tmp_path, masks):
    found = found_in(draw(tmp_path, masks, {"class_dict.csv": DICT}))
    assert (found.kind, found.classes.grey) == ("class_dict.csv", {})


@pytest.mark.parametrize(
    ("values", "text", "reason"),
    [
        ((1, 2, 3), DICT, "the numbers 1, 2, 3; which class each number means is not certain, since they may be"),
        ((0, 1, 2, 3), DICT, "the numbers 0..3; which class each number means is not certain, since they may be"),
        ((0, 1, 2, 255), DICT, "255 is no place in it"),
        (tuple(range(12)), MANY, "20 of the 32 places in it do not occur, such as 12"),
    ],
)
def test_what_is_not_certain_is_said_with_the_command_that_drafts_it(tmp_path, values, text, reason):
    folder = draw(tmp_path, [rows(*values)] * 3, {"class_dict.csv": text})
    with pytest.raises(UsageError) as caught:
        found_in(folder)
    assert reason in caught.value.what
    assert f"`segconv classes --src {folder} --write`" in caught.value.fix
    assert report_on(folder).next_command == f"segconv classes --src {folder} --write"
    drafted = found_in(folder, allows_doubt=True)
    assert "this is a guess to check" in drafted.notes[-1]
    assert drafted.classes.grey[1] == 1


@pytest.mark.parametrize("values", [(0, 255), (0, 40, 90, 200), (0, 5)])
def test_numbers_that_are_no_places_are_never_answered_with_ignore(tmp_path, values):
    folder = draw(tmp_path, [rows(*values)] * 3, {"class_dict.csv": DICT})
    (problem,) = [one for one in report_on(folder).problems if one.code == "E_MASK_VALUE"]
    assert f"draft a classes.csv with numbers: `segconv classes --src {folder} --write`" in problem.fix
    assert "ignore" not in problem.fix


def test_numbers_that_may_also_be_the_greys_of_the_colours_are_not_taken(tmp_path):
    dark = "name,r,g,b\na,0,0,0\nb,0,2,0\nc,7,0,0\n"  # whose greys are 0, 1 and 2
    assert found_in(draw(tmp_path, [rows(0, 1, 2)] * 3, {"class_dict.csv": dark})).classes.grey == {}


def test_a_palette_whose_colours_are_not_listed_is_an_index(tmp_path):
    from PIL import Image

    folder = draw(tmp_path, [rows(0, 1, 2)] * 2, {"class_dict.csv": DICT})
    for number in range(2):
        mask = Image.fromarray(rows(0, 1, 2))
        mask.putpalette([0, 0, 0, 9, 9, 9, 200, 200, 0])
        mask.save(folder / f"masks/{number}.png")
    assert found_in(folder).kind == "class_dict.csv by place"
    assert report_on(folder).ok


def test_a_damaged_mask_is_left_out_of_the_probe(tmp_path):
    folder = draw(tmp_path, [rows(0, 1)] * 2)
    (folder / "masks/0.png").write_bytes(b"")
    refs = [ExampleRef("train", f"images/{number}.png", f"masks/{number}.png") for number in range(3)]
    values = probe_masks(SourceConfig(folder), refs)
    assert sorted(value.number for value in values) == [0, 1]
    assert span(values) == "0, 1"


def test_the_colours_that_a_number_could_be_taken_for_are_dropped():
    classes = ClassMap(("a", "b"), {}, {(0, 0, 0): 1, (9, 8, 7): 0, (200, 200, 200): 0}, {})
    assert lists_colors_only(classes)
    values = [MaskValue("L", 8, number, (number,) * 3) for number in (0, 1)]
    taken, doubt = by_place(classes, {0: 0, 1: 1, 2: IGNORE_INDEX}, values)
    assert doubt == ""
    assert taken == ClassMap(("a", "b"), {0: 0, 1: 1, 2: IGNORE_INDEX}, {(9, 8, 7): 0}, {})
