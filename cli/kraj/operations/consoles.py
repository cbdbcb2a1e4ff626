"""Asks Nova for the consoles of servers, until their host keys are there."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kraj.configure.following import ACTION
from kraj.configure.host_keys import KnownHosts, keys_in
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.openstack.answers import Refusal, translated
from kraj.openstack.errors import CLOUD_UNREACHABLE
from kraj.openstack.retry import ConnectionLostError
from kraj.operations.clouds import connect, open_cloud
from kraj.operations.interrupts import Interrupts, interrupted
from kraj.operations.project import Project
from kraj.operations.states import RegionStates
from kraj.planning.documents import ServerOutput

#: A server that was just made needs its first boot for its keys.
_PATIENCE_SECONDS: Final = 120.0
_PAUSE_SECONDS: Final = 3.0
_WORKERS: Final = 8


def see_host_keys(
    states: RegionStates,
    cloud: str | None,
    servers: Mapping[str, ServerOutput],
    path: Path,
    report: Reporter,
    interrupts: Interrupts,
) -> frozenset[str]:
    """See that the keys of all servers are known, in the file at `path`.

    Returns the servers, by name, whose keys were not. The cloud is asked for those alone. Raises
    KRJ4xx, KRJ798, KRJ845, KRJ849.
    """
    known = KnownHosts.load(path)
    unknown = [server for server in servers.values() if not known.knows(server)]
    if unknown:
        name = cloud or states.files.region.clouds[0].name
        _learn(states.project, name, unknown, known, report, lambda: interrupts.asked)
    if interrupts.asked:
        raise interrupted("no server was signed in to")
    known.save(servers)
    return frozenset(server.name for server in unknown)


def _learn(
    project: Project,
    cloud: str,
    servers: Sequence[ServerOutput],
    known: KnownHosts,
    report: Reporter,
    stop: Callable[[], bool],
) -> None:
    """Keep the keys of the servers, read from their consoles.

    Those whose keys do not come are left unknown: SSH then refuses them, and the others are
    configured. Raises KRJ4xx where there is no way to the cloud, KRJ845.
    """
    connection = connect(open_cloud(project, cloud))
    missing, deadline = list(servers), time.monotonic() + _PATIENCE_SECONDS
    told = False
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        while missing and not stop():
            consoles = pool.map(lambda server: _console(connection, server.id), missing)
            for server, console in list(zip(missing, consoles, strict=True)):
                keys = keys_in(console)
                if keys:
                    known.learn(server, keys)
                    missing.remove(server)
            if not missing or time.monotonic() > deadline:
                return
            if not told:
                _tell(missing, report)
                told = True
            time.sleep(_PAUSE_SECONDS)


def _tell(missing: Sequence[ServerOutput], report: Reporter) -> None:
    for server in missing:
        report(Event(EventKind.PROGRESS, ACTION, server.name, "waiting for its host keys"))


def _console(connection: Any, server_id: str) -> str:
    """What a server has printed; empty where Nova has nothing to show yet."""
    try:
        answer = translated(
            lambda: connection.compute.post(
                f"/servers/{server_id}/action", json={"os-getConsoleOutput": {}}
            )
        )
    except ConnectionLostError as error:
        raise KrajError(CLOUD_UNREACHABLE, str(error)) from error
    if isinstance(answer, Refusal) or answer.status_code >= 400:
        return ""
    return str(answer.json().get("output") or "")
