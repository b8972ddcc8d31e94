"""Shards: how pairs are dealt, what is stored of each, and what is counted on the way."""

from __future__ import annotations

import io
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import CLASSES as CSV
from conftest import COLORS, EXPECTED, draw_pair, write_dataset
from PIL import Image

from converter.building.convert import make_record
from converter.building.plan import estimated_bytes, num_shards, plan_shards, shuffled
from converter.building.shards import run_shard_task
from converter.building.summary import stored_size
from converter.building.tally import Tally
from converter.classes.mapper import MaskMapper
from converter.classes.native import parse_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import Record
from converter.errors import DataError, MachineError
from converter.limits import MAX_LISTED_SIZES
from converter.sources.refs import ExampleRef

CLASSES = parse_class_map("name,value\na,0\nb,*\n", "classes.csv")
REFS = [ExampleRef("train", f"jpg/{n}.jpg", f"png/{n}.png", "train.txt", n + 1) for n in range(100)]


@pytest.mark.parametrize(("pairs", "size", "shard_mb", "expected"), [
    (1, (512, 512), 128, 1),
    (63, (512, 512), 128, 1),
    (367, (512, 512), 128, 11),  # 32 records a shard at least
    (10_000, (512, 512), 128, 16),
    (100_000, (512, 512), 128, 74),  # 94 kB a record: 9.4 GB
    (100_000, (512, 512), 1000, 16),
])  # fmt: skip
def test_number_of_shards(pairs, size, shard_mb, expected):
    assert num_shards(pairs, PairConfig(size), shard_mb) == expected


@pytest.mark.parametrize(("pair", "expected"), [
    (PairConfig((100, 200)), 7200),
    (PairConfig((100, 200), image_format="jpeg:75"), 3600),
    (PairConfig((100, 200), image_format="jpeg:1"), 2600),
    (PairConfig((100, 200), image_format="keep"), 7200),
    (PairConfig((100, 200), image_format="png"), 28_000),
    (PairConfig(None), 94_372),  # as if they were 512 x 512
])  # fmt: skip
def test_the_size_of_records_is_estimated_from_the_options_alone(pair, expected):
    assert estimated_bytes(1, pair) == expected
    assert estimated_bytes(1000, pair) == pytest.approx(1000 * expected, rel=1e-4)
    assert estimated_bytes(0, pair) == 0


def test_every_pair_is_in_one_shard_and_shards_differ_by_one_at_most():
    tasks = plan_shards("train", REFS, BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES)
    dealt = [ref for task in tasks for ref in task.refs]
    assert sorted(dealt, key=lambda ref: ref.line) == REFS
    assert {len(task.refs) for task in tasks} == {14, 15}
    assert tasks[6].path == Path("records/d-train.tfrecord-00006-of-00007")


def test_never_more_shards_than_pairs():
    assert len(plan_shards("train", REFS[:3], BuildConfig(SourceConfig(Path("d")), shards=7), CLASSES)) == 3


def test_order_depends_on_names_and_seed_alone():
    assert shuffled(REFS, 0) == shuffled(REFS[::-1], 0)
    assert shuffled(REFS, 0) != shuffled(REFS, 1)
    assert shuffled(REFS, 0) != REFS


