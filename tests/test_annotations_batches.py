"""Batches: a receipt says what was done and of what; a crash is that of one image."""

from __future__ import annotations

import os
from array import array

import numpy as np
import pytest
from annotation_files import SIZE, photograph

from converter.annotations.batches import PALETTE, Batch, BatchResult, draw_batch, without_image
from converter.annotations.found import Picture, Stored
from converter.annotations.plan import Item
from converter.annotations.shapes import Drawable, Outline
from converter.errors import MachineError
from converter.pixels.masks import encode_png

SHAPE = Outline("box", (np.array([[1.0, 1.0], [3.0, 3.0]]),))


def batch_in(folder, **more):
    items = []
    for name in ("a", "b"):
        if not (folder / f"src/{name}.jpg").exists():
            photograph(folder / f"src/{name}.jpg")
        picture = Picture(f"{name}.jpg", f"{name}.json", None, (Drawable("x", SHAPE),))
        items.append(Item(picture, f"{name}.jpg", f"{name}.png", "0"))
    facts = {"items": tuple(items), "indices": {"x": 1}, "options": ("labelme", "file", 10), "hashes": False, **more}
    return Batch(folder / "src", folder / "staging", folder / "receipt.json", follow_links=False, **facts)


def test_a_batch_that_is_done_is_not_drawn_again(tmp_path):
    ticks = []
    first = draw_batch(batch_in(tmp_path), lambda: ticks.append(1))
    (tmp_path / "staging/png/a.png").write_bytes(b"kept")
    assert draw_batch(batch_in(tmp_path), lambda: ticks.append(1)) == first
    assert (tmp_path / "staging/png/a.png").read_bytes() == b"kept"
    assert (len(ticks), first.objects, first.pixels[1]) == (4, {1: 2}, 18)


def test_a_batch_is_drawn_again_where_anything_changed_or_is_gone(tmp_path):
    draw_batch(batch_in(tmp_path), lambda: None)
    for change in ({"options": ("labelme", "area", 10)}, {"indices": {"x": 2}}, {"hashes": True}):
        (tmp_path / "staging/png/a.png").write_bytes(b"old")
        draw_batch(batch_in(tmp_path, **change), lambda: None)
        assert (tmp_path / "staging/png/a.png").read_bytes() != b"old"
    (tmp_path / "staging/png/b.png").unlink()
    (tmp_path / "staging/png/a.png").write_bytes(b"old")
    draw_batch(batch_in(tmp_path, **change), lambda: None)
    assert (tmp_path / "staging/png/a.png").read_bytes() != b"old"


def test_an_image_that_ends_its_worker_is_refused_by_name_and_no_receipt_is_left(tmp_path):
    result = draw_batch(without_image(batch_in(tmp_path), 1, "signal 11"), lambda: None)
    (problem,) = result.problems
    assert str(problem).startswith("b.json: is of b.jpg, which crashed the worker process twice (signal 11).")
    assert not (tmp_path / "receipt.json").exists()
    assert result.objects == {1: 1}
    with pytest.raises(MachineError, match="could not be finished") as caught:
        without_image(batch_in(tmp_path), 2, "signal 9")  # all images are done: another try would end in the same way
    assert caught.value.code == "E_WORKER"


def test_objects_of_a_file_that_was_changed_are_not_drawn(tmp_path):
    """The file has the same length, and other numbers: at the old place stands an annotation that is valid as well."""
    photograph(tmp_path / "src/a.jpg")
    text = b'{"segmentation": [[1, 1, 5, 1, 5, 5]]}'
    path = tmp_path / "src/x.json"
    path.write_bytes(text)
    info = path.stat()
    objects = Stored("x.json", (info.st_size, info.st_mtime_ns), ("x",), array("q", (0, len(text), 0, 0)))
    items = (Item(Picture("a.jpg", "x.json", SIZE, objects), "a.jpg", "a.png", "0"),)
    batch = batch_in(tmp_path, items=items, options=("coco", "file", 10))
    assert draw_batch(batch, lambda: None).objects == {1: 1}
    (tmp_path / "receipt.json").unlink()
    path.write_bytes(text.replace(b"5]]", b"9]]"))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
    (problem,) = draw_batch(batch, lambda: None).problems
    assert str(problem) == "x.json: was changed while it was read. Run the same command again."


def test_an_image_that_does_not_fit_into_memory_is_a_problem(tmp_path, monkeypatch):
    from converter.annotations import batches

    def too_large(*_):
        raise MemoryError

    monkeypatch.setattr(batches, "draw", too_large)
    codes = [problem.code for problem in draw_batch(batch_in(tmp_path), lambda: None).problems]
    assert codes == ["E_MEMORY", "E_MEMORY"]


def test_a_receipt_comes_back_as_it_was_written_and_only_for_its_key():
    result = BatchResult(["ab"], clipped=1, empty=2)
    result.objects.update({1: 3})
    result.pixels.update({0: 9, 255: 1})
    result.overlaps.update({(1, 2): 5})
    assert BatchResult.of_json(result.to_json("k"), "k") == result
    assert BatchResult.of_json(result.to_json("k"), "other") is None
    for data in (b"", b"[]", b'{"key": "k"}', b'{"key": "k", "objects": 1}'):
        assert BatchResult.of_json(data, "k") is None


def test_masks_have_the_voc_palette_and_no_filter():
    data = encode_png(np.zeros((2, 3), np.uint8), PALETTE)
    assert (len(PALETTE), PALETTE[3:6], PALETTE[-3:]) == (768, bytes([128, 0, 0]), bytes([224, 224, 192]))
    assert data[25] == 3  # colour type: palette
