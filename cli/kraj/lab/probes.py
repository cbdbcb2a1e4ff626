"""Questions to the machine's loopback interface: is a port free, who holds it, does it answer?"""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import psutil

from kraj.lab.services import Service

#: Past any proxy that the environment names for the outside world.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def is_free(port: int) -> bool:
    """Whether a program could listen on that port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do: connections of an ended program that linger do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """The program that holds a port, as well as it may be known."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (process {process.pid})"
    except psutil.Error:
        # Sockets of other users are hidden from an ordinary user.
        return "a program of another user"
    return "another program"


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def answers(service: Service) -> bool:
    """Whether a service is ready: an HTTP answer below 500 for an API, else an open port."""
    if service.port is None:
        return True
    if not service.http:
        return listens(service.port)
    try:
        with DIRECT.open(f"http://127.0.0.1:{service.port}/", timeout=5):
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False
