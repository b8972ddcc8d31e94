"""Receipts: the content of the sources and the options alone decide what is rebuilt."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import COLORS, draw_pair, visible, write_dataset
from in_process import in_process
from PIL import Image

from converter.building import build as building
from converter.building import receipts
from converter.building.plan import plan_build
from converter.building.receipts import fingerprint, receipt_name
from converter.building.report import BuildReport, RefusedPairsError
from converter.building.shards import SourceReader
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.engines.events import Engine, Event
from converter.errors import MachineError, UsageError
from converter.schema import MANIFEST
from converter.system.files import Stamp

LONG_AGO = 1_000_000_000 * 10**9


@pytest.fixture
def settled(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset whose files look older than a clock tick to segconv."""
    monkeypatch.setattr("converter.system.files.SETTLED_NS", -(10**18))
    return dataset


def config(dataset: Path, out: Path, **options: object) -> BuildConfig:
    pair = PairConfig(size=options.pop("size", (24, 24)))
    return BuildConfig(SourceConfig(dataset), out, pair=pair, **({"workers": 1, "shards": 3} | options))


def build(config: BuildConfig, engine: Engine = in_process) -> BuildReport:
    """Builds shards in this process; tests that start the command have real workers."""
    return building.build(config, engine=engine)


def stamps(folder: Path) -> dict[str, tuple[int, ...]]:
    """Returns the stamps of all files, hidden ones and the folder itself included."""
    infos = {path.name: path.stat() for path in [folder, *folder.iterdir()]}
    return {name: (info.st_ino, info.st_mtime_ns, info.st_ctime_ns) for name, info in infos.items()}


def shard_of(out: Path, file: str) -> str:
    """Returns the name of the shard that holds the pair of a training image."""
    for number, record in enumerate(RecordSource(out, "train")):
        if record.file_name == file:
            for shard in read_manifest(out).splits["train"].shards:
                if number < shard.records:
                    return shard.name
                number -= shard.records
    raise AssertionError(file)


def redraw(path: Path, number: int = 77) -> None:
    Image.fromarray(COLORS[draw_pair(number)[1]]).save(path)


def test_a_second_run_is_up_to_date_and_touches_nothing(settled, tmp_path):
    build(config(settled, tmp_path / "out"))
    before = stamps(tmp_path / "out")
    report = build(config(settled, tmp_path / "out", workers=2))
    assert (report.is_up_to_date, report.reused, report.to_json()["shards_built"]) == (True, 5, 0)
    assert report.to_json()["shards_reused"] == 5
    assert report.to_text().startswith(f"{tmp_path}/out: dataset, 3 classes; up to date\n")
    assert stamps(tmp_path / "out") == before
    assert build(config(settled, tmp_path / "out", rehash=True)).is_up_to_date
    assert stamps(tmp_path / "out") == before
    assert build(config(settled, tmp_path / "out", overwrite=True)).is_up_to_date


def test_an_up_to_date_run_reads_no_source_but_with_rehash_every_one(settled, tmp_path, monkeypatch):
    wanted = config(settled, tmp_path / "out", allow_leak=True)  # or images of equal size would be read to compare them
    build(wanted)
    read: list[str] = []
    true = SourceReader.__call__
    monkeypatch.setattr(SourceReader, "__call__", lambda self, name: (read.append(name), true(self, name))[1])
    assert build(wanted).is_up_to_date
    assert read == []
    assert build(dataclasses.replace(wanted, rehash=True)).is_up_to_date
    assert len(read) == 16


