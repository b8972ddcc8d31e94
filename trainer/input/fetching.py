"""Fetching: shards of an address, brought to this machine when they are needed, each held against its hash."""

from __future__ import annotations

from pathlib import Path

from converter.dataset.cache import fetch_shard, is_on_demand
from trainer.backend import Tensor, tf
from trainer.input.failures import noted

FETCHED_AHEAD = 2  # shards at a time, and as many that are fetched before they are asked for


def with_shards(pieces: tf.data.Dataset, folder: Path) -> tf.data.Dataset:
    """Returns the same elements, each once its shard is there.

    Args:
      pieces: from `reading.piece_table`, in any order; the first part of an element is the path of a shard.
      folder: folder of the shards.
    """
    if not is_on_demand(folder):
        return pieces

    def fetched(path: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        return (tf.ensure_shape(tf.numpy_function(_fetch, (path,), tf.string), ()), *rest)

    return pieces.map(fetched, num_parallel_calls=FETCHED_AHEAD, deterministic=True).prefetch(FETCHED_AHEAD)


@noted
def _fetch(path: bytes) -> bytes:
    shard = Path(path.decode())
    fetch_shard(shard.parent, shard.name)
    return path
