"""Facts about drafts of class maps: damage is told from classes, a rare class never taken for it, no guess unsaid."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from picture_bytes import saved
from PIL import Image, ImageDraw

from converter.checking.draft import draft_classes, write_classes
from converter.checking.strays import ValueTotal, stray_values, total_values
from converter.checking.survey import PairFacts
from converter.classes.class_map import ClassMap
from converter.classes.find import FoundClasses, find_class_map
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.classes.presets import PRESETS, preset
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.pixels.masks import MaskValue, ValueCounter, open_mask
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.find import Layout
from converter.sources.refs import ExampleRef

TOWN = np.array([(0, 0, 0), (128, 0, 0), (128, 64, 128), (128, 128, 0), (60, 40, 222), (192, 192, 128)], np.uint8)
VALUES = {"L": (8, lambda n: (n, n, n)), "P": (8, lambda n: (n, 0, 0)), "I;16": (16, lambda n: (n % 256,) * 3)}


def facts_of(*masks: bytes) -> list[PairFacts]:
    facts = []
    for number, data in enumerate(masks):
        ref = ExampleRef("train", f"{number}.jpg", f"{number}.png")
        counts = ValueCounter().count(open_mask(data, ref.mask))
        facts.append(PairFacts(ref, values=tuple(sorted(counts.items(), key=lambda item: -item[1]))))
    return facts


def parsed(text: str) -> ClassMap:
    return parse_class_map(text, "classes.csv")


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


def drawn(number: int, num_classes: int) -> np.ndarray:
    """Returns uint8 [240, 320] of class indices: overlapping ellipses and polygons, all classes of some size."""
    rng = np.random.default_rng(number)
    picture = Image.new("L", (320, 240))
    draw = ImageDraw.Draw(picture)
    for index in [*range(1, num_classes), *rng.permutation(np.arange(1, num_classes)).tolist()]:
        x, y = rng.integers(0, 260), rng.integers(0, 180)
        box = (int(x), int(y), int(x + rng.integers(40, 110)), int(y + rng.integers(40, 90)))
        (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=index)
    return np.asarray(picture)


def damaged(mask: np.ndarray, kind: str) -> bytes:
    picture = Image.fromarray(mask)
    if kind.startswith("jpeg"):
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=int(kind[4:6]), subsampling=0 if kind.endswith("full") else 2)
        return saved(Image.open(data))
    factor = float(kind.removeprefix("bilinear"))
    size = (round(picture.width * factor), round(picture.height * factor))
    return saved(picture.resize(size, Image.Resampling.BILINEAR))


def rgb(totals: dict[tuple[int, int, int], int | tuple[int, int]]) -> dict[MaskValue, ValueTotal]:
    """Returns the totals of colours, given by pixels or (pixels, images)."""
    result = {}
    for color, total in sorted(totals.items(), key=lambda item: -(item[1] if isinstance(item[1], int) else item[1][0])):
        value = MaskValue("RGB", 8, color[0] | color[1] << 8 | color[2] << 16, color)
        result[value] = ValueTotal(*total) if isinstance(total, tuple) else ValueTotal(total, 10)
    return result


def grey(totals: dict[int, int], mode: str = "L") -> dict[MaskValue, ValueTotal]:
    depth, color = VALUES[mode]
    order = sorted(totals.items(), key=lambda item: -item[1])
    return {MaskValue(mode, depth, number, color(number)): ValueTotal(pixels, 10) for number, pixels in order}


# ---- totals


def test_totals_are_pixels_and_images_of_each_value_most_frequent_first():
    facts = facts_of(saved(np.array([[0, 0, 7]], np.uint8)), saved(np.array([[7, 7, 9]], np.uint8)))
    assert [(value.number, *total) for value, total in total_values(facts).items()] == [(7, 3, 2), (0, 2, 1), (9, 1, 1)]


# ---- damage


@pytest.mark.parametrize("kind", ["jpeg95-full", "jpeg75-full", "bilinear0.5", "bilinear0.71", "bilinear1.9"])
def test_what_jpeg_and_smoothing_make_of_colours_is_damage_and_the_colours_are_not(kind):
    totals = total_values(facts_of(*(damaged(TOWN[drawn(number, len(TOWN))], kind) for number in range(6))))
    strays = stray_values(totals)
    kept = np.array([value.color for value in totals if value not in strays])
    near = [int(np.abs(kept - color).max(1).min()) for color in TOWN.astype(int)]
    assert len(totals) > 300
    assert max(near) <= (3 if kind.startswith("jpeg") else 0)  # JPEG moves even flat areas a little
    assert len(kept) <= len(TOWN) + 6
    assert all(value not in strays for value in strays.values())


@pytest.mark.parametrize("kind", ["jpeg95", "jpeg75", "bilinear0.5", "bilinear0.71", "bilinear1.9"])
@pytest.mark.parametrize("codes", [(0, 255), (0, 76, 150, 255)])
def test_what_jpeg_and_smoothing_make_of_grey_codes_is_damage_and_the_codes_are_not(kind, codes):
    masks = [damaged(np.array(codes, np.uint8)[drawn(number, len(codes))], kind) for number in range(6)]
    totals = total_values(facts_of(*masks))
    strays = stray_values(totals)
    kept = {value.number for value in totals if value not in strays}
    assert set(codes) <= kept
    assert len(kept) <= len(codes) + 2 < len(totals)


def test_a_few_rare_colours_beside_a_frequent_one_are_damage():
    totals = rgb({(0, 0, 0): 90_000, (255, 0, 0): 10_000, (250, 3, 2): 40, (4, 0, 1): 7})
    found = {value.color: frequent.color for value, frequent in stray_values(totals).items()}
    assert found == {(250, 3, 2): (255, 0, 0), (4, 0, 1): (0, 0, 0)}


def test_a_row_of_rare_colours_between_two_frequent_ones_is_damage():
    steps = {(32 * n, 0, 24 * n): 50 for n in range(1, 8)}
    strays = stray_values(rgb({(0, 0, 0): 90_000, (255, 0, 192): 10_000} | steps))
    assert {value.color for value in strays} == set(steps)


@pytest.mark.parametrize("color", [(0, 255, 255), (128, 0, 0), (64, 0, 0), (255, 255, 0)])
def test_one_small_pole_is_a_class_even_half_way_between_two_frequent_colours(color):
    assert stray_values(rgb({(0, 0, 0): 9_000_000, (255, 0, 0): 1_000_000, color: (25, 2)})) == {}


def test_a_rare_class_stays_one_in_masks_that_jpeg_has_damaged():
    masks = [TOWN[drawn(number, len(TOWN))] for number in range(6)]
    masks[0] = masks[0].copy()
    masks[0][100:130, 40:52] = (0, 255, 255)  # 360 pixels of 460 000
    totals = total_values(facts_of(*(damaged(mask, "jpeg95-full") for mask in masks)))
    strays = stray_values(totals)
    kept = [value.color for value in totals if value not in strays]
    assert min(max(abs(a - b) for a, b in zip(color, (0, 255, 255), strict=True)) for color in kept) <= 2


@pytest.mark.parametrize(
    "ids",
    [
        {0: 990_000, 1: 50, 2: 40, 3: 30, 4: 20, 5: 10},
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 6), 30),
        {0: 950_000, 255: 40_000} | dict.fromkeys(range(1, 151), 30),
        {number: 10 ** (6 - number % 7) for number in range(151)},
        {0: 500_000, 76: 40, 150: 90, 255: 400_000},
        {10 * number: (1_000_000 if number in (0, 25) else 50) for number in range(26)},
    ],
)
@pytest.mark.parametrize("drawing", ["L", "P", "I;16", "grey RGB", "one channel"])
def test_class_ids_are_never_damage_however_rare_and_close_together(ids, drawing):
    if drawing in VALUES:
        totals = grey(ids, drawing)
    else:
        totals = rgb({((n, n, n) if drawing == "grey RGB" else (0, 0, n)): pixels for n, pixels in ids.items()})
    assert stray_values(totals) == {}


def test_no_class_of_a_preset_is_damage_however_unequal_the_classes_are():
    for name in PRESETS:
        colors = list(preset(name).rgb)
        for seed in range(5):
            rng = np.random.default_rng(seed)
            pixels = (10 ** rng.uniform(1, 4, len(colors))).astype(int).tolist()
            assert stray_values(rgb(dict(zip(colors, pixels, strict=True)))) == {}, (name, seed)


def test_fifty_thousand_values_take_a_moment():
    rng = np.random.default_rng(0)
    colors = np.unique(rng.integers(0, 256, (50_500, 3)), axis=0)[:50_000].tolist()
    totals = rgb({tuple(color): 1 + number % 50 for number, color in enumerate(colors)})
    start = time.process_time()
    stray_values(totals)
    assert time.process_time() - start < 10  # 0.3 s here; a loop over all pairs would take an hour


# ---- drafts: PEERS.md rows 1 to 3


def test_peers_row_1_values_are_listed_as_they_stand_and_need_not_be_0_to_n():
    text = draft_classes(facts_of(saved(np.array([[0, 76], [150, 255], [76, 76]], np.uint8))), None)
    assert names(text) == {"0": "background", "76": "class_76", "150": "class_150", "255": "class_255"}
    assert "76    50.00%       1" in remarks(text)


def test_ids_in_three_channels_are_listed_by_number_like_ids_in_one():
    ids = np.array([[0, 2, 2, 2, 1, 255]], np.uint8)
    text = draft_classes(facts_of(saved(np.dstack([ids] * 3))), None)
    assert names(text) == {"0": "background", "1": "class_1", "2": "class_2", "255": "ignore"}
    assert parsed(text).grey == {0: 0, 1: 1, 2: 2, 255: 255}


def test_peers_row_2_colours_are_found_counted_and_listed_most_frequent_first():
    mask = np.array([[(9, 9, 200)] * 3 + [(0, 0, 0)] + [(200, 9, 9)] * 5], np.uint8)
    text = draft_classes(facts_of(saved(mask)), None)
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
    text = draft_classes(facts_of(saved(mask)), None)
    assert names(text) == dict(zip(values, ("background", "foreground"), strict=True))
    assert "255 is no `ignore`" in remarks(text)


def test_peers_row_3_two_values_in_one_and_in_eight_bits_are_the_same_two_classes():
    text = draft_classes(facts_of(saved(np.array([[False, True]])), saved(np.array([[0, 255]], np.uint8))), None)
    assert parsed(text).grey == {0: 0, 1: 1, 255: 1}


@pytest.mark.parametrize("ids", [[0, 1, 2, 255], [1, 255], [*range(0, 150, 3), 255]])
def test_peers_row_3_255_beside_other_ids_is_ignore_and_the_draft_says_that_it_is_a_guess(ids):
    text = draft_classes(facts_of(saved(np.array([ids], np.uint8))), None)
    assert parsed(text).grey[255] == IGNORE_INDEX
    assert "guess to check: 255" in remarks(text)


def test_peers_row_3_255_beside_grey_codes_is_a_class():
    assert "ignore" not in names(draft_classes(facts_of(saved(np.array([[0, 76, 150, 255]], np.uint8))), None)).values()


# ---- drafts: names


def test_known_colours_get_the_names_of_their_preset():
    town = preset("camvid")
    mask = np.array([list(town.rgb)], np.uint8)
    text = draft_classes(facts_of(saved(mask)), None)
    classes = parsed(text)
    assert {color: classes.name_of(index) for color, index in classes.rgb.items()} == {
        color: town.name_of(index) for color, index in town.rgb.items()
    }
    assert "preset:camvid" in remarks(text)


def test_the_border_of_voc_is_proposed_as_ignore_with_a_remark():
    text = draft_classes(facts_of(saved(np.array([[(0, 0, 0), (224, 224, 192), (128, 0, 0)]], np.uint8))), None)
    assert names(text)["#E0E0C0"] == "ignore"
    assert "guess to check: #E0E0C0" in remarks(text)


def test_a_class_file_keeps_its_indices_and_what_it_lacks_follows():
    found = FoundClasses(parsed("name,value\nsky,5\nroad,0\nnowhere,3\n"), "labels.txt", "a list")
    text = draft_classes(facts_of(saved(np.array([[0, 5, 9, 255]], np.uint8))), found)
    classes = parsed(text)
    assert classes.names == ("sky", "road", "nowhere", "class_9")
    assert classes.grey == {5: 0, 0: 1, 3: 2, 9: 3, 255: IGNORE_INDEX}
    assert "labels.txt" in remarks(text)


def test_a_class_file_of_other_masks_is_not_used_and_the_draft_says_so():
    found = FoundClasses(parsed("name,value\nsky,#010203\nroad,#040506\n"), "labels.txt", "a list")
    text = draft_classes(facts_of(saved(np.array([[0, 5]], np.uint8))), found)
    assert set(names(text).values()) == {"background", "class_5"}
    assert "Not used: labels.txt, which lists 0 of 2 values" in remarks(text)


# ---- drafts: palettes, mixtures, damage


def test_palettes_that_agree_are_listed_by_index_with_their_colours_beside():
    text = draft_classes(facts_of(palette_png(np.array([[0, 1, 2]]), TOWN)), None)
    assert names(text) == {"0": "background", "1": "class_1", "2": "class_2"}
    assert "drawn in #804080" in remarks(text)


def test_palettes_that_differ_are_listed_by_colour():
    pixels = np.array([[0, 1, 2]])
    text = draft_classes(facts_of(palette_png(pixels, TOWN[:3]), palette_png(pixels, TOWN[[0, 2, 1]])), None)
    classes = parsed(text)
    assert set(classes.rgb) == {tuple(color) for color in TOWN[:3].tolist()}
    assert not classes.grey


def test_masks_of_two_kinds_are_both_listed_and_explained():
    text = draft_classes(facts_of(saved(np.array([[0, 1, 2]], np.uint8)), saved(TOWN[None, 1:4])), None)
    assert set(names(text)) == {"0", "1", "2", "#800000", "#804080", "#808000"}
    assert "some hold colours, some grey levels" in remarks(text)


def test_damage_is_left_out_and_summed_up_with_the_tolerance_that_takes_it_in():
    mask = np.zeros((100, 100, 3), np.uint8)
    mask[:, 50:] = (255, 0, 0)
    mask[0, 0], mask[0, 99] = (3, 2, 0), (250, 3, 2)
    text = draft_classes(facts_of(saved(mask)), None)
    assert set(names(text)) == {"#000000", "#FF0000"}
    assert "2 rare values (0.02% of the pixels)" in remarks(text)
    assert "--tolerance 5" in remarks(text)


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
def test_photographs_and_instance_ids_are_refused_as_masks(mode):
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8) if mode == "RGB" else np.arange(1600, dtype=np.uint16)
    with pytest.raises(UsageError, match="photographs or instance ids") as caught:
        draft_classes(facts_of(saved(mask if mode == "RGB" else mask.reshape(40, 40))), None)
    assert caught.value.code == "E_MASK_VALUE"


def test_a_dataset_without_a_readable_mask_has_no_draft():
    with pytest.raises(UsageError, match="no mask could be read"):
        draft_classes([PairFacts(ExampleRef("train", "a.jpg", "a.png"))], None)


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
        mapper = MaskMapper(parsed(draft_classes(facts, None)))
        for value in set(totals) - set(stray_values(totals)):
            assert mapper.index_of(value) is not None, (seed, value)


# ---- saving


def test_a_saved_draft_is_found_again_and_maps_the_masks(tmp_path: Path):
    data = saved(np.array([[0, 76], [150, 255]], np.uint8))
    path = write_classes(tmp_path, draft_classes(facts_of(data), None))
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
