"""Looks whether the user's own database, message queue and cache can be used.

Done before anything is built on them: a service that cannot sign in tries for ever and says so only
in its log.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from kraj.errors import KrajError
from kraj.lab.addresses import parse_host_and_port, parse_transport_url
from kraj.lab.database import query
from kraj.lab.errors import STORE_UNUSABLE
from kraj.lab.programs import run_logged
from kraj.lab.settings import LabSettings

CONNECT_SECONDS = 10.0


def users_stores(settings: LabSettings) -> Iterator[tuple[str, str, int]]:
    """What each of the user's servers is, its host and port."""
    if settings.database_url:
        yield "database", settings.database.host, settings.database.port
    if settings.transport_url:
        queue = parse_transport_url(settings.transport_url)
        yield "message queue", queue.host, queue.port
    if settings.memcached:
        yield "memcached", *parse_host_and_port(settings.memcached)


def reach(settings: LabSettings) -> None:
    """Open a connection to each. Raises KRJ513."""
    for name, host, port in users_stores(settings):
        try:
            with socket.create_connection((host, port), timeout=CONNECT_SECONDS):
                pass
        except OSError as error:
            raise KrajError(
                STORE_UNUSABLE, f"your {name} at {host}:{port} does not answer: {error}"
            ) from error


def sign_in(settings: LabSettings) -> None:
    """Sign in to the database and the queue with the lab's own libraries. Raises KRJ513."""
    try:
        name = "database"
        if settings.database_url:
            query(settings, ["SELECT 1"])
        name = "message queue"
        if settings.transport_url:
            _sign_in_to_queue(settings)
    except KrajError as error:
        raise KrajError(STORE_UNUSABLE, f"your {name} refuses the lab", causes=error.causes) from (
            error
        )


def _sign_in_to_queue(settings: LabSettings) -> None:
    server = parse_transport_url(settings.transport_url)
    arguments = {
        "host": f"{server.host}:{server.port}",
        "userid": server.user,
        "password": server.password,
        "virtual_host": server.virtual_host,
    }
    command = ["python", "-m", "kraj_lab_drivers.queue_login"]
    run_logged(settings, "queue-login", command, given=json.dumps(arguments))
