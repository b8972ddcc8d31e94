"""Dry run: what a build would do, as text."""

from __future__ import annotations

import dataclasses

from converter.building.output import check_out
from converter.building.plan import plan_build
from converter.building.sharding import estimated_bytes
from converter.config import BuildConfig, pair_text, samples_text
from converter.errors import shown
from converter.schema import IGNORE_INDEX
from converter.sources.mirror import local_source
from converter.system.console import table


def plan_text(config: BuildConfig) -> str:
    """Returns what a build would do, for --dry-run; reads only the lists and the class map, and for tiles headers.

    Raises:
      UsageError: as `build`.
    """
    config = dataclasses.replace(config, source=local_source(config.source))
    plan = plan_build(config)
    check_out(config, plan)
    tiles = ("tiles",) if config.pair.tile else ()
    rows: list[tuple[str, ...]] = [("split", "pairs", *tiles, "shards", "MB (estimate)")]
    for name, tasks in plan.tasks.items():
        records = sum(len(task.refs) for task in tasks)
        counts = (str(plan.photographs(name)), str(records))[: 1 + len(tiles)]
        rows.append((name, *counts, str(len(tasks)), f"{estimated_bytes(records, config.pair) / 1e6:.0f}"))
    legend: list[tuple[str, ...]] = [("id", "class", "values")]
    for index, name in enumerate(plan.classes.names):
        legend.append((str(index), shown(name), " ".join(plan.classes.values_of(index))))
    legend.append((str(IGNORE_INDEX), "(ignored)", " ".join(plan.classes.values_of(IGNORE_INDEX))))
    chosen = ", ".join(text for text in (pair_text(config.pair), samples_text(config.source)) if text)
    head = [f"{shown(config.source.src)} -> {shown(config.out)}: {chosen}", *plan.summary_lines()]
    return "\n\n".join(["\n".join(head), table(rows), table(legend)])
