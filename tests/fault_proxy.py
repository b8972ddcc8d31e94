"""A proxy on loopback that passes requests on to a server, and lets the n-th one fail."""

from __future__ import annotations

import contextlib
import http.client
import socketserver
import struct
import threading
from collections.abc import Iterator

MODES = ("error", "reset", "truncated", "lost", "slow down")  # how a request fails
ANSWERS = {  # what S3 answers: (status, body); bodies may quote the key and the request that was signed
    "error": ("500 Internal Server Error", b""),
    "slow down": ("503 Slow Down", b""),
    "forbidden": (
        "403 Forbidden",
        b"<Error><Code>AccessDenied</Code><Key>AKIAOURKEY</Key></Error>",
    ),
    "moved": ("301 Moved Permanently", b"<Error><Code>PermanentRedirect</Code><Bucket>b</Bucket></Error>"),
    "wrong region": ("400 Bad Request", b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>x</Region></Error>"),
}
_SKIPPED = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class FaultProxy:
    """What fails, and how many requests there were.

    Attributes:
      port: of the proxy.
      mode: one of MODES or ANSWERS, or "hang".
      failing: number of the request that fails, from 1; 0 for none.
      lasts: whether all requests after that one fail as well.
      count: number of requests so far.
      on_fault: called before a request fails.
      hides_conditions: whether the server does not see If-Match and If-None-Match, as if it did not know them.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.port = 0
        self.ended = threading.Event()
        self.hides_conditions = False
        self.reset()

    def reset(self, failing: int = 0, mode: str = "error", *, lasts: bool = False) -> None:
        self.failing, self.mode, self.lasts, self.count = failing, mode, lasts, 0
        self.on_fault = lambda: None

    def fault(self) -> str:
        """Counts a request; returns how it fails, "" where it does not."""
        self.count += 1
        is_failing = self.failing and (self.count >= self.failing if self.lasts else self.count == self.failing)
        if is_failing:
            self.on_fault()
        return self.mode if is_failing else ""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self._pass_on(self.server.proxy)

    def _pass_on(self, proxy: FaultProxy) -> None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) < 2:
            return
        headers = http.client.parse_headers(self.rfile)
        body = self.rfile.read(int(headers.get("content-length") or 0))
        fault = proxy.fault()
        if fault == "hang":
            proxy.ended.wait(30)
            return
        if fault == "reset":
            self.request.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER of 0: closing resets the connection
            return
        if fault in ANSWERS:
            status, said = ANSWERS[fault]
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(said)}\r\nConnection: close\r\n\r\n"
            self.wfile.write(head.encode() + (b"" if line[0] == "HEAD" else said))
            return
        upstream = http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=30)
        hidden = ("connection", "expect", *(("if-match", "if-none-match") if proxy.hides_conditions else ()))
        sent = {name: value for name, value in headers.items() if name.lower() not in hidden}
        upstream.request(line[0], line[1], body, sent)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if fault == "lost":
            return
        length = answer.headers.get("content-length") if line[0] == "HEAD" else str(len(data))
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _SKIPPED]
        head = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in kept)]
        head += [f"Content-Length: {length or 0}", "Connection: close"]
        self.wfile.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n")
        self.wfile.write(data[: len(data) // 2] if fault == "truncated" else data)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def fault_proxy(server_port: int) -> Iterator[FaultProxy]:
    """Starts a proxy in a thread of this process."""
    proxy = FaultProxy(server_port)
    with _Server(("127.0.0.1", 0), _Handler) as listening:
        listening.proxy = proxy
        proxy.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            listening.shutdown()
            thread.join()
