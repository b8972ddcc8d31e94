"""The batches: every record once, in an order that depends only on seed and epoch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, epoch, stored_pairs, write_records

from converter.dataset.reader import RecordSource
from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, SIZE, records={"train": [7, 5, 4], "val": [3]})


def stored_names(folder, split: str) -> list[str]:
    return [record.file_name for record in RecordSource(folder, split)]


@pytest.fixture(params=["pairs", "bytes", "places"])
def kept(request, monkeypatch) -> str:
    """What is shuffled: decoded pairs, stored bytes, or positions in the shards; returns the matching `cache`."""
    from trainer.input import reading

    monkeypatch.setattr(reading, "STORED_SHARE", 0.0 if request.param == "places" else 0.25)
    return "on" if request.param == "pairs" else "off"


def test_evaluation_sees_bit_for_bit_the_pixels_that_pillow_reads_in_order_and_then_blanks(records):
    from trainer.input.batches import eval_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    blank = (bytes(SIZE[0] * SIZE[1] * 3), bytes([IGNORE_INDEX]) * (SIZE[0] * SIZE[1]))
    for cache in ("on", "off"):
        for split, blanks in (("train", 4), ("val", 2)):
            batches = eval_batches(InputConfig(manifest, folder, split, batch=5, cache=cache))
            for _ in range(2):  # each pass is complete
                assert epoch(batches.dataset) == stored_pairs(folder, manifest, split) + [blank] * blanks
        assert batches.cached == (cache == "on")


def test_batches_are_full_uint8_of_static_size_and_exactly_as_many_as_promised(records):
    from trainer.input.batches import eval_batches, train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    for batches, batch, steps, total in (
        (train_batches(InputConfig(manifest, folder, "train", batch=5), seed=1, first_epoch=1, epochs=4), 5, 3, 9),
        (
            train_batches(InputConfig(manifest, folder, "val", batch=5), seed=1, epochs=2),
            3,
            1,
            2,
        ),  # no more than there are
        (train_batches(InputConfig(manifest, folder, "train", batch=3, records=8), seed=1, epochs=2), 3, 2, 4),
        (eval_batches(InputConfig(manifest, folder, "train", batch=5)), 5, 4, 4),
        (eval_batches(InputConfig(manifest, folder, "val", batch=5, records=2)), 5, 1, 1),
    ):
        (spec,) = batches.dataset.element_spec
        assert {key: (value.dtype.name, value.shape.as_list()) for key, value in spec.items()} == {
            "image": ("uint8", [batch, *SIZE, 3]),
            "mask": ("uint8", [batch, *SIZE]),
        }
        assert (batches.batch, batches.steps, len(batches.dataset)) == (batch, steps, total)
        assert len(list(batches.dataset)) == total


def test_an_epoch_has_each_record_at_most_once_and_leaves_out_the_remainder_and_every_epoch_is_another(records, kept):
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    stored = set(stored_pairs(folder, manifest, "train"))
    assert len(stored) == 16
    batches = train_batches(InputConfig(manifest, folder, "train", batch=5, cache=kept), seed=1, epochs=4)
    seen = epoch(batches.dataset)
    epochs = [seen[start : start + 15] for start in range(0, 60, 15)]
    assert all(len(set(pairs)) == 15 and set(pairs) < stored for pairs in epochs)
    assert len({tuple(pairs) for pairs in epochs}) == 4
    assert len({tuple(stored - set(pairs)) for pairs in epochs}) > 1
    assert epoch(batches.dataset) == seen


def test_the_order_follows_from_seed_and_epoch_alone_so_that_a_later_start_gives_the_tail(records, kept):
    from trainer.backend import tf
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records

    def order(seed: int, first_epoch: int = 0, cache: str = kept) -> list[tuple[bytes, bytes]]:
        where = (manifest, folder, "train")
        return epoch(
            train_batches(
                InputConfig(*where, batch=5, cache=cache), seed=seed, first_epoch=first_epoch, epochs=4
            ).dataset
        )

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


def test_no_thread_of_tensorflow_tunes_the_batches_so_that_none_holds_up_the_end_of_a_run(records, kept):
    from trainer.input.batches import eval_batches, train_batches
    from trainer.input.reading import InputConfig

    config = InputConfig(*reversed(records), "train", batch=5, cache=kept)
    for batches in (train_batches(config, seed=1, epochs=2), eval_batches(config)):
        assert batches.dataset.options().autotune.enabled is False


def test_records_of_all_shards_are_mixed(tmp_path, kept):
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    manifest = write_records(tmp_path / "records", (4, 4), records={"train": [40, 40, 40]})
    numbers = {pair: number for number, pair in enumerate(stored_pairs(tmp_path / "records", manifest, "train"))}
    assert len(numbers) == 120
    batches = train_batches(
        InputConfig(manifest, tmp_path / "records", "train", batch=40, cache=kept), seed=0, epochs=1
    )
    shards = np.array([numbers[pair] // 40 for pair in epoch(batches.dataset)]).reshape(3, 40)
    # 40 of 120 drawn without replacement: 13.3 of each shard, and less than 4 or more than 23 in one of 2000 seeds.
    assert all(4 <= (third == shard).sum() <= 23 for third in shards for shard in range(3))


def test_the_names_of_a_batch_are_those_of_its_images(records, kept):
    from trainer.input.batches import batch_names, train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    name_of = dict(zip(stored_pairs(folder, manifest, "train"), stored_names(folder, "train"), strict=True))
    for batch, limit in ((5, 0), (3, 8), (20, 0)):
        batches = train_batches(
            InputConfig(manifest, folder, "train", batch=batch, cache=kept, records=limit), seed=3, epochs=2
        )
        seen = [name_of[pair] for pair in epoch(batches.dataset)]
        for number in range(2 * batches.steps):
            where = {"epoch": number // batches.steps, "step": number % batches.steps}
            names = batch_names(InputConfig(manifest, folder, "train", batch=batch, records=limit), seed=3, **where)
            assert names == seen[number * batches.batch : (number + 1) * batches.batch]
        if limit:
            assert set(seen) <= set(stored_names(folder, "train")[:limit])


@pytest.mark.parametrize("cache", ["on", "off"])
def test_workers_read_parts_of_every_batch_that_do_not_overlap(records, cache):
    """Two workers of two devices each: a device's part is an element of its own."""
    from trainer.devices import Share
    from trainer.input.batches import eval_batches, train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records

    def batches(share: Share) -> list:
        options = {"batch": 8, "cache": cache, "share": share}
        where = (manifest, folder, "train")
        return [
            train_batches(InputConfig(*where, records=13, **options), seed=1, epochs=2),
            eval_batches(InputConfig(*where, **options)),
        ]

    parts = [batches(Share(worker, num_workers=2, num_replicas=4)) for worker in (0, 1)]
    for whole, *of_workers in zip(batches(Share()), *parts, strict=True):
        pairs = epoch(whole.dataset)
        for worker, part in enumerate(of_workers):
            assert (part.batch, part.steps, len(part.dataset)) == (2, whole.steps, 2 * len(whole.dataset))
            assert epoch(part.dataset) == pairs[worker::2]  # of a batch of 8: 4 records each


