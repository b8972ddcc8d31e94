"""CPUs: how many of them this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus(root: Path = Path("/")) -> int:
    """Returns the number of CPUs that this process may use: its CPU affinity, within the quotas of its cgroups.

    A container often sees all CPUs of its host but may use the time of only two; more workers than that would only
    take turns, each with its own memory. A quota of 1.5 is rounded up to 2: rounding down would waste CPU time.

    Args:
      root: folder that holds proc/ and sys/.

    Source: sched_getaffinity(2); the kernel's admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst (v1).
    """
    allowed = len(os.sched_getaffinity(0))
    try:
        groups = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:  # not Linux
        return allowed
    quotas = [math.inf]
    for _, controllers, name in groups:
        if controllers and "cpu" not in controllers.split(","):
            continue
        group = root / "sys/fs/cgroup" / controllers  # in a container often its own, though `name` is the host's
        for part in ("", *name.strip("/").split("/")):
            group /= part
            quotas.append(_quota(group))
    return math.ceil(min(allowed, *quotas))


def _quota(group: Path) -> float:
    """Returns the CPU quota of a cgroup as a number of CPUs; infinity where it has none."""
    try:
        if (group / "cpu.max").exists():
            quota, period = map(int, (group / "cpu.max").read_text().split())
        else:
            quota, period = (int((group / f"cpu.cfs_{kind}_us").read_text()) for kind in ("quota", "period"))
    except (OSError, ValueError):  # no such cgroup, or "max"
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf
