"""Stored: what is written in parts is read in rows, and an unfinished class map goes on where it ended."""

from __future__ import annotations

import json
import resource

import numpy as np
import pytest

from converter.errors import MachineError
from converter.pixels.geometry import Box, cut
from trainer.prediction import stored as module
from trainer.prediction.restoring import ClassMap, Wanted
from trainer.prediction.stored import CLASSES, JOURNAL, StoredMap, remove_stored

SIZE = (40, 30)
PARTS = (Box(0, 0, 25, 17), Box(25, 0, 15, 17), Box(0, 17, 25, 13), Box(25, 17, 15, 13))
FACTS = {"photograph": "0123", "model": "4567"}


@pytest.fixture(autouse=True)
def _every_part_is_noted(monkeypatch):
    monkeypatch.setattr(module, "NOTE_EVERY_S", 0)


@pytest.fixture
def whole():
    rng = np.random.default_rng(0)
    shares = rng.random((*SIZE, 3)).astype(np.float16)
    return ClassMap(rng.integers(0, 3, SIZE, np.uint8), rng.integers(0, 65536, SIZE, np.uint16), shares)


def part_of(whole, box):
    return ClassMap(*(cut(array, box) for array in whole))


def opened(folder, **facts):
    return StoredMap(folder, FACTS | facts, SIZE, Wanted(True, True), 3)


def test_rows_are_those_of_the_parts(tmp_path, whole, monkeypatch):
    whole.mask[3, 4] = 255
    monkeypatch.setattr(module, "ROWS_BYTES", 30 * 9 * 7)
    with opened(tmp_path) as stored:
        assert stored.after is None
        for box in PARTS:
            stored.write(box, part_of(whole, box))
        for multiple, most in ((1, 7), (4, 4)):
            strips = list(stored.strips(multiple))
            assert {len(found.mask) for _, found in strips[:-1]} == {most}
            assert [top for top, _ in strips] == list(range(0, 40, most))
            for place in (0, 1, 2):
                np.testing.assert_array_equal(np.concatenate([found[place] for _, found in strips]), whole[place])
        assert stored.counts() == ([int((whole.mask == index).sum()) for index in range(3)], 1)


def test_an_unfinished_one_goes_on_after_the_last_part(tmp_path, whole):
    with opened(tmp_path) as stored:
        stored.write(PARTS[0], part_of(whole, PARTS[0]))
        stored.write(PARTS[1], part_of(whole, PARTS[1]))
    with opened(tmp_path) as stored:
        assert stored.after == PARTS[1]
        for box in PARTS[2:]:
            stored.write(box, part_of(whole, box))
        np.testing.assert_array_equal(stored.rows(0, 40).mask, whole.mask)


def test_that_of_another_photograph_or_model_begins_anew(tmp_path, whole):
    for change in ({"photograph": "9"}, {"model": "9"}):
        with opened(tmp_path) as stored:
            stored.write(PARTS[0], part_of(whole, PARTS[0]))
        with opened(tmp_path, **change) as stored:
            assert stored.after is None
            assert not stored.rows(0, 40).mask.any()
        remove_stored(tmp_path)
    with StoredMap(tmp_path, FACTS, (30, 40), Wanted(True, True), 3) as stored:
        assert stored.after is None


def test_between_two_notes_a_part_is_written_without_waiting_for_the_disk(tmp_path, whole, monkeypatch):
    with opened(tmp_path) as stored:
        stored.write(PARTS[0], part_of(whole, PARTS[0]))
        monkeypatch.setattr(module, "NOTE_EVERY_S", 1000)
        stored.write(PARTS[1], part_of(whole, PARTS[1]))
    with opened(tmp_path) as stored:
        assert stored.after == PARTS[0]
        stored.note()  # nothing new
        stored.write(PARTS[1], part_of(whole, PARTS[1]))
        stored.note()
    with opened(tmp_path) as stored:
        assert stored.after == PARTS[1]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"facts": 1}', b'{"facts": 1, "after": "no"}'])
def test_a_damaged_note_begins_anew(tmp_path, whole, text):
    with opened(tmp_path) as stored:
        stored.write(PARTS[0], part_of(whole, PARTS[0]))
    (tmp_path / JOURNAL).write_bytes(text)
    with opened(tmp_path) as stored:
        assert stored.after is None


def test_a_file_that_was_cut_off_begins_anew(tmp_path, whole):
    with opened(tmp_path) as stored:
        stored.write(PARTS[0], part_of(whole, PARTS[0]))
    with (tmp_path / CLASSES).open("rb+") as file:
        file.truncate(100)
    with opened(tmp_path) as stored:
        assert stored.after is None


def test_a_disk_without_space_for_it_is_said_at_once(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(MachineError, match=r"unfinished\.classes: cannot be written .*run the same command again"):
            opened(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_stays_once_it_is_removed(tmp_path, whole):
    with opened(tmp_path) as stored:
        stored.write(PARTS[0], part_of(whole, PARTS[0]))
    assert "after" in json.loads((tmp_path / JOURNAL).read_text())
    remove_stored(tmp_path)
    assert list(tmp_path.iterdir()) == []