@pytest.mark.parametrize("cache", ["on", "off"])
def test_workers_with_shards_of_their_own_read_those_alone_each_record_once_in_an_epoch(tmp_path, cache):
    from trainer.devices import Share
    from trainer.input.batches import batch_names, eval_batches, train_batches
    from trainer.input.reading import InputConfig
    from trainer.input.records import open_records

    whole = tmp_path / "whole"
    manifest = write_records(whole, SIZE, records={"train": [5, 6, 6, 6], "val": [2, 1]})
    numbers = {pair: number for number, pair in enumerate(stored_pairs(whole, manifest, "train"))}
    names = stored_names(whole, "train")
    orders = []
    for worker, (own, shards) in enumerate([(range(12), (0, 1, 2)), (range(12, 23), (2, 3))]):
        folder = tmp_path / f"worker{worker}"
        folder.mkdir()
        mine = [manifest.splits["train"].shards[shard].name for shard in shards]
        mine.append(manifest.splits["val"].shards[worker].name)
        for name in (*mine, *(f"{name}.idx" for name in mine), "manifest.json"):
            (folder / name).write_bytes((whole / name).read_bytes())
        share = Share(worker, num_workers=2, num_replicas=2, has_own_shards=True)
        assert open_records(folder, ("train", "val"), part=share.part) == manifest
        config = InputConfig(manifest, folder, "train", batch=4, cache=cache, share=share)

        def order(first_epoch: int = 0, config: InputConfig = config, folder: Path = folder) -> list[int]:
            batches = train_batches(config, seed=1, first_epoch=first_epoch, epochs=3)
            assert (batches.batch, batches.steps) == (2, 5)
            return [numbers[pair] for pair in epoch(batches.dataset)]

        read = order()
        epochs = [read[start : start + 10] for start in (0, 10, 20)]
        assert all(len(set(part)) == 10 and set(part) <= set(own) for part in epochs)
        assert len({tuple(part) for part in epochs}) == 3
        assert order(first_epoch=1) == read[10:]
        assert batch_names(config, seed=1, epoch=1, step=2) == [names[number] for number in epochs[1][4:6]]
        orders.append(read)

        val = eval_batches(InputConfig(manifest, folder, "val", batch=4, cache=cache, share=share))
        stored = [pair for pair in epoch(val.dataset) if any(value != IGNORE_INDEX for value in pair[1])]
        assert len(epoch(val.dataset)) == 2
        assert stored == stored_pairs(whole, manifest, "val")[2 * worker : 2 * worker + 2 - worker]
    config = InputConfig(manifest, whole, "train", batch=4, cache="off" if cache == "on" else "on", share=share)
    other = train_batches(config, seed=1, epochs=3)
    assert [numbers[pair] for pair in epoch(other.dataset)] == orders[1]


