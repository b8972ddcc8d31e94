"""The cache: what fits is kept and read once, what does not fit is refused."""

from __future__ import annotations

import pytest
from trainer_fixtures import NEEDS_TF, epoch, stored_pairs, write_records

from converter.errors import UsageError

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, SIZE, records={"train": [7, 5, 4], "val": [3]})


def test_what_is_kept_is_read_once(tmp_path):
    from trainer.input.batches import eval_batches, train_batches
    from trainer.input.reading import InputConfig

    manifest = write_records(tmp_path / "records", records={"train": [5, 4]})
    stored = sorted(stored_pairs(tmp_path / "records", manifest, "train"))
    kept = train_batches(InputConfig(manifest, tmp_path / "records", "train", batch=9, cache="on"), seed=1, epochs=3)
    evaluated = eval_batches(InputConfig(manifest, tmp_path / "records", "train", batch=9, cache="on"))
    stored_bytes = train_batches(
        InputConfig(manifest, tmp_path / "records", "train", batch=9, cache="off"), seed=1, epochs=3
    )
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
        ("auto", 2 * 61440 - 1, False, "would take 61 kB of 123 kB free: they are decoded in every epoch"),
        ("on", 61440, True, "fit in memory: 61 kB of 61 kB free"),
        ("off", 10**12, False, None),
    ],
)
def test_decoded_records_are_kept_where_they_take_half_of_the_free_memory_and_the_log_says_so(
    records, monkeypatch, caplog, cache, free, cached, line
):
    from trainer.input import caching
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    monkeypatch.setattr(caching, "free_memory", lambda: free)
    with caplog.at_level("INFO", logger="segconv"):
        batches = train_batches(InputConfig(manifest, folder, "train", batch=5, cache=cache), seed=1, epochs=1)
    assert 16 * 24 * 40 * 4 == 61440
    assert batches.cached is cached
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == (line is not None)
    assert line is None or line in messages[0]


def test_a_cache_that_cannot_fit_is_refused_before_memory_is_spent(records, monkeypatch):
    from trainer.input import caching
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    folder, manifest = records
    monkeypatch.setattr(caching, "free_memory", lambda: 61439)
    with pytest.raises(UsageError, match=r"--cache: .* need 61 kB, and 61 kB are free\. Pass --cache auto\.") as caught:
        train_batches(InputConfig(manifest, folder, "train", batch=5, cache="on"), seed=1, epochs=1)
    assert caught.value.code == "E_MEMORY"


def test_kept_pairs_are_decoded_once(records, monkeypatch):
    from trainer.backend import tf
    from trainer.input import reading
    from trainer.input.batches import train_batches
    from trainer.input.reading import InputConfig

    decoded = []

    def counting(size, **options):
        def decode(record):
            tf.numpy_function(lambda: decoded.append(1), (), ())
            return original(record)

        original = real_decoder(size, **options)
        return decode

    real_decoder = reading.decoder
    monkeypatch.setattr(reading, "decoder", counting)
    folder, manifest = records
    for cache, times in (("on", 16), ("off", 3 * 16)):
        decoded.clear()
        list(train_batches(InputConfig(manifest, folder, "train", batch=4, cache=cache), seed=1, epochs=3).dataset)
        assert len(decoded) == times