def test_one_edited_mask_makes_its_shard_alone_again(settled, tmp_path):
    build(config(settled, tmp_path / "out"))
    shard = shard_of(tmp_path / "out", "jpg/p2.jpg")
    before = stamps(tmp_path / "out")
    redraw(settled / "png/m2.png")
    report = build(config(settled, tmp_path / "out"))
    assert (report.is_up_to_date, report.reused) == (False, 4)
    after = stamps(tmp_path / "out")
    touched = {name for name in after if after[name] != before.get(name)}
    own = {"out", MANIFEST, shard, f"{shard}.idx", f".segconv-{shard}.receipt"}
    assert own <= touched <= own | {"dataset_info.json", "README.md"}  # which have counts, if those changed
    assert before.keys() == after.keys()
    build(config(settled, tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


CHANGES = {
    "a photograph": lambda d: Image.fromarray(draw_pair(78)[0]).save(d / "jpg/p1.jpg"),
    "a pair more": lambda d: (
        shutil.copy(d / "png/m1.png", d / "png/m6.png"),
        Image.fromarray(draw_pair(78)[0]).save(d / "jpg/p6.jpg"),
        (d / "train.txt").write_text((d / "train.txt").read_text() + "p6.jpg;m6.png\n"),
    ),
    "a pair less": lambda d: (d / "train.txt").write_text((d / "train.txt").read_text().replace("p3.jpg;m3.png\n", "")),
    "two masks exchanged": lambda d: (
        (d / "png/m0.png").rename(d / "x"),
        (d / "png/m1.png").rename(d / "png/m0.png"),
        (d / "x").rename(d / "png/m1.png"),
    ),
    "another mask for a photograph": lambda d: (d / "train.txt").write_text(
        (d / "train.txt").read_text().replace("p3.jpg;m3.png", "p3.jpg;m2.png")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_the_sources_gives_what_a_fresh_build_gives(settled, tmp_path, change):
    build(config(settled, tmp_path / "out"))
    CHANGES[change](settled)
    assert not build(config(settled, tmp_path / "out")).is_up_to_date
    build(config(settled, tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    assert build(config(settled, tmp_path / "out")).is_up_to_date


def test_of_many_pairs_one_that_is_added_edited_or_removed_makes_one_shard_again(settled, tmp_path):
    dataset = write_dataset(tmp_path / "many", train=130)
    lines = (dataset / "train.txt").read_text()
    out, fresh = (config(dataset, tmp_path / name, shards=None) for name in ("out", "fresh"))
    assert len(list(build(out).manifest.shards())) == 5
    Image.fromarray(draw_pair(78)[0]).save(dataset / "jpg/new.jpg")
    (dataset / "train.txt").write_text(f"{lines}new.jpg;m0.png\n")
    assert build(out).reused == 4
    redraw(dataset / "png/m2.png")
    assert build(out).reused == 4
    (dataset / "train.txt").write_text(lines.replace("p7.jpg;m7.png\n", "") + "new.jpg;m0.png\n")
    assert build(out).reused == 4
    build(fresh)
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    assert build(out).is_up_to_date


def test_what_no_record_depends_on_makes_nothing_again(settled, tmp_path):
    build(config(settled, tmp_path / "out"))
    before = stamps(tmp_path / "out")
    lines = (settled / "train.txt").read_text().splitlines()
    (settled / "train.txt").write_text("# checked twice\n\n" + "\r\n".join(reversed(lines)))
    assert build(config(settled, tmp_path / "out", workers=2)).reused == 5
    shards = {name for name in before if ".tfrecord-" in name and not name.startswith(".")}
    after = stamps(tmp_path / "out")
    assert {name: after[name] for name in shards} == {name: before[name] for name in shards}


def test_times_alone_make_nothing_again_and_are_believed_the_next_time(settled, tmp_path):
    build(config(settled, tmp_path / "out"))
    before = visible(tmp_path / "out")
    os.utime(settled / "png/m2.png", ns=(LONG_AGO, LONG_AGO))
    assert build(config(settled, tmp_path / "out")).is_up_to_date
    once = stamps(tmp_path / "out")
    assert build(config(settled, tmp_path / "out")).is_up_to_date
    assert stamps(tmp_path / "out") == once
    assert visible(tmp_path / "out") == before


def draw_plainly(path: Path, number: int) -> None:
    """Writes a mask without compression, so that all such masks have the same size."""
    Image.fromarray(COLORS[draw_pair(number)[1]]).save(path, compress_level=0)


def say_always(monkeypatch: pytest.MonkeyPatch, when_ns: int) -> None:
    """Makes the file system report the same stamp for every file, whatever is done to it."""
    monkeypatch.setattr(Stamp, "of", classmethod(lambda cls, info: cls(info.st_size, when_ns, when_ns, 1)))


def test_an_edit_that_the_file_system_does_not_show_is_found_with_rehash(dataset, tmp_path, monkeypatch):
    say_always(monkeypatch, LONG_AGO)
    draw_plainly(dataset / "png/m2.png", 1)
    build(config(dataset, tmp_path / "out"))
    draw_plainly(dataset / "png/m2.png", 2)
    assert build(config(dataset, tmp_path / "out")).is_up_to_date  # that is what --rehash is for
    assert build(config(dataset, tmp_path / "out", rehash=True)).reused == 4


def test_an_edit_in_the_same_tick_of_the_clock_is_found_since_a_young_file_is_read_again(
    dataset, tmp_path, monkeypatch
):
    say_always(monkeypatch, time.time_ns())
    draw_plainly(dataset / "png/m2.png", 1)
    build(config(dataset, tmp_path / "out"))
    draw_plainly(dataset / "png/m2.png", 2)
    assert build(config(dataset, tmp_path / "out")).reused == 4


@pytest.mark.parametrize(("options", "words"), [
    ({"size": (40, 30)}, r"size 24x24 -> 40x30"),
    ({"size": None}, r"size 24x24 -> none"),
    ({"seed": 3, "limit": 2}, r"seed 0 -> 3; limit none -> 2"),
    ({"name": "other"}, r"name dataset -> other"),
    ({"shards": 2}, r"shards 3 -> 2"),
])  # fmt: skip
def test_other_options_are_refused_with_the_difference_and_change_nothing(settled, tmp_path, options, words):
    build(config(settled, tmp_path / "out"))
    before = stamps(tmp_path / "out")
    with pytest.raises(UsageError, match=rf"built with other options \({words}\)\. Pass --overwrite") as caught:
        build(config(settled, tmp_path / "out", **options))
    assert caught.value.code == "E_OUT"
    assert stamps(tmp_path / "out") == before
    build(config(settled, tmp_path / "out", overwrite=True, **options))
    build(config(settled, tmp_path / "fresh", **options))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name for path in (tmp_path / "fresh").iterdir()
    }


@pytest.mark.parametrize(("old", "new", "words"), [
    ("#1600FF", "#1600FE", r"class 'building' was #1600FF, is #1600FE"),
    ("building", "house", r"class 'building' was #1600FF, is absent; class 'house' was absent, is #1600FF"),
    ("ignore,#FFFF00", "ignore,#FFFF00\nignore,*", r"class 'ignore' was #FFFF00, is #FFFF00 \*"),
    ("background,0 0 0\nbuilding,#1600FF\n", "building,#1600FF\nbackground,0 0 0\n", r"order of the classes: b.*"),
])  # fmt: skip
def test_another_class_map_is_refused_with_the_difference(settled, tmp_path, old, new, words):
    build(config(settled, tmp_path / "out"))
    text = (settled / "classes.csv").read_text()
    (settled / "classes.csv").write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=rf"built with other options \({words}\)\. Pass --overwrite"):
        build(config(settled, tmp_path / "out"))


@pytest.mark.parametrize("name", ["{shard}", "{shard}.idx", "features.json", "dataset_info.json"])
@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_damaged_dataset_is_mended_by_the_same_command(settled, tmp_path, name, harm):
    build(config(settled, tmp_path / "out"))
    before = visible(tmp_path / "out")
    path = tmp_path / "out" / name.format(shard="dataset-train.tfrecord-00001-of-00003")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()
    if harm == "changed":
        path.write_bytes(data)
    assert build(config(settled, tmp_path / "out")).reused == (4 if "shard" in name else 5)
    assert visible(tmp_path / "out") == before


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-1]),
    lambda path: path.write_bytes(path.read_bytes().replace(b'"turned": 0', b'"turned": 1')),
    lambda path: path.write_bytes(sealed(b"[]")),
    lambda path: path.write_bytes(sealed(b"{}")),
    lambda path: path.write_bytes(sealed(b"[" * 100_000)),
    lambda path: path.write_bytes(sealed(path.read_bytes()[65:].replace(b'"sources": [', b'"sources": [1, '))),
    lambda path: shutil.copy(path, path.with_name(path.name.replace("00000-of", "00001-of"))),
])  # fmt: skip
def test_a_receipt_that_is_gone_or_damaged_costs_nothing_but_the_work(settled, tmp_path, spoil):
    build(config(settled, tmp_path / "out"))
    before = visible(tmp_path / "out")
    spoil(tmp_path / "out" / receipt_name("dataset-train.tfrecord-00000-of-00003"))
    assert build(config(settled, tmp_path / "out")).reused == 4
    assert visible(tmp_path / "out") == before


