"""Objects: the files below an address of S3, Google Cloud Storage, Azure or a web server, for reading.

Through obstore (the extra `cloud`), which is imported on first use. Requests that may succeed later (429, 5xx, lost
connections, timeouts) are repeated within a bound, with growing pauses of random length. What else fails is said in one
line of our own words: those of a server may quote the credentials that come from the environment.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import re
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar

from converter.errors import DataError, MachineError, SegconvError, UsageError
from converter.limits import MAX_BODY_TRIES, MAX_REQUEST_RETRIES

Answer = TypeVar("Answer")

CHUNK_BYTES = 16 * 2**20  # of one request: at 1 MB/s a tenth of TIMEOUT_S
CONNECT_S = 10  # a machine that is not there does not answer at all
TIMEOUT_S = 120  # of one request with its body
RETRY_S = 60  # after which a request is not repeated
ENDING_S = 2  # for a request of a process that was told to end
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0  # between two tries; twice as long each time, times a random number

FIX_NETWORK = (
    "Run the same command again, which goes on; if it recurs, check the network and the address of the server."
)
_OTHER_REGION = "PermanentRedirect|AuthorizationHeaderMalformed|configured region|status: 30[17]"
_FIX_ENVIRONMENT = "Set the credentials and the region in the environment, such as AWS_ACCESS_KEY_ID and AWS_REGION."


@dataclass(frozen=True)
class ObjectFolder:
    """The objects below an address as a ReadStore.

    Attributes:
      url: the address, such as s3://bucket/records.
    """

    url: str

    def where(self, name: str = "") -> str:
        """Returns the address of a file, or of the folder itself."""
        return f"{self.url.rstrip('/')}/{name}" if name else self.url

    @property
    def client(self) -> Any:
        """The obstore store of this process."""
        return client_of(self.url, os.getpid())

    def names(self) -> list[str]:
        """Returns the sorted names of all files, hidden ones included; FileNotFoundError where there is none."""
        import obstore

        if self.url.startswith("http"):
            raise UsageError(
                self.url, "is on a web server, which lists no files", "Use s3://, gs:// or az://.", "E_BUCKET"
            )
        found = asked(self.url, lambda: obstore.list_with_delimiter(self.client)["objects"])
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.url)
        return sorted(each["path"].rpartition("/")[2] for each in found)

    def size(self, name: str) -> int:
        """Returns the size of a file in bytes; FileNotFoundError where it does not exist."""
        import obstore

        return int(asked(self.where(name), lambda: obstore.head(self.client, name)["size"]))

    def open(self, name: str) -> BinaryIO:
        """Opens a copy of a file for reading, a large one in the folder of temporary files; it is seekable.

        Raises:
          FileNotFoundError: it does not exist.
          UsageError, MachineError: the server refuses, or does not answer.
        """
        data, meta = self._get(name, {})
        if data is not None:
            return io.BytesIO(data)
        size, e_tag = meta["size"], meta["e_tag"]
        file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - returned
        try:
            for start in range(0, size, CHUNK_BYTES):
                asked = {"range": (start, min(size, start + CHUNK_BYTES))} | ({"if_match": e_tag} if e_tag else {})
                file.write(self._get(name, asked)[0] or b"")
            file.seek(0)
        except (FileNotFoundError, FileExistsError):
            file.close()
            what = "was replaced or deleted while it was read"
            raise MachineError(self.where(name), what, "Run the same command again.", "E_NETWORK") from None
        except OSError as error:
            file.close()
            fix = "Free up disk space, or set TMPDIR to another folder."
            what = f"cannot hold a copy of {self.where(name)} ({error.strerror})"
            raise MachineError(tempfile.gettempdir(), what, fix) from None
        except BaseException:
            file.close()
            raise
        return file

    def _get(self, name: str, options: Any) -> tuple[bytes | None, Any]:
        """Returns (the bytes of a file or of a range of it, what the server says of it); no bytes of a larger file.

        Raises:
          FileNotFoundError: it does not exist.
          FileExistsError: it has another version than the options ask for.
          UsageError, MachineError: the server refuses, or does not answer.
        """
        import obstore

        where = self.where(name)

        def ask() -> tuple[bytes | None, Any]:
            found = obstore.get(self.client, name, options=options)
            start, end = found.range
            if end - start > CHUNK_BYTES:
                return None, found.meta
            data = bytes(found.bytes())
            if len(data) != end - start:
                raise BrokenOffError(
                    where, f"was sent with {len(data)} of {end - start} bytes", FIX_NETWORK, "E_NETWORK"
                )
            return data, found.meta

        return asked(where, ask)


@functools.lru_cache(maxsize=16)
def client_of(url: str, process: int) -> Any:
    """Returns the obstore store of an address; `process` is that of the caller, since no connection survives a fork.

    Raises:
      UsageError: obstore is not installed, or the address is none that it knows.
    """
    try:
        import obstore.store
    except ImportError:
        fix = "Install it: pip install 'segconv[cloud]'"
        raise UsageError(url, "needs the package obstore", fix, "E_NO_OBSTORE") from None
    # Plain HTTP where the user named such a server: a test, or a store in the same rack.
    endpoints = (
        os.environ.get(f"{name}_ENDPOINT{url_part}", "") for name in ("AWS", "AZURE") for url_part in ("", "_URL")
    )
    is_plain = url.startswith("http://") or any(each.startswith("http://") for each in endpoints)
    options: dict[str, Any] = {
        "client_options": {
            "timeout": timedelta(seconds=TIMEOUT_S),
            "connect_timeout": timedelta(seconds=CONNECT_S),
            "allow_http": is_plain,
        },
        "retry_config": {
            "max_retries": MAX_REQUEST_RETRIES,
            "retry_timeout": timedelta(seconds=RETRY_S),
            "backoff": {
                "init_backoff": timedelta(seconds=FIRST_PAUSE_S),
                "max_backoff": timedelta(seconds=LONGEST_PAUSE_S),
                "base": 2,
            },
        },
    }
    if url.startswith("s3:"):
        options["config"] = {"checksum_algorithm": "sha256"}  # the server refuses a body that was changed on the way
    try:
        return obstore.store.from_url(url, **options)
    except Exception as error:  # noqa: BLE001 - obstore has a type of its own for each
        what = f"is no address of an object store that can be used ({type(error).__name__})"
        raise UsageError(url, what, f"{_FIX_ENVIRONMENT}", "E_BUCKET") from None


class BrokenOffError(MachineError):
    """A connection ended before the answer was whole."""


def asked(where: str, ask: Callable[[], Answer]) -> Answer:
    """Returns the answer to a request that may be sent twice, and is sent again where the answer breaks off.

    Obstore repeats what fails before the body; not a body that breaks off, and a list not at all.

    Args:
      where: address, for messages.
      ask: sends the request and reads the answer.

    Raises:
      as `talking`.
    """
    for _ in range(MAX_BODY_TRIES - 1):
        with contextlib.suppress(BrokenOffError):
            return asked_once(where, ask)
    return asked_once(where, ask)


def asked_once(where: str, ask: Callable[[], Answer]) -> Answer:
    """Returns the answer to a request.

    The request runs in a thread of its own: no signal can end it, but one can end the wait for it. What is asked while
    a signal ends this process, such as to give a lease back, is waited for a moment only.

    Args:
      where: address, for messages.
      ask: sends the request and reads the answer.

    Raises:
      as `talking`.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []
    is_done = threading.Event()

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised below
            errors.append(error)
        is_done.set()

    threading.Thread(target=run, daemon=True).start()
    is_ending = not isinstance(sys.exc_info()[1], Exception | types.NoneType)
    with talking(where):
        if not is_done.wait(ENDING_S if is_ending else None):
            raise MachineError(where, "was not had before the end", FIX_NETWORK, "E_NETWORK")
        if errors:
            raise errors[0]
    return answers[0]


