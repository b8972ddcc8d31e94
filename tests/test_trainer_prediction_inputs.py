"""Inputs: files, folders, patterns, lists and records, and what is refused."""

from __future__ import annotations

import pytest
from copying_model import COLORS, blocks
from PIL import Image

from converter.errors import DataError, UsageError
from trainer.prediction.inputs import find_photographs


def records_of_colours(folder, **options):
    """Builds records of two photographs, 40 high and 48 wide, as segconv build does, and returns their folder."""
    from converter.building.build import build
    from converter.config import BuildConfig, PairConfig, SourceConfig

    source = folder / "source"
    for kind in ("images", "masks"):
        (source / kind).mkdir(parents=True)
    for name in ("one", "two"):
        Image.fromarray(COLORS[blocks((80, 96))]).save(source / f"images/{name}.png")
        Image.fromarray(blocks((80, 96))).save(source / f"masks/{name}.png")
    (source / "train.txt").write_text("images/one.png;masks/one.png\nimages/two.png;masks/two.png\n")
    (source / "classes.csv").write_text("name,value\nblack,0\nred,1\ngreen,2\nwhite,3\n")
    pair = PairConfig(size=(40, 48), image_format="png", **options)
    build(BuildConfig(SourceConfig(source), out=folder / "records", pair=pair, workers=1, allow_leak=True))
    return folder / "records"


@pytest.fixture
def photos(tmp_path):
    for name in ("a/1.jpg", "a/2.JPG", "b/1.png", "notes.md", "a/.hidden.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "photos"


def names(*inputs, out="out"):
    from pathlib import Path

    return [photograph.name for photograph in find_photographs([str(text) for text in inputs], Path(out))]


def test_a_folder_is_its_photographs_by_path(photos):
    assert names(photos) == ["a/1.jpg", "a/2.JPG", "b/1.png"]


def test_a_file_has_its_name_alone_and_a_pattern_the_path_below_its_fixed_part(photos):
    assert names(photos / "b/1.png") == ["1.png"]
    assert names(f"{photos}/*/1.*") == ["a/1.jpg", "b/1.png"]
    assert names(f"{photos}/**/*.png") == ["b/1.png"]


def test_a_list_names_photographs_beside_it_and_its_masks_are_not_read(photos):
    (photos / "val.txt").write_text("image;mask\na/1.jpg;masks/1.png\nb/1.png;masks/2.png\n")
    assert names(photos / "val.txt") == ["a/1.jpg", "b/1.png"]
    (photos / "val.txt").write_text("# one name per line\nb/1.png\n")
    found = find_photographs([str(photos / "val.txt")], photos / "out")
    assert found[0].read()[0] == b"x"


@pytest.mark.parametrize("folder", ["val_jpg", "jpg"])
def test_a_list_names_photographs_in_the_folder_that_build_reads_it_with(photos, folder):
    (photos / "a").rename(photos / folder)
    (photos / "val.txt").write_text("1.jpg;1.png\n")
    (found,) = find_photographs([str(photos / "val.txt")], photos / "out")
    assert (found.name, found.folder) == ("1.jpg", photos / folder)


def test_a_list_cannot_lead_out_of_its_folder(photos):
    (photos / "val.txt").write_text("../other.jpg\n")
    with pytest.raises(DataError, match="leaves the source folder"):
        names(photos / "val.txt")


def test_records_are_read_from_their_shards(tmp_path):
    records = records_of_colours(tmp_path)
    found = find_photographs([str(records)], tmp_path / "out")
    assert sorted(photograph.name for photograph in found) == ["images/one.png", "images/two.png"]
    data, stamp = found[0].read()
    assert (data[:4], stamp, found[0].stamp()) == (b"\x89PNG", None, None)


def test_tiles_are_photographs_of_their_own(tmp_path):
    from converter.config import TileConfig

    records = records_of_colours(tmp_path, fit="tile", tile=TileConfig(overlap=0))
    found = find_photographs([str(records)], tmp_path / "out")
    corners = ("0_0", "0_48", "40_0", "40_48")
    expected = [f"images/{name}@{corner}.png" for name in ("one", "two") for corner in corners]
    assert sorted(photograph.name for photograph in found) == expected
    assert all(photograph.is_tile for photograph in found)
    assert {photograph.path for photograph in found} == {"images/one.png", "images/two.png"}


def test_outputs_within_the_input_folder_are_no_inputs(photos):
    assert names(photos, out=photos / "b") == ["a/1.jpg", "a/2.JPG"]


def test_two_photographs_of_one_name_are_named(photos):
    with pytest.raises(UsageError, match=r"b/1\.png: and .*a/1\.jpg would have outputs of the same name"):
        names(photos / "a", photos / "b")


@pytest.mark.parametrize("missing", ["none.jpg", "none/*.jpg"])
def test_what_is_not_there_is_refused(missing):
    with pytest.raises(UsageError, match=rf"{missing.replace('*', '.')}: (does not exist|names no photograph)"):
        names(missing)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="names no photograph"):
        names(tmp_path)


def test_a_missing_file_of_a_list_is_named_as_the_user_would(photos):
    (photos / "val.txt").write_text("a/9.jpg\n")
    (found,) = find_photographs([str(photos / "val.txt")], photos / "out")
    assert found.stamp() is None
    with pytest.raises(DataError, match=r"photos/a/9\.jpg: does not exist"):
        found.read()