TWO_DEVICES = """
import sys
from pathlib import Path
import numpy as np
from trainer.backend import tf
from trainer.input.batches import train_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
folder = Path(sys.argv[1])
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for cache in ("on", "off"):
    with strategy.scope():
        manifest = open_records(folder, ("train",))
        batches = train_batches(InputConfig(manifest, folder, "train", batch=6, cache=cache), seed=1, epochs=2)
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


@pytest.mark.slow
def test_two_devices_get_the_halves_of_each_batch_at_static_shapes(records):
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES, records[0]], capture_output=True, text=True, check=False)
    assert done.stdout == "split\n", done.stderr


STRICT = """
import sys
from pathlib import Path
from trainer.backend import tf
from trainer.input.batches import train_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records

tf.config.experimental.enable_op_determinism()
folder = Path(sys.argv[1])
manifest = open_records(folder, ("train",))
for cache in ("on", "off"):
    batches = train_batches(InputConfig(manifest, folder, "train", batch=5, cache=cache), seed=1, epochs=2)
    assert len(list(batches.dataset)) == 6
    assert (batches.wait.take() > 0) == (cache == "off")  # what lies in memory is not timed
print("read")
"""


def test_determinism_takes_every_stage_of_the_input(records):
    done = subprocess.run([sys.executable, "-c", STRICT, records[0]], capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr


@pytest.fixture(scope="module")
def of_several_sizes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "records"
    return folder, write_records(folder, (40, 70), (64, 33), (20, 90), records={"train": [7, 5], "val": [3, 2]})


@pytest.mark.parametrize("cache", ["on", "off"])
def test_records_of_several_sizes_are_padded_to_the_largest_and_come_with_their_own(of_several_sizes, cache):
    from trainer.input.batches import eval_batches, train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = of_several_sizes
    config = InputConfig(manifest, folder, "train", batch=5, cache=cache)
    assert config.size == (64, 90)
    whole = stored_pairs(folder, manifest, "train")
    assert len(whole) == 12
    for batches in (eval_batches(config), train_batches(config, seed=1, epochs=2)):
        seen = []
        for (batch,) in batches.dataset:
            image, mask, size = (batch[key].numpy() for key in ("image", "mask", "size"))
            assert image.shape == (5, 64, 90, 3) and mask.shape == (5, 64, 90) and size.shape == (5, 2)
            for one, its_mask, (height, width) in zip(image, mask, size.astype(int), strict=True):
                seen.append((one[:height, :width].tobytes(), its_mask[:height, :width].tobytes()))
                its_mask[:height, :width], one[:height, :width] = IGNORE_INDEX, 127
                assert (its_mask == IGNORE_INDEX).all() and (one == 127).all()
        blank = (np.zeros((64, 90, 3), np.uint8).tobytes(), np.full((64, 90), IGNORE_INDEX, np.uint8).tobytes())
        assert set(seen) - {blank} <= set(whole)
        assert len(set(seen) - {blank}) >= 10
