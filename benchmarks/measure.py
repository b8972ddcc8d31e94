"""Measure: the cost of a command and of all processes that it starts.

CPU time is user and system time of the whole process tree, as the kernel adds it up when processes end. A child that
its parent does not wait for is not counted, so the commands must wait for theirs. Memory is the peak resident memory of
the largest process, shared pages included: an upper bound for one worker.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A small separate process starts the command: the kernel counts the peak of the process that calls exec as that of the
# new program, and the sums over children would include earlier commands.
_PROBE = """
import json, os, resource, sys, time
start = time.perf_counter()
to_log = [(os.POSIX_SPAWN_DUP2, 2, 1)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=to_log)
_, status = os.waitpid(child, 0)
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, used.ru_utime + used.ru_stime, wall, used.ru_maxrss]))
"""
# The same, up to the moment at which the first file of a pattern has a byte. CPU time comes in ticks of 1/100 s.
_FIRST_BYTE = """
import json, os, pathlib, sys, time
folder, pattern = pathlib.Path(sys.argv[1]), sys.argv[2]
to_log = [(os.POSIX_SPAWN_DUP2, 2, 1)]
child = os.posix_spawn(sys.argv[3], sys.argv[3:], os.environ, file_actions=to_log)
start = time.perf_counter()
def used():
    parents, ticks = {}, {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = open(f"/proc/{entry.name}/stat").read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)], ticks[int(entry.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    tree, size = {child}, 0
    while len(tree) > size:
        size = len(tree)
        tree |= {process for process, parent in parents.items() if parent in tree}
    return sum(ticks.get(process, 0) for process in tree) / os.sysconf("SC_CLK_TCK")
def has_byte(path):
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # renamed in between
        return False
while not any(map(has_byte, folder.glob(pattern))):
    if os.waitpid(child, os.WNOHANG)[0]:
        sys.exit("nothing was written")
    time.sleep(0.002)
print(json.dumps([used(), time.perf_counter() - start]))
os.waitpid(child, 0)
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a command.

    Attributes:
      cpu_s: user and system seconds of all its processes.
      wall_s: wall seconds.
      peak_mb: peak resident memory of its largest process, in MB (10**6 bytes).
      imports_s: CPU seconds of its imports, if it reports them.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    imports_s: float = 0

    @property
    def work_s(self) -> float:
        """CPU seconds without imports."""
        return self.cpu_s - self.imports_s


def cost_of(
    command: Sequence[str | Path], log: Path, variables: Mapping[str, str] | None = None, *, marks: bool = False
) -> Cost:
    """Runs a command and returns its cost.

    Args:
      command: path of a program, and its arguments.
      log: file for the output of the command.
      variables: environment variables to add or replace.
      marks: the command takes "--mark FILE" and writes the cost of its imports there.

    Raises:
      RuntimeError: it failed; the message ends with its last output.
    """
    mark = log.with_name("mark")
    if marks:
        command = [*command, "--mark", mark]
    code, cpu_s, wall_s, peak_kib = _probe(_PROBE, command, log, variables)
    if code:
        raise RuntimeError(
            f"{' '.join(map(str, command))} ended with {code}: {log.read_text(errors='replace')[-1500:]}"
        )
    return Cost(cpu_s, wall_s, peak_kib * 1024 / 1e6, float(mark.read_text()) if marks else 0)


def first_byte(
    command: Sequence[str | Path], folder: Path, pattern: str, log: Path, variables: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Returns (CPU seconds, wall seconds) until a file in `folder` that matches `pattern` has a byte."""
    cpu_s, wall_s = _probe(_FIRST_BYTE, [folder, pattern, *command], log, variables)
    return cpu_s, wall_s


def load() -> str:
    """Returns the load average of the last minute; above the number of cores, wall times are unreliable."""
    return f"load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores"


def _probe(code: str, arguments: Sequence[str | Path], log: Path, variables: Mapping[str, str] | None) -> list[float]:
    """Runs a probe and returns the figures that it prints; the output of the command goes to `log`."""
    command = [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]
    environment = {**os.environ, **(variables or {})}
    with log.open("wb") as file:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=file, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[5:])}: {log.read_text(errors='replace')[-1500:]}")
    return json.loads(done.stdout)
