"""Safeguards that no other test covers; tests/mutations.py removes each of them in turn."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import types
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from check_pages import REPORT, Page, halves, page_of, write_pair
from conftest import write_dataset
from in_process import in_process
from picture_bytes import png, tiff

from converter.building import commit as committing
from converter.building import receipts
from converter.building.build import build
from converter.building.commit import commit
from converter.building.plan import plan_build
from converter.building.receipts import fingerprint
from converter.classes.native import parse_class_map, read_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.errors import DataError, UsageError
from converter.pixels.png import check_png, check_png_rows
from converter.pixels.tiff import check_tiff
from converter.schema import MANIFEST
from converter.sources.lists.text import read_split_list
from converter.system.files import temporary_path, whole_file
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify
from trainer.input.records import open_records


def config(dataset: Path, out: Path, **options: object) -> BuildConfig:
    return BuildConfig(SourceConfig(dataset), out, pair=PairConfig(size=(8, 8)), workers=1, **options)


def python(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


def test_a_file_that_is_not_what_it_begins_as_is_shown_to_no_other_decoder():
    # Pillow loads all of its decoders where none of those that it was asked to try accepts a file.
    program = """
import sys
from converter.errors import DataError
from converter.pixels.opening import open_image_file
for start in (b"BM", b"\\xff\\xd8\\xff"):
    try:
        open_image_file(start + b"x" * 100, "a.jpg")
    except DataError as error:
        print(error.code)
