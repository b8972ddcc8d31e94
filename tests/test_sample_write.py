"""Facts about the synthetic dataset: the same bytes for a seed, the tutorial's layout, and classes worth learning."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.errors import MachineError, UsageError
from converter.sample import scene, write

NUM_CLASSES = 4


# Seed 0, split train, number 1. It may change only together with a line in CHANGELOG.md: people's scores do, too.
GOLDEN_MASK = "ec5a532f8e242c83338a474c90d94a379c9c5209cf9fc55479c58ebab253f64f"


@pytest.fixture(scope="module")
def tiles() -> list[tuple[np.ndarray, np.ndarray]]:
    """Ten tiles of (image, mask) at full size, which the tests only read."""
    return [write.draw_tile(0, "train", number) for number in range(1, 11)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written dataset of three training pairs and two validation pairs."""
    folder = tmp_path_factory.mktemp("written") / "dataset"
    write.write_sample(folder, train=3, val=2, seed=7)
    return folder


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def bins(image: np.ndarray) -> np.ndarray:
    """The bin of every pixel's colour, int64 [H * W], 16 steps per channel."""
    red, green, blue = (image.reshape(-1, 3).astype(np.int64) >> 4).T
    return red * 256 + green * 16 + blue


# ---- a tile
def test_the_same_seed_split_and_number_draw_the_same_tile(tiles):
    image, mask = write.draw_tile(0, "train", 2)
    assert np.array_equal(image, tiles[1][0])
    assert np.array_equal(mask, tiles[1][1])


@pytest.mark.parametrize("other", [(1, "train", 2), (0, "val", 2), (0, "train", 3)])
def test_another_seed_split_or_number_draws_another_tile(tiles, other):
    image, mask = write.draw_tile(*other)
    assert not np.array_equal(image, tiles[1][0])
    assert not np.array_equal(mask, tiles[1][1])


def test_a_tile_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()
    write.draw_tile(0, "train", 1, (96, 128))
    assert np.array_equal(np.random.get_state()[1], before)


def test_a_mask_of_seed_0_stays_what_it_was(tiles):
    assert hashlib.sha256(tiles[0][1].tobytes()).hexdigest() == GOLDEN_MASK


@pytest.mark.parametrize("size", [(288, 384), (96, 128), (101, 67), (16, 300)])
def test_size_is_height_then_width(size):
    image, mask = write.draw_tile(3, "val", 1, size)
    assert image.shape == (*size, 3)
    assert mask.shape == size
    assert image.dtype == mask.dtype == np.uint8


def test_all_four_classes_occur_and_no_other(tiles):
    for _, mask in tiles:
        assert set(np.unique(mask).tolist()) == {0, 1, 2, 3}


def test_no_class_drowns_the_others(tiles):
    shares = np.mean([np.bincount(mask.ravel(), minlength=NUM_CLASSES) / mask.size for _, mask in tiles], axis=0)
    background, building, vegetation, road = shares
    assert 0.35 < background < 0.55
    assert 0.12 < building < 0.25
    assert 0.15 < vegetation < 0.30
    assert 0.08 < road < 0.20


def test_colour_alone_does_not_give_the_class_away(tiles):
    counts = np.zeros((16**3, NUM_CLASSES), np.int64)
    for image, mask in tiles:
        np.add.at(counts, (bins(image), mask.ravel()), 1)
    # The best that any classifier of these bins can do on these very pixels, so no doubt about how it was trained.
    assert counts.max(axis=1).sum() / counts.sum() < 0.8


def test_classes_do_differ_in_the_photograph(tiles):
    # Leaves are darker and greener than asphalt, in the mean; otherwise the mask would not match the image.
    leaves = np.mean([image[mask == scene.VEGETATION].mean(axis=0) for image, mask in tiles], axis=0)
    asphalt = np.mean([image[mask == scene.ROAD].mean(axis=0) for image, mask in tiles], axis=0)
    assert leaves.sum() < asphalt.sum() - 50
    assert leaves[1] - leaves[2] > asphalt[1] - asphalt[2] + 10


