"""Memory: the minimum of what the machine and its control groups have free."""

from __future__ import annotations

import os

import pytest

from trainer.input.memory import free_memory


def write_memory(root, *, available_kb: int, groups: str, files: dict[str, object]) -> None:
    files = {
        "proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:   {available_kb} kB",
        "proc/self/cgroup": groups,
        **files,
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")


@pytest.mark.parametrize(
    ("groups", "files", "free"),
    [
        ("0::/", {}, 8 * 2**20),
        (
            "0::/user/job",  # version 2; the limit may be a parent's
            {
                "sys/fs/cgroup/user/memory.max": 5 * 2**20,
                "sys/fs/cgroup/user/memory.current": 3 * 2**20,
                "sys/fs/cgroup/user/memory.stat": f"anon 7\ninactive_file {2**20}",
                "sys/fs/cgroup/user/job/memory.max": "max",
                "sys/fs/cgroup/user/job/memory.current": 2**20,
                "sys/fs/cgroup/user/job/memory.stat": "inactive_file 0",
            },
            3 * 2**20,
        ),
        (
            "3:cpu:/elsewhere\n4:memory:/docker/0a1b",  # version 1, seen from within a container
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 2**20,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": 2**20,
                "sys/fs/cgroup/memory/memory.stat": "inactive_file 5\ntotal_inactive_file 4096",
            },
            4096,
        ),
    ],
)
def test_free_memory_is_the_least_of_what_machine_and_control_groups_leave(tmp_path, groups, files, free):
    write_memory(tmp_path, available_kb=8 * 1024, groups=groups, files=files)
    assert free_memory(tmp_path) == free


def test_free_memory_of_this_machine_is_no_more_than_it_has(tmp_path):
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < free_memory() < physical
    assert free_memory(tmp_path) == physical  # where the kernel does not report it
