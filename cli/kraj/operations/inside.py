"""Proves servers from inside, many side by side, by the way that operators come."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kraj.configure.connections import Access, bastions_among, connection_variables
from kraj.configure.inventory import roles_of
from kraj.configure.runner import find_programs, run_folder, sockets_folder
from kraj.events import Event, EventKind, Reporter
from kraj.model.roles import roles_with_tasks
from kraj.operations.configure import KNOWN_HOSTS
from kraj.operations.consoles import see_host_keys
from kraj.operations.interrupts import heeded, interrupted
from kraj.operations.inventory import read_exports
from kraj.operations.states import RegionStates
from kraj.verify.checks import Check, Proof, Status, with_checks
from kraj.verify.inside import Inside, look_inside, ssh_settings

_ACTION: Final = "verify"


def prove_inside(
    region: str | None,
    proofs: Sequence[Proof],
    report: Reporter,
    *,
    identity: Path | None = None,
    cloud: str | None = None,
    jobs: int = 3,
) -> list[Proof]:
    """The proofs with the checks from inside the servers of their stacks. Changes nothing there.

    Raises KRJ1xx, KRJ3xx, KRJ4xx, KRJ84x; that a server cannot be reached is a failed check.
    """
    find_programs()
    states = RegionStates(region)
    exports = list(read_exports(states))
    labels = {proof.stack for proof in proofs}
    everybody = [server for one in exports for server in one.servers]
    chosen = {server.name: one for one in exports if one.stack in labels for server in one.servers}
    roles, known = states.project.roles, states.state_dir / KNOWN_HOSTS
    names = roles_with_tasks(roles)
    with (
        heeded() as interrupts,
        run_folder(states.state_dir / _ACTION) as folder,
        sockets_folder() as sockets,
    ):
        needed = [server for server in everybody if server.name in chosen]
        reached = {one.name: one for one in (*needed, *bastions_among(everybody))}
        see_host_keys(states, cloud, reached, known, report, interrupts)
        ways = connection_variables(needed, everybody, Access(known, sockets, identity))
        servers = [
            Inside(one.name, one.login, tuple(roles_of(one.pool, names)), ways[one.name])
            for one in needed
        ]
        settings = folder / "ssh_config"
        settings.write_text(ssh_settings(servers, sockets), encoding="utf-8")

        def look(server: Inside) -> tuple[Check, ...]:
            if interrupts.asked:
                return ()
            report(Event(EventKind.STARTED, _ACTION, server.name, "looking from inside"))
            began = time.monotonic()
            checks = look_inside(server, roles, settings, folder)
            failed = sum(check.status is Status.FAILED for check in checks)
            report(
                Event(
                    EventKind.FAILED if failed else EventKind.DONE,
                    _ACTION,
                    server.name,
                    f"{len(checks)} checks from inside, {failed} failed",
                    seconds=time.monotonic() - began,
                )
            )
            return checks

        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
            found = dict(zip((one.name for one in servers), pool.map(look, servers), strict=True))
        if interrupts.asked:
            raise interrupted("servers were only looked at")
    more: dict[str, list[Check]] = {label: [] for label in labels}
    for name, checks in found.items():
        more[chosen[name].stack] += checks
    return with_checks(proofs, more)
