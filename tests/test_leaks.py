"""The same photograph in two splits: by name, by content, to the eye."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from converter.checking.survey import thumbnail
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.pixels.images import open_photo
from converter.sample.write import draw_tile
from converter.sources.duplicates import near_duplicates
from converter.sources.leaks import check_leaks, content_leaks, name_leaks, place_of
from converter.sources.refs import ExampleRef
from tests.picture_bytes import saved


def ref(split: str, name: str, line: int = 0) -> ExampleRef:
    return ExampleRef(split, name, name + ".png", f"{split}.txt" if line else "", line)


def thumbnail_of(data: bytes) -> bytes:
    photo = open_photo(data, "photo")
    return thumbnail(photo)


@pytest.fixture(scope="module")
def tiles() -> list[Image.Image]:
    """Aerial photographs of a drawn town, all different."""
    return [Image.fromarray(draw_tile(0, "train", number)[0]) for number in range(6)]


def test_peers_row_26_a_photograph_that_two_lists_name_is_a_leak_that_names_both_lines(tmp_path):
    refs = {"train": [ref("train", "jpg/a.jpg", 88)], "val": [ref("val", "jpg/b.jpg", 1), ref("val", "jpg/a.jpg", 12)]}
    with pytest.raises(UsageError) as caught:
        check_leaks(SourceConfig(tmp_path), refs)
    assert caught.value.code == "E_LEAK"
    assert caught.value.where == str(tmp_path / "val.txt:12")
    assert caught.value.what == "names jpg/a.jpg, which train.txt:88 names too"


def test_peers_row_26_the_same_content_under_two_names_is_a_leak_that_names_both_lines(tmp_path):
    (tmp_path / "d4.jpg").write_bytes(b"the same photograph")
    shutil.copy(tmp_path / "d4.jpg", tmp_path / "e5.jpg")
    refs = {"train": [ref("train", "d4.jpg", 88)], "val": [ref("val", "e5.jpg", 12)]}
    with pytest.raises(UsageError) as caught:
        check_leaks(SourceConfig(tmp_path), refs)
    assert caught.value.code == "E_LEAK"
    assert caught.value.where == str(tmp_path / "val.txt:12")
    assert caught.value.what == "e5.jpg has the content of d4.jpg (train.txt:88)"


def test_leaks_of_pairs_that_no_list_names_are_told_by_their_files(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "b.jpg").write_bytes(b"x")
    pairs = [ref("train", "a.jpg"), ref("val", "b.jpg")]
    ((leak, _, what),) = content_leaks(SourceConfig(tmp_path), pairs)
    assert (place_of(leak), what) == ("b.jpg", "has the content of a.jpg")
    ((leak, _, what),) = name_leaks([ref("train", "a.jpg"), ref("val", "a.jpg")])
    assert (place_of(leak), what) == ("a.jpg", "is in val, and in train too")


def test_only_files_whose_size_occurs_in_two_splits_are_read(tmp_path, monkeypatch):
    for name, data in {"a": b"1", "b": b"22", "c": b"22", "d": b"333", "e": b"4444", "f": b"4444"}.items():
        (tmp_path / name).write_bytes(data)
    pairs = [ref("train", "a"), ref("train", "b"), ref("train", "e"), ref("train", "f"), ref("val", "c")]
    read = []

    def spy(root, name, *, follow_links):
        read.append(name)
        return (root / name).read_bytes()

    monkeypatch.setattr("converter.sources.leaks.read_inside", spy)
    assert [leak.ref.image for leak in content_leaks(SourceConfig(tmp_path), [*pairs, ref("val", "d")])] == ["c"]
    assert sorted(read) == ["b", "c"]


def test_of_files_of_one_size_only_those_with_the_same_end_are_read_whole(tmp_path, monkeypatch):
    end = bytes(5000)
    for name, data in {"a": b"1" + end, "b": b"2" + end, "c": end + b"3", "d": b"1" + end}.items():
        (tmp_path / name).write_bytes(data)
    pairs = [ref("train", "a"), ref("val", "b"), ref("val", "c"), ref("val", "d")]
    read = []

    def spy(root, name, *, follow_links):
        read.append(name)
        return (root / name).read_bytes()

    monkeypatch.setattr("converter.sources.leaks.read_inside", spy)
    assert [leak.ref.image for leak in content_leaks(SourceConfig(tmp_path), pairs)] == ["d"]
    assert read == ["a", "b", "d"]


def test_files_of_one_size_but_other_content_and_files_that_are_missing_are_no_leak(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"1")
    (tmp_path / "b.jpg").write_bytes(b"2")
    refs = {"train": [ref("train", "a.jpg"), ref("train", "gone.jpg")], "val": [ref("val", "b.jpg")]}
    check_leaks(SourceConfig(tmp_path), {**refs, "test": [ref("test", "no.jpg"), ref("test", "../a.jpg")]})


def test_a_link_out_of_the_source_folder_is_not_read_for_a_leak(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "outside.jpg").write_bytes(b"x")
    (source / "a.jpg").write_bytes(b"x")
    (source / "b.jpg").symlink_to(tmp_path / "outside.jpg")
    pairs = [ref("train", "a.jpg"), ref("val", "b.jpg")]
    assert not content_leaks(SourceConfig(source), pairs)
    assert len(content_leaks(SourceConfig(source, follow_links=True), pairs)) == 1


CHANGES = {
    "recompressed": lambda tile: saved(tile, "JPEG", quality=30),
    "smaller": lambda tile: saved(tile.resize((346, 259), Image.Resampling.BICUBIC), "JPEG", quality=80),
    "brighter": lambda tile: saved(ImageEnhance.Brightness(tile).enhance(1.1), "JPEG"),
    "darker": lambda tile: saved(ImageEnhance.Brightness(tile).enhance(0.7), "JPEG"),
    "shifted": lambda tile: saved(tile.crop((2, 1, *tile.size)), "JPEG"),
    "grey": lambda tile: saved(tile.convert("L"), "PNG"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_near_duplicate_of_its_original_and_of_nothing_else(tiles, change):
    originals = [thumbnail_of(saved(tile, "JPEG", quality=90)) for tile in tiles]
    copies = [thumbnail_of(CHANGES[change](tile)) for tile in tiles]
    assert near_duplicates(originals + copies) == [(number, number + len(tiles)) for number in range(len(tiles))]


def test_flat_and_missing_thumbnails_are_like_nothing():
    rng = np.random.default_rng(0)
    blank = [bytes([level]) * 256 for level in (0, 128, 128, 255)]
    noisy = [rng.integers(200, 204, 256, np.uint8).tobytes() for _ in range(50)]
    assert near_duplicates([*blank, *noisy, b"", b""]) == []
    assert near_duplicates([]) == []


def test_many_copies_of_one_photograph_are_one_group_and_no_flood():
    thumbnail = np.random.default_rng(1).integers(0, 256, 256, np.uint8).tobytes()
    assert near_duplicates([thumbnail] * 5) == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_near_duplicates_are_those_that_comparing_all_with_all_finds():
    rng = np.random.default_rng(2)
    scenes = rng.integers(0, 256, (40, 16, 16))
    pictures = np.clip(np.concatenate([scenes, scenes[:25] + rng.normal(0, 4, (25, 16, 16))]), 0, 255).astype(np.uint8)
    vectors = pictures.reshape(len(pictures), -1).astype(float)
    cosines = np.corrcoef(vectors)
    expected = [(i, j) for i in range(65) for j in range(i + 1, 65) if cosines[i, j] > 0.995]
    assert len(expected) == 25
    assert near_duplicates([picture.tobytes() for picture in pictures]) == expected
