"""Output: what the folder already contains is left alone, replaced on request, or resumed."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from builds import config, hidden
from conftest import visible
from in_process import in_process
from memory_store import MemoryStore
from PIL import Image

from converter.building import build as building
from converter.building import output
from converter.building.output import SplitChange, changes, check_out, stored_images, unknown_files
from converter.building.plan import plan_build
from converter.building.receipts import receipt_name
from converter.building.report import BuildReport
from converter.building.store import LocalStore
from converter.config import BuildConfig
from converter.dataset.manifest import ShardInfo
from converter.dataset.parse import read_manifest
from converter.errors import DataError, SegconvError, UsageError
from converter.schema import RecordKey
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify


def build(config: BuildConfig) -> BuildReport:
    """Builds shards in this process."""
    return building.build(config, engine=in_process)


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.tex").write_text("x")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds something else"):
            build(config(dataset, tmp_path / "out", overwrite=overwrite))
    assert visible(tmp_path / "out") == {"thesis.tex": b"x"}


def test_a_finished_dataset_is_replaced_only_on_request_and_without_leftovers(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", shards=3))
    before = visible(tmp_path / "out")
    refused = r"built with other options \(shards 3 -> none\)\. Pass --overwrite to replace it"
    with pytest.raises(UsageError, match=refused):
        build(config(dataset, tmp_path / "out"))
    assert visible(tmp_path / "out") == before
    (tmp_path / "out/notes.txt").write_text("mine")
    build(config(dataset, tmp_path / "out", shards=1, overwrite=True))
    build(config(dataset, tmp_path / "fresh", shards=1))
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh") | {"notes.txt": b"mine"}


def test_a_folder_with_half_a_shard_is_taken_and_nothing_of_it_is_believed(dataset, tmp_path):
    build(config(dataset, tmp_path / "undisturbed"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.segconv-dataset-train.tfrecord-00000-of-00001").write_bytes(b"half")
    (tmp_path / "out/.segconv-from-another-version").write_bytes(b"")
    wanted = config(dataset, tmp_path / "out")
    assert check_out(wanted, plan_build(wanted)) is None
    assert build(wanted).reused == 0
    assert visible(tmp_path / "out") == visible(tmp_path / "undisturbed")
    assert hidden(tmp_path / "out") == hidden(tmp_path / "undisturbed")


def cut(path):
    path.write_bytes(path.read_bytes()[:100])


def edit(path):
    path.write_text(path.read_text().replace('"fit": "pad"', '"fit": "crop"'))


def pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGE = {
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "edited": edit,
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe"),
    "a list": lambda path: path.write_text("[]"),
    "of a newer segconv": lambda path: path.write_text('{"schema_version": 1000}'),
    "a pipe": pipe,
    "a link to nothing": lambda path: (path.unlink(), path.symlink_to("nothing")),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
@pytest.mark.parametrize("shards", [2, 1])
def test_of_a_damaged_manifest_verify_and_build_give_one_remedy_that_works(dataset, tmp_path, damage, shards):
    build(config(dataset, tmp_path / "out", shards=2))
    damage(tmp_path / "out/manifest.json")
    (tmp_path / "out/notes.txt").write_text("mine")
    try:
        (problem,) = verify(VerifyConfig(tmp_path / "out")).problems
        told = problem.error
    except SegconvError as error:
        told = error
    assert "segconv build --overwrite" in told.fix
    with pytest.raises(UsageError, match=r"a dataset whose manifest .*\. Pass --overwrite to rebuild it, or choose"):
        build(config(dataset, tmp_path / "out", shards=shards))
    build(config(dataset, tmp_path / "out", shards=shards, overwrite=True))
    fresh = build(config(dataset, tmp_path / "fresh", shards=shards)).out
    assert visible(tmp_path / "out") == visible(fresh) | {"notes.txt": b"mine"}
    (tmp_path / "out/notes.txt").unlink()
    assert not verify(VerifyConfig(tmp_path / "out")).problems


def test_a_folder_in_place_of_the_manifest_is_moved_out_then_replaced(dataset, tmp_path):
    build(config(dataset, tmp_path / "out"))
    path = tmp_path / "out/manifest.json"
    path.unlink()
    (path / "inner").mkdir(parents=True)
    (problem,) = verify(VerifyConfig(tmp_path / "out")).problems
    with pytest.raises(DataError) as caught:
        build(config(dataset, tmp_path / "out", overwrite=True))
    assert str(problem.error) == str(caught.value)
    assert problem.error.fix == "Move it out of the folder."
    path.rename(tmp_path / "elsewhere")
    build(config(dataset, tmp_path / "out", overwrite=True))
    assert not verify(VerifyConfig(tmp_path / "out")).problems


@pytest.mark.parametrize("names", [
    ("manifest.json", "index.html"),  # of a web page
    ("manifest.json",),
    ("d-train.tfrecord-00000-of-00001", "dataset_info.json", "features.json"),  # of TFDS
    ("d-train.tfrecord-00000-of-00001.idx",),
    ("train.txt", "d.tfrecord", "d.tfrecord.idx"),
])  # fmt: skip
def test_files_that_segconv_did_not_write_are_never_replaced(dataset, tmp_path, names):
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / "out" / name).write_text("{}")
    before = visible(tmp_path / "out")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="holds something else"):
            build(config(dataset, tmp_path / "out", overwrite=overwrite))
    assert visible(tmp_path / "out") == before


STRAYS = [
    "dataset-train.tfrecord-00009-of-00004",
    "dataset-train.tfrecord-00000-of-00001.idx",
    "other-val.tfrecord-00000-of-00001",
    "notes.txt",
    "errors.jsonl",
]


@pytest.mark.parametrize("name", STRAYS)
def test_a_file_that_is_not_of_the_dataset_is_told_by_every_build_and_by_verify(dataset, tmp_path, name, caplog):
    out = tmp_path / "out"
    build(config(dataset, out, shards=2))
    (out / name).write_bytes(b"stray")
    (problem,) = verify(VerifyConfig(out)).problems
    assert str(problem.error) == f"{out / name}: is not a file of the dataset. Move it out of the folder."
    for options in ({}, {"seed": 1, "overwrite": True}):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "segconv"):
            report = build(config(dataset, out, shards=2, **options))
        assert report.is_up_to_date != bool(options)
        assert caplog.messages == [f"Warning W_FOREIGN: {problem.error}"]
    (out / name).rename(tmp_path / name)
    assert not verify(VerifyConfig(out)).problems


def test_of_many_such_files_the_first_are_named_and_the_rest_counted(dataset, tmp_path, caplog):
    out = tmp_path / "out"
    build(config(dataset, out))
    for number in range(8):
        (out / f"{number}\n.txt").touch()
    with caplog.at_level(logging.WARNING, "segconv"):
        build(config(dataset, out))
    assert len(caplog.messages) == 6
    assert caplog.messages[0].startswith(f"Warning W_FOREIGN: {out}/0\\n.txt: is not")
    assert caplog.messages[5] == f"... and 3 more; list them: segconv verify {out}"
    assert len(unknown_files(LocalStore(out), read_manifest(out))) == 8


def keys_of(*numbers: int, prefix: str = "") -> set[tuple[str, str]]:
    return {(f"{prefix}jpg/p{number}.jpg", f"{prefix}png/m{number}.png") for number in numbers}


def test_what_a_new_dataset_loses_of_the_old_one_is_known_by_name(dataset, tmp_path):
    old = build(config(dataset, tmp_path / "out", shards=2)).manifest
    new = {"train": keys_of(0, 2, 3, 9), "test": keys_of(7)}
    assert changes(LocalStore(tmp_path / "out"), old, new) == [
        SplitChange("train", 6, tuple(sorted(keys_of(1, 4, 5)))),
        SplitChange("val", 2, tuple(sorted(keys_of(0, 1, prefix="val_")))),
        SplitChange("test", 0, ()),
    ]


def stored(folder: Path, shards: Sequence[ShardInfo]) -> dict[RecordKey, str]:
    return {
        key: digest for images in stored_images(LocalStore(folder), shards) for key, digest in (images or {}).items()
    }


def refuse(error: str):
    """Returns a function that must not be called."""

    def fail(*arguments: object) -> None:
        raise AssertionError(error)

    return fail


def test_names_come_from_the_receipts_and_refused_pairs_are_none_of_them(dataset, tmp_path, monkeypatch):
    (dataset / "jpg/p4.jpg").write_bytes(b"x")
    old = build(config(dataset, tmp_path / "out", shards=2, on_error="skip")).manifest
    monkeypatch.setattr(output, "read_shard", refuse("a shard is read"))
    assert stored(tmp_path / "out", old.splits["train"].shards) == images_of(dataset, 0, 1, 2, 3, 5)


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-20] + b" " * 20),
    lambda path: shutil.copy(path.with_name(path.name.replace("00000-of", "00001-of")), path),
], ids=["gone", "empty", "changed", "of another shard"])  # fmt: skip
def test_without_a_receipt_the_records_say_their_names(dataset, tmp_path, spoil):
    old = build(config(dataset, tmp_path / "out", shards=2)).manifest
    shards = old.splits["train"].shards
    spoil(tmp_path / "out" / receipt_name(shards[0].name))
    found = stored(tmp_path / "out", shards)
    expected = images_of(dataset, *range(6))
    assert found == dict.fromkeys(expected, "") | {key: found[key] for key in expected if found[key]}
    assert {key: digest for key, digest in found.items() if digest}.items() <= expected.items()
    assert list(found.values()).count("") == shards[0].records


def images_of(dataset: Path, *numbers: int) -> dict[RecordKey, str]:
    """Returns the keys of pairs of the split train, with the SHA-256 of their images."""
    return {key: hashlib.sha256((dataset / key[0]).read_bytes()).hexdigest() for key in keys_of(*numbers)}


def write_other(folder: Path, dataset: Path, *, names: str) -> Path:
    """Makes a dataset of other images with the same classes; with `names`, "same" or "other" ones."""
    shutil.copytree(dataset, folder)
    for path in (*folder.glob("jpg/*"), *folder.glob("val_jpg/*")):
        Image.effect_noise((30, 20), 90 + len(path.name)).convert("RGB").save(path)
        if names == "other":
            path.rename(path.with_name(f"x{path.name}"))
    if names == "other":
        for path in folder.glob("*.txt"):
            path.write_text("".join(f"x{line}\n" for line in path.read_text().splitlines()))
    return folder


@pytest.mark.parametrize("names", ["same", "other"])
def test_the_records_of_another_source_are_replaced_only_on_request(dataset, tmp_path, names):
    build(config(dataset, tmp_path / "out", shards=2))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    other = write_other(tmp_path / "b" / dataset.name, dataset, names=names)
    with pytest.raises(UsageError) as caught:
        build(config(other, tmp_path / "out", shards=2))
    assert caught.value.code == "E_OUT"
    assert caught.value.what == f"holds a dataset of another source: of its 8 images 0 are in {other}"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    report = build(config(other, tmp_path / "out", shards=2, overwrite=True))
    assert report.manifest.splits["train"].records == 6


def test_a_source_that_shrinks_grows_or_moves_stays_the_same_source(dataset, tmp_path):
    build(config(dataset, tmp_path / "out", shards=1))
    moved = tmp_path / "b" / dataset.name
    shutil.copytree(dataset, moved)
    lines = (moved / "train.txt").read_text().splitlines(keepends=True)
    (moved / "train.txt").write_text("".join(lines[:1]))
    assert build(config(moved, tmp_path / "out", shards=1)).manifest.splits["train"].records == 1
    assert build(config(dataset, tmp_path / "out", shards=1)).manifest.splits["train"].records == 6
    for path in (*dataset.glob("png/*"), *dataset.glob("val_png/*")):
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)  # all masks drawn again
    assert build(config(dataset, tmp_path / "out", shards=1)).reused == 0


def test_names_that_cost_too_much_or_are_damaged_are_not_known(dataset, tmp_path, monkeypatch):
    old = build(config(dataset, tmp_path / "out", shards=2)).manifest
    shards = old.splits["train"].shards
    (tmp_path / "out" / receipt_name(shards[0].name)).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(output, "MAX_NAMES_BYTES", shards[0].bytes - 1)
        assert list(stored_images(LocalStore(tmp_path / "out"), shards)) == [None]
    cut(tmp_path / "out" / shards[0].name)
    assert list(stored_images(LocalStore(tmp_path / "out"), shards)) == [None]
    assert changes(LocalStore(tmp_path / "out"), old, {})[0] == SplitChange("train", 6, None)


@pytest.mark.parametrize(("before", "lost", "after", "expected"), [
    (6, (), 6, ""),
    (6, None, 6, ""),
    (6, None, 4, "train: was 6 records, now 4"),
    (2, (("a.jpg", "a.png"),), 2, "train: was 2 records, now 2; removed: a.jpg"),
    (1000, tuple((f"{n}\n.jpg", "m.png") for n in range(1000)), 0,
     r"train: was 1,000 records, now 0; removed: 0\n.jpg, 1\n.jpg, 2\n.jpg and 997 more"),
])  # fmt: skip
def test_a_change_is_one_line_with_the_first_names(before, lost, after, expected):
    assert SplitChange("train", before, lost).text(after) == expected


def test_another_store_knows_its_names_as_well(dataset, tmp_path):
    store = MemoryStore()
    manifest = building.build(config(dataset, tmp_path / "out"), engine=in_process, store=store).manifest
    assert changes(store, manifest, {"train": keys_of(0)})[0].lost == tuple(sorted(keys_of(1, 2, 3, 4, 5)))
