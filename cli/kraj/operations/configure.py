"""Configures the servers of a region with Ansible: which ones, by which way, with what result.

What stands comes from the stacks' exports, what is to be done from the roles, host keys from the
consoles that the cloud shows. Everything that can be checked is checked before a server is touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kraj.configure.connections import Access, bastions_among, connection_variables
from kraj.configure.errors import BUSY, NO_SERVERS, PLAYBOOK_FAILED
from kraj.configure.following import ACTION, Follower
from kraj.configure.inventory import CENTRE, inventory, role_of, transit_routes
from kraj.configure.results import Configuration, Host, HostStatus
from kraj.configure.role_secrets import RegionSecrets, secret_variables
from kraj.configure.runner import Play, find_programs, run_folder, run_playbook, sockets_folder
from kraj.engine.passphrase import resolve_passphrase
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.model.problems import did_you_mean
from kraj.model.roles import roles_with_tasks
from kraj.operations.consoles import see_host_keys
from kraj.operations.interrupts import heeded, interrupted
from kraj.operations.inventory import read_exports
from kraj.operations.role_secrets import stack_identities
from kraj.operations.stacks import TENANT_PREFIX
from kraj.operations.states import RegionStates
from kraj.planning.documents import ServerOutput, StackOutputs

DEFAULT_FORKS: Final = 10
PLAYBOOK: Final = "site.yml"
KNOWN_HOSTS: Final = "known_hosts"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    only: Sequence[str] = ()  #: labels of stacks
    services: Sequence[str] = ()
    check: bool = False
    diff: bool = False
    forks: int = DEFAULT_FORKS
    identity: Path | None = None
    cloud: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The servers that are to be configured, the bastions that lead to them among them."""

    stacks: tuple[StackOutputs, ...]
    routes: tuple[Mapping[str, str], ...]  #: from a bastion to all tenants

    @property
    def servers(self) -> dict[str, ServerOutput]:
        return {server.name: server for stack in self.stacks for server in stack.servers}


def configure(region: str | None, wish: Wish, report: Reporter) -> Configuration:
    """Configure the servers of a region's stacks, or only look with `check`.

    Raises KRJ1xx, KRJ3xx, KRJ4xx, KRJ703, KRJ798 and KRJ84x; that a server fails is in the result.
    """
    started = time.monotonic()
    find_programs()
    states = RegionStates(region)
    chosen = choose(states, wish)
    roles = states.project.roles
    names = roles_with_tasks(roles)
    found = inventory(states.region, chosen.stacks, names, chosen.routes)
    hosts = _hosts(found, names)
    passphrase = resolve_passphrase(states.state_dir)
    secrets = _secrets(states, hosts, passphrase)
    with contextlib.ExitStack() as stack, heeded() as interrupts:
        for label in sorted({host.stack for host in hosts.values()}):
            stack.enter_context(_alone(states.state_dir / ACTION, label))
        folder = stack.enter_context(run_folder(states.state_dir / ACTION))
        sockets = stack.enter_context(sockets_folder())
        known = states.state_dir / KNOWN_HOSTS
        booting = see_host_keys(states, wish.cloud, chosen.servers, known, report, interrupts)
        play = Play(
            playbook=states.project.playbooks / PLAYBOOK,
            roles=roles,
            inventory=_for_this_run(
                found,
                chosen,
                Access(known, sockets, wish.identity, booting),
                {"kraj_state_directory": str(states.state_dir.absolute())},
            ),
            secrets=secrets,
            passphrase=passphrase,
            variables=states.folder,
            check=wish.check,
            diff=wish.diff,
            forks=wish.forks,
        )
        follower = Follower(hosts, report, known)
        if not run_playbook(play, folder, sockets, follower.take, lambda: interrupts.asked):
            raise interrupted("tasks that were at work on servers may be half done")
    return _outcome(states.region, wish, follower, time.monotonic() - started, report)


