"""How SSH gets to each server: to which address, through which host, and whose key counts.

A server is known by its name in the region's file of host keys (`HostKeyAlias`), whatever address
leads to it, and no key is taken that is not there. Where the centre has a bastion, it is the one
server that is reached from outside: rules let SSH in from the management network alone, so the way
to all others leads through it, to their fixed addresses. Nothing is read or opened here.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kraj.configure.inventory import BASTION_POOL
from kraj.planning.documents import ServerOutput

#: How long one connection is kept for the tasks that follow.
_PERSIST_SECONDS: Final = 60
_CONNECT_SECONDS: Final = 10
#: How often a server that was never signed in to is tried again. Ansible waits 0, 1, 3, 7, 15 and
#: then 30 s between tries, so that a first boot has two minutes more after the keys are known.
_RETRIES_WHILE_BOOTING: Final = 8


@dataclass(frozen=True, slots=True)
class Access:
    """What an operator's SSH uses."""

    known_hosts: Path  #: the host keys of the region
    sockets: Path  #: folder of shared connections; a short path, for socket names end at 108 bytes
    identity: Path | None = None  #: private key; None: SSH's own choice, and its agent
    booting: Collection[str] = ()  #: servers that may not have ended their first boot, by name


def connection_variables(
    servers: Iterable[ServerOutput], all_servers: Iterable[ServerOutput], access: Access
) -> dict[str, dict[str, str]]:
    """Ansible's connection variables of each of the servers, by name.

    `all_servers` are those of the whole region: the bastion need not be among the chosen.
    """
    bastions = bastions_among(all_servers)
    return {server.name: _variables(server, bastions, access) for server in servers}


def bastions_among(servers: Iterable[ServerOutput]) -> list[ServerOutput]:
    """The servers that others are reached through, by name."""
    return sorted(filter(_is_bastion, servers), key=lambda server: server.name)


def _is_bastion(server: ServerOutput) -> bool:
    return server.pool == BASTION_POOL and server.floating_address is not None


def _variables(
    server: ServerOutput, bastions: list[ServerOutput], access: Access
) -> dict[str, str]:
    fixed = next(iter(server.addresses), "")
    through = None if _is_bastion(server) else _bastion_for(server, bastions)
    address = fixed if through and fixed else server.floating_address or fixed
    arguments = list(_options(server.name, access))
    if through is not None:
        arguments += ["-o", f"ProxyCommand={_proxy_command(through, access)}"]
    variables = {"ansible_host": address, "ansible_ssh_common_args": shlex.join(arguments)}
    if server.name in access.booting:
        variables["ansible_ssh_retries"] = str(_RETRIES_WHILE_BOOTING)
    return variables


def _bastion_for(server: ServerOutput, bastions: list[ServerOutput]) -> ServerOutput | None:
    """One in the server's own zone where there is one, else the first."""
    near = [one for one in bastions if one.availability_zone == server.availability_zone]
    return next(iter(near or bastions), None)


def _options(name: str, access: Access) -> Iterator[str]:
    """What every connection has, the bastion's own too."""
    given = [
        f"UserKnownHostsFile={_path(access.known_hosts)}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        f"HostKeyAlias={name}",
        "UpdateHostKeys=no",
        f"ConnectTimeout={_CONNECT_SECONDS}",
        "BatchMode=yes",
    ]
    if access.identity is not None:
        given += [f"IdentityFile={_path(access.identity)}", "IdentitiesOnly=yes"]
    for option in given:
        yield from ("-o", option)


def _proxy_command(bastion: ServerOutput, access: Access) -> str:
    """SSH to the bastion, one connection for all servers behind it.

    `ProxyJump` would not do: it takes over neither the key nor the file of known hosts.
    """
    own = ["ssh", *_options(bastion.name, access)]
    for option in (
        "ControlMaster=auto",
        f"ControlPersist={_PERSIST_SECONDS}",
        f"ControlPath={_path(access.sockets / _short(bastion.name))}",
    ):
        own += ["-o", option]
    user = f"{bastion.login}@" if bastion.login else ""
    # The outer SSH puts the server's address in before the inner one reads its options.
    outer = [word.replace("%", "%%") for word in own]
    return shlex.join([*outer, "-W", "[%h]:%p", f"{user}{bastion.floating_address}"])


def _path(path: Path) -> str:
    """A path as an option of SSH takes it: quoted, and `%` begins a variable there."""
    text = str(path).replace("%", "%%")
    return f'"{text}"'


def _short(name: str) -> str:
    """A name for a socket; SSH's own (`%C`) has forty characters."""
    return hashlib.blake2s(name.encode(), digest_size=4).hexdigest()
