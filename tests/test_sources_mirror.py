"""Mirror: a dataset in a bucket is built as one in a folder, and fetched once."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from converter.building.build import build
from converter.checking.check import check
from converter.config import source_options
from converter.dataset import objects
from converter.dataset.cache import cache_folder
from converter.errors import DataError, MachineError, UsageError
from converter.sources import mirror
from converter.sources.mirror import NOTES, local_source
from converter.system.locks import locked_folder
from converter.system.urls import UrlPath
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify
from tests.builds import config
from tests.command_line import SMALL, assert_one_line
from tests.conftest import visible
from tests.fault_proxy import fault_proxy
from tests.in_process import in_process
from tests.object_server import client, needs_server, put
from tests.object_server import objects as objects_in

pytestmark = needs_server


@pytest.fixture
def address(dataset, port, bucket):
    """The address of a copy of the dataset."""
    for path in dataset.rglob("*"):
        if path.is_file():
            put(port, bucket, f"data/dataset/{path.relative_to(dataset)}", path.read_bytes())
    return UrlPath(f"s3://{bucket}/data/dataset")


@pytest.fixture
def fetched(monkeypatch):
    """The paths that were fetched."""
    paths = []
    original = mirror._fetch

    def noted(place, base, folder, path):
        original(place, base, folder, path)
        paths.append(path)

    monkeypatch.setattr(mirror, "_fetch", noted)
    return paths


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_build_from_bucket_to_bucket_has_the_bytes_of_a_local_one(address, dataset, tmp_path, port, bucket):
    build(config(dataset, tmp_path / "local", shards=2))
    wanted = config(dataset, UrlPath(f"s3://{bucket}/records"), shards=2)
    wanted = dataclasses.replace(wanted, source=dataclasses.replace(wanted.source, src=address))
    build(wanted, engine=in_process)
    found = objects_in(port, bucket, "records")
    assert {name: data for name, data in found.items() if not name.startswith(".segconv-")} == visible(
        tmp_path / "local"
    )
    assert build(wanted, engine=in_process).is_up_to_date
    derived = verify(VerifyConfig(wanted.out, wanted.source, None, workers=1), engine=in_process)
    assert (derived.problems, derived.derived) == ([], 8)
    assert check(wanted, engine=in_process).ok


def test_a_file_is_fetched_once_and_again_when_its_etag_or_size_has_changed(address, dataset, port, bucket, fetched):
    source = dataclasses.replace(config(dataset, address).source, src=address)
    local = local_source(source)
    assert files_of(local.src) == files_of(dataset)
    assert sorted(fetched) == sorted(files_of(dataset))
    assert local.src.name == "dataset"
    assert source_options(local) == f"--src {address}"
    fetched.clear()
    assert local_source(source) == local
    assert fetched == []
    put(port, bucket, "data/dataset/png/m0.png", (dataset / "png/m1.png").read_bytes())
    put(port, bucket, "data/dataset/new/notes.txt", b"new")
    client(port, bucket).delete("data/dataset/val_jpg/p0.jpg")
    local_source(source)
    assert sorted(fetched) == ["new/notes.txt", "png/m0.png"]
    assert files_of(local.src) == objects_in(port, bucket, "data/dataset")
    (local.src / "png/m0.png").write_bytes(b"cut")
    (local.src / "strange.jpg").write_bytes(b"left by a killed run")
    client(port, bucket).delete("data/dataset/new/notes.txt")
    local_source(source)
    assert sorted(fetched) == ["new/notes.txt", "png/m0.png", "png/m0.png"]
    assert files_of(local.src) == objects_in(port, bucket, "data/dataset")
    assert not (local.src / "new").exists()  # which could be taken for a folder of the dataset


@pytest.mark.parametrize("mode", ["error", "reset", "truncated"])
def test_a_copy_that_broke_off_goes_on(mode, address, dataset, port, fetched, monkeypatch):
    source = dataclasses.replace(config(dataset, address).source, src=address)
    monkeypatch.setattr(objects, "MAX_REQUEST_RETRIES", 0)
    monkeypatch.setattr(objects, "MAX_BODY_TRIES", 1)
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        for failing in (1, 2, 9):
            proxy.reset(failing, mode, lasts=True)
            with pytest.raises(MachineError) as caught:
                local_source(source)
            assert caught.value.code == "E_NETWORK"
        before = len(fetched)
        assert before > 0
        proxy.reset()
        local = local_source(source)
    assert sorted(fetched) == sorted(files_of(dataset))  # none of them twice
    assert files_of(local.src) == files_of(dataset)


def test_notes_that_are_damaged_only_cost_the_requests(address, dataset, fetched):
    source = dataclasses.replace(config(dataset, address).source, src=address)
    local = local_source(source)
    notes = local.src.parent / NOTES
    lines = notes.read_text().splitlines()
    notes.write_text("\n".join([lines[0], "{", "[1, 2, 3]", '["x"]', *lines[2:-1], lines[-1][:5]]))
    fetched.clear()
    local_source(source)
    assert sorted(fetched) == sorted(json.loads(line)[0] for line in (lines[1], lines[-1]))
    assert files_of(local.src) == files_of(dataset)


def test_lists_of_many_pages_are_read_whole(port, bucket):
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: put(port, bucket, f"many/x/{number:04}.txt", b""), range(1002)))
    found = mirror._listed(objects.ObjectFolder(f"s3://{bucket}/many"))
    assert list(found) == [f"x/{number:04}.txt" for number in range(1002)]


def test_a_file_that_is_too_large_is_named_and_not_fetched(address, dataset, monkeypatch, caplog):
    monkeypatch.setattr(mirror, "MAX_FILE_BYTES", len((dataset / "classes.csv").read_bytes()) - 1)
    found = mirror._listed(objects.ObjectFolder(str(address)))
    assert "classes.csv" not in found
    assert "W_UNREAD_FILES" in caplog.text


def test_an_object_whose_name_is_a_file_and_a_folder_is_named(port, bucket, dataset):
    put(port, bucket, "place/a/b.txt", b"x")
    put(port, bucket, "place/a", b"y")
    source = dataclasses.replace(config(dataset, dataset).source, src=UrlPath(f"s3://{bucket}/place"))
    with pytest.raises(DataError, match="is a file, and the folder of other files"):
        local_source(source)


def test_what_cannot_be_a_source_is_one_line(segconv, address, dataset, bucket, monkeypatch):
    source = config(dataset, dataset).source
    for url, what in (
        (f"s3://{bucket}/nowhere", "holds no file"),
        ("s3://no-such-bucket/x", "is in a bucket that does not exist"),
        ("https://127.0.0.1:1/x", "is on a web server, which lists no files"),
    ):
        with pytest.raises(UsageError, match=what):
            local_source(dataclasses.replace(source, src=UrlPath(url)))
    done = segconv("split", "--src", address)
    assert_one_line(done, 2, f"{address}: is an address, and split writes into a folder")
    done = segconv("classes", "--src", address, "--write")
    assert_one_line(done, 2, f"{address}: is an address, and classes --write writes into a folder")
    monkeypatch.setenv("SEGCONV_CACHE_GB", "0.0000001")
    done = segconv("build", "--src", address, *SMALL)
    assert done.returncode == 4
    assert "Set SEGCONV_CACHE_GB to more" in done.stderr


def test_two_runs_do_not_fill_one_folder(address, dataset):
    source = dataclasses.replace(config(dataset, address).source, src=address)
    local = local_source(source)
    assert local.src.is_relative_to(cache_folder())
    with locked_folder(local.src.parent, ""), pytest.raises(MachineError, match="is being brought up to date"):
        local_source(source)
