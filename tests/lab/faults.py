"""A small reverse proxy that forwards to a real API and gets in the way of chosen requests.

Not a mock: what is not chosen reaches the cloud and its answer comes back as it is. A fault is used
up by one request; then the next fault of the list applies, then what `choose` says, then none.
`tests.lab.weather` chooses by a seed.
"""

from __future__ import annotations

import email.utils
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

#: Times in bodies, to the second: `"created_at": "2030-01-31T12:00:00`.
_TOLD_TIME = re.compile(
    rb'("(?:created|updated|issued|expires)(?:_at|At)?": ?")(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)'
)
_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True)
class Answer:
    """Answer instead of the cloud, or as a gateway does that has lost the cloud's answer.

    `{date}` in a header stands for the time, on the cloud's clock, a second from now.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "injected"}}'
    after_forwarding: bool = False


@dataclass(frozen=True)
class Close:
    """Close the connection: before the cloud hears of the request, or with its answer in hand."""

    after_forwarding: bool = False


@dataclass(frozen=True)
class Hold:
    """Keep the request back until it is released, then forward it."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Cut:
    """Pass on the beginning of the body alone, a share of it.

    `told` is the length that the header gives: that of the whole body, or of what is sent. `reset`
    breaks the connection instead of closing it.
    """

    share: float = 0.5
    told: Literal["whole", "sent"] = "whole"
    reset: bool = False


@dataclass(frozen=True)
class Slow:
    """Forward after a while, and pass the answer on in pieces with a pause before each."""

    before_seconds: float = 0.2
    pieces: int = 1
    pause_seconds: float = 0.0


@dataclass(frozen=True)
class Expire:
    """Revoke the token that the request bears, then forward the request."""


Fault = Answer | Close | Hold | Cut | Slow | Expire
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
    `identity` is Keystone's own address, for faults that need it.
    """

    target: str
    url: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    identity: str = ""
    choose: Callable[[str, str], Fault | None] | None = None  #: by method and path
    fast_by_seconds: float = 0.0  #: by how much the cloud's clock is ahead, in all that it tells
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
        return None if self.choose is None else self.choose(method, path)

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
    serve = {"target": server.serve_forever, "kwargs": {"poll_interval": 0.05}}
    thread = threading.Thread(**serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def faulty_proxies(connection: Any, stack: ExitStack) -> dict[str, FaultyProxy]:
    """Proxies by type of service; the catalogue that Keystone's one answers with leads to them.

    Types of service at the same address share a proxy.
    """
    access = connection.session.auth.get_access(connection.session)
    proxies: dict[str, FaultyProxy] = {}
    by_address: dict[str, FaultyProxy] = {}
    for service in access.service_catalog.catalog:
        url = urlsplit(service["endpoints"][0]["url"])
        address = f"{url.scheme}://{url.netloc}"
        if address not in by_address:
            by_address[address] = stack.enter_context(faulty_proxy(address))
        proxies[service["type"]] = by_address[address]
    proxies["identity"].addresses = {address: proxy.url for address, proxy in by_address.items()}
    return proxies


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: FaultyProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.faults.take(self.command, self.path):
            case Close(after_forwarding):
                if after_forwarding:
                    self._forward(body)
                self._close()
            case Answer() as fault:
                if fault.after_forwarding:
                    self._forward(body)
                self._answer(fault.status, self._headers(fault), fault.body.encode())
            case Cut() as fault:
                self._cut(fault, *self._forward(body))
            case Slow(before, pieces, pause):
                time.sleep(before)
                self._answer(*self._forward(body), pieces=pieces, pause=pause)
            case Expire():
                self._expire()
                self._answer(*self._forward(body))
            case Hold(reached, released):
                reached.set()
                released.wait(_HOLD_SECONDS)
                self._answer(*self._forward(body))
            case None:
                self._answer(*self._forward(body))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        target = urlsplit(self.faults.target)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        address = target.path + self.path
        answer, content = _ask(self.faults.target, self.command, address, headers, body)
        for old, new in self.faults.addresses.items():
            content = content.replace(old.encode(), new.encode())
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP]
        if self.faults.fast_by_seconds:
            content = _TOLD_TIME.sub(self._moved, content)
            kept = [(k, v) for k, v in kept if k.lower() != "date"] + [("Date", self._date())]
        return answer.status, kept, content

    def _moved(self, told: re.Match[bytes]) -> bytes:
        moment = datetime.fromisoformat(told[2].decode())
        moment += timedelta(seconds=self.faults.fast_by_seconds)
        return told[1] + moment.isoformat().encode()

    def _expire(self) -> None:
        token = self.headers.get("X-Auth-Token", "")
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        path = urlsplit(self.faults.identity).path + "/v3/auth/tokens"
        _ask(self.faults.identity, "DELETE", path, headers)

    def _headers(self, fault: Answer) -> list[tuple[str, str]]:
        own = [(k, v.replace("{date}", self._date(1))) for k, v in fault.headers.items()]
        return [*own, ("Content-Type", "application/json"), ("Date", self._date())]

    def _date(self, later: float = 0.0) -> str:
        moment = time.time() + self.faults.fast_by_seconds + later
        return email.utils.formatdate(moment, usegmt=True)

    def _answer(
        self,
        status: int,
        headers: list[tuple[str, str]],
        content: bytes,
        pieces: int = 1,
        pause: float = 0.0,
    ) -> None:
        self._begin(status, headers, len(content))
        if self.command == "HEAD" or status == 204:
            return
        size = max(1, -(-len(content) // pieces))
        for at in range(0, len(content), size):
            time.sleep(pause)
            self.wfile.write(content[at : at + size])
            self.wfile.flush()

    def _begin(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        self.faults.seen.append(Seen(self.command, self.path, status))
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _cut(self, fault: Cut, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        sent = content[: int(len(content) * fault.share)]
        if self.command == "HEAD" or status == 204:
            sent = b""
        self._begin(status, headers, len(content) if fault.told == "whole" else len(sent))
        self.wfile.write(sent)
        self.wfile.flush()
        self._close(reset=fault.reset, told=False)

    def _close(self, *, reset: bool = False, told: bool = True) -> None:
        if told:
            self.faults.seen.append(Seen(self.command, self.path, 0))
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_arguments: object) -> None:
        """Requests are kept in `seen`."""


def _ask(
    address: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request to the cloud itself, and its answer."""
    target = urlsplit(address)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=120)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content
