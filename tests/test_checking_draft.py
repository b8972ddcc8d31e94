"""Draft: damage is told apart from classes, a rare class is never taken for damage, and every guess is marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from picture_bytes import saved
from PIL import Image
from surveyed_masks import TOWN, facts_of

from converter.checking.draft import draft_classes, write_classes
from converter.checking.strays import stray_values, total_values
from converter.checking.survey import PairFacts
from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses, find_class_map
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.classes.presets import preset
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.pixels.masks import open_mask
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef


def parsed(text: str) -> ClassMap:
    return parse_class_map(text, "classes.csv")


def drafted(facts: list[PairFacts], found: FoundClasses | None) -> str:
    return draft_classes(facts, found).text


def names(text: str) -> dict[str, str]:
    """Returns value -> name of the rows of a draft."""
    rows = [line.rsplit(",", 1) for line in text.splitlines() if not line.startswith("#")][1:]
    return {value: name for name, value in rows}


def remarks(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("#"))


def palette_png(indices: np.ndarray, colors: np.ndarray) -> bytes:
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette(colors.astype(np.uint8).tobytes())
    return saved(picture)


# ---- drafts: PEERS.md rows 1 to 3
def test_peers_row_1_values_are_listed_as_they_stand_and_need_not_be_0_to_n():
    text = drafted(facts_of(saved(np.array([[0, 76], [150, 255], [76, 76]], np.uint8))), None)
    assert names(text) == {"0": "background", "76": "class_76", "150": "class_150", "255": "class_255"}
    assert "76    50.00%       1" in remarks(text)


def test_ids_in_three_channels_are_listed_by_number_like_ids_in_one():
    ids = np.array([[0, 2, 2, 2, 1, 255]], np.uint8)
    text = drafted(facts_of(saved(np.dstack([ids] * 3))), None)
    assert names(text) == {"0": "background", "1": "class_1", "2": "class_2", "255": "ignore"}
    assert parsed(text).grey == {0: 0, 1: 1, 2: 2, 255: 255}


def test_peers_row_2_colours_are_found_counted_and_listed_most_frequent_first():
    mask = np.array([[(9, 9, 200)] * 3 + [(0, 0, 0)] + [(200, 9, 9)] * 5], np.uint8)
    text = drafted(facts_of(saved(mask)), None)
    assert list(names(text).items()) == [
        ("#000000", "background"),
        ("#C80909", "class_1"),
        ("#0909C8", "class_2"),
    ]


@pytest.mark.parametrize(
    ("mask", "values"),
    [
        (np.array([[0, 255]], np.uint8), ["0", "255"]),
        (np.array([[0, 1]], np.uint8), ["0", "1"]),
        (np.array([[False, True]]), ["0", "1"]),
        (np.array([[(0, 0, 0), (255, 255, 255)]], np.uint8), ["#000000", "#FFFFFF"]),
    ],
)
def test_peers_row_3_two_values_are_background_and_foreground_and_the_draft_says_so(mask, values):
    text = drafted(facts_of(saved(mask)), None)
    assert names(text) == dict(zip(values, ("background", "foreground"), strict=True))
    assert "255 is not `ignore`" in remarks(text)


def test_peers_row_3_two_values_in_one_and_in_eight_bits_are_the_same_two_classes():
    text = drafted(facts_of(saved(np.array([[False, True]])), saved(np.array([[0, 255]], np.uint8))), None)
    assert parsed(text).grey == {0: 0, 1: 1, 255: 1}


@pytest.mark.parametrize("ids", [[0, 1, 2, 255], [1, 255], [*range(0, 150, 3), 255]])
def test_peers_row_3_255_beside_other_ids_is_ignore_and_the_draft_says_that_it_is_a_guess(ids):
    text = drafted(facts_of(saved(np.array([ids], np.uint8))), None)
    assert parsed(text).grey[255] == IGNORE_INDEX
    assert "guess to check: 255" in remarks(text)


def test_peers_row_3_255_beside_grey_codes_is_a_class():
    assert "ignore" not in names(drafted(facts_of(saved(np.array([[0, 76, 150, 255]], np.uint8))), None)).values()


# ---- drafts: names
def test_known_colours_get_the_names_of_their_preset():
    town = preset("camvid")
    mask = np.array([list(town.rgb)], np.uint8)
    text = drafted(facts_of(saved(mask)), None)
    classes = parsed(text)
    assert {color: classes.name_of(index) for color, index in classes.rgb.items()} == {
        color: town.name_of(index) for color, index in town.rgb.items()
    }
    assert "preset:camvid" in remarks(text)


def test_the_border_of_voc_is_proposed_as_ignore_with_a_remark():
    text = drafted(facts_of(saved(np.array([[(0, 0, 0), (224, 224, 192), (128, 0, 0)]], np.uint8))), None)
    assert names(text)["#E0E0C0"] == "ignore"
    assert "guess to check: #E0E0C0" in remarks(text)


def test_a_class_file_keeps_its_indices_and_what_it_lacks_follows():
    found = FoundClasses(parsed("name,value\nsky,5\nroad,0\nnowhere,3\n"), "labels.txt", "a list")
    text = drafted(facts_of(saved(np.array([[0, 5, 9, 255]], np.uint8))), found)
    classes = parsed(text)
    assert classes.names == ("sky", "road", "nowhere", "class_9")
    assert classes.grey == {5: 0, 0: 1, 3: 2, 9: 3, 255: IGNORE_INDEX}
    assert "labels.txt" in remarks(text)


def test_a_class_file_of_other_masks_is_not_used_and_the_draft_says_so():
    found = FoundClasses(parsed("name,value\nsky,#010203\nroad,#040506\n"), "labels.txt", "a list")
    text = drafted(facts_of(saved(np.array([[0, 5]], np.uint8))), found)
    assert set(names(text).values()) == {"background", "class_5"}
    assert "Not used: labels.txt, which lists 0 of 2 values" in remarks(text)


# ---- drafts: palettes, mixtures, damage
def test_palettes_that_agree_are_listed_by_index_with_their_colours_beside():
    text = drafted(facts_of(palette_png(np.array([[0, 1, 2]]), TOWN)), None)
    assert names(text) == {"0": "background", "1": "class_1", "2": "class_2"}
    assert "shown as #804080" in remarks(text)


def test_palettes_that_differ_are_listed_by_colour():
    pixels = np.array([[0, 1, 2]])
    text = drafted(facts_of(palette_png(pixels, TOWN[:3]), palette_png(pixels, TOWN[[0, 2, 1]])), None)
    classes = parsed(text)
    assert set(classes.rgb) == {tuple(color) for color in TOWN[:3].tolist()}
    assert not classes.grey


def test_masks_of_two_kinds_are_both_listed_and_explained():
    text = drafted(facts_of(saved(np.array([[0, 1, 2]], np.uint8)), saved(TOWN[None, 1:4])), None)
    assert set(names(text)) == {"0", "1", "2", "#800000", "#804080", "#808000"}
    assert "some hold colours, some grey levels" in remarks(text)


def test_damage_is_left_out_and_summed_up_with_the_tolerance_that_takes_it_in():
    mask = np.zeros((100, 100, 3), np.uint8)
    mask[:, 50:] = (255, 0, 0)
    mask[0, 0], mask[0, 99] = (3, 2, 0), (250, 3, 2)
    text = drafted(facts_of(saved(mask)), None)
    assert set(names(text)) == {"#000000", "#FF0000"}
    assert "2 rare values (0.02% of the pixels)" in remarks(text)
    assert "--tolerance 5" in remarks(text)


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_photographs_and_instance_ids_are_refused_as_masks(mode):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8) if mode == "RGB" else np.arange(1600, dtype=np.uint16)
    with pytest.raises(UsageError, match="photographs or instance ids") as caught:
        drafted(facts_of(saved(mask if mode == "RGB" else mask.reshape(40, 40))), None)
    assert caught.value.code == "E_MASK_VALUE"


def test_a_dataset_without_a_readable_mask_has_no_draft():
    with pytest.raises(UsageError, match="no mask could be read"):
        drafted([PairFacts(ExampleRef("train", "a.jpg", "a.png"))], None)


def random_mask(rng: np.random.Generator) -> bytes:
    kind = rng.integers(5)
    pixels = rng.integers(0, 6, (8, 8))
    if kind == 0:
        return saved(rng.choice(256, 6, replace=False).astype(np.uint8)[pixels])
    if kind == 1:
        return saved(rng.integers(0, 256, (6, 3)).astype(np.uint8)[pixels])
    if kind == 2:
        return palette_png(pixels, rng.integers(0, 256, (6, 3)))
    if kind == 3:
        return saved(rng.integers(0, 65536, 6).astype(np.uint16)[pixels])
    return saved(pixels > 2)


def test_every_draft_parses_and_maps_every_value_that_is_no_damage():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        one = random_mask(rng)
        facts = facts_of(one, one if seed % 2 else random_mask(rng))
        if len({value.mode for fact in facts for value, _ in fact.values}) > 1:
            continue  # an index and its colour may belong to two classes
        totals = total_values(facts)
        mapper = MaskMapper(parsed(drafted(facts, None)))
        for value in set(totals) - set(stray_values(totals)):
            assert mapper.index_of(value) is not None, (seed, value)


# ---- saving
def test_a_saved_draft_is_found_again_and_maps_the_masks(tmp_path: Path):
    data = saved(np.array([[0, 76], [150, 255]], np.uint8))
    path = write_classes(tmp_path, drafted(facts_of(data), None))
    assert path == tmp_path / "classes.csv"
    found = find_class_map(SourceConfig(tmp_path), Layout("list", (), {}))
    mask = MaskMapper(found.classes).map_mask(open_mask(data, "a.png"), (2, 2))
    assert mask.tolist() == [[0, 1], [2, 3]]


def test_a_class_map_that_is_there_is_kept_unless_it_may_be_replaced(tmp_path: Path):
    (tmp_path / "classes.csv").write_text("mine")
    with pytest.raises(UsageError, match="--overwrite") as caught:
        write_classes(tmp_path, "name,value\n")
    assert caught.value.code == "E_OUT"
    assert (tmp_path / "classes.csv").read_text() == "mine"
    write_classes(tmp_path, "name,value\na,0\n", overwrite=True)
    assert (tmp_path / "classes.csv").read_text() == "name,value\na,0\n"
    assert [path.name for path in tmp_path.iterdir()] == ["classes.csv"]