def jpeg(height: int, width: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_shard_that_cannot_be_written_is_a_fault_of_the_machine(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    refs = [ExampleRef("train", "jpg/p0.jpg", "png/m0.png", "train.txt", 1)]
    (task,) = plan_shards("train", refs, BuildConfig(SourceConfig(dataset), tmp_path / "gone"), CLASSES)
    with pytest.raises(MachineError, match="No such file or directory"):
        run_shard_task(task, lambda: None)


def test_ticks_once_for_each_pair_good_or_bad(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    (dataset / "jpg/p1.jpg").unlink()
    refs = [ExampleRef("train", f"jpg/p{n}.jpg", f"png/m{n}.png", "train.txt", n + 1) for n in range(3)]
    (task,) = plan_shards("train", refs, BuildConfig(SourceConfig(dataset), tmp_path), CLASSES)
    ticks: list[int] = []
    result = run_shard_task(task, lambda: ticks.append(1))
    assert (len(ticks), result.info.records, [r.line for r in result.rejects(task)]) == (3, 2, [2])
    assert np.sum(result.tally.pixels) + result.tally.ignored_pixels == 2 * 512 * 512
    assert result.tally.sizes == {(20, 30): 2}


# What is stored, and what is counted, against Pillow and NumPy.

KINDS = parse_class_map(CSV, "classes.csv")


def make(src: Path, pair: PairConfig, image: str = "a.jpg", mask: str = "a.png") -> tuple[Record, Tally]:
    """Makes the record of a pair of files in `src`."""
    ref = ExampleRef("train", image, mask)
    return make_record(ref, SourceConfig(src), MaskMapper(KINDS, pair.tolerance), pair)


def write_pair(src: Path, *, seed: int = 0, size: tuple[int, int] = (20, 30), **options: object) -> np.ndarray:
    """Writes a.jpg and a.png; returns the class indices that are drawn in the mask, uint8 [H, W]."""
    image, mask = draw_pair(seed, size)
    Image.fromarray(image).save(src / "a.jpg", **({"quality": 90} | options))
    Image.fromarray(COLORS[mask]).save(src / "a.png")
    drawn: np.ndarray = EXPECTED[mask]
    return drawn


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def sums(pixels: np.ndarray, power: int) -> list[int]:
    return (pixels.reshape(-1, 3).astype(np.int64) ** power).sum(0).tolist()


@pytest.mark.parametrize(("fit", "crop", "box"), [  # of 20 x 30: (left, top, right, bottom) of it, and where it goes
    ("pad", (0, 0, 30, 20), (0, 4, 24, 20)),
    ("stretch", (0, 0, 30, 20), (0, 0, 24, 24)),
    ("crop", (5, 0, 25, 20), (0, 0, 24, 24)),
])  # fmt: skip
@pytest.mark.parametrize("image_format", ["jpeg:95", "png", "keep"])
def test_a_record_and_its_counts_are_those_of_an_independent_computation(tmp_path, fit, crop, box, image_format):
    drawn = write_pair(tmp_path)
    record, tally = make(tmp_path, PairConfig((24, 24), fit, image_format=image_format))
    left, top, right, bottom = box
    picture = Image.open(tmp_path / "a.jpg").resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=crop)
    stored = Image.new("RGB", (24, 24))
    stored.paste(picture, (left, top))
    expected = io.BytesIO()
    stored.save(expected, "JPEG", quality=95, subsampling="4:2:0")
    if image_format == "png":
        np.testing.assert_array_equal(decoded(record.image_bytes), np.asarray(stored))
        assert Image.open(io.BytesIO(record.image_bytes)).format == "PNG"
    else:
        assert record.image_bytes == expected.getvalue()
    rows, columns = (
        np.floor((np.arange(new) + 0.5) * (end - start) / new).astype(int) + start
        for new, start, end in ((bottom - top, crop[1], crop[3]), (right - left, crop[0], crop[2]))
    )
    mask = np.full((24, 24), 255, np.uint8)
    mask[top:bottom, left:right] = drawn[rows][:, columns]
    np.testing.assert_array_equal(record.mask, mask)
    pixels = np.asarray(picture)
    assert tally == Tally(
        pixels=[int((mask == index).sum()) for index in range(3)],
        images=[int((mask == index).any()) for index in range(3)],
        ignored_pixels=int((mask == 255).sum()),
        padded_pixels=24 * 24 - pixels.shape[0] * pixels.shape[1],
        picture_pixels=pixels.shape[0] * pixels.shape[1],
        level_sums=sums(pixels, 1),
        level_squares=sums(pixels, 2),
        sizes=Counter({(20, 30): 1}),
    )


def test_channels_are_mean_and_standard_deviation_of_every_stored_pixel(tmp_path):
    tally, pixels = Tally.of_nothing(3), []
    for seed in range(5):
        write_pair(tmp_path, seed=seed)
        tally.add(make(tmp_path, PairConfig((40, 40)))[1])
        resized = Image.open(tmp_path / "a.jpg").resize((40, 27), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(resized, np.float64).reshape(-1, 3))
    channels = tally.channels()
    np.testing.assert_allclose(channels.mean, np.concatenate(pixels).mean(0), rtol=1e-12)
    np.testing.assert_allclose(channels.std, np.concatenate(pixels).std(0), rtol=1e-12)


def test_channels_lose_no_digit_however_many_pixels_there_are():
    half = 10**17  # pixels of 200, as many of 201: in floating point the difference of the squares would be noise
    tally = Tally([], [], picture_pixels=2 * half, level_sums=[401 * half] * 3, level_squares=[80401 * half] * 3)
    channels = tally.channels()
    assert (channels.mean, channels.std) == ((200.5,) * 3, (0.5,) * 3)
    assert Tally.of_nothing(3).channels() is None


def test_the_sum_of_tallies_is_the_same_in_every_order(tmp_path):
    tallies = []
    for seed, size in enumerate([(20, 30), (30, 20), (20, 30), (7, 9)]):
        write_pair(tmp_path, seed=seed, size=size)
        tallies.append(make(tmp_path, PairConfig((24, 24)))[1])
    totals = []
    for order in itertools.permutations(tallies):
        totals.append(Tally.of_nothing(3))
        for tally in order:
            totals[-1].add(tally)
    assert all(total == totals[0] for total in totals)
    assert totals[0].sizes == {(20, 30): 2, (30, 20): 1, (7, 9): 1}
    assert totals[0].common_sizes() == (((20, 30, 2), (7, 9, 1), (30, 20, 1)), 0)


def test_rare_sizes_are_counted_together():
    tally = Tally([], [], sizes=Counter({(side, 8): 3 for side in range(1, 151)} | {(200, 8): 4}))
    listed, others = tally.common_sizes()
    assert listed == ((200, 8, 4), *((side, 8, 3) for side in range(1, MAX_LISTED_SIZES)))
    assert others == (150 - MAX_LISTED_SIZES + 1) * 3


def test_keep_stores_the_coded_picture_itself_without_its_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "camera with a serial number"
    write_pair(tmp_path, quality=60, subsampling="4:4:4", progressive=True, exif=exif, comment=b"at home")
    record, tally = make(tmp_path, PairConfig((20, 30), image_format="keep"))
    kept = Image.open(io.BytesIO(record.image_bytes))
    original = Image.open(tmp_path / "a.jpg")
    assert tally.kept == 1
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(original))
    assert kept.info["progressive"] == 1
    assert not kept.getexif()
    assert "comment" not in kept.info
    assert b"camera" not in record.image_bytes
    assert tally.level_sums == sums(np.asarray(original), 1)


@pytest.mark.parametrize(("size", "orientation"), [((20, 30), 3), ((40, 60), 1)])
def test_keep_writes_what_it_has_to_turn_or_resize(tmp_path, size, orientation):
    (tmp_path / "a.jpg").write_bytes(jpeg(20, 30, orientation))
    (tmp_path / "a.png").write_bytes(png(20, 30))
    record, tally = make(tmp_path, PairConfig(size, image_format="keep"))
    assert (tally.kept, decoded(record.image_bytes).shape) == (0, (*size, 3))


@pytest.mark.parametrize(("orientation", "mask_size", "turned", "unturned"), [
    (1, (20, 30), 0, 0),
    (3, (20, 30), 1, 0),
    (6, (30, 20), 1, 0),
    (6, (20, 30), 0, 1),
])  # fmt: skip
def test_peers_row_10_photographs_that_exif_would_turn_are_counted(tmp_path, orientation, mask_size, turned, unturned):
    (tmp_path / "a.jpg").write_bytes(jpeg(20, 30, orientation))
    (tmp_path / "a.png").write_bytes(png(*mask_size))
    tally = make(tmp_path, PairConfig((24, 24)))[1]
    assert (tally.turned, tally.unturned) == (turned, unturned)
    assert tally.sizes == {mask_size: 1}


def test_without_a_size_every_record_has_that_of_its_photograph(tmp_path):
    drawn = write_pair(tmp_path, size=(21, 13))
    record, tally = make(tmp_path, PairConfig(None, image_format="png"))
    np.testing.assert_array_equal(record.mask, drawn)
    np.testing.assert_array_equal(decoded(record.image_bytes), np.asarray(Image.open(tmp_path / "a.jpg")))
    assert (tally.padded_pixels, tally.picture_pixels, record.original_size) == (0, 21 * 13, (21, 13))


def test_records_have_a_size_in_common_where_all_photographs_have_it(tmp_path):
    src = write_dataset(tmp_path / "dataset", train=2, val=1)
    refs = [ExampleRef("train", f"jpg/p{n}.jpg", f"png/m{n}.png") for n in range(2)]
    config = BuildConfig(SourceConfig(src), tmp_path, pair=PairConfig(None), shards=2)

    def results() -> list:
        return [run_shard_task(task, lambda: None) for task in plan_shards("train", refs, config, CLASSES)]

    assert stored_size(results(), PairConfig(None)) == (20, 30)
    assert stored_size(results(), PairConfig((24, 24))) == (24, 24)
    image, mask = draw_pair(1, (8, 9))
    Image.fromarray(image).save(src / "jpg/p1.jpg")
    Image.fromarray(COLORS[mask]).save(src / "png/m1.png")
    assert stored_size(results(), PairConfig(None)) is None
    assert stored_size([], PairConfig(None)) is None


def test_vote_stores_the_class_with_the_most_area_under_each_pixel(tmp_path):
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, 4, (10, 10))
    fine = np.zeros((20, 30), np.int64)
    fine[:, 5:25] = wanted.repeat(2, 0).repeat(2, 1)
    for row, column in np.ndindex(10, 10):  # one of the four pixels under each is of another class
        y, x = rng.integers(0, 2, 2)
        fine[2 * row + y, 5 + 2 * column + x] = rng.integers(0, 4)
    write_pair(tmp_path)
    Image.fromarray(COLORS[fine]).save(tmp_path / "a.png")
    record, _ = make(tmp_path, PairConfig((10, 10), "crop", "vote"))
    np.testing.assert_array_equal(record.mask, EXPECTED[wanted])


def test_colours_that_are_taken_for_listed_ones_are_counted_pair_by_pair(tmp_path):
    drawn = write_pair(tmp_path)
    mask = np.asarray(Image.open(tmp_path / "a.png")).copy()
    mask[3, 4:9, 0] ^= 3
    Image.fromarray(mask).save(tmp_path / "a.png")
    pair = PairConfig((20, 30), tolerance=3)
    mapper = MaskMapper(KINDS, pair.tolerance)
    for _ in range(2):
        record, tally = make_record(ExampleRef("train", "a.jpg", "a.png"), SourceConfig(tmp_path), mapper, pair)
        assert tally.corrected_pixels == 5
        np.testing.assert_array_equal(record.mask, drawn)
    with pytest.raises(DataError, match="unlisted"):
        make(tmp_path, PairConfig((20, 30)))
