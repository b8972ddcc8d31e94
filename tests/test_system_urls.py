"""URLs: an address goes where a path goes, keeps its slashes, and holds no secrets."""

from __future__ import annotations

import os
import pickle
from pathlib import Path, PosixPath

import pytest

from converter.errors import UsageError
from converter.system.urls import UrlPath, is_url


@pytest.mark.parametrize(
    "text", ["s3://bucket/a b/records", "gs://bucket", "az://container/records", "http://h:9000/x"]
)
def test_an_address_keeps_its_slashes_wherever_it_goes(text):
    path = UrlPath(text)
    assert isinstance(path, UrlPath)
    assert [str(path), os.fspath(path), str(path.absolute()), f"{path}"] == [text] * 4
    assert str(path / "manifest.json") == f"{text}/manifest.json"
    assert str((path / "manifest.json").parent) == text
    assert str(UrlPath(path)) == text
    assert str(pickle.loads(pickle.dumps(path))) == text  # noqa: S301 - our own bytes
    assert path == UrlPath(text)
    assert path.name == text.rpartition("/")[2]


def test_any_other_path_stays_one():
    for text in ("records", "/a/b", "./s3:x", "s3", "ftp://x/y", "S3://x", "C:/x"):
        assert type(UrlPath(text)) is PosixPath
        assert UrlPath(text) == Path(text)
        assert not is_url(text)


@pytest.mark.parametrize("text", ["s3://key:secret@bucket/x", "https://h/x?X-Amz-Signature=secret", "s3://b/x#secret"])
def test_an_address_with_a_secret_is_refused_and_not_shown(text):
    with pytest.raises(UsageError, match="must have no @") as caught:
        UrlPath(text)
    assert "secret" not in str(caught.value)
    with pytest.raises(UsageError):
        UrlPath("s3://bucket", text)
