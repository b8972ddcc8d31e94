"""Verify: every change of a finished dataset is found and reported, and a repair restores the exact bytes."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pickle
import shutil
import struct
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import write_dataset
from in_process import in_process

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.example import Record, decode_record, encode_record
from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import Manifest, ShardInfo
from converter.dataset.parse import read_manifest
from converter.dataset.store import LocalFolder
from converter.dataset.tfrecord import ShardError, ShardWriter, masked_crc, read_shard
from converter.engines.events import Engine
from converter.engines.local import local
from converter.errors import DataError, UsageError
from converter.pixels.masks import encode_png
from converter.verifying import verify as verifying
from converter.verifying.report import Verification, VerifyConfig
from converter.verifying.scan import ShardCheck, check_shard
from converter.verifying.source_plan import FIX_SOURCE
from converter.verifying.verify import sampled_records, verify
from trainer.input.records import open_records

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder is created in it
SIZE = (8, 8)
FIRST = "dataset-train.tfrecord-00000-of-00002"  # of two records
SECOND = "dataset-train.tfrecord-00001-of-00002"  # of three


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("source") / "dataset", train=5, val=1, size=SIZE)


@pytest.fixture(scope="module")
def built(source, tmp_path_factory) -> Path:
    """Two shards of train, one of val with one record, and a list of skipped pairs."""
    spoiled = tmp_path_factory.mktemp("spoiled") / "dataset"
    shutil.copytree(source, spoiled)
    with (spoiled / "train.txt").open("a") as file:
        file.write("p0.jpg m0.png\n")
    out = tmp_path_factory.mktemp("built") / "records"
    pair = PairConfig(size=SIZE)
    build(BuildConfig(SourceConfig(spoiled), out, pair=pair, shards=2, workers=1, on_error="skip"))
    return out


@pytest.fixture
def records(built, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(built, tmp_path / "records"))


@pytest.fixture
def in_memory(built) -> Iterator[Path]:
    """A copy that is written a thousand times, in memory if possible."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(shutil.copytree(built, Path(folder) / "records"))


def found_in(folder: Path, engine: Engine = local, **options) -> Verification:
    return verify(VerifyConfig(folder, workers=1, **options), engine=engine)


found_here = functools.partial(found_in, engine=in_process)  # a thousand runs could not wait for workers to start


def frames(data: bytes) -> list[bytes]:
    """Returns the frames of an intact shard."""
    found = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        found.append(data[: length + 16])
        data = data[length + 16 :]
    return found


def framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def forged(frame: bytes, length: int) -> bytes:
    """Returns a frame with another length and the correct checksum of it."""
    header = struct.pack("<Q", length)
    return header + struct.pack("<I", masked_crc(header)) + frame[12:]


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sealed(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """Forges the manifest of a folder, seal included."""
    (folder / "manifest.json").write_text(change(read_manifest(folder)).to_json(), "utf-8")


def test_a_finished_dataset_is_whole(records):
    report = found_in(records)
    assert report.problems == []
    assert report.to_text() == "3 shards, 6 records: intact"
    facts = report.to_json()
    assert facts.pop("seconds") >= 0
    assert facts == {
        "path": str(records), "ok": True, "shards": 3, "records": 6, "damaged": [], "derived": 0,
        "repaired": [], "problems": [], "notes": [],
    }  # fmt: skip


def test_every_flipped_bit_of_a_shard_is_found_and_its_record_named(in_memory):
    records = in_memory
    (shard,) = [info for _, info in read_manifest(records).shards() if info.name == FIRST]
    path = records / FIRST
    data = path.read_bytes()
    end = len(frames(data)[0])
    task = ShardCheck(LocalFolder(records), shard, SIZE, 3)
    assert check_shard(task, lambda: None).problem is None
    with path.open("r+b", buffering=0) as file:
        for position in range(8 * len(data)):
            byte = position // 8
            os.pwrite(file.fileno(), bytes([data[byte] ^ 1 << position % 8]), byte)
            problem = check_shard(task, lambda: None).problem
            os.pwrite(file.fileno(), data[byte : byte + 1], byte)
            number = int(byte >= end)
            assert isinstance(problem, ShardError)
            assert (problem.record, problem.offset) == (number, number * end)
            assert f"{FIRST}: record {number}: " in str(problem)
            assert f" at byte {number * end}" in str(problem)
    assert check_shard(task, lambda: None).problem is None


def test_a_shard_cut_anywhere_is_found_and_the_first_lost_record_named(in_memory):
    records = in_memory
    (shard,) = [info for _, info in read_manifest(records).shards() if info.name == FIRST]
    path = records / FIRST
    data = path.read_bytes()
    end = len(frames(data)[0])
    for cut in reversed(range(len(data))):
        os.truncate(path, cut)
        problem = check_shard(ShardCheck(LocalFolder(records), shard, SIZE, 3), lambda: None).problem
        assert isinstance(problem, ShardError)
        number = int(cut >= end)
        assert (problem.code, problem.record, problem.offset) == ("E_SHARD_CUT", number, number * end)


def test_every_flipped_bit_of_an_index_and_many_of_the_manifest_are_found(in_memory):
    records = in_memory
    for name, step in ((f"{FIRST}.idx", 1), ("manifest.json", 101)):  # tests/test_dataset_manifest.py flips every one
        path = records / name
        data = path.read_bytes()
        for position in range(0, 8 * len(data), step):
            damaged = bytearray(data)
            damaged[position // 8] ^= 1 << position % 8
            path.write_bytes(damaged)
            try:
                (problem,) = found_here(records).problems
            except UsageError as error:  # the schema's number, which may be that of a newer segconv
                assert error.code == "E_SCHEMA_VERSION"
            else:
                assert problem.error.where == str(path)
        path.write_bytes(data)
    assert found_here(records).problems == []


@pytest.mark.parametrize(
    "name", ["segmentation_mask.labels.txt", "features.json", "dataset_info.json", "errors.jsonl", f"{FIRST}.idx"]
)
def test_a_file_beside_the_shards_that_is_edited_cut_or_missing_is_named(records, name):
    path = records / name
    data = path.read_bytes()
    for damaged in (None, data[:-1], data + b"\n", data[:5] + b"~" + data[6:]):
        path.unlink(missing_ok=True)
        if damaged is not None:
            path.write_bytes(damaged)
        (problem,) = found_here(records).problems
        assert problem.error.where == str(path)
    path.unlink()
    os.mkfifo(path)
    (problem,) = found_here(records).problems
    assert "is not a regular file" in str(problem)


@pytest.mark.parametrize("name", [FIRST, "manifest.json"])
def test_a_pipe_in_the_place_of_a_file_does_not_hold_it_up(records, name):
    (records / name).unlink()
    os.mkfifo(records / name)
    assert found_here(records).problems[0].error.where == str(records / name)


@pytest.mark.parametrize("edit", [
    lambda text: text.replace('"building"', '"Building"'),
    lambda text: text.replace('"seed": 0', '"seed": 1'),
    lambda text: text.replace('"name": "dataset"', '"name": "dataset", "name": "dataset"'),
    lambda text: text.replace('"seal"', '"sela"'),
    lambda text: json.dumps(json.loads(text)),
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text[: len(text) // 2],
    lambda text: "",
])  # fmt: skip
def test_an_edited_manifest_is_named(records, edit):
    path = records / "manifest.json"
    text = path.read_text("utf-8")
    assert edit(text) != text
    path.write_text(edit(text), "utf-8")
    (problem,) = found_in(records).problems
    assert (problem.error.code, problem.error.where) == ("E_MANIFEST", str(path))


def test_a_manifest_that_was_sealed_again_is_held_against_its_shards(records):
    def count_wrongly(manifest: Manifest) -> Manifest:
        train = manifest.splits["train"]
        wrong = dataclasses.replace(train, pixels=(0, *train.pixels[1:]), example_bytes=1)
        return dataclasses.replace(manifest, splits=manifest.splits | {"train": wrong})

    whole = (records / "manifest.json").read_bytes()
    sealed(records, count_wrongly)
    said = [str(problem) for problem in found_here(records, decode=True).problems]
    assert len(said) == 3  # dataset_info.json has the sum of the bytes too
    assert "says example_bytes 1 of split 'train', its shards hold " in said[1]
    assert "says pixels (0, " in said[2]

    (records / "manifest.json").write_bytes(whole)
    sealed(records, lambda manifest: dataclasses.replace(manifest, size=(8, 9)))
    problems = found_here(records, decode=True).problems
    assert {problem.error.code for problem in problems} == {"E_SIZE", "E_TFDS"}
    assert "record 0: at byte 0 holds an image of 8x8 and a mask of 8x8, the manifest says 8x9" in str(problems[1])


def test_files_that_are_not_the_datasets_are_named_and_hidden_ones_of_ours_are_a_note(records):
    (records / "thesis.tex").write_text("")
    (records / "folder").mkdir()
    (records / f".segconv-{FIRST}").write_text("")
    report = found_in(records)
    assert [(p.error.code, Path(p.error.where).name) for p in report.problems] == [
        ("E_FOREIGN", "folder"),
        ("E_FOREIGN", "thesis.tex"),
    ]
    assert len(report.notes) == 1
    assert "temporary files of an interrupted build: 1;" in report.to_text()


def test_swapped_shards_are_recognised(records):
    one, two = FIRST, SECOND
    for first, second in ((records / one, records / two), (records / f"{one}.idx", records / f"{two}.idx")):
        first.rename(records / ".segconv-x")
        second.rename(first)
        (records / ".segconv-x").rename(second)
        said = [str(problem) for problem in found_here(records, decode=True).problems]
        assert f"{records / one}: holds the content of {two}" in said
        assert f"{records / two}: holds the content of {one}" in said


@pytest.mark.parametrize("length", [2**60, 2**63, 2**64 - 1, 2**40, 0, 1])
def test_a_forged_length_with_its_right_checksum_is_found_before_memory_is_spent(records, length):
    path = records / FIRST
    head, tail = frames(path.read_bytes())
    path.write_bytes(head + forged(tail, length))
    tracemalloc.start()
    try:
        (problem,) = found_here(records).problems
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert problem.to_json() | {"what": "", "mend": ""} == {
        "code": "E_SHARD_CUT" if length > len(tail) else "E_SHARD_CRC",
        "where": f"{path}: record 1", "what": "", "mend": "", "shard": FIRST, "record": 1, "offset": len(head),
    }  # fmt: skip
    assert peak < 2**24


def test_an_endless_shard_is_not_read_to_its_end(records):
    path = records / FIRST
    path.write_bytes(forged(frames(path.read_bytes())[0], 2**39))
    os.truncate(path, 2**40)
    start = time.monotonic()
    (problem,) = found_here(records).problems
    assert time.monotonic() - start < 5
    assert f"declares {2**39} bytes at byte 0, but no record has more than" in str(problem)


def test_records_whose_checksums_hold_are_named_by_the_index(records):
    path = records / SECOND
    data = path.read_bytes()
    first, second, third = frames(data)
    assert len({len(first), len(second), len(third)}) == 3
    for damaged, number in (
        (first + third, 1),
        (second + third, 0),
        (first + first + second + third, 1),
        (second + first + third, 0),
    ):
        path.write_bytes(damaged)
        (problem,) = found_here(records).problems
        assert (problem.error.code, problem.to_json()["record"]) == ("E_SHARD_HASH", number)
    path.write_bytes(first + second)
    (problem,) = found_here(records).problems
    assert f"record 2: is missing: the shard ends at byte {len(first + second)}" in str(problem)
    path.write_bytes(data + first)
    (problem,) = found_here(records).problems
    assert f"its last record ends at byte {len(data)}" in str(problem)
    changed = bytearray(third[12:-4])
    changed[-1] ^= 1
    path.write_bytes(first + second + framed(bytes(changed)))
    (problem,) = found_here(records).problems
    assert "every checksum is right, but its SHA-256 differs from the manifest" in str(problem)


def with_records(records: Path, change: Callable[[Record], Record]) -> None:
    """Forges the second record of a shard so that hash, index and manifest agree with it."""
    path = records / FIRST
    first, second = read_shard(path.parent, path.name)
    with path.open("wb") as file:
        writer = ShardWriter(file)
        for data in (first, encode_record(change(decode_record(second, "")))):
            writer.write(data)
    path.with_name(f"{FIRST}.idx").write_text(writer.index)

    def accept(manifest: Manifest) -> Manifest:
        train = manifest.splits["train"]
        info = dataclasses.replace(train.shards[0], bytes=writer.size, sha256=writer.sha256)
        train = dataclasses.replace(train, shards=(info, *train.shards[1:]))
        return dataclasses.replace(manifest, splits=manifest.splits | {"train": train})

    sealed(records, accept)


@pytest.mark.parametrize(("change", "code", "what"), [
    (lambda r: dataclasses.replace(r, image_bytes=r.image_bytes[:-40]), "E_DAMAGED", "truncated or damaged"),
    (lambda r: dataclasses.replace(r, mask_bytes=r.mask_bytes[:-4]), "E_DAMAGED", ""),
    (lambda r: dataclasses.replace(r, mask_bytes=r.image_bytes), "E_MASK_MODE", ""),
    (lambda r: dataclasses.replace(r, mask_bytes=encode_png(np.full(SIZE, 3, np.uint8))), "E_MASK_VALUE", "class 3"),
    (lambda r: dataclasses.replace(r, mask_bytes=encode_png(np.zeros((8, 9), np.uint8))), "E_SIZE", "mask of 8x9"),
])  # fmt: skip
def test_a_record_that_is_none_is_named_even_where_every_hash_holds(records, change, code, what):
    with_records(records, change)
    offset = len(frames((records / FIRST).read_bytes())[0])
    # Without --decode these are the bytes that the manifest was sealed with.
    assert not [problem for problem in found_here(records).problems if problem.shard]
    problem = next(problem for problem in found_here(records, decode=True).problems if problem.shard)
    facts = problem.to_json()
    assert (facts["code"], facts["shard"], facts["record"], facts["offset"]) == (code, FIRST, 1, offset)
    assert what in facts["what"]


def test_a_record_that_ends_the_process_that_decodes_it_is_named(records):
    shard = read_manifest(records).splits["train"].shards[0]
    problem = check_shard(
        ShardCheck(LocalFolder(records), shard, SIZE, 3, decode=True, fatal=(1, "killed by SIGSEGV")), lambda: None
    ).problem
    assert "record 1: ends the process that decodes it" in str(problem)


def test_an_error_survives_its_way_from_a_worker():
    error = ShardError(Path("records/x"), "is cut", "E_SHARD_CUT", 3, 70)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (str(copy), copy.record, copy.offset, copy.code) == (str(error), 3, 70, "E_SHARD_CUT")


def damage(rng: np.random.Generator, folder: Path, manifest: Manifest) -> tuple[set[str], int | None]:
    """Damages a folder in one of seven ways; returns the shards that are damaged, and the record where there is one."""
    shards = [info for _, info in manifest.shards()]
    shard, other = (shards[n] for n in rng.choice(len(shards), 2, replace=False))
    path = folder / shard.name
    data = path.read_bytes()
    parts = frames(data)
    number = int(rng.integers(len(parts)))
    head, tail = b"".join(parts[:number]), b"".join(parts[number + 1 :])
    kind = rng.choice(["flip", "cut", "swap", "forge", "repeat", "delete", "append"])
    if kind == "swap":
        (folder / other.name).replace(folder / ".segconv-x")
        path.replace(folder / other.name)
        (folder / ".segconv-x").replace(path)
        return {shard.name, other.name}, None
    if kind == "flip":
        part = bytearray(parts[number])
        part[rng.integers(len(part))] ^= 1 << int(rng.integers(8))
        path.write_bytes(head + part + tail)
    elif kind == "cut":
        path.write_bytes(head + parts[number][: rng.integers(len(parts[number]))])
    elif kind == "forge":
        path.write_bytes(head + forged(parts[number], int(rng.integers(2**62)) >> int(rng.integers(62))) + tail)
    elif kind == "delete":
        path.write_bytes(head + tail)
        return {shard.name}, None
    elif kind == "repeat":
        path.write_bytes(head + parts[number] * 2 + tail)
        return {shard.name}, None
    else:
        path.write_bytes(data + rng.bytes(int(rng.integers(1, 100))))
        return {shard.name}, None
    return {shard.name}, number


@pytest.mark.slow
def test_a_thousand_random_damages_are_found_with_shard_and_record_and_by_training_alike(in_memory, built):
    records = in_memory
    manifest = read_manifest(records)
    everyone = [info for _, info in manifest.shards()]
    rng = np.random.default_rng(4)
    for _ in range(1000):
        names, record = damage(rng, records, manifest)
        problems = found_here(records).problems
        assert {problem.shard for problem in problems} == names
        assert len(problems) == len(names)
        for problem in problems:
            if record is not None:
                assert problem.to_json()["record"] == record
            info = next(info for info in everyone if info.name == problem.shard)
            with pytest.raises(DataError) as caught:
                check_shard_file(records, info, everyone)  # as training does
            assert str(caught.value) == str(problem.error)
        for name in names:
            shutil.copyfile(built / name, records / name)
    assert found_here(records).problems == []


def test_training_refuses_a_damaged_shard_in_the_same_words(records):
    path = records / FIRST
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    (problem,) = found_in(records).problems
    with pytest.raises(DataError) as caught:
        open_records(records, ("train",))
    assert str(caught.value) == str(problem.error)
    assert "record 1: has a wrong checksum of its data at byte" in str(caught.value)


def test_records_are_derived_again_from_their_source(records, source):
    config = SourceConfig(source)
    for count, derived in ((4, 4), (None, 6)):
        report = found_in(records, source=config, records=count)
        assert report.derived == derived
        # The list had one more invalid line when the records were built.
        assert [str(problem) for problem in report.problems] == [
            f"{source}: has 5 pairs for split 'train', the records were built from 6. {FIX_SOURCE}"
        ]


def test_the_chosen_records_are_the_same_at_every_run_and_all_where_there_are_no_more():
    shards = [ShardInfo(name, count, 0, "") for name, count in zip("abc", (3, 0, 5), strict=True)]
    assert sampled_records(shards, 4) == sampled_records(shards, 4)
    assert sum(len(numbers or ()) for numbers in sampled_records(shards, 4).values()) == 4
    assert list(sampled_records(shards, 99).values()) == [frozenset(range(3)), frozenset(), frozenset(range(5))]
    assert set(sampled_records(shards, None).values()) == {None}
    assert sampled_records(shards[1:2], 16) == {"b": frozenset()}
    forged = [ShardInfo(name, 2**63, 0, "") for name in "ab"]
    assert sum(len(numbers or ()) for numbers in sampled_records(forged, 16).values()) == 16


def test_the_text_has_one_line_a_problem_and_says_what_to_do(records):
    path = records / FIRST
    path.write_bytes(path.read_bytes()[:-1])
    (records / "thesis.tex").write_text("")
    lines = found_in(records).to_text().splitlines()
    assert lines[0] == f"{records}/thesis.tex: is not a file of the dataset. Move it out of the folder."
    assert lines[1].startswith(f"{path}: record 1: declares ")
    assert "--repair" not in lines[1]
    assert lines[2] == f"1 of 3 shards are damaged: run segconv verify {records} --repair --src dataset/"
    assert len(lines) == 3


def test_the_last_line_names_the_source_that_it_was_given(records, source):
    (records / FIRST).unlink()
    told = f"1 of 3 shards are damaged: run segconv verify {records} --repair --src {source}"
    assert found_in(records, source=SourceConfig(source)).to_text().splitlines()[-1] == told


def test_a_dataset_that_is_exchanged_while_it_is_read_is_not_called_damaged(records, built, monkeypatch):
    check_shards = verifying._check_shards

    def exchange(*arguments):
        (records / FIRST).write_bytes(b"of another dataset")
        sealed(records, lambda manifest: dataclasses.replace(manifest, name="other"))
        return check_shards(*arguments)

    monkeypatch.setattr(verifying, "_check_shards", exchange)
    with pytest.raises(UsageError, match="was replaced by another dataset while it was read"):
        found_in(records)


def test_the_command_tells_by_its_exit_code(segconv, records, tmp_path):
    done = segconv("verify", "-j", "1")
    assert (done.returncode, done.stdout) == (0, "3 shards, 6 records: intact\n")
    (records / FIRST).unlink()
    done = segconv("verify", "records", "--json", "-j", "1")
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["damaged"]) == (1, False, [FIRST])
    assert report["problems"][0]["code"] == "E_SHARD_MISSING"
    done = segconv("verify", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: nowhere: holds no manifest.json. ")
