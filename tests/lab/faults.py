"""A small reverse proxy that forwards to a real API and gets in the way of chosen requests.

Not a mock: what is not chosen reaches the cloud and its answer comes back as it is. A fault is used
up by one request; then the next fault of the list applies, then none.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True)
class Answer:
    """Answer instead of the cloud."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "injected"}}'


@dataclass(frozen=True)
class Close:
    """Close the connection: before the cloud hears of the request, or with its answer in hand."""

    after_forwarding: bool = False


@dataclass(frozen=True)
class Hold:
    """Keep the request back until it is released, then forward it."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


Fault = Answer | Close | Hold
#: No request is held for longer, whatever becomes of its test.
_HOLD_SECONDS = 120


@dataclass(frozen=True)
class Seen:
    """One request that came by; status 0 means that the connection was closed."""

    method: str
    path: str
    status: int


@dataclass
class FaultyProxy:
    """The faults still to come and the requests seen; `url` is where clients connect.

    `addresses` are replaced in what the API answers: so a catalogue leads to other proxies.
    """

    target: str
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    _faults: list[tuple[str, re.Pattern[str], Fault]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(self, method: str, path: str, *faults: Fault) -> None:
        """Let the next requests of this method whose path matches meet these faults."""
        with self._lock:
            self._faults += [(method, re.compile(path), fault) for fault in faults]

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets."""
        with self._lock:
            for at, (wanted, pattern, fault) in enumerate(self._faults):
                if wanted == method and pattern.search(path):
                    del self._faults[at]
                    return fault
        return None

    @property
    def left(self) -> list[str]:
        """Faults that no request has met yet, as method and pattern."""
        with self._lock:
            return [f"{method} {pattern.pattern}" for method, pattern, _fault in self._faults]

    def count(self, method: str, path: str) -> int:
        """How many requests of the kind came by."""
        return sum(1 for s in self.seen if s.method == method and re.search(path, s.path))


@contextmanager
def faulty_proxy(target: str) -> Iterator[FaultyProxy]:
    """A proxy in front of an API, for as long as the context lasts."""
    proxy = FaultyProxy(target.rstrip("/"))

    class Handler(_Handler):
        faults = proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: FaultyProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.faults.take(self.command, self.path)
        if isinstance(fault, Hold):
            fault.reached.set()
            fault.released.wait(_HOLD_SECONDS)
            fault = None
        if isinstance(fault, Close) and not fault.after_forwarding:
            self._close()
        elif isinstance(fault, Close):
            self._forward(body)
            self._close()
        elif fault is not None:
            self._answer(fault.status, list(fault.headers.items()), fault.body.encode())
        else:
            self._answer(*self._forward(body))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = urlsplit(self.faults.target)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=120)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        connection.request(self.command, target.path + self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for old, new in self.faults.addresses.items():
            content = content.replace(old.encode(), new.encode())
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP]
        return answer.status, kept, content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.faults.seen.append(Seen(self.command, self.path, status))
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)

    def _close(self) -> None:
        self.faults.seen.append(Seen(self.command, self.path, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_arguments: object) -> None:
        """Requests are kept in `seen`."""
