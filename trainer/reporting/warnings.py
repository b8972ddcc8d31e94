"""Warnings: what a reader of the scores of a run should know, each with what to do."""

from __future__ import annotations

import math
import shlex
from typing import NamedTuple

import numpy as np

from trainer.reporting.gather import RunFacts
from trainer.run.curves import best_epoch

WAIT_SHARE = 0.1  # of the training time spent waiting for records
GAP = 0.15  # of the mIoU between training and validation, as of a model that memorises
LOG_WARNINGS = 20
STARTS = ("Warning", "The model predicts", "Only ", "The device is out of memory")


class Remark(NamedTuple):
    """One warning: what was found, and what to do about it; plain text, with commands in backticks."""

    what: str
    fix: str


def warnings_of(facts: RunFacts) -> list[Remark]:
    """Returns the warnings of a run."""
    found = [*_of_scores(facts), *_of_training(facts), *_of_records(facts)]
    logged = [line for line in facts.log if line.startswith(STARTS)]
    logged = [line.removeprefix("Warning: ") for line in logged]
    found += [Remark(f"While training: {line}", "") for line in list(dict.fromkeys(logged))[:LOG_WARNINGS]]
    return found


def _of_scores(facts: RunFacts) -> list[Remark]:
    scored = facts.scored
    if scored is None:
        return []
    found = []
    again = f"Score it again: `segconv evaluate {_quoted(facts)} --split {shlex.quote(scored.split)}`"
    if not facts.is_current:
        found.append(Remark("The scores are those of an earlier model of this run.", again))
    elif not scored.model:
        found.append(Remark("The scores were counted by an older version, without intervals or examples.", again))
    unseen = [each.name for each in scored.classes if math.isnan(each.iou)]
    if unseen:
        what = f"Split {scored.split!r} has no pixel of: {', '.join(unseen)}. Nothing is known of them."
        found.append(Remark(what, "Split the dataset by class: `segconv split --src DIR`"))
    never = [each.name for each in scored.classes if each.pixels and each.recall == 0]
    if never:
        fix = "Train for longer, with `segconv train --class-weights enet`, or add images of them."
        found.append(Remark(f"Never recognised: {', '.join(never)}.", fix))
    return found


def _of_training(facts: RunFacts) -> list[Remark]:
    config, rows = facts.info.config, facts.epochs
    found = []
    if config.overfit:
        what = f"A run of --overfit {config.overfit}: the model has memorised a few records."
        found.append(Remark(what, "Its scores say nothing about other images."))
    best = best_epoch(rows)
    if best is None:
        return found
    is_stopped = any(line.startswith("No progress: training stops") for line in facts.log)
    is_ended = len(rows) >= config.epochs or is_stopped or any(line.startswith("Best epoch") for line in facts.log)
    if not is_ended:
        what = f"Training has not ended: {len(rows)} of {config.epochs} epochs are done."
        found.append(Remark(what, f"Go on: `segconv train --resume {_quoted(facts)}`"))
    elif best == len(rows) - 1 and not is_stopped and not config.overfit and len(rows) > 1:
        what = f"The last epoch, {len(rows)}, is the best: the score was still rising."
        found.append(
            Remark(what, f"Train for longer: `segconv train --config {_quoted(facts)} --epochs {2 * len(rows)}`")
        )
    gap = rows[best].get("miou", math.nan) - rows[best].get("val_miou", math.nan)
    if gap > GAP and not config.overfit:
        what = f"mIoU is {gap:.0%} points higher on training than on validation records: the model memorises.".replace(
            "% points", " points"
        )
        found.append(Remark(what, "Add images, or augment more: `segconv train --augment strong`"))
    waits = [row["input_wait"] for row in rows if math.isfinite(row.get("input_wait", math.nan))]
    if waits and float(np.mean(waits)) > WAIT_SHARE:
        what = f"{float(np.mean(waits)):.0%} of the training time was spent waiting for records."
        found.append(Remark(what, "Find out why: `segconv bench`"))
    return found


def _of_records(facts: RunFacts) -> list[Remark]:
    if not facts.records:
        return []
    fix = f"To score the run elsewhere: `segconv evaluate {_quoted(facts)} --data DIR`"
    return [Remark(f"Records {facts.info.config.data}: {facts.records}", fix)]


def _quoted(facts: RunFacts) -> str:
    return shlex.quote(str(facts.run))