print([name for name in sys.modules if name.endswith(("EpsImagePlugin", "SpiderImagePlugin"))])
"""
    done = python(program)
    assert (done.stdout, done.stderr) == ("E_FORMAT\nE_FORMAT\n[]\n", "")


def test_a_link_that_lies_where_a_file_is_to_be_written_is_not_followed(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    final = tmp_path / "report.html"
    temporary_path(final).symlink_to(tmp_path / "secret")
    with whole_file(final) as path:
        path.write_bytes(b"new")
    assert (final.read_bytes(), (tmp_path / "secret").read_bytes()) == (b"new", b"secret")


class _EndedError(Exception):
    """Represents the end of a build by a signal."""


def test_a_signal_waits_until_a_commit_is_done(tmp_path, monkeypatch):
    finish = committing.finish_commit

    def end_then_finish(out: Path) -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # threads of libraries could take it
        finish(out)

    def end(number: int, frame: object) -> None:
        raise _EndedError

    monkeypatch.setattr(committing, "finish_commit", end_then_finish)
    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(_EndedError):
            commit(tmp_path, [], {"features.json": b"{}", MANIFEST: b"new"}, [])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"features.json": b"{}", MANIFEST: b"new"}


def meet_and_fail_or_wait(task: tuple[str, Path], tick: Callable[[], None]) -> None:
    """Both tasks are running once each has opened its end of a pipe; then one fails, and the other never ends."""
    kind, pipe = task
    with pipe.open("rb" if kind == "fail" else "wb"):
        if kind == "fail":
            raise DataError("pair 1", "is bad", "Fix it.", "E_TEST")
        threading.Event().wait()


def test_after_a_failure_no_worker_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    tasks = [(kind, tmp_path / "pipe") for kind in ("fail", "wait")]
    with pytest.raises(DataError, match="pair 1: is bad"):
        supervise(local, meet_and_fail_or_wait, tasks, 2, lambda done: None)


def signals_held(task: int, tick: Callable[[], None]) -> set[int]:
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_signals_that_end_a_build_do_not_reach_its_workers():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    (held,) = supervise(local, signals_held, [0], 1, lambda done: None)
    assert held >= {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_worker_whose_parent_died_before_it_began_ends_at_once():
    program = (
        "import os; from converter.engines.local import _start_worker; "
        "_start_worker(None, os.getpid()); print('continued')"
    )
    assert python(program).returncode == 1
    assert python(program).stdout == ""
    assert python(program.replace("getpid", "getppid")).stdout == "continued\n"


def test_a_photograph_under_two_names_in_two_splits_is_refused_unless_allowed(dataset, tmp_path):
    (dataset / "val_jpg" / "p1.jpg").write_bytes((dataset / "jpg" / "p4.jpg").read_bytes())
    with pytest.raises(UsageError, match=r"val\.txt:2: val_jpg/p1\.jpg has the content of jpg/p4\.jpg"):
        plan_build(config(dataset, tmp_path / "out"))
    assert plan_build(config(dataset, tmp_path / "out", allow_leak=True)).num_pairs == 8


def test_a_fingerprint_follows_contents_classes_and_versions(dataset, tmp_path, monkeypatch):
    (task, *_) = plan_build(config(dataset, tmp_path)).all_tasks
    digests = [("a", "b")] * len(task.refs)
    classes = parse_class_map("name,value\nbackground,0 0 0\nbuilding,#1600FE\nvegetation,0 255 0\n", "classes.csv")
    others = [
        fingerprint(task, [*digests[1:], ("a", "c")]),
        fingerprint(dataclasses.replace(task, classes=dataclasses.replace(classes, names=task.classes.names)), digests),
        fingerprint(dataclasses.replace(task, classes=dataclasses.replace(task.classes, default=0)), digests),
    ]
    own = fingerprint(task, digests)
    monkeypatch.setattr(receipts, "pillow_version", "0")
    assert len({own, *others, fingerprint(task, digests)}) == 5


def test_a_shard_that_another_version_made_is_made_again(dataset, tmp_path, monkeypatch):
    build(config(dataset, tmp_path / "out"))
    assert build(config(dataset, tmp_path / "out")).is_up_to_date
    monkeypatch.setattr(receipts, "pillow_version", "0")
    report = build(config(dataset, tmp_path / "out"), engine=in_process)
    assert (report.reused, report.manifest.written_by["pillow"]) == (0, "0")


def test_the_same_classes_in_another_order_are_refused(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"))
    lines = (dataset / "classes.csv").read_text().splitlines()
    (dataset / "classes.csv").write_text("\n".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(UsageError, match="order of the classes: background building vegetation -> building background"):
        build(config(dataset, tmp_path / "out"))


def test_a_shard_with_another_number_of_records_than_its_manifest_says_is_named(dataset, tmp_path):
    report = build(config(dataset, tmp_path / "out"))
    split = report.manifest.splits["val"]
    (shard,) = split.shards
    forged = dataclasses.replace(split, shards=(dataclasses.replace(shard, records=3),))
    manifest = dataclasses.replace(report.manifest, splits=report.manifest.splits | {"val": forged})
    (report.out / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")  # which recomputes the seal
    problems = [problem for problem in verify(VerifyConfig(report.out, workers=1)).problems if problem.shard]
    assert [(problem.error.code, problem.error.what) for problem in problems] == [
        ("E_COUNTS", "holds 2 records, the manifest says 3")
    ]


def test_training_refuses_a_damaged_shard_before_tensorflow_could_read_it(tmp_path):
    report = build(config(write_dataset(tmp_path / "dataset"), tmp_path / "out"))
    assert open_records(report.out, ["train"]) == report.manifest
    path = report.out / report.manifest.splits["train"].shards[0].name
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="record 5: has a wrong checksum of its data"):
        open_records(report.out, ["train"])
    assert open_records(report.out, ["val"]) == report.manifest


def test_what_an_error_tells_is_escaped_and_bounded_as_well():
    assert str(DataError("a.png", "holds \x1b[2J", "Fix it.")) == r"a.png: holds \x1b[2J. Fix it."
    assert len(str(DataError("a.png", "x" * 10**6, "Fix it."))) == len("a.png: ") + 1000 + len(". Fix it.")


def test_a_pipe_is_no_list(tmp_path):
    os.mkfifo(tmp_path / "train.txt")
    with pytest.raises(UsageError, match="not a regular file"):
        read_split_list("train", tmp_path / "train.txt", "train.txt")


def test_a_class_map_without_end_is_refused_before_memory_is_spent(tmp_path):
    with (tmp_path / "classes.csv").open("wb") as file:
        file.truncate(2**40)  # more memory than any machine has
    with pytest.raises(UsageError, match="the maximum for a class map"):
        read_class_map(tmp_path / "classes.csv")


class _Inflater:
    """Records how many bytes each call takes out of a zlib stream."""

    def __init__(self, parts: list[int]) -> None:
        self._inflater = zlib.decompressobj()
        self._parts = parts

    def __getattr__(self, name: str) -> object:
        return getattr(self._inflater, name)

    def decompress(self, *arguments: object) -> bytes:
        data = self._inflater.decompress(*arguments)
        self._parts.append(len(data))
        return data


def test_what_swells_is_inflated_no_further_than_its_picture_and_never_kept(monkeypatch):
    parts: list[int] = []
    zeros = bytes(10 * 2**20)
    strip = tiff(np.zeros((4000, 4000), np.uint8), {256: 8, 257: 8, 278: 8}, compression=8)
    counting = types.SimpleNamespace(**vars(zlib) | {"decompressobj": lambda: _Inflater(parts)})
    for module in ("png", "tiff"):
        monkeypatch.setattr(f"converter.pixels.{module}.zlib", counting)
    check_png_rows(png((2000, 2000), 8, 0, zeros), (2000, 2000), "a.png")
    assert (max(parts), sum(parts)) == (2**20, 4 * 2**20)  # of the 4,002,000 bytes of its rows
    parts.clear()
    with pytest.raises(DataError, match="is incomplete"):
        check_tiff(strip, "a.tif")
    assert parts == [2**20]


def test_a_tile_beyond_all_reason_is_refused_though_it_is_whole():
    data = tiff(np.zeros((4, 4), np.uint8), {}, compression=8, part=(1025, 1024), is_tiled=True)
    assert check_tiff(data, "a.tif").size == (4, 4)
    with pytest.raises(DataError, match="has tiles of 1025x1024 pixels"):
        check_tiff(data, "a.tif", 16)


def test_the_pixels_of_a_tiff_are_counted_before_its_strips_are_looked_at():
    data = tiff(np.zeros((3, 5), np.uint8))[:-15]
    with pytest.raises(DataError, match="is truncated"):
        check_tiff(data, "a.tif", 15)
    with pytest.raises(DataError, match="has 3x5 pixels, more than 14 in all"):
        check_tiff(data, "a.tif", 14)


def test_a_png_of_two_headers_is_refused():
    data = png((2, 2), 8, 0, bytes(6))
    header = data[8:33]
    assert check_png(data, "a.png") == (8, 0)
    with pytest.raises(DataError, match="has two headers"):
        check_png(data[:33] + header + data[33:], "a.png")


def test_the_name_of_a_folder_and_that_of_a_picture_cannot_write_into_the_page(tmp_path):
    ref = write_pair(tmp_path, halves((0, 0, 0), (22, 0, 255)))
    image = '" onerror="x.png'
    (tmp_path / ref.image).rename(tmp_path / image)
    report = dataclasses.replace(REPORT, src="data/<b>&", samples=(dataclasses.replace(ref, image=image),))
    text = page_of(report, tmp_path)
    page = Page(text)
    assert "<title>&lt;b&gt;&amp;: segconv check</title>" in text
    assert "<h1>&lt;b&gt;&amp;</h1>" in text
    assert [set(attributes) for attributes in page.all("img")] == [{"alt", "width", "height", "src"}]
