"""Begin: what every build does first: fetch, measure and plan, and log every guess and warning."""

from __future__ import annotations

import dataclasses

from converter.building.plan import Plan, plan_build
from converter.building.store import Store
from converter.config import BuildConfig, pair_text, samples_text
from converter.engines.events import Engine
from converter.errors import shown
from converter.sources.leaks import FIX_REPEAT, place_of
from converter.sources.levels import with_levels
from converter.sources.mirror import local_source
from converter.system.console import log

SHOWN_REPEATS = 3  # images that are in a split twice


def begin(config: BuildConfig, engine: Engine, store: Store | None) -> tuple[BuildConfig, Plan]:
    """Returns (the config with a local source and its levels, the plan), and logs how the source was read.

    Args:
      config: what to build.
      engine: measures the levels.
      store: where the records are written; None is the local folder config.out.

    Raises:
      UsageError: the source cannot be used.
    """
    config = dataclasses.replace(config, source=with_levels(local_source(config.source), config.num_workers, engine))
    plan = plan_build(config, store)
    chosen = [text for text in (pair_text(config.pair), samples_text(config.source)) if text]
    log.info("%s, %d workers", ", ".join(chosen), config.num_workers)
    for line in plan.summary_lines():
        log.info(line)
    for unused in (*plan.layout.unused, *plan.found.warnings):
        log.warning(unused.warning())
    if unmatched := plan.layout.unmatched:
        what = "%d files of the layout's folders are in no pair, such as %s"
        log.warning(f"Warning W_UNMATCHED: {what}. `segconv check` lists them.", len(unmatched), shown(unmatched[0]))
    for repeat in plan.repeats[:SHOWN_REPEATS]:
        log.warning("Warning W_DUPLICATE: %s: %s. %s", shown(place_of(repeat.ref)), repeat.what, FIX_REPEAT)
    if len(plan.repeats) > SHOWN_REPEATS:
        log.warning("... and %d more; `segconv check` lists them", len(plan.repeats) - SHOWN_REPEATS)
    return config, plan
