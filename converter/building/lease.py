"""Lease: one build at a time below an address, where there are no locks of an operating system.

The holder is the object `.segconv-lease`, created where there was none, and written anew every few seconds. All times
are those of the server, so clocks that are wrong do not matter. Whoever finds a lease that has not been renewed for
LEASE_S, or whose process on this machine is dead, takes it over; every write names the version that it replaces (ETag),
so only one of two can. A holder that was asleep and lost its lease notices before it publishes.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.dataset.objects import ObjectFolder, asked, asked_once
from converter.errors import MachineError, SegconvError, UsageError, shown
from converter.limits import MAX_LEASE_BYTES
from converter.system.files import TEMPORARY

LEASE = TEMPORARY + "lease"
CLOCK = TEMPORARY + "clock"  # put to learn the time of the server
LEASE_S = 60.0  # a holder that has not renewed for so long is dead, or asleep
RENEW_S = 15.0
GIVE_BACK_S = 5.0  # then it runs out by itself


class Lease:
    """The lease of an address, held by this process."""

    def __init__(self, place: ObjectFolder) -> None:
        self._place = place
        self._token = secrets.token_hex(16)
        self._count = 0
        self._e_tag: str | None = None
        self._guard = threading.Lock()
        self._ended = threading.Event()

    def take(self) -> None:
        """Takes the lease.

        Raises:
          UsageError: another build holds it, or the server lets everybody hold it.
          MachineError: the server does not answer.
        """
        if self._write(None):
            self._check_conditions()
            return
        try:
            raw, e_tag, written = self._read()
        except FileNotFoundError:  # given back meanwhile
            if self._write(None):
                return
            raw, e_tag, written = {}, "", 0.0
        age = self._server_time() - written
        if not e_tag or not (age > LEASE_S or is_dead(raw)) or not self._write(e_tag):
            holder = f" ({shown(raw['holder'])})" if "holder" in raw else ""
            fix = f"Wait until it is done, where it was killed for {LEASE_S:.0f} s; or choose another place with --out."
            raise UsageError(self._place.where(), f"is being written by another segconv{holder}", fix, "E_LOCKED")

    def _check_conditions(self) -> None:
        """Raises UsageError where the server writes what exists, although it is told to write only what does not."""
        import obstore

        client = self._place.client
        with contextlib.suppress(FileExistsError):
            asked(self._place.where(LEASE), lambda: obstore.put(client, LEASE, b"{}", mode="create"))
            _delete(self._place, LEASE)
            what = "is on a server that ignores conditional writes (If-None-Match), so two builds could mix their files"
            raise UsageError(self._place.where(), what, "Build into a folder with --out, then copy it.", "E_BUCKET")

    def check(self) -> None:
        """Renews the lease; MachineError where another build has taken it over."""
        with self._guard:
            if not self._write(self._e_tag):
                what = "was taken over by another build, since this one did not answer for too long"
                raise MachineError(
                    self._place.where(), what, "Run the same command again when that is done.", "E_LOCKED"
                )

    @contextlib.contextmanager
    def renewed(self) -> Iterator[None]:
        """Renews the lease, which must have been taken, while the block runs; then gives it back."""
        thread = threading.Thread(target=self._renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            giving = threading.Thread(target=self._give_back, args=(thread,), daemon=True)
            giving.start()
            giving.join(GIVE_BACK_S)

    def _give_back(self, renewing: threading.Thread) -> None:
        renewing.join()
        with contextlib.suppress(SegconvError, OSError):
            self.check()  # never delete that of another build
            _delete(self._place, LEASE)
            _delete(self._place, CLOCK)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_S):
            with contextlib.suppress(SegconvError, OSError):  # `check` tells, before anything is published
                self.check()

    def _write(self, e_tag: str | None) -> bool:
        """Writes the lease in place of this version, None for none; returns whether it is ours now."""
        import obstore

        self._count += 1
        facts = _own_facts() | {"token": self._token, "count": self._count}
        mode: Any = "create" if e_tag is None else {"e_tag": e_tag}
        try:
            client, data = self._place.client, json.dumps(facts).encode()
            done = asked_once(
                self._place.where(LEASE), lambda: obstore.put(client, LEASE, data, mode=mode, use_multipart=False)
            )
            self._e_tag = done["e_tag"]
        except FileNotFoundError:
            return False
        except FileExistsError:  # by another build, or by this very request, whose answer was lost
            try:
                raw, found, _ = self._read()
            except FileNotFoundError:
                return False
            if raw.get("token") != self._token:
                return False
            self._e_tag = found
        return True

    def _read(self) -> tuple[dict[str, Any], str, float]:
        """Returns (content, ETag, time of the server when it was written); FileNotFoundError where there is none."""
        import obstore

        def ask() -> tuple[bytes, Any]:
            found = obstore.get(self._place.client, LEASE)
            return bytes(found.bytes()) if found.meta["size"] <= MAX_LEASE_BYTES else b"", found

        data, found = asked(self._place.where(LEASE), ask)
        return parse_lease(data), found.meta["e_tag"] or "", found.meta["last_modified"].timestamp()

    def _server_time(self) -> float:
        import obstore

        client = self._place.client

        def ask() -> float:
            obstore.put(client, CLOCK, secrets.token_bytes(8), use_multipart=False)
            return float(obstore.head(client, CLOCK)["last_modified"].timestamp())

        return asked(self._place.where(CLOCK), ask)


def parse_lease(data: bytes) -> dict[str, Any]:
    """Returns what a lease says of its holder; nothing where it cannot be read."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def is_held(place: ObjectFolder) -> bool:
    """Returns whether a build holds the lease of an address, as far as can be seen without taking it."""
    lease = Lease(place)
    try:
        raw, _, written = lease._read()
    except FileNotFoundError:
        return False
    return lease._server_time() - written <= LEASE_S and not is_dead(raw)


def _delete(place: ObjectFolder, name: str) -> None:
    import obstore

    asked(place.where(name), lambda: obstore.delete(place.client, name))


def _own_facts() -> dict[str, Any]:
    """Returns who holds a lease of this process: for people, and to see from this machine whether it lives."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = f"process {os.getpid()} on {os.uname().nodename}, since {since}"
    return {"holder": holder, "machine": _machine(), "process": os.getpid(), "start": _start_of(os.getpid())}


def _machine() -> str:
    """Returns what is the same for two processes that see each other in /proc; "" where that is unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start_of(process: int) -> str:
    """Returns when a process started, in ticks since the boot; "" where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def is_dead(raw: dict[str, Any]) -> bool:
    """Returns whether the holder of a lease was a process of this machine, and is no more."""
    process, start = raw.get("process"), raw.get("start")
    is_here = bool(_machine()) and raw.get("machine") == _machine() and isinstance(process, int) and bool(start)
    return is_here and _start_of(int(process or 0)) != start
