"""Proves servers from inside, many side by side, by the way that operators come."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from kraj.configure.connections import Access, bastions_among, connection_variables
from kraj.configure.inventory import roles_of
from kraj.configure.runner import find_programs, run_folder, sockets_folder
from kraj.events import Event, EventKind, Reporter
from kraj.images.roles import with_dependencies
from kraj.model.roles import roles_with_tasks
from kraj.operations.configure import KNOWN_HOSTS
from kraj.operations.consoles import see_host_keys
from kraj.operations.interrupts import heeded, interrupted
from kraj.operations.inventory import read_exports
from kraj.operations.isolation import prove_isolation
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

    Tenants among the stacks are tried for what their servers reach of one another.
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
            Inside(one.name, one.login, _proved_roles(one.pool, roles, names), ways[one.name])
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
        apart = prove_isolation(
            [one for one in exports if one.stack in labels], settings, report, interrupts, jobs
        )
        if interrupts.asked:
            raise interrupted("servers were only looked at")
    more: dict[str, list[Check]] = {label: [] for label in labels}
    for name, checks in found.items():
        more[chosen[name].stack] += checks
    for stack, isolated in apart.items():
        more[stack] += isolated
    return with_checks(proofs, more)


def _proved_roles(service: str, roles: Path, names: Collection[str]) -> tuple[str, ...]:
    """The roles of a service's servers and those that they use, each once: all have tests.

    Raises KRJ802 where one of them is not there.
    """
    used = [used for role in roles_of(service, names) for used in with_dependencies(roles, role)]
    return tuple(dict.fromkeys(used))
