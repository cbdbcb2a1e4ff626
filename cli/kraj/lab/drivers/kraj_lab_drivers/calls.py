"""One datagram by which Neutron and Octavia tell the lab's network agent to look."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

VARIABLE = "KRAJ_LAB_CALLS"  #: path of the agent's socket; unset where nothing boots


NETWORKS, BALANCERS = b"n", b"b"  #: what has changed


def call_agent(*_what: Any, about: bytes = NETWORKS, **_how: Any) -> None:
    """Call without waiting. An agent that is not there looks when it starts."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller,
    ):
        caller.setblocking(False)
        caller.sendto(about, path)
