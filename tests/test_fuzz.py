"""Facts about hostile bytes: every parser takes them or refuses them in one line, and what it takes it takes whole.

Here some thousand mutations of small files are tried, always the same ones. tests/fuzz/run.py tries millions, guided by
coverage; what it has found lies in tests/fuzz/findings and is tried here again.
"""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from fuzz.bombs import BOMBS
from fuzz.seeds import CLASS_FILES, seeds
from fuzz.targets import TARGETS, check, written

from converter.classes.find import read_class_file
from converter.errors import SegconvError

FINDINGS = Path(__file__).parent / "fuzz" / "findings"
MAX_SECONDS = 2  # of processor time, for one file
MAX_MEMORY = 64 * 2**20  # the bombs themselves have up to 32 MB
MUTATIONS = 1000  # of each target: some ten seconds in all on a slow core
SPICE = (
    b"\0",
    b"\xff" * 4,
    b"\n",
    b";",
    b",",
    b'"',
    b"-1",
    b"9" * 12,
    b"[" * 40,
    b"../",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
)


def mutated(rng: np.random.Generator, inputs: list[bytes]) -> bytes:
    """Returns one of the inputs with one to four things done to it: bytes changed, cut, doubled, put in, or spliced."""
    data = inputs[rng.integers(len(inputs))]
    for _ in range(rng.integers(1, 5)):
        start, end = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        part = data[start : min(end, start + 64)]
        match rng.integers(7):
            case 0:  # one bit
                bit = 1 << int(rng.integers(8))
                data = data[:start] + bytes(byte ^ bit for byte in data[start : start + 1]) + data[start + 1 :]
            case 1:  # one byte
                data = data[:start] + rng.bytes(1) + data[start + 1 :]
            case 2:
                data = data[:start] + data[start + len(part) :]
            case 3:
                data = data[:start] + part * int(rng.integers(2, 5)) + data[start:]
            case 4:
                data = data[:start] + SPICE[rng.integers(len(SPICE))] + data[start:]
            case 5:
                other = inputs[rng.integers(len(inputs))]
                data = data[:start] + other[min(start, len(other)) :]
            case 6:
                lines = data.splitlines(keepends=True)
                place = int(rng.integers(len(lines) + 1))
                data = b"".join([*lines[:place], *lines[max(0, place - 1) : place], *lines[place:]])
    return data


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_taken_but_the_animation(target):
    refused = [str(error) for data in seeds(target) if (error := check(TARGETS[target], data))]
    assert refused == (["p: is an animation. Save one frame of it."] if target == "png" else [])


def test_the_seeds_hold_class_files_of_every_kind():
    kinds = {read_class_file(written("classes.txt", text.encode())).kind for text in CLASS_FILES}
    assert len(kinds) == 20


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_files_are_taken_or_refused_in_one_line(target):
    rng = np.random.default_rng(sorted(TARGETS).index(target))
    inputs = seeds(target)
    ends = {check(TARGETS[target], mutated(rng, inputs)) is None for _ in range(MUTATIONS)}
    assert ends == {True, False}  # or the mutations would try one half of the parser alone


@pytest.mark.parametrize("path", sorted(FINDINGS.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_by_fuzzing_is_taken_or_refused_in_one_line(path):
    check(TARGETS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_costs_little_time_and_memory(bomb):
    started = time.process_time()
    with contextlib.suppress(SegconvError):
        bomb()
    assert time.process_time() - started < MAX_SECONDS
    tracemalloc.start()
    with contextlib.suppress(SegconvError):
        bomb()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAX_MEMORY
