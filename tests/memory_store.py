"""A second store, to prove that nothing of the local folder shows in a dataset: a dictionary in memory."""

from __future__ import annotations

import contextlib
import io

from converter.building.store import hidden
from converter.errors import UsageError
from converter.schema import MANIFEST
from converter.system.files import TEMPORARY


class MemoryStore:
    """Files by their names, in the memory of one process."""

    def __init__(self):
        self.files = {}
        self.is_locked = False

    def where(self, name=""):
        return f"memory://{name}"

    def names(self):
        return sorted(self.files)

    def open(self, name):
        if name not in self.files:
            raise FileNotFoundError(name)
        return io.BytesIO(self.files[name])

    def exists(self, name):
        return not name or name in self.files

    def digest(self, name):
        return None

    def put(self, name, data):
        self.files[name] = bytes(data)

    @contextlib.contextmanager
    def stage(self, name):
        file = io.BytesIO()
        yield file
        self.files[hidden(name)] = file.getvalue()

    def give(self, names):
        self.files |= {name: self.files.pop(hidden(name)) for name in names}

    def delete(self, name):
        self.files.pop(name, None)

    def clean(self, keep=()):
        for name in self.names():
            if name.startswith(TEMPORARY) and name not in keep:
                self.delete(name)

    def blocked(self, name):
        return None

    @contextlib.contextmanager
    def lock(self):
        if self.is_locked:
            raise UsageError(self.where(), "is being written by another segconv", "Wait.", "E_LOCKED")
        self.is_locked = True
        try:
            yield
        finally:
            self.is_locked = False

    def sign(self):
        pass

    def publish(self, staged, texts, delete):
        for name in delete:
            self.delete(name)
        self.give(staged)
        self.files |= {name: text for name, text in texts.items() if name != MANIFEST}
        self.files[MANIFEST] = texts[MANIFEST]

    def is_publishing(self):
        return False

    def finish(self):
        pass

    def free_bytes(self):
        return None
