"""Ports of the loopback interface, with real sockets."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Iterator

import psutil
import pytest

from kraj.lab.probes import answers, holder, is_free, listens
from kraj.lab.services import APIS, Service


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def free(taken: int) -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_port_with_a_listener_is_not_free_and_its_holder_is_named(taken: int) -> None:
    assert not is_free(taken)
    assert listens(taken)
    assert holder(taken) == f"{psutil.Process().name()} (process {os.getpid()})"


def test_a_port_without_a_listener_is_free(free: int) -> None:
    assert is_free(free)
    assert not listens(free)
    assert holder(free) == "another program"


def test_a_listener_on_all_addresses_holds_the_port_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - what the test is about
        assert not is_free(server.getsockname()[1])


def test_a_service_without_a_port_has_nothing_to_answer() -> None:
    assert answers(Service("worker", "sleep", APIS))


@pytest.mark.parametrize(("status", "ready"), [(200, True), (401, True), (503, False)])
def test_an_api_answers_when_it_speaks_http_without_a_fault_of_its_own(
    status: int, ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy for the outside world must not be asked for this machine.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing on the console of the tests."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert answers(Service("api", "sleep", APIS, server.server_port, http=True)) is ready


def test_an_api_that_does_not_listen_does_not_answer(taken: int, free: int) -> None:
    assert answers(Service("store", "sleep", APIS, taken))
    assert not answers(Service("api", "sleep", APIS, free, http=True))
