"""The data: every record once, exactly the stored pixels, and nothing damaged."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import sys

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image
from trainer_fixtures import NEEDS_TF, write_records

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.manifest import Manifest
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.schema import IGNORE_INDEX, IMAGE, MASK

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, size=SIZE, records={"train": [7, 5, 4], "val": [3]})


def stored_pairs(folder, manifest: Manifest, split: str) -> list[tuple[bytes, bytes]]:
    """Pixels of every record in order, decoded by Pillow."""
    from trainer.backend import tf

    def pixels(encoded: bytes) -> bytes:
        return np.asarray(Image.open(io.BytesIO(encoded))).tobytes()

    pairs = []
    for shard in manifest.splits[split].shards:
        for record in tf.data.TFRecordDataset(str(folder / shard.name)):
            feature = tf.train.Example.FromString(record.numpy()).features.feature
            pairs.append(tuple(pixels(feature[key].bytes_list.value[0]) for key in (IMAGE, MASK)))
    return pairs


def epoch(batches) -> list[tuple[bytes, bytes]]:
    pairs = []
    for (batch,) in batches:
        for image, mask in zip(batch["image"].numpy(), batch["mask"].numpy(), strict=True):
            pairs.append((image.tobytes(), mask.tobytes()))
    return pairs


def stored_names(folder, split: str) -> list[str]:
    return [record.file_name for record in RecordSource(folder, split)]


@pytest.fixture(params=["pairs", "bytes", "places"])
def kept(request, monkeypatch) -> str:
    """Whatever is shuffled: decoded pairs, stored bytes, or places in the shards; returns the `cache` that does it."""
    from trainer import data

    monkeypatch.setattr(data, "STORED_SHARE", 0.0 if request.param == "places" else 0.25)
    return "on" if request.param == "pairs" else "off"


def test_evaluation_sees_bit_for_bit_the_pixels_that_pillow_reads_in_order_and_then_blanks(records):
    from trainer.data import eval_batches

    folder, manifest = records
    blank = (bytes(SIZE[0] * SIZE[1] * 3), bytes([IGNORE_INDEX]) * (SIZE[0] * SIZE[1]))
    for cache in ("on", "off"):
        for split, blanks in (("train", 4), ("val", 2)):
            batches = eval_batches(manifest, folder, split, batch=5, cache=cache)
            for _ in range(2):  # each pass is a whole one
                assert epoch(batches.dataset) == stored_pairs(folder, manifest, split) + [blank] * blanks
        assert batches.cached == (cache == "on")


def test_batches_are_full_uint8_of_static_size_and_exactly_as_many_as_promised(records):
    from trainer.data import eval_batches, train_batches

    folder, manifest = records
    for batches, batch, steps, total in (
        (train_batches(manifest, folder, "train", batch=5, seed=1, first_epoch=1, epochs=4), 5, 3, 9),
        (train_batches(manifest, folder, "val", batch=5, seed=1, epochs=2), 3, 1, 2),  # no more than there are
        (train_batches(manifest, folder, "train", batch=3, seed=1, epochs=2, records=8), 3, 2, 4),
        (eval_batches(manifest, folder, "train", batch=5), 5, 4, 4),
        (eval_batches(manifest, folder, "val", batch=5, records=2), 5, 1, 1),
    ):
        (spec,) = batches.dataset.element_spec
        assert {key: (value.dtype.name, value.shape.as_list()) for key, value in spec.items()} == {
            "image": ("uint8", [batch, *SIZE, 3]),
            "mask": ("uint8", [batch, *SIZE]),
        }
        assert (batches.batch, batches.steps, len(batches.dataset)) == (batch, steps, total)
        assert len(list(batches.dataset)) == total


def test_an_epoch_has_each_record_at_most_once_and_leaves_out_the_remainder_and_every_epoch_is_another(records, kept):
    from trainer.data import train_batches

    folder, manifest = records
    stored = set(stored_pairs(folder, manifest, "train"))
    assert len(stored) == 16
    batches = train_batches(manifest, folder, "train", batch=5, seed=1, epochs=4, cache=kept)
    seen = epoch(batches.dataset)
    epochs = [seen[start : start + 15] for start in range(0, 60, 15)]
    assert all(len(set(pairs)) == 15 and set(pairs) < stored for pairs in epochs)
    assert len({tuple(pairs) for pairs in epochs}) == 4
    assert len({tuple(stored - set(pairs)) for pairs in epochs}) > 1
    assert epoch(batches.dataset) == seen


def test_the_order_follows_from_seed_and_epoch_alone_so_that_a_later_start_gives_the_tail(records, kept):
    from trainer.backend import tf
    from trainer.data import train_batches

    folder, manifest = records

    def order(seed: int, first_epoch: int = 0, cache: str = kept) -> list[tuple[bytes, bytes]]:
        where = (manifest, folder, "train")
        return epoch(train_batches(*where, batch=5, seed=seed, first_epoch=first_epoch, epochs=4, cache=cache).dataset)

    tf.random.set_seed(5)
    whole = order(1)
    state = tf.random.uniform([4]).numpy()
    tf.random.set_seed(6)  # the process's seed is not the order's, and the order does not set it
    assert order(1) == order(1, cache="off") == whole
    assert order(1, first_epoch=2) == whole[30:]
    assert order(2) != whole
    assert len({tuple(order(seed)) for seed in (0, 1, 2, 2**31 - 3)}) == 4
    assert len(order(2**31 - 2)) == len(order(2**31 - 1)) == len(whole)  # TensorFlow refuses the seeds (0, epoch)
    tf.random.set_seed(5)
    order(1)
    np.testing.assert_array_equal(tf.random.uniform([4]).numpy(), state)


def test_the_order_and_the_pixels_are_the_same_with_the_fast_decoder_and_without(records, monkeypatch):
    from trainer import data

    folder, manifest = records
    orders = []
    for decoder in (data.decode_image_png_u8, None):
        monkeypatch.setattr(data, "decode_image_png_u8", decoder)
        batches = data.train_batches(manifest, folder, "train", batch=5, seed=1, epochs=2, cache="off")
        orders.append(epoch(batches.dataset))
    assert orders[0] == orders[1]
    assert set(orders[0]) <= set(stored_pairs(folder, manifest, "train"))


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB"])
def test_a_mask_is_what_tensorflow_reads_whatever_its_kind(mode):
    from trainer.backend import tf
    from trainer.data import _mask_pixels

    indices = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
    picture = Image.fromarray(indices)
    if mode == "P":
        picture.putpalette([255 - value for value in range(256) for _ in range(3)])
    file = io.BytesIO()
    picture.convert(mode).save(file, "PNG")
    wanted = tf.io.decode_png(file.getvalue(), channels=1).numpy()[..., 0]
    np.testing.assert_array_equal(_mask_pixels(file.getvalue(), (6, 8)), wanted)
    if mode == "L":
        np.testing.assert_array_equal(wanted, indices)


def test_a_mask_that_is_cut_off_is_an_error_and_no_pixels():
    from trainer.backend import tf
    from trainer.data import _mask_pixels

    file = io.BytesIO()
    Image.fromarray(np.arange(200 * 8, dtype=np.uint8).reshape(40, 40)).save(file, "PNG")
    with pytest.raises(tf.errors.InvalidArgumentError):
        _mask_pixels(file.getvalue()[:-60], (40, 40))


def test_records_of_all_shards_are_mixed(tmp_path, kept):
    from trainer.data import train_batches

    manifest = write_records(tmp_path / "records", size=(4, 4), records={"train": [40, 40, 40]})
    numbers = {pair: number for number, pair in enumerate(stored_pairs(tmp_path / "records", manifest, "train"))}
    assert len(numbers) == 120
    batches = train_batches(manifest, tmp_path / "records", "train", batch=40, seed=0, epochs=1, cache=kept)
    shards = np.array([numbers[pair] // 40 for pair in epoch(batches.dataset)]).reshape(3, 40)
    # 40 of 120 drawn without replacement: 13.3 of each shard, and less than 4 or more than 23 in one of 2000 seeds.
    assert all(4 <= (third == shard).sum() <= 23 for third in shards for shard in range(3))


def test_the_names_of_a_batch_are_those_of_its_images(records, kept):
    from trainer.data import batch_names, train_batches

    folder, manifest = records
    name_of = dict(zip(stored_pairs(folder, manifest, "train"), stored_names(folder, "train"), strict=True))
    for batch, limit in ((5, 0), (3, 8), (20, 0)):
        batches = train_batches(manifest, folder, "train", batch=batch, seed=3, epochs=2, cache=kept, records=limit)
        seen = [name_of[pair] for pair in epoch(batches.dataset)]
        for number in range(2 * batches.steps):
            where = {"epoch": number // batches.steps, "step": number % batches.steps}
            names = batch_names(manifest, folder, "train", batch=batch, seed=3, records=limit, **where)
            assert names == seen[number * batches.batch : (number + 1) * batches.batch]
        if limit:
            assert set(seen) <= set(stored_names(folder, "train")[:limit])


def test_what_is_kept_is_read_once(tmp_path):
    from trainer import data

    manifest = write_records(tmp_path / "records", records={"train": [5, 4]})
    stored = sorted(stored_pairs(tmp_path / "records", manifest, "train"))
    kept = data.train_batches(manifest, tmp_path / "records", "train", batch=9, seed=1, epochs=3, cache="on")
    evaluated = data.eval_batches(manifest, tmp_path / "records", "train", batch=9, cache="on")
    stored_bytes = data.train_batches(manifest, tmp_path / "records", "train", batch=9, seed=1, epochs=3, cache="off")
    for shard in manifest.splits["train"].shards:
        (tmp_path / "records" / shard.name).unlink()
    first = epoch(kept.dataset)
    assert epoch(stored_bytes.dataset) == epoch(kept.dataset) == first
    assert sorted(first) == sorted(3 * stored)
    assert sorted(epoch(evaluated.dataset)) == stored


@pytest.mark.parametrize(
    ("cache", "free", "cached", "line"),
    [
        ("auto", 2 * 61440, True, "fit in memory: 61 kB of 123 kB free; they are read once"),
        ("auto", 2 * 61440 - 1, False, "would take 61 kB of 123 kB free: they are decoded anew each epoch"),
        ("on", 61440, True, "fit in memory: 61 kB of 61 kB free"),
        ("off", 10**12, False, None),
    ],
)
def test_decoded_records_are_kept_where_they_take_half_of_the_free_memory_and_the_log_says_so(
    records, monkeypatch, caplog, cache, free, cached, line
):
    from trainer import data

    folder, manifest = records
    monkeypatch.setattr(data, "free_memory", lambda: free)
    with caplog.at_level("INFO", logger="segconv"):
        batches = data.train_batches(manifest, folder, "train", batch=5, seed=1, epochs=1, cache=cache)
    assert 16 * 24 * 40 * 4 == 61440
    assert batches.cached is cached
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (line is not None)
    assert line is None or line in messages[0]


def test_a_cache_that_cannot_fit_is_refused_before_memory_is_spent(records, monkeypatch):
    from trainer import data

    folder, manifest = records
    monkeypatch.setattr(data, "free_memory", lambda: 61439)
    with pytest.raises(UsageError, match=r"--cache: .* need 61 kB, and 61 kB are free\. Pass --cache auto\.") as caught:
        data.train_batches(manifest, folder, "train", batch=5, seed=1, epochs=1, cache="on")
    assert caught.value.code == "E_MEMORY"


@dataclasses.dataclass
class FakeTime:
    """Seconds that pass only when somebody works."""

    now: float = 1000.0

    def read(self) -> float:
        """The clock."""
        return self.now

    def work(self, seconds: float) -> np.int64:
        """Takes so long."""
        self.now += seconds
        return np.int64(1)


def test_the_input_wait_is_what_the_input_took_and_not_what_the_reader_took():
    from trainer.backend import tf
    from trainer.data import InputWait

    clock = FakeTime()
    wait = InputWait(clock.read)
    source = tf.data.Dataset.range(4).map(lambda _: tf.numpy_function(lambda: clock.work(3.0), (), tf.int64))
    for _ in wait.timed(source):
        clock.work(100.0)
    assert wait.take() == 4 * 3.0
    assert wait.take() == 0.0
    for _ in wait.timed(source.take(1)):
        pass
    assert wait.take() == 3.0


def test_nothing_asks_the_input_in_the_readers_stead():
    from trainer.backend import tf
    from trainer.data import InputWait

    clock = FakeTime()
    wait = InputWait(clock.read)
    elements = iter(wait.timed(tf.data.Dataset.range(50)))
    for _ in range(50):  # what is asked ahead of time, by whatever thread, would see the clock move while it waits
        clock.work(1.0)
        next(elements)
        clock.work(1.0)
    assert wait.take() == 0.0


def test_timing_leaves_elements_and_their_number_alone(records):
    from trainer.backend import tf
    from trainer.data import InputWait

    pairs = tf.data.Dataset.from_tensor_slices(({"image": [1, 2], "mask": [3, 4]},))
    timed = InputWait().timed(pairs)
    assert timed.element_spec == pairs.element_spec
    assert len(timed) == 2
    assert list(timed.as_numpy_iterator()) == list(pairs.as_numpy_iterator())


def test_a_shard_with_another_number_of_records_than_its_manifest_says_is_refused(tmp_path, monkeypatch):
    from trainer import data

    manifest = write_records(tmp_path / "records", records={"train": [3]})
    monkeypatch.setattr(data, "STORED_SHARE", 0.0)
    info = manifest.splits["train"]
    forged = dataclasses.replace(info, shards=(dataclasses.replace(info.shards[0], records=2),))
    manifest = dataclasses.replace(manifest, splits={"train": forged})
    with pytest.raises(DataError, match="does not hold 2 records") as caught:
        data.train_batches(manifest, tmp_path / "records", "train", batch=1, seed=0, epochs=1, cache="off")
    assert caught.value.code == "E_COUNTS"


@pytest.mark.parametrize("cache", ["on", "off"])
def test_workers_read_parts_of_every_batch_that_do_not_overlap(records, cache):
    """Two workers of two devices each: a device's part is an element of its own."""
    from trainer.data import eval_batches, train_batches
    from trainer.devices import Share

    folder, manifest = records

    def batches(share: Share) -> list:
        options = {"batch": 8, "cache": cache, "share": share}
        where = (manifest, folder, "train")
        return [train_batches(*where, seed=1, epochs=2, records=13, **options), eval_batches(*where, **options)]

    parts = [batches(Share(worker, num_workers=2, num_replicas=4)) for worker in (0, 1)]
    for whole, *of_workers in zip(batches(Share()), *parts, strict=True):
        pairs = epoch(whole.dataset)
        for worker, part in enumerate(of_workers):
            assert (part.batch, part.steps, len(part.dataset)) == (2, whole.steps, 2 * len(whole.dataset))
            assert epoch(part.dataset) == pairs[worker::2]  # of a batch of 8: 4 records each


