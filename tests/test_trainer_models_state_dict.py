"""PyTorch's state dicts: tensors are read exactly, and nothing in a file is run, whatever the file is."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from converter.errors import DataError
from trainer.choices.encoders import ENCODERS
from trainer.models import state_dict
from trainer.models.published import find_published
from trainer.models.state_dict import MAGIC, PROTOCOL, read_state_dict

SYSTEM = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"int": 4}}


class FakeStorage:
    """Pickled like a storage of PyTorch."""

    def __init__(self, numbers, key="0", device="cpu", kind="storage", length=None):
        self.numbers = np.asarray(numbers)
        self.facts = (key, device, len(self.numbers) if length is None else length, None)
        self.key, self.kind = key, kind


class FakeTensor:
    """Pickled like a tensor of PyTorch; `strides` count numbers."""

    def __init__(self, storage, shape, strides, offset=0):
        self.parts = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


@pytest.fixture(autouse=True)
def fake_torch(monkeypatch):
    """Modules by whose names the fakes are pickled; the reader imports neither."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "DoubleStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def rebuild(*_arguments):
        raise AssertionError("PyTorch's own function was called")

    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2, torch._utils = rebuild, utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


class FakePickler(pickle.Pickler):
    """Writes what PyTorch would write of the fakes."""

    def persistent_id(self, obj):
        if not isinstance(obj, FakeStorage):
            return None
        torch = sys.modules["torch"]
        kinds = {"float32": torch.FloatStorage, "int64": torch.LongStorage, "float64": torch.DoubleStorage}
        return (obj.kind, kinds[str(obj.numbers.dtype)], *obj.facts)


def pickled(value) -> bytes:
    buffer = io.BytesIO()
    FakePickler(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def state(tensors, storages, *, magic=MAGIC, system=SYSTEM, keys=None) -> bytes:
    """A file as PyTorch would write it; `tensors` may be a pickle already."""
    parts = [pickled(magic), pickled(PROTOCOL), pickled(system)]
    parts.append(tensors if isinstance(tensors, bytes) else pickled(OrderedDict(tensors)))
    parts.append(pickled([storage.key for storage in storages] if keys is None else keys))
    for storage in storages:
        parts += [len(storage.numbers).to_bytes(8, "little"), storage.numbers.tobytes()]
    return b"".join(parts)


def read(folder: Path, data: bytes):
    path = folder / "weights.pth"
    path.write_bytes(data)
    return read_state_dict(path, hashlib.sha256(data).hexdigest())


FLOATS = FakeStorage(np.arange(24, dtype=np.float32))
SOUND = {"kernel": FakeTensor(FLOATS, (2, 3, 4), (12, 4, 1))}


def test_tensors_are_read_whatever_the_order_of_their_numbers(tmp_path):
    numbers = np.arange(24, dtype=np.float32)
    turned, part, count = FakeStorage(numbers, "a"), FakeStorage(numbers + 50, "b"), FakeStorage(np.array([7]), "c")
    tensors = {
        "turned": FakeTensor(turned, (2, 3, 4), (1, 2, 6)),
        "part": FakeTensor(part, (3, 2), (4, 1), offset=5),
        "count": FakeTensor(count, (), ()),
    }
    found = read(tmp_path, state(tensors, [part, count, turned]))
    assert list(found) == ["turned", "part", "count"]
    np.testing.assert_array_equal(found["turned"], numbers.reshape(4, 3, 2).T)
    np.testing.assert_array_equal(found["part"], [[55, 56], [59, 60], [63, 64]])
    np.testing.assert_array_equal(found["count"], np.array(7))
    assert [str(array.dtype) for array in found.values()] == ["float32", "float32", "int64"]


def test_the_published_file_has_the_tensors_that_it_is_known_to_have():
    package = ENCODERS["efficientnet_lite0"].package
    found = read_state_dict(find_published("efficientnet_lite0"), package.sha256)
    assert (len(found), sum(array.size for array in found.values())) == (296, 4_694_073)
    assert {str(array.dtype) for array in found.values()} == {"float32", "int64"}
    assert all(np.isfinite(array).all() for array in found.values())
    assert found["_conv_stem.weight"].shape == (32, 3, 3, 3)


MARKER = "S'touch marker'\n"


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (f"cos\nsystem\n({MARKER}tR.", "os.system"),
        (f"({MARKER}ios\nsystem\n.", "os.system"),
        (f"(cos\nsystem\n{MARKER}o.", "os.system"),
        (f"\x80\x04\x8c\x02os\x8c\x06system\x93({MARKER}tR.", "os.system"),
        (f"cbuiltins\neval\n({MARKER}tR.", "builtins.eval"),
        (f"csubprocess\nPopen\n({MARKER}tR.", "subprocess.Popen"),
        ("ctorch\nDoubleStorage\n.", "torch.DoubleStorage"),
        ("ctorch\nload\n.", "torch.load"),
        ("ctorch._utils\n_rebuild_tensor\n.", "torch._utils._rebuild_tensor"),
        ("\x80\x04\x8c\x0ccollections\x8c\x14OrderedDict.__init__\x93.", None),
        ("ccollections\nCounter\n.", "collections.Counter"),
    ],
)
def test_a_name_that_no_state_dict_needs_is_refused_and_not_called(tmp_path, monkeypatch, code, name):
    monkeypatch.chdir(tmp_path)
    for place in range(2):  # in the place of the tensors, and as the very first object
        hostile = code.encode("latin1")
        with pytest.raises(DataError) as caught:
            read(tmp_path, state(hostile, []) if place == 0 else hostile)
        assert caught.value.code == "E_WEIGHTS"
        if name is not None:
            assert f"not a state dict in PyTorch's old format (it names {name})" in caught.value.what
        assert not (tmp_path / "marker").exists()


