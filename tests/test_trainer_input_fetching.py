"""Fetching: training begins before all shards of an address are there, and trains the same."""

from __future__ import annotations

import concurrent.futures

import pytest
from trainer_fixtures import NEEDS_TF, epoch, write_records

from converter.building.object_store import ObjectStore
from converter.dataset import cache, objects
from converter.dataset.cache import fetch_shard, is_on_demand, local_copy
from converter.dataset.pieces import Part
from converter.errors import DataError
from converter.system.urls import UrlPath
from tests.fault_proxy import fault_proxy
from tests.object_server import needs_server, put
from trainer.config import TrainConfig

pytestmark = [*NEEDS_TF, needs_server]
SPLITS = ("train", "val")


@pytest.fixture
def address(tmp_path, port, bucket, monkeypatch):
    """The address of records that are in tmp_path/local as well: 24 shards of two to train on, two to validate on."""
    monkeypatch.setattr(cache, "_copies", {})
    monkeypatch.setattr(cache, "_filling", {})
    write_records(tmp_path / "local", records={"train": [2] * 24, "val": [2, 1]})
    for path in (tmp_path / "local").iterdir():
        put(port, bucket, f"records/{path.name}", path.read_bytes())
    with cache.contextlib.ExitStack() as stack:
        monkeypatch.setattr(cache, "_in_use", stack)
        yield UrlPath(f"s3://{bucket}/records")


def shards_in(folder) -> int:
    return sum(1 for path in folder.iterdir() if "-train." in path.name and not path.name.endswith(".idx"))


def test_the_first_batch_needs_few_shards_and_the_order_is_that_of_a_folder(address, tmp_path, monkeypatch):
    from trainer.devices import Share
    from trainer.input import batches as stages
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig
    from trainer.input.records import open_records

    monkeypatch.setattr(stages, "INTERLEAVED", 2)
    monkeypatch.setattr(stages, "SHUFFLE_BUFFER", 2)
    folder = local_copy(address, SPLITS, on_demand=True)
    assert is_on_demand(folder)
    assert not is_on_demand(tmp_path / "local")
    manifest = open_records(folder, SPLITS)
    assert shards_in(folder) == 0

    def batches(folder):
        config = InputConfig(manifest, folder, "train", 4, cache="off", share=Share(has_own_shards=True))
        return train_batches(config, seed=1, epochs=2).dataset

    next(iter(batches(folder)))
    assert 2 <= shards_in(folder) < 20
    assert epoch(batches(folder)) == epoch(batches(tmp_path / "local"))
    assert shards_in(folder) == 24


def test_a_shard_is_fetched_once_however_many_ask_for_it(address, port, monkeypatch):
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        folder = local_copy(address, SPLITS, Part(0, 2), on_demand=True)
        name = "tiny-train.tfrecord-00003-of-00024"
        proxy.reset()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: fetch_shard(folder, name), range(16)))
        assert proxy.count == 1
        assert (folder / name).exists()
        with pytest.raises(KeyError):  # of the other part
            fetch_shard(folder, "tiny-train.tfrecord-00023-of-00024")


def test_training_from_an_address_on_demand_is_training_from_a_folder(address, tmp_path):
    from trainer.training import train

    options = {"model": "unet_small", "batch": 4, "epochs": 1, "shuffle": "shards", "cache": "off"}
    runs = [train(TrainConfig(place, tmp_path / "runs", **options)).run for place in (address, tmp_path / "local")]
    first, second = (((run / "metrics.csv").read_text()).splitlines()[1].split(",")[2:6] for run in runs)
    assert first == second


@pytest.mark.parametrize(("missing", "code"), [(True, "E_SHARD_MISSING"), (False, "E_SHARD_HASH")])
def test_a_shard_that_is_damaged_at_its_address_ends_training_with_its_own_error(
    address, tmp_path, port, bucket, missing, code
):
    from trainer.training import train

    name = "tiny-train.tfrecord-00011-of-00024"
    if missing:
        ObjectStore(str(address)).delete(name)
    else:
        put(port, bucket, f"records/{name}", (tmp_path / "local" / name).read_bytes()[:-1] + b"?")
    config = TrainConfig(address, tmp_path / "runs", "unet_small", batch=4, epochs=1, shuffle="shards", cache="off")
    with pytest.raises(DataError) as caught:
        train(config)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"{address}/{name}: ")