def choose(states: RegionStates, wish: Wish) -> Chosen:
    """The servers that fit the wish. Raises KRJ703 for an unknown stack, KRJ840 for none."""
    for label in wish.only:
        states.store(label)  # one that does not exist is an error
    exports = list(read_exports(states))
    planned = {CENTRE, *(TENANT_PREFIX + slug for slug in states.files.tenants)}
    labels = set(wish.only) or planned
    stacks = [one for one in exports if one.stack in labels & planned]
    _refuse_unknown(wish.services, {server.pool for one in stacks for server in one.servers})
    wanted = [_with_services(one, wish.services) for one in stacks]
    if any(one.servers for one in wanted):
        wanted = _with_bastions(wanted, exports)
    chosen = Chosen(tuple(wanted), tuple(transit_routes(exports)))
    if not chosen.servers:
        what = f" of {', '.join(wish.only)}" if wish.only else ""
        raise KrajError(NO_SERVERS, f"region {states.region} has no server{what}")
    return chosen


def _refuse_unknown(services: Iterable[str], there: set[str]) -> None:
    for service in services:
        if service not in there:
            raise KrajError(
                NO_SERVERS, f"no server of {service!r}{did_you_mean(service, sorted(there))}"
            )


def _with_bastions(
    wanted: Sequence[StackOutputs], exports: Iterable[StackOutputs]
) -> list[StackOutputs]:
    """What is wanted and the servers that lead there: a new tenant's route has to be set first."""
    whole = next((one for one in exports if one.stack == CENTRE), None)
    if whole is None:
        return list(wanted)
    names = {server.name for one in wanted for server in one.servers}
    names |= {server.name for server in bastions_among(whole.servers)}
    servers = tuple(server for server in whole.servers if server.name in names)
    others = [one for one in wanted if one.stack != CENTRE]
    return [whole.model_copy(update={"servers": servers}), *others]


def _with_services(stack: StackOutputs, services: Sequence[str]) -> StackOutputs:
    if not services:
        return stack
    servers = tuple(server for server in stack.servers if server.pool in services)
    return stack.model_copy(update={"servers": servers})


def _hosts(found: Mapping[str, Any], roles: Sequence[str]) -> dict[str, Host]:
    """The servers of an inventory, as results name them."""
    return {
        name: Host(
            name,
            variables["kraj_stack"],
            variables["kraj_service"],
            tuple(variables["kraj_roles"]),
            role_of(variables["kraj_service"], roles) is not None,
        )
        for name, variables in found["_meta"]["hostvars"].items()
    }


def _for_this_run(
    found: Mapping[str, Any], chosen: Chosen, access: Access, here: Mapping[str, str]
) -> dict[str, Any]:
    """The inventory with how each server is reached, and with what is so on this machine alone."""
    servers = chosen.servers.values()
    ways = connection_variables(servers, servers, access)
    hosts = {
        name: {**known, **ways[name], **here} for name, known in found["_meta"]["hostvars"].items()
    }
    return {**found, "_meta": {"hostvars": hosts}}


def _secrets(
    states: RegionStates, hosts: Mapping[str, Host], passphrase: str
) -> dict[str, dict[str, str]]:
    """The secret variables by server."""
    secret = RegionSecrets(states.region, passphrase)
    codes = stack_identities(states)
    found = {
        name: secret_variables(
            secret, codes.get(host.stack, host.stack), states.project.roles, host.roles
        )
        for name, host in hosts.items()
    }
    return {name: variables for name, variables in found.items() if variables}


@contextlib.contextmanager
def _alone(folder: Path, label: str) -> Iterator[None]:
    """Let no other kraj of this machine configure the same stack. Raises KRJ848."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{label.replace(':', '-')}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise KrajError(BUSY, f"servers of {label} are being configured") from error
        yield


def _outcome(
    region: str, wish: Wish, follower: Follower, seconds: float, report: Reporter
) -> Configuration:
    if not follower.complete:
        words = follower.last_words
        message = words[0] if words else "Ansible ended without a word"
        raise KrajError(PLAYBOOK_FAILED, message, causes=words[1:])
    results = follower.results()
    for result in results:
        if result.status is HostStatus.NOT_RUN:
            report(Event(EventKind.PROGRESS, ACTION, result.host.name, "not run"))
            continue
        kind = EventKind.FAILED if result.error else EventKind.DONE
        counts = ", ".join(f"{number} {name}" for name, number in result.counts.items() if number)
        report(Event(kind, ACTION, result.host.name, counts, seconds=result.seconds))
    return Configuration(
        region, wish.check, results, follower.slowest(), seconds, follower.last_words
    )