TWO_DEVICES = """
import sys
from pathlib import Path
import numpy as np
from trainer.backend import tf
from trainer.data import open_records, train_batches

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
folder = Path(sys.argv[1])
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for cache in ("on", "off"):
    with strategy.scope():
        manifest = open_records(folder, ("train",))
        batches = train_batches(manifest, folder, "train", batch=6, seed=1, epochs=2, cache=cache)
    shared = strategy.experimental_distribute_dataset(batches.dataset)
    spec = shared.element_spec[0]["image"]
    assert [part.shape.as_list() for part in spec._value_specs] == [[3, 24, 40, 3]] * 2, spec
    count = 0
    for (whole,), (parts,) in zip(batches.dataset, shared, strict=True):
        for key in ("image", "mask"):
            halves = strategy.experimental_local_results(parts[key])
            np.testing.assert_array_equal(np.concatenate([half.numpy() for half in halves]), whole[key].numpy())
        count += 1
    assert count == 2 * batches.steps == 4
    assert (batches.wait.take() > 0) == (cache == "off")  # what lies in memory is not timed
print("split")
"""


def test_two_devices_get_the_halves_of_each_batch_at_static_shapes(records):
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES, records[0]], capture_output=True, text=True, check=False)
    assert done.stdout == "split\n", done.stderr