def sealed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def test_refused_pairs_stay_named_by_the_present_lines_of_their_list(settled, tmp_path):
    (settled / "jpg/p1.jpg").write_bytes(b"no photograph")
    wanted = config(settled, tmp_path / "out", on_error="skip")
    build(wanted)
    assert build(wanted).is_up_to_date
    assert [reject.line for reject in build(wanted).rejects] == [2]
    (settled / "train.txt").write_text("# a line more\n" + (settled / "train.txt").read_text())
    assert build(wanted).reused == 5
    (error,) = (tmp_path / "out/errors.jsonl").read_text().splitlines()
    assert (json.loads(error)["line"], json.loads(error)["code"]) == (3, "E_FORMAT")
    build(dataclasses.replace(wanted, out=tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    Image.fromarray(draw_pair(1)[0]).save(settled / "jpg/p1.jpg")
    assert build(wanted).reused == 4
    assert not (tmp_path / "out/errors.jsonl").exists()


def test_a_refused_build_keeps_its_shards_and_only_the_mended_one_is_made_again(settled, tmp_path, caplog):
    whole = (settled / "png/m2.png").read_bytes()
    (settled / "png/m2.png").write_bytes(whole[:-30])
    with caplog.at_level("INFO", "segconv"), pytest.raises(RefusedPairsError):
        build(config(settled, tmp_path / "out"))
    assert "5 of 5 shards are finished: run the same command again" in caplog.messages[-1]
    assert visible(tmp_path / "out") == {}
    (settled / "png/m2.png").write_bytes(whole)
    assert build(config(settled, tmp_path / "out")).reused == 4
    build(config(settled, tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name for path in (tmp_path / "fresh").iterdir()
    }


def test_shards_that_were_begun_with_other_options_are_not_used_and_make_room_first(settled, tmp_path):
    (settled / "png/m2.png").write_bytes(b"")
    with pytest.raises(RefusedPairsError):
        build(config(settled, tmp_path / "out", size=(40, 30)))
    assert len(list((tmp_path / "out").glob(".segconv-*"))) == 15
    redraw(settled / "png/m2.png", 2)
    there: list[list[str]] = []

    def look_and_make(*arguments: object) -> Iterator[Event]:
        there.append([path.name for path in (tmp_path / "out").iterdir()])
        yield from in_process(*arguments)

    assert build(config(settled, tmp_path / "out"), look_and_make).reused == 0
    assert there == [[".segconv-lock"]]
    build(config(settled, tmp_path / "fresh"))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")


def test_too_many_bad_pairs_end_even_a_build_that_skips(dataset, tmp_path):
    for number in range(4):
        (dataset / f"jpg/p{number}.jpg").write_bytes(b"no photograph")
    wanted = config(dataset, tmp_path / "out", on_error="skip")
    with pytest.raises(RefusedPairsError, match=r"4 of 8 pairs .*more than 1 %.*--max-bad 50 to leave") as caught:
        build(wanted)
    assert caught.value.exit_code == 1
    assert visible(tmp_path / "out") == {}
    with pytest.raises(RefusedPairsError, match=r"more than 49\.9 %"):
        build(dataclasses.replace(wanted, max_bad=49.9))
    assert len(build(dataclasses.replace(wanted, max_bad=50)).rejects) == 4
    Image.fromarray(draw_pair(1)[0]).save(dataset / "jpg/p1.jpg")
    assert len(build(wanted).rejects) == 3  # so few are accepted in a small dataset ...
    with pytest.raises(RefusedPairsError, match="more than 1 %"):
        build(dataclasses.replace(wanted, max_bad=1.0))  # ... unless a percentage is given
    with pytest.raises(UsageError, match="--max-bad: 101 is not within"):
        dataclasses.replace(wanted, max_bad=101)


def test_a_disk_that_is_clearly_too_small_is_refused_before_anything_is_written(dataset, tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(
        MachineError, match=r"has 0 MB free, and the records will take about 1 MB\. Free some space"
    ) as caught:
        build(config(dataset, tmp_path / "out", size=(512, 512)))
    assert (caught.value.exit_code, caught.value.code) == (4, "E_SPACE")
    assert not (tmp_path / "out").exists()


def test_a_receipt_is_written_when_shard_and_index_are_on_the_disk(dataset, tmp_path, monkeypatch):
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", lambda path, to: (calls.append(f"name {to.name}"), replace(path, to))[1])
    wanted = config(dataset, tmp_path)
    receipts.make_shard(plan_build(wanted).all_tasks[0], lambda: None)
    name = ".segconv-dataset-train.tfrecord-00000-of-00003"
    temporary = f".segconv-{name}.receipt"
    assert calls == [f"fsync {name}", f"fsync {name}.idx", f"fsync {temporary}", f"name {name}.receipt"]


def test_the_digests_are_those_of_the_bytes_that_were_stored(dataset, tmp_path, monkeypatch):
    true = SourceReader.__call__
    (first, *_) = plan_build(config(dataset, tmp_path)).all_tasks
    mask = dataset / first.refs[0].mask

    def read_and_change(self: SourceReader, name: str) -> bytes:
        data = true(self, name)
        if name == first.refs[0].mask:
            redraw(mask, 99)
        return data

    before = hashlib.sha256(mask.read_bytes()).hexdigest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SourceReader, "__call__", read_and_change)
        receipts.make_shard(first, lambda: None)
    noted = json.loads((tmp_path / receipt_name(first.name)).read_bytes().partition(b"\n")[2])["sources"]
    assert noted[0][1][0] == before
    assert receipts.find_reusable(first, rehash=False) is None  # built from a source that is no longer there


def test_the_fingerprint_follows_the_content_and_nothing_about_the_machine(dataset, tmp_path):
    def print_of(source: SourceConfig | None = None, **options: object) -> str:
        wanted = config(dataset, **({"out": tmp_path} | options))
        (task, *_) = plan_build(dataclasses.replace(wanted, source=source or wanted.source)).all_tasks
        return fingerprint(task, [("a", "b")] * len(task.refs))

    moved = tmp_path / "moved"
    shutil.copytree(dataset, moved / "dataset")
    own = print_of()
    assert own == print_of(workers=7, out=tmp_path / "elsewhere", shard_mb=1)
    assert own == print_of(SourceConfig(moved / "dataset", follow_links=True))
    others = [
        print_of(size=(9, 9)),
        print_of(seed=1),
        print_of(shards=2),
        print_of(SourceConfig(dataset, max_pixels=10)),
        print_of(SourceConfig(dataset, bands=(3, 2, 1))),
        print_of(SourceConfig(dataset, range="0:9")),
        print_of(SourceConfig(dataset, range="percentile:2:98", levels=((0.0, 8.0),))),
    ]
    assert len({own, *others}) == 8
    assert print_of(SourceConfig(dataset, range="0:8")) == others[-1]  # the levels count, not where they come from


def test_options_at_their_defaults_leave_the_fingerprint_as_it_was_before_they_existed(dataset, tmp_path):
    (task, *_) = plan_build(config(dataset, tmp_path)).all_tasks
    classes = task.classes
    tables = [list(table.items()) for table in (classes.grey, classes.rgb, classes.palette)]
    facts = {
        "schema_version": 1,
        "written_by": receipts.written_by(),
        "pair": {
            "size": [24, 24], "fit": "pad", "mask_resample": "nearest", "image_format": "jpeg:95", "tolerance": 0,
        },
        "max_pixels": 50_000_000,
        "classes": [classes.names, *tables, classes.default],
        "pairs": [(*ref.key, "a", "b") for ref in task.refs],
    }  # fmt: skip
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    assert fingerprint(task, [("a", "b")] * len(task.refs)) == hashlib.sha256(text.encode("ascii")).hexdigest()


POISON = """
import os, signal, sys
from converter.building import tiles

true = tiles.make_record


def make_record(ref, *arguments):
    if ref.image == os.environ["POISON"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if ref.image == os.environ["GREED"]:
        raise MemoryError
    return true(ref, *arguments)


tiles.make_record = make_record
if __name__ == "__main__":
    from converter.cli import main

    main()
"""


def test_a_pair_that_kills_its_worker_or_takes_its_memory_is_named_and_costs_itself_alone(dataset, tmp_path):
    (tmp_path / "poisoned.py").write_text(POISON)
    command = [
        sys.executable,
        "poisoned.py",
        "build",
        "--src",
        "dataset",
        "--size",
        "24",
        "-j",
        "2",
        "--shards",
        "2",
    ]
    environment = os.environ | {"POISON": "jpg/p2.jpg", "GREED": "jpg/p4.jpg"}
    options = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command, **options)
    assert done.returncode == 1, done.stderr
    assert "train.txt:3: jpg/p2.jpg: crashed the worker process twice (signal 9). Check" in done.stderr
    assert "train.txt:5: jpg/p4.jpg: did not fit into memory" in done.stderr
    assert "2 of 8 pairs were refused (1 E_CRASH, 1 E_MEMORY)" in done.stderr
    done = subprocess.run([*command, "--on-error", "skip"], **options)
    assert done.returncode == 3, done.stderr
    names = {record.file_name for record in RecordSource(tmp_path / "records", "train")}
    assert names == {f"jpg/p{number}.jpg" for number in (0, 1, 3, 5)}
    done = subprocess.run(command, **options | {"env": environment | {"POISON": "", "GREED": ""}})
    assert done.returncode == 0, done.stderr  # what may have been a machine failure is retried
    build(config(dataset, tmp_path / "fresh", shards=2))
    assert visible(tmp_path / "records") == visible(tmp_path / "fresh")


# The same bytes, everywhere and always.
def golden_dataset(folder: Path) -> Path:
    """Writes a dataset that follows from arithmetic alone; no JPEG, since decoders of other versions differ."""
    for name in ("jpg", "png"):
        (folder / name).mkdir(parents=True)
    places = np.arange(12 * 16).reshape(12, 16)
    for number in range(3):
        levels = np.stack([places * (number + 1), places * 7, places[::-1] * 3], axis=-1)
        Image.fromarray(levels.astype(np.uint8)).save(folder / f"jpg/p{number}.png")
        Image.fromarray(COLORS[(places + number) % 4]).save(folder / f"png/m{number}.png")
    lines = "".join(f"p{number}.png;m{number}.png\n" for number in range(3))
    (folder / "train.txt").write_text(lines)
    (folder / "val.txt").write_text("p3.png;m3.png\n")
    Image.fromarray(levels.astype(np.uint8)[::-1].copy()).save(folder / "jpg/p3.png")
    Image.fromarray(COLORS[places % 4]).save(folder / "png/m3.png")
    (folder / "classes.csv").write_text(
        "name,value\nbackground,0 0 0\nbuilding,#1600FF\ntree,0 255 0\nignore,#FFFF00\n"
    )
    return folder


# SHA-256 of the only shard of train. Pillow bundles zlib, so these versions alone determine the bytes.
GOLDEN = {
    "pillow": "13.0.0",
    "zlib": "2.3.3",
    "sha256": "a03646a57f95af1632b096960c947403303f8098c2cc3b1cbc6ac21e9fa45933",
}


# Of the decoded content of the shard, which is the same with any version.
GOLDEN_RECORDS = "2a67875624155e5a744164d310d86c109105f122681f9e08c1a4bcf078b9eab3"


def test_the_records_of_a_drawn_dataset_are_those_of_the_day_it_was_written_down(tmp_path):
    source = SourceConfig(golden_dataset(tmp_path / "golden"))
    build(BuildConfig(source, tmp_path / "out", pair=PairConfig(size=(20, 24), image_format="png")))
    digest = hashlib.sha256()
    for record in RecordSource(tmp_path / "out", "train"):
        facts = (record.file_name, record.mask_name, record.original_size, record.image.shape, record.mask.shape)
        digest.update(repr(facts).encode() + record.image.tobytes() + record.mask.tobytes())
    assert digest.hexdigest() == GOLDEN_RECORDS
    (shard,) = read_manifest(tmp_path / "out").splits["train"].shards
    versions = receipts.written_by()
    if {name: versions[name] for name in ("pillow", "zlib")} == {name: GOLDEN[name] for name in ("pillow", "zlib")}:
        assert shard.sha256 == GOLDEN["sha256"]


@pytest.mark.parametrize(("workers", "umask", "environment"), [
    (1, 0o077, {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}),
    (2, 0o000, {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}),
    (5, 0o027, {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "POSIX", "LANG": "tr_TR.UTF-8"}),
])  # fmt: skip
def test_the_bytes_do_not_depend_on_the_machine(tmp_path, segconv, workers, umask, environment):
    dataset = write_dataset(tmp_path / "here" / "d")
    moved = write_dataset(tmp_path / "else where" / "façade" / "d")
    for path in moved.rglob("*.*"):
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
    build(config(dataset, tmp_path / "expected"))
    arguments = ("build", "--src", moved, "--size", "24", "--shards", "3", "-o", "out", "-j", workers)
    done = segconv(*arguments, env=os.environ | environment, umask=umask)
    assert done.returncode == 0, done.stderr
    assert visible(tmp_path / "out") == visible(tmp_path / "expected")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {0o666 & ~umask}


def test_a_pipe_in_the_place_of_a_receipt_does_not_hold_it_up(settled, tmp_path):
    build(config(settled, tmp_path / "out"))
    name = shard_of(tmp_path / "out", "jpg/p0.jpg")
    path = tmp_path / "out" / receipt_name(name)
    path.unlink()
    os.mkfifo(path)
    before = visible(tmp_path / "out")
    assert build(config(settled, tmp_path / "out")).reused == len(list(read_manifest(tmp_path / "out").shards())) - 1
    assert visible(tmp_path / "out") == before
    assert path.is_file()