@contextlib.contextmanager
def talking(where: str) -> Iterator[None]:
    """Turns what obstore raises into one line about the file `where`.

    Raises:
      FileNotFoundError: there is no such file.
      FileExistsError: there is one, where none may be, or one of another version.
      DataError: an object has a name that no file can have.
      UsageError, MachineError: the server refuses, or does not answer.
    """
    from obstore import exceptions

    try:
        yield
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), where) from None
    except FileNotFoundError as error:
        if re.search("NoSuchBucket|ContainerNotFound|bucket does not exist", str(error)):
            raise _failure(where, str(error)) from None
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), where) from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
        raise _failure(where, "status: 403") from None
    except exceptions.InvalidPathError:
        what = "holds an object whose name no file can have, such as one with .. in it"
        raise DataError(where, what, "Rename the object.", "E_PATH") from None
    except exceptions.BaseError as error:
        raise _failure(where, str(error)) from None


def _failure(where: str, said: str) -> SegconvError:
    """Returns the error of a request; `said` is what obstore says of it, which is only searched and never shown."""
    if re.search("NoSuchBucket|ContainerNotFound|bucket does not exist", said):
        return UsageError(where, "is in a bucket that does not exist", "Correct the address.", "E_BUCKET")
    if re.search(_OTHER_REGION, said):
        fix = "Set the region of the bucket, such as AWS_REGION=eu-central-1."
        return UsageError(where, "is in a bucket of another region", fix, "E_BUCKET")
    if re.search(r"status: 40[13]|Unauthenticated|PermissionDenied", said):
        what = "is forbidden: the server refuses the credentials of the environment, or this address to them"
        return UsageError(where, what, _FIX_ENVIRONMENT, "E_BUCKET")
    if re.search("169.254.169.254|metadata|redential", said):
        return UsageError(where, "needs credentials, and the environment has none", _FIX_ENVIRONMENT, "E_BUCKET")
    status = re.search(r"status(?: code)?: (\d{3})", said)
    if status:
        what = f"cannot be had: the server answers with error {status[1]}, also when asked again"
    elif re.search("Timeout|timed out", said):
        what = f"cannot be had: the server does not answer within {TIMEOUT_S} s"
    elif "kind: Connect" in said:
        what = "cannot be had: the server cannot be reached"
    else:
        return BrokenOffError(where, "cannot be had: the connection broke off", FIX_NETWORK, "E_NETWORK")
    return MachineError(where, what, FIX_NETWORK, "E_NETWORK")
