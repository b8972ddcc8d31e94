"""Memory: how much memory this process may still use."""

from __future__ import annotations

import math
import os
from pathlib import Path

GROUP_FILES = {  # by controllers in /proc/self/cgroup: folder, limit, usage, reclaimable part of the usage
    "": ("", "memory.max", "memory.current", "inactive_file"),
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory(root: Path = Path("/")) -> int:
    """Returns how many bytes this process may still use, limited by the machine and by its control groups.

    Args:
      root: folder that contains proc/ and sys/.

    Source: proc_meminfo(5); the kernel's admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst. Files that a group has
    read count as its usage, but are reclaimed when memory is short.
    """
    try:
        meminfo = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        free: list[float] = [int(meminfo["MemAvailable"].split()[0]) * 1024]
        groups = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except (OSError, KeyError):  # no Linux, or one older than these files
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for _, controllers, name in groups:
        if controllers in GROUP_FILES:
            top, *files = GROUP_FILES[controllers]
            group = root / "sys/fs/cgroup" / top  # in a container often its own group, under its name on the host
            for part in ("", *name.strip("/").split("/")):
                group /= part
                free.append(_left(group, *files))
    return max(0, int(min(free)))


def _left(group: Path, limit: str, usage: str, reclaimable: str) -> float:
    """Returns the bytes that a control group has left, infinity where it has no limit."""
    try:
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / usage).read_text()) - int(stat[reclaimable])
        return int((group / limit).read_text()) - used
    except (OSError, KeyError, ValueError):  # no such group, or "max"
        return math.inf