STRICT = """
import sys
from pathlib import Path
from trainer.backend import tf
from trainer.data import open_records, train_batches

tf.config.experimental.enable_op_determinism()
folder = Path(sys.argv[1])
manifest = open_records(folder, ("train",))
for cache in ("on", "off"):
    batches = train_batches(manifest, folder, "train", batch=5, seed=1, epochs=2, cache=cache)
    assert len(list(batches.dataset)) == 6
    assert (batches.wait.take() > 0) == (cache == "off")  # what lies in memory is not timed
print("read")
"""


def test_determinism_takes_every_stage_of_the_input(records):
    done = subprocess.run([sys.executable, "-c", STRICT, records[0]], capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr


def test_one_flipped_bit_is_found_before_tensorflow_reads(tmp_path):
    from trainer.data import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3], "val": [2]})
    path = tmp_path / "records" / manifest.splits["train"].shards[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_records(tmp_path / "records", ("train", "val"))
    assert caught.value.code == "E_SHARD_CRC"
    assert open_records(tmp_path / "records", ("val",)).name == "tiny"  # what is not read is not in the way


def test_an_absent_split_is_named_with_those_that_are_there(records):
    from trainer.data import open_records

    with pytest.raises(UsageError, match="has no split 'test', but 'train', 'val'"):
        open_records(records[0], ("test",))


def test_an_empty_split_is_refused(tmp_path):
    from trainer.data import open_records

    write_records(tmp_path / "records", records={"train": [3], "val": []})
    with pytest.raises(UsageError, match="split 'val' holds no records"):
        open_records(tmp_path / "records", ("train", "val"))


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    from trainer.data import open_records

    with pytest.raises(UsageError, match="segconv build --src"):
        open_records(tmp_path, ("train",))


@pytest.mark.parametrize("image_format", ["jpeg:80", "png", "keep"])
def test_what_segconv_builds_is_decoded_to_the_same_pixels_whatever_its_format(tmp_path, image_format):
    from trainer.data import eval_batches, open_records

    source = write_dataset(tmp_path / "source", size=(33, 47))
    image = Image.open(source / "jpg/p0.jpg")
    image.save(source / "jpg/p1.jpg", "PNG")
    image.save(source / "jpg/p2.jpg", quality=70, subsampling="4:2:2", progressive=True)
    image.save(source / "jpg/p3.jpg", quality=70, keep_rgb=True)
    pair = PairConfig((33, 47), image_format=image_format)
    out = build(BuildConfig(SourceConfig(source), tmp_path / "out", pair=pair, workers=1)).out
    batches = epoch(eval_batches(open_records(out, ("train",)), out, "train", batch=3).dataset)
    assert batches == [(record.image.tobytes(), record.mask.tobytes()) for record in RecordSource(out, "train")]
    assert len(batches) == 6


def test_records_of_different_sizes_are_refused(tmp_path):
    from trainer.data import open_records

    manifest = write_records(tmp_path / "records", records={"train": [3]})
    text = dataclasses.replace(manifest, size=None).to_json()
    (tmp_path / "records/manifest.json").write_text(text)
    with pytest.raises(
        UsageError, match=r"records: records have no common size\. Build .* --size HEIGHTxWIDTH"
    ) as caught:
        open_records(tmp_path / "records", ("train",))
    assert caught.value.code == "E_SIZE"


def test_kept_pairs_are_decoded_once(records, monkeypatch):
    from trainer import data
    from trainer.backend import tf

    decoded = []

    def counting(manifest, folder, **options):
        def decode(record):
            tf.numpy_function(lambda: decoded.append(1), (), ())
            return original(record)

        original = real_decoder(manifest, folder, **options)
        return decode

    real_decoder = data._decoder
    monkeypatch.setattr(data, "_decoder", counting)
    folder, manifest = records
    for cache, times in (("on", 16), ("off", 3 * 16)):
        decoded.clear()
        list(data.train_batches(manifest, folder, "train", batch=4, seed=1, epochs=3, cache=cache).dataset)
        assert len(decoded) == times