def test_what_stands_for_a_name_cannot_be_changed_by_a_pickle(tmp_path):
    before = {name: getattr(state_dict, name) for name in ("DTYPES", "_Rebuild")}
    for code in (
        "ctorch._utils\n_rebuild_tensor_v2\n}S'a'\nI1\nsb.",
        "ctorch._utils\n_rebuild_tensor_v2\n(N}S'__call__'\nI1\nstb.",
        "ctorch\nFloatStorage\n}S'a'\nI1\nsb.",
        "ccollections\nOrderedDict\n(N}S'get'\nI1\nstb.",
    ):
        with pytest.raises(DataError, match="not a state dict"):
            read(tmp_path, state(code.encode(), []))
    assert before == {name: getattr(state_dict, name) for name in before}


@pytest.mark.parametrize(
    "storage",
    [
        FakeStorage(np.arange(24, dtype=np.float32), device="cuda:0"),
        FakeStorage(np.arange(24, dtype=np.float32), kind="module"),
        FakeStorage(np.arange(24, dtype=np.float32), key=3),
        FakeStorage(np.arange(24, dtype=np.float32), length="24"),
        FakeStorage(np.arange(24, dtype=np.float32), length=-24),
        FakeStorage(np.arange(24, dtype=np.float32), length=2**62),
        FakeStorage(np.arange(24, dtype=np.float32), length=23),
        FakeStorage(np.arange(24, dtype=np.float64)),
    ],
)
def test_a_storage_of_another_kind_is_refused(tmp_path, storage):
    with pytest.raises(DataError, match="not a state dict"):
        read(tmp_path, state({"kernel": FakeTensor(storage, (24,), (1,))}, [storage]))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((25,), (1,), 0),
        ((24,), (1,), 1),
        ((24,), (1,), -1),
        ((2,), (-1,), 3),
        ((1000,), (0,), 0),
        ((0,), (1,), 0),
        ((-1,), (1,), 0),
        ((2, 3), (1,), 0),
        ((2**40, 2**40), (1, 1), 0),
        ((1.5,), (1,), 0),
        ("ab", (1,), 0),
    ],
)
def test_a_tensor_beyond_its_numbers_is_refused(tmp_path, shape, strides, offset):
    with pytest.raises(DataError, match="not a state dict"):
        read(tmp_path, state({"kernel": FakeTensor(FLOATS, shape, strides, offset)}, [FLOATS]))


def test_a_file_that_is_none_is_refused(tmp_path):
    files = {
        "magic": state(SOUND, [FLOATS], magic=1),
        "order": state(SOUND, [FLOATS], system=SYSTEM | {"little_endian": False}),
        "system": state(SOUND, [FLOATS], system=3),
        "no tensor": state({"kernel": 3}, []),
        "no name": state({3: FakeTensor(FLOATS, (24,), (1,))}, [FLOATS]),
        "no storage": state({"kernel": FakeTensor("text", (24,), (1,))}, []),
        "no dict": state(pickled([3]), []),
        "shared": state(SOUND | {"other": FakeTensor(FLOATS, (24,), (1,))}, [FLOATS]),
        "key": state(SOUND, [FLOATS], keys=["1"]),
        "keys": state(SOUND, [FLOATS], keys=[]),
        "more": state(SOUND, [FLOATS]) + b"\0",
        "zip": b"PK\x03\x04" + bytes(100),
        "nothing": b"",
    }
    for name, data in files.items():
        with pytest.raises(DataError, match=r"weights\.pth: is not a state dict") as caught:
            read(tmp_path, data)
        assert caught.value.code == "E_WEIGHTS", name


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path):
    whole = state(SOUND, [FLOATS])
    assert list(read(tmp_path, whole)) == ["kernel"]
    for end in range(len(whole)):
        with pytest.raises(DataError, match="not a state dict"):
            read(tmp_path, whole[:end])


def test_a_file_with_another_hash_is_refused_before_it_is_unpickled(tmp_path, monkeypatch):
    def load(_self):
        raise AssertionError("a byte of it was unpickled")

    monkeypatch.setattr(state_dict._Unpickler, "load", load, raising=False)
    path = tmp_path / "weights.pth"
    data = state(SOUND, [FLOATS])
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"has the SHA-256 {hashlib.sha256(data).hexdigest()}, expected {'0' * 64}"):
        read_state_dict(path, "0" * 64)


def test_what_is_no_file_or_too_large_a_one_is_refused(tmp_path, monkeypatch):
    for path in (tmp_path, tmp_path / "absent.pth"):
        with pytest.raises(DataError, match="cannot be read") as caught:
            read_state_dict(path, "0" * 64)
        assert caught.value.code == "E_WEIGHTS"
    monkeypatch.setattr(state_dict, "MAX_WEIGHTS_BYTES", 10)
    with pytest.raises(DataError, match=r"cannot be read \(more than 10 bytes\)"):
        read(tmp_path, bytes(11))
