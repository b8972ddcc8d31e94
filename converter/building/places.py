"""Places: the path or address that a user names -> its Store."""

from __future__ import annotations

from pathlib import Path

from converter.building.store import LocalStore, Store
from converter.system.urls import UrlPath


def store_for(place: Path) -> Store:
    """Returns the store of a local folder, or of an address.

    Raises:
      UsageError: nothing can be written there: a web server.
    """
    if not isinstance(place, UrlPath):
        return LocalStore(place)
    from converter.building.object_store import ObjectStore

    return ObjectStore(str(place))
