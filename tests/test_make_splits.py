"""Facts about made splits: what belongs together stays so, classes are spread evenly, anybody can make them again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.checking.split import make_splits
from converter.checking.split_files import write_lists
from converter.checking.split_plan import SplitConfig, SplitPlan
from converter.checking.survey import PairFacts
from converter.classes.native import parse_class_map
from converter.errors import UsageError
from converter.pixels.masks import MaskValue
from converter.sources.refs import ExampleRef

SCENE = r"^(?:.*/)?(\d{4}[A-Z0-9]+)_"  # of CamVid's frames: jpg/0016E5_07959.jpg
THREE = SplitConfig(val=0.2, test=0.2)


def value(number: int) -> MaskValue:
    return MaskValue("L", 8, number, (number,) * 3)


def pair(name: str, pixels: dict[int, int] | None = None, **facts: object) -> PairFacts:
    """Returns the facts of a photograph that nothing else is like."""
    values = tuple((value(number), count) for number, count in (pixels or {0: 100}).items())
    ref = ExampleRef("train", f"jpg/{name}.jpg", f"png/{name}.png")
    return replace(PairFacts(ref, values=values, digest=hashlib.sha256(name.encode()).digest()), **facts)


def divided(facts: list[PairFacts], config: SplitConfig = THREE) -> SplitPlan:
    return make_splits([fact.ref for fact in facts], facts, config)


def stems(plan: SplitPlan) -> dict[str, list[str]]:
    return {split: [Path(ref.image).stem for ref in refs] for split, refs in plan.refs.items()}


def side_of(plan: SplitPlan) -> dict[str, str]:
    return {stem: split for split, names in stems(plan).items() for stem in names}


def texture(seed: int) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, 256, dtype=np.uint8).tobytes()


def imbalanced(seed: int, number: int = 200) -> list[PairFacts]:
    """Returns pairs of a dataset with a class that three pairs in ten hold, and one that one in twenty does."""
    rng = np.random.default_rng(seed)
    facts = []
    for index in range(number):
        pixels = {0: 10_000, 1: int(rng.integers(0, 3000))}
        if rng.random() < 0.3:
            pixels[2] = int(rng.integers(100, 1000))
        if rng.random() < 0.05:
            pixels[3] = int(rng.integers(10, 400))
        facts.append(pair(f"s{index // 3:03}_{index:04}", pixels))
    return facts


# ---- what belongs together


def test_every_pair_is_in_one_split_once():
    plan = divided([pair(f"p{number}") for number in range(50)])
    assert sorted(name for names in stems(plan).values() for name in names) == sorted(f"p{n}" for n in range(50))
    assert {split: len(names) for split, names in stems(plan).items()} == {"train": 30, "val": 10, "test": 10}


@pytest.mark.parametrize("seed", range(20))
def test_peers_row_26_frames_of_one_scene_stay_together(seed):
    rng = np.random.default_rng(seed)
    scenes = [f"{number:04}{'TP' if number % 2 else 'E5'}" for number in range(12)]
    facts = [pair(f"{scene}_{frame:05}") for scene in scenes for frame in range(int(rng.integers(1, 20)))]
    plan = divided(facts, SplitConfig(val=0.2, test=0.2, seed=seed, group=SCENE))
    sides = {scene: {side for stem, side in side_of(plan).items() if stem.startswith(scene)} for scene in scenes}
    assert all(len(side) == 1 for side in sides.values())
    assert sum(plan.groups.values()) == 12


def test_a_pattern_without_a_group_compares_the_whole_match_and_others_stand_alone():
    facts = [pair(name) for name in ("a1_x", "a1_y", "a2_x", "b", "c")]
    plan = divided(facts, SplitConfig(val=0.4, group=r"a\d"))
    assert side_of(plan)["a1_x"] == side_of(plan)["a1_y"]
    assert (plan.alone, sum(plan.groups.values())) == (2, 4)
    assert plan.to_json()["alone"] == 2
    assert "2 photographs do not match --group" in plan.to_text()


def test_an_optional_group_that_took_no_part_stands_alone():
    facts = [pair(name) for name in ("x1", "x2", "ya", "yb")]
    plan = divided(facts, SplitConfig(val=0.4, group=r"/(?:(y)|x)"))
    assert (plan.alone, sum(plan.groups.values())) == (2, 3)


@pytest.mark.parametrize("seed", range(20))
def test_peers_row_26_copies_and_photographs_that_look_alike_are_never_on_two_sides(seed):
    facts = [pair(f"p{number:02}", thumbnail=texture(number)) for number in range(30)]
    facts += [pair(f"copy{number}", digest=facts[number].digest, thumbnail=texture(number)) for number in range(5)]
    facts += [pair(f"like{number}", thumbnail=texture(number)) for number in range(10, 15)]
    plan = divided(facts, SplitConfig(val=0.3, test=0.2, seed=seed))
    sides = side_of(plan)
    assert all(sides[f"copy{number}"] == sides[f"p{number:02}"] for number in range(5))
    assert all(sides[f"like{number}"] == sides[f"p{number:02}"] for number in range(10, 15))
    assert plan.copies == 5
    assert sum(plan.groups.values()) == 30


def test_what_is_alike_only_over_a_third_is_together_too():
    facts = [pair("a_1", digest=b"1"), pair("a_2", digest=b"2"), pair("b_1", digest=b"2"), pair("c_1"), pair("d_1")]
    sides = side_of(divided(facts, SplitConfig(val=0.4, group="/(.)_")))
    assert sides["a_1"] == sides["a_2"] == sides["b_1"]


def test_one_photograph_with_two_masks_is_on_one_side():
    facts = [pair(f"p{number}") for number in range(6)]
    facts.append(replace(facts[0], ref=ExampleRef("train", "jpg/p0.jpg", "png/other.png")))
    for seed in range(10):
        plan = divided(facts, SplitConfig(val=0.4, seed=seed))
        assert len({split for split, refs in plan.refs.items() for ref in refs if ref.image == "jpg/p0.jpg"}) == 1


def test_photographs_that_look_alike_may_be_divided_on_demand():
    facts = [pair(f"p{number}", thumbnail=texture(0)) for number in range(10)]
    plan = divided(facts, SplitConfig(near=False))
    assert (len(plan.refs["val"]), plan.alike) == (2, 0)


# ---- classes


def test_a_rare_class_is_dealt_out_by_the_shares():
    facts = [pair(f"p{number:02}", {0: 90, 1: 10} if number < 5 else {0: 100}) for number in range(25)]
    for seed in range(20):
        plan = divided(facts, SplitConfig(val=0.2, test=0.2, seed=seed))
        assert {split: counts[1] for split, counts in plan.pixels.items()} == {"train": 30, "val": 10, "test": 10}
        assert {split: len(refs) for split, refs in plan.refs.items()} == {"train": 15, "val": 5, "test": 5}


def test_shares_of_classes_are_those_of_pixels():
    facts = [pair("a", {0: 60, 1: 40}), pair("b", {0: 100})]
    plan = divided(facts, SplitConfig(val=0.5))
    assert plan.classes == ("0", "1")
    assert plan.class_shares() == (0.8, 0.2)
    assert sorted(plan.class_shares(split) for split in plan.refs) == [(0.6, 0.4), (1.0, 0.0)]


def test_class_shares_are_closer_to_the_dataset_than_those_of_a_random_split():
    def distance(pixels: np.ndarray, whole: np.ndarray) -> float:
        return float(np.abs(pixels / pixels.sum() / whole - 1).mean())

    ratios = []
    for seed in range(10):
        facts = imbalanced(seed)
        plan = divided(facts, SplitConfig(val=0.2, test=0.1, seed=seed))
        whole = np.array(plan.class_shares())
        pixels = np.array([[dict(fact.values).get(value(number), 0) for number in range(4)] for fact in facts])
        ours = [distance(np.array(plan.pixels[split]), whole) for split in plan.refs]
        rng = np.random.default_rng(seed)
        theirs = []
        for _ in range(20):
            cuts = np.split(rng.permutation(len(facts)), np.cumsum([len(refs) for refs in plan.refs.values()])[:-1])
            theirs.append([distance(pixels[cut].sum(0), whole) for cut in cuts])
        ratios.append(np.array(ours) / np.mean(theirs, axis=0))
    assert np.max(ratios) < 1
    assert np.mean(ratios) < 0.5  # 0.36


def test_a_class_map_gives_the_names_and_ignored_pixels_do_not_count():
    classes = parse_class_map("name,value\nground,0\nroad,1\nroad,2\nignore,9\n", "classes.csv")
    facts = [pair(name, {0: 50, 1: 20, 2: 20, 9: 10}) for name in "abc"]
    plan = make_splits([fact.ref for fact in facts], facts, SplitConfig(), classes)
    assert plan.classes == ("ground", "road")
    assert sum(counts[1] for counts in plan.pixels.values()) == 120
    assert "road" in plan.to_text()
    assert plan.to_json()["class_shares"] == {"ground": 50 / 90, "road": 40 / 90}


# ---- made again


def test_the_order_of_the_pairs_changes_nothing_and_the_seed_does():
    facts = imbalanced(0, 60)
    plan = divided(facts)
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(facts))
        assert divided([facts[index] for index in order]) == plan
    assert divided(facts, replace(THREE, seed=1)).refs != plan.refs


def test_groups_and_shares_hold_for_any_seed():
    for seed in range(30):
        facts = imbalanced(seed, 90)
        plan = divided(facts, SplitConfig(val=0.25, test=0.15, seed=seed, group="/(s...)_"))
        sides = side_of(plan)
        assert all(len({sides[stem] for stem in sides if stem[:4] == scene}) == 1 for scene in {s[:4] for s in sides})
        assert len(sides) == 90
        assert abs(len(plan.refs["val"]) / 90 - 0.25) <= 0.06
        assert abs(len(plan.refs["test"]) / 90 - 0.15) <= 0.06


# ---- what cannot be done


def test_no_split_is_empty_where_there_are_groups_enough():
    facts = [pair(f"a_{number}") for number in range(95)] + [pair("b_0"), pair("c_0")]
    plan = divided(facts, SplitConfig(val=0.3, test=0.3, group="/(.)_"))
    assert plan.groups == {"train": 1, "val": 1, "test": 1}
    assert len(plan.refs["train"]) == 95
    assert "largest group: 95 photographs" in plan.to_text()


def test_fewer_groups_than_splits_are_refused_with_the_largest_named():
    facts = [pair(f"a_{number}") for number in range(95)] + [pair("b_0")]
    with pytest.raises(UsageError, match=r"95 of 96 pairs must not be divided, such as jpg/a_0.jpg.*--group") as caught:
        divided(facts, SplitConfig(test=0.1, group="/(.)_"))
    assert caught.value.code == "E_GROUPS"


@pytest.mark.parametrize(("names", "facts", "config", "text"), [
    ("a", {}, SplitConfig(), "cannot fill 2 splits: there is 1 pair. Add other photographs."),
    ("abc", {"digest": b"d"}, SplitConfig(), "3 of 3 pairs must not be divided, such as jpg/a.jpg. Add other ph"),
    ("abc", {"thumbnail": texture(0)}, SplitConfig(), "Pass --no-near if they only look alike, or add other"),
    ("abc", {}, SplitConfig(group="jpg"), "Pass another --group, or pass --no-near"),
    ("ab", {}, THREE, "cannot fill 3 splits: there are 2 pairs. Leave out --test, or add other photographs."),
])  # fmt: skip
def test_the_remedy_for_too_few_groups_is_one_that_helps(names, facts, config, text):
    with pytest.raises(UsageError) as caught:
        divided([pair(name, **facts) for name in names], config)
    assert text in str(caught.value)


def test_a_test_split_is_kept_unless_a_new_one_is_asked_for(tmp_path: Path):
    facts = [pair(f"{number:02}") for number in range(10)]
    held = {fact.ref.image for fact in facts[:4]}
    facts = [replace(f, ref=replace(f.ref, split="test")) if f.ref.image in held else f for f in facts]
    plan = divided(facts, SplitConfig(val=0.5))
    assert {split: len(refs) for split, refs in plan.refs.items()} == {"train": 3, "val": 3, "test": 4}
    assert {ref.image for ref in plan.refs["test"]} == held
    assert plan.groups == {"train": 3, "val": 3, "test": 0}
    assert plan.pixels["test"] == (400,)
    assert "test is kept as it is" in plan.to_text()
    assert (tmp_path / "test.txt") in write_lists(tmp_path, plan)
    assert len(divided(facts, THREE).refs["test"]) == 2


def test_a_dataset_without_pairs_is_refused():
    with pytest.raises(UsageError, match="has no pair"):
        divided([])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"val": 0.0}, "--val"),
        ({"val": 1.0}, "--val"),
        ({"val": float("nan")}, "--val"),
        ({"test": -0.1}, "--test"),
        ({"val": 0.5, "test": 0.5}, "leaves none to train on"),
        ({"group": "("}, "is no pattern"),
        ({"group": "a\nb"}, "that no line of a list can"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, word):
    with pytest.raises(UsageError, match=word):
        SplitConfig(**options)


# ---- lists


def test_lists_hold_the_pairs_and_the_command_that_made_them(tmp_path: Path):
    plan = divided([pair(name) for name in "abcde"], SplitConfig(val=0.2, group="/(.) ?"))
    paths = write_lists(tmp_path, plan)
    assert [path.name for path in paths] == ["train.txt", "val.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.txt", "val.txt"]
    texts = [path.read_text() for path in paths]
    first = "# segconv split --val 0.2 --test 0 --seed 0 --group '/(.) ?'"
    assert [text.splitlines()[0] for text in texts] == [first, first]
    lines = [line for text in texts for line in text.splitlines()[1:]]
    assert sorted(lines) == [f"jpg/{name}.jpg;png/{name}.png" for name in "abcde"]
    assert len(texts[0].splitlines()) == 5


def test_lists_that_are_there_are_kept_unless_they_may_be_replaced(tmp_path: Path):
    plan = divided([pair(name) for name in "abcde"], SplitConfig())
    (tmp_path / "val.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"val.txt: exists.*--overwrite") as caught:
        write_lists(tmp_path, plan)
    assert caught.value.code == "E_OUT"
    assert [path.name for path in tmp_path.iterdir()] == ["val.txt"]
    write_lists(tmp_path, plan, overwrite=True)
    assert (tmp_path / "val.txt").read_text().startswith("# segconv split")


def test_a_test_list_of_before_does_not_stay_beside_new_ones(tmp_path: Path):
    (tmp_path / "test.txt").write_text("mine")
    plan = divided([pair(name) for name in "abcde"], SplitConfig())
    with pytest.raises(UsageError, match=r"test.txt: exists, and is not made anew"):
        write_lists(tmp_path, plan, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["test.txt"]


@pytest.mark.parametrize("name", ["#a/b", "a;b", "a\nb", "a\rb", " a", "a\udcff", 'a"b', "'a"])
def test_a_path_that_no_list_can_hold_is_refused_by_name_before_anything_is_written(tmp_path: Path, name):
    facts = [pair(other) for other in "abcde"]
    facts[0] = replace(facts[0], ref=ExampleRef("train", f"{name}.jpg", "a.png"))
    with pytest.raises(UsageError, match=r"Rename the file") as caught:
        write_lists(tmp_path, divided(facts, SplitConfig()))
    assert caught.value.where == f"{name}.jpg"
    assert list(tmp_path.iterdir()) == []
