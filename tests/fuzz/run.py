"""Fuzzes one target, guided by coverage.

    python tests/fuzz/run.py TARGET --runs 1000000
    python tests/fuzz/run.py --all

Needs Atheris (pip install atheris; CPython on Linux), which no other part of segconv or of its tests does. Inputs that
break a promise are kept, one for each place where it breaks, and the run goes on. A run that ends before its time has
met a hang of two seconds, more than 768 MB, or a crash of a decoder, and the last input is kept as well. Make a small
input of each, put it into findings/TARGET/, and tests/test_fuzz.py runs it from then on.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import re
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path

import atheris

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

with atheris.instrument_imports(include=["converter"]):
    from fuzz.seeds import seeds
    from fuzz.targets import TARGETS, check

TIMEOUT_S = 10  # an input, by the clock: a busy machine takes its time
RSS_MB = 768
MAX_LEN = 2048  # bytes of an input: pictures of some pixels and texts of some fifty lines fit


class Session:
    """One run: counts how inputs end, and keeps those that break a promise.

    Attributes:
      target: its name.
      kept: folder of what is found.
      ends: number of inputs by how they ended: "taken", the code of a refusal, or the place of a finding.
    """

    def __init__(self, target: str, kept: Path) -> None:
        self.target = target
        self.kept = kept
        self.ends: collections.Counter[str] = collections.Counter()
        self._started = time.monotonic()
        self._slowest = 0.0

    def __call__(self, data: bytes) -> None:
        """Runs the target with one input, as libFuzzer calls it."""
        started = time.process_time()
        try:
            error = check(TARGETS[self.target], data)
            end = error.code if error else "taken"
        except Exception as error:  # noqa: BLE001  any exception is what is looked for
            end = self._place(error)
            if not self.ends[end]:
                self._keep(data, end)
        self.ends[end] += 1
        took = time.process_time() - started
        if took > 2 * self._slowest and took > 0.1:
            self._slowest = took
            self._keep(data, f"took {took:.2f} s")
        total = self.ends.total()
        if total & (total - 1) == 0 or total % 100_000 == 0:
            rate = total / (time.monotonic() - self._started)
            self.say(f"{total} executions, {rate:.0f} a second: {dict(self.ends.most_common())}")

    @staticmethod
    def _place(error: Exception) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/converter/" in frame.filename] or frames
        return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"

    def _keep(self, data: bytes, why: str) -> None:
        path = self.kept / hashlib.sha256(data).hexdigest()[:12]
        path.write_bytes(data)
        self.say(f"FINDING {path} ({len(data)} bytes): {why}\n{traceback.format_exc()}")

    def say(self, text: str) -> None:
        """Writes a line where libFuzzer writes its own."""
        sys.stderr.write(f"{self.target}: {text}\n")
        sys.stderr.flush()


def words(inputs: list[bytes]) -> str:
    """Returns a libFuzzer dictionary of the words that stand in the seeds."""
    found = sorted({word for data in inputs for word in re.findall(rb"[A-Za-z_]{2,24}", data)})
    return "".join(f'"{word.decode()}"\n' for word in found)


def fuzz(target: str, runs: int, folder: Path, more: list[str]) -> None:
    """Runs one target; ends the process."""
    corpus, kept = folder / target / "corpus", folder / target / "kept"
    for path in (corpus, kept):
        path.mkdir(parents=True, exist_ok=True)
    inputs = seeds(target)
    for number, data in enumerate(inputs):
        (corpus / f"seed{number}").write_bytes(data)
    warnings.simplefilter("error")  # as the tests do
    options = [f"-runs={runs}", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={RSS_MB}", f"-max_len={MAX_LEN}"]
    if found := words(inputs):
        dictionary = folder / target / "words.dict"
        dictionary.write_text(found)
        options.append(f"-dict={dictionary}")
    options += [f"-artifact_prefix={kept}/", "-print_final_stats=1", *more]
    atheris.Setup([sys.argv[0], str(corpus), *options], Session(target, kept))
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--all", action="store_true", help="every target, one after the other")
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions of each target (%(default)s)")
    parser.add_argument("--folder", type=Path, default=TESTS.parent / "build" / "fuzz", help="for corpora and findings")
    options, more = parser.parse_known_args()
    if options.all == (options.target is not None):
        parser.error("name one target, or --all")
    if options.target:
        fuzz(options.target, options.runs, options.folder, more)
    failed = [name for name in TARGETS if _run_alone(name, options.runs, options.folder, more)]
    sys.exit(f"ended before their time: {', '.join(failed)}" if failed else 0)


def _run_alone(target: str, runs: int, folder: Path, more: list[str]) -> int:
    command = [sys.executable, __file__, target, "--runs", str(runs), "--folder", str(folder), *more]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    main()
