"""Proofs of services as people use them: by name, over TLS, at the address from outside.

Which services there are and where they are is not known here.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from kraj.verify.checks import Check, Status

CHECK: Final = "service.answers"
#: As long as a load balancer's monitor may need to take a server that has just come up.
TIMEOUT_SECONDS: Final = 15.0
_HEALTHY: Final = range(200, 400)  #: what a card's health check takes for healthy


@dataclass(frozen=True, slots=True)
class PublicService:
    """A service with an address from outside."""

    name: str  #: that people ask for, for example `records.liberec.liberecky.example`
    address: str
    port: int
    protocol: Literal["http", "https", "tcp"]
    path: str | None


def ask_service(
    service: PublicService, authority: Path | None, timeout_seconds: float = TIMEOUT_SECONDS
) -> Check:
    """Ask for the health that the service's card names; its certificate has to be right.

    `authority` is the certificate of the region's own, trusted beside the machine's.
    """
    try:
        found = _answer(service, authority, timeout_seconds)
    except (OSError, http.client.HTTPException) as error:
        return _check(service, Status.FAILED, "no answer", f"{service.address}: {error}")
    if isinstance(found, int) and found not in _HEALTHY:
        message = f"{service.path} at {service.address} answers {found}"
        return _check(service, Status.FAILED, found, message)
    return _check(service, Status.PASSED, found)


def _check(service: PublicService, status: Status, actual: int | str, message: str = "") -> Check:
    expected = "200 to 399" if service.path else "a connection"
    return Check(CHECK, service.name, status, expected, actual, message)


def _answer(
    service: PublicService, authority: Path | None, timeout_seconds: float
) -> int | Literal["a connection"]:
    with socket.create_connection((service.address, service.port), timeout_seconds) as plain:
        if service.protocol == "tcp":
            return "a connection"
        if service.protocol == "http":
            return _status(plain, service)
        context = ssl.create_default_context()
        if authority is not None and authority.is_file():
            context.load_verify_locations(authority)
        with context.wrap_socket(plain, server_hostname=service.name) as secure:
            return _status(secure, service)


def _status(connection: socket.socket, service: PublicService) -> int:
    asked = http.client.HTTPConnection(service.name)
    asked.sock = connection
    asked.request("GET", service.path or "/", headers={"Connection": "close"})
    return asked.getresponse().status
