"""A sign-in service on the loopback interface: as much of Keystone's API as planning asks for.

Plans need no more of a cloud than to sign in and read its catalogue; the client is the real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVICES = ("compute", "dns", "identity", "load-balancer", "network", "volumev3")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        links = [{"rel": "self", "href": f"{_address(self)}/v3/"}]
        version = {"id": "v3.14", "status": "stable", "links": links, "media-types": []}
        self._answer(200, {"version": version})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {
            "methods": ["password"],
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "user": {"id": "u", "name": "admin", "domain": {"id": "default", "name": "Default"}},
            "catalog": [{"type": kind, "name": kind, "endpoints": []} for kind in SERVICES],
        }
        self._answer(201, {"token": token})

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Subject-Token", "token")
        self.end_headers()
        self.wfile.write(body)


def _address(handler: BaseHTTPRequestHandler) -> str:
    host, port = handler.server.server_address[:2]
    return f"http://{host!s}:{port}"


@contextmanager
def serving() -> Iterator[str]:
    """The service's address while this is entered."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v3"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
