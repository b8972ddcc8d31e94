"""Places: a path is a local folder, an address an object store."""

from __future__ import annotations

from pathlib import Path

from converter.building.object_store import ObjectStore
from converter.building.places import store_for
from converter.building.store import LocalStore
from converter.system.urls import UrlPath


def test_a_path_is_a_local_folder_and_an_address_an_object_store():
    assert store_for(Path("records")) == LocalStore(Path("records"))
    assert store_for(UrlPath("s3://bucket/records")) == ObjectStore("s3://bucket/records")
