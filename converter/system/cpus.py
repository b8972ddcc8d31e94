"""CPUs: how many of them this process may keep busy."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus(root: Path = Path("/")) -> int:
    """Returns how many processors this process may keep busy: those that it may run on, within its groups' quotas.

    A container often sees all processors of its host and may use the time of two; more workers than that take turns,
    each with its memory. A quota of 1.5 counts as 2: what the second one lacks is less than what one alone would leave.

    Args:
      root: under which proc/ and sys/ lie.

    Source: sched_getaffinity(2); the kernel's admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (v1).
    """
    allowed = len(os.sched_getaffinity(0))
    try:
        groups = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:  # no Linux
        return allowed
    quotas = [math.inf]
    for _, controllers, name in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        group = root / "sys/fs/cgroup" / controllers  # in a container often the own group, whose name is the host's
        for part in ("", *name.strip("/").split("/")):
            group /= part
            quotas.append(_quota(group))
    return math.ceil(min(allowed, *quotas))


def _quota(group: Path) -> float:
    """Returns the processors whose time a control group may use, infinity where it has no limit."""
    try:
        if (group / "cpu.max").exists():
            quota, period = map(int, (group / "cpu.max").read_text().split())
        else:
            quota, period = (int((group / f"cpu.cfs_{kind}_us").read_text()) for kind in ("quota", "period"))
    except (OSError, ValueError):  # no such group, or "max"
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf
