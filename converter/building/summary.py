"""Summary: the results of all shards -> the manifest, and the small files next to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from converter.building.plan import Plan
from converter.building.receipts import written_by
from converter.building.shards import ShardResult
from converter.building.tally import Tally
from converter.config import BuildConfig, PairConfig, levels_text
from converter.dataset.manifest import ClassInfo, Manifest, SplitInfo, TileInfo
from converter.errors import shown
from converter.schema import IGNORE_INDEX
from converter.sources.refs import Reject


def split_info(
    results: Sequence[ShardResult], num_classes: int, skipped: int, tiles: TileInfo | None = None
) -> SplitInfo:
    """Returns the manifest's entry of a split.

    Args:
      results: its shards, in order.
      num_classes: in the class map.
      skipped: pairs of the split that were refused.
      tiles: how its photographs were cut; None where they were not.
    """
    tally = Tally.of_nothing(num_classes)
    for result in results:
        tally.add(result.tally)
    sizes, other_sizes = tally.common_sizes()
    return SplitInfo(
        shards=tuple(result.info for result in results),
        example_bytes=sum(result.example_bytes for result in results),
        pixels=tuple(tally.pixels),
        images=tuple(tally.images),
        ignored_pixels=tally.ignored_pixels,
        skipped=skipped,
        padded_pixels=tally.padded_pixels,
        channels=tally.channels(),
        sizes=sizes,
        other_sizes=other_sizes,
        turned=tally.turned,
        unturned=tally.unturned,
        corrected_pixels=tally.corrected_pixels,
        kept=tally.kept,
        tiles=tiles,
    )


def stored_size(results: Sequence[ShardResult], pair: PairConfig) -> tuple[int, int] | None:
    """Returns (height, width) of all records, None where it differs from record to record."""
    if pair.size is not None:
        return pair.size
    sizes = {size for result in results for size in result.tally.sizes}
    return sizes.pop() if len(sizes) == 1 else None


def all_rejects(plan: Plan, results: list[ShardResult]) -> list[Reject]:
    """Returns all refused pairs in the order of their lists."""
    refused = [result.rejects(task) for task, result in zip(plan.all_tasks, results, strict=True)]
    found = [reject for shard in refused for reject in shard]
    if any(task.pair.tile for task in plan.all_tasks):
        found = _without_repeats(found)
    rejects = [*plan.rejects, *found]
    order = {split: number for number, split in enumerate(plan.tasks)}
    return sorted(rejects, key=lambda reject: (order[reject.split], reject.list_name, reject.line))


def _without_repeats(rejects: Sequence[Reject]) -> list[Reject]:
    """Returns rejects without those that say of another tile of a photograph what was said before, or nearly so."""
    said: dict[tuple[str, str, int, str, str], Reject] = {}
    for one in rejects:
        said.setdefault((one.split, one.list_name, one.line, one.error.where, one.error.code), one)
    return list(said.values())


def build_manifest(config: BuildConfig, plan: Plan, results: list[ShardResult], rejects: list[Reject]) -> Manifest:
    """Returns the manifest of a dataset from the results of all its shards and the pairs that were refused."""
    classes, pair, origin = plan.classes, config.pair, plan.found.origin
    colors = classes.colors()
    infos = tuple(
        ClassInfo(index, name, colors[index], classes.values_of(index)) for index, name in enumerate(classes.names)
    )
    return Manifest(
        name=config.dataset_name,
        size=stored_size(results, pair),
        fit=pair.fit,
        classes=infos,
        splits={split: _split_info(split, plan, results, rejects) for split in plan.tasks},
        options=options_of(config),
        written_by=written_by(),
        errors_sha256=hashlib.sha256(errors_text(rejects)).hexdigest() if rejects else None,
        layout=plan.layout.name,
        # Its name alone: a path would give other bytes on another machine, and reveal more than it should.
        class_map=origin if origin.startswith("preset:") else shown(Path(origin).name),
        class_map_kind=plan.found.kind,
        ignore_values=classes.values_of(IGNORE_INDEX),
    )


def options_of(config: BuildConfig) -> dict[str, Any]:
    """Returns the options that determine the bytes of a dataset, as the manifest holds them."""
    pair, source = config.pair, config.source
    chosen: dict[str, Any] = {}  # only what is chosen, so that the manifests of other datasets do not change
    if source.missing_mask != "error":
        chosen["missing_mask"] = source.missing_mask
    if source.bands:
        chosen["bands"] = list(source.bands)
    if source.range is not None:
        chosen |= {"range": source.range, "levels": levels_text(source.levels)}
    if pair.tile is not None:
        chosen |= asdict(pair.tile)
    return {
        "size": list(pair.size) if pair.size else None,
        "image_format": pair.image_format,
        "mask_resample": pair.mask_resample,
        "tolerance": pair.tolerance,
        "seed": config.seed,
        "limit": config.limit,
        "shards": config.shards,
        "shard_mb": config.shard_mb,
        **chosen,
    }


def _split_info(split: str, plan: Plan, results: list[ShardResult], rejects: list[Reject]) -> SplitInfo:
    own = [result for result in results if result.split == split]
    skipped = sum(reject.split == split for reject in rejects)
    tiles = None
    if any(task.pair.tile for task in plan.tasks[split]):
        dropped = sum(len(result.dropped) for result in own)
        tiles = TileInfo(plan.photographs(split), sum(len(task.refs) for task in plan.tasks[split]), dropped)
    return split_info(own, plan.classes.num_classes, skipped, tiles)


def errors_text(rejects: list[Reject]) -> bytes:
    """Returns the content of errors.jsonl: one refused pair per line, UTF-8."""
    lines = (json.dumps(reject.to_json(), ensure_ascii=False) + "\n" for reject in rejects)
    return "".join(lines).encode("utf-8", "backslashreplace")