# ---- the dataset
def test_the_layout_is_the_tutorials(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "classes.csv",
        "jpg",
        "png",
        "train.txt",
        "val.txt",
        "val_jpg",
        "val_png",
    ]
    assert (folder / "train.txt").read_text() == (
        "tile_0001.jpg;tile_0001.png\ntile_0002.jpg;tile_0002.png\ntile_0003.jpg;tile_0003.png\n"
    )
    assert (folder / "classes.csv").read_text() == (
        "name,value\nbackground,#000000\nbuilding,#1600FF\nvegetation,#00FF00\nroad,#FFFFFF\n"
    )


def test_the_lists_name_every_file_and_only_those(folder):
    for split, (photographs, masks) in write.FOLDERS.items():
        pairs = [line.split(";") for line in (folder / f"{split}.txt").read_text().splitlines()]
        assert [image for image, _ in pairs] == sorted(path.name for path in (folder / photographs).iterdir())
        assert [mask for _, mask in pairs] == sorted(path.name for path in (folder / masks).iterdir())


def test_a_photograph_is_rgb_jpeg_and_its_mask_rgb_png_of_the_four_colours(folder):
    colours = {(0, 0, 0), (22, 0, 255), (0, 255, 0), (255, 255, 255)}
    for mask_path in [*folder.glob("png/*"), *folder.glob("val_png/*")]:
        with Image.open(mask_path) as mask:
            assert (mask.format, mask.mode, mask.size) == ("PNG", "RGB", (384, 288))
            assert {colour for _, colour in mask.getcolors(maxcolors=4)} == colours
        photograph = mask_path.parent.with_name(mask_path.parent.name.replace("png", "jpg")) / f"{mask_path.stem}.jpg"
        with Image.open(photograph) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (384, 288))


def test_a_written_mask_is_the_drawn_one_in_colours(folder):
    _, mask = write.draw_tile(7, "val", 2)
    with Image.open(folder / "val_png" / "tile_0002.png") as written:
        assert np.array_equal(np.asarray(written), scene.PALETTE[mask])


def test_the_same_seed_writes_the_same_bytes_however_many_there_are(folder, tmp_path):
    write.write_sample(tmp_path / "again", train=1, val=2, seed=7)
    first, again = files_below(folder), files_below(tmp_path / "again")
    again.pop("train.txt")
    assert again == {name: first[name] for name in again}


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "dataset").mkdir()
    write.write_sample(tmp_path / "dataset", train=1, val=1)
    assert (tmp_path / "dataset" / "val_png" / "tile_0001.png").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_the_remains_of_a_killed_run_do_not_get_in_the_way(tmp_path):
    (tmp_path / ".dataset.tmp" / "jpg").mkdir(parents=True)
    (tmp_path / ".dataset.tmp" / "jpg" / "old.jpg").touch()
    write.write_sample(tmp_path / "dataset", train=1, val=1)
    assert [path.name for path in (tmp_path / "dataset" / "jpg").iterdir()] == ["tile_0001.jpg"]


@pytest.mark.parametrize("name", ["dataset", "dataset/mine.txt"])
def test_a_folder_that_holds_something_is_refused_and_unchanged(tmp_path, name):
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"already holds something\. Choose a new folder\.$") as caught:
        write.write_sample(tmp_path / name)
    assert caught.value.code == "E_OUT_NOT_EMPTY"
    assert files_below(tmp_path) == {"dataset/mine.txt": b"mine"}


@pytest.mark.parametrize(
    ("raised", "expected"),
    [(OSError(28, "No space left on device"), MachineError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_failure_half_way_leaves_nothing_behind(tmp_path, monkeypatch, raised, expected):
    draw_tile = write.draw_tile

    def fails_at_the_second(seed, split, number):
        if number == 2:
            raise raised
        return draw_tile(seed, split, number)

    monkeypatch.setattr(write, "draw_tile", fails_at_the_second)
    with pytest.raises(expected):
        write.write_sample(tmp_path / "dataset", train=3, val=1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_with_its_remedy(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "draw_tile", full)
    with pytest.raises(MachineError, match=r"No space left on device\. Free some space .* run the same command again"):
        write.write_sample(tmp_path / "dataset", train=1, val=1)
