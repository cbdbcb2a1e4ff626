"""What is made of connections that bring no answer: real sockets that misbehave."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest
from keystoneauth1.session import Session

from kraj.openstack.answers import translated
from kraj.openstack.retry import ConnectionLostError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"


def closes(client: socket.socket) -> None:
    client.close()


def cuts(client: socket.socket) -> None:
    client.sendall(HEAD + b'{"a')
    client.close()


def resets(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def stays_silent(client: socket.socket) -> None:
    client.recv(1)  # returns when the client has had enough


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (closes, "the connection was closed"),
        (cuts, "the answer broke off"),
        (resets, "Connection reset by peer"),
        (stays_silent, "it took too long"),
    ],
)
def test_a_lost_answer_leaves_the_outcome_open_and_is_told_in_plain_words(
    behave: Callable[[socket.socket], None], words: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _address = server.accept()
            client.recv(65536)
            behave(client)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v2.0/networks"
        error = lost(f"{url}?name=records")
    assert str(error) == f"no answer from {url}: {words}"
    assert error.taken


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "no-such-host.invalid:{}"])
def test_a_connection_that_was_never_made_leaves_no_doubt(host: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = host.format(closed.getsockname()[1])
        error = lost(f"http://{address}/v3")
    assert str(error).startswith(f"no answer from http://{address}/v3: ")
    assert "Error" not in str(error)
    assert not error.taken


def lost(url: str) -> ConnectionLostError:
    with pytest.raises(ConnectionLostError) as caught:
        translated(lambda: Session(timeout=1).request(url, "GET"))
    return caught.value
