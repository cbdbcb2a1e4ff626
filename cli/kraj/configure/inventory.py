"""The servers of a region as an Ansible inventory, from what the stacks export.

Which roles a server gets follows from its service and from the roles that there are. The form is
that of dynamic inventory scripts (docs.ansible.com, "Developing dynamic inventory"): groups by
name, and the variables of all hosts under `_meta`, so that Ansible asks once. Where the exports and
the roles come from is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kraj.planning.documents import ServerOutput, StackOutputs, VolumeOutput

CENTRE: Final = "centre"
#: Folder of Ansible's plugin `kraj`, for ANSIBLE_INVENTORY_PLUGINS.
PLUGINS: Final = Path(__file__).parent / "plugins" / "inventory"
#: The role that every server gets, before that of its service.
BASE_ROLE: Final = "base"
#: The pool of servers that others are reached through.
BASTION_POOL: Final = "bastion"
_TENANT: Final = "tenant:"
#: virtio's serial number of a disk is so long; Nova puts the beginning of the volume's id there.
_VIRTIO_SERIAL: Final = 20


def inventory(
    region: str,
    stacks: Iterable[StackOutputs],
    roles: Collection[str] = (),
    routes: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """All servers with their groups and variables; `roles` are those that have tasks.

    `routes` are the ways from a bastion to the tenants of the whole region (`transit_routes`).

    Groups are `region_<name>`, `centre` or `tenant_<slug>`, `service_<name>`, `site_<availability
    zone>` and `availability_<class>`, with every character that Ansible takes in no group's name as
    `_`.
    """
    hosts: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {group_name("region", region): []}
    for stack in stacks:
        for server in stack.servers:
            hosts[server.name] = _variables(region, stack, server, roles)
            if server.pool == BASTION_POOL:
                hosts[server.name]["kraj_transit_routes"] = [dict(route) for route in routes]
            for group in _groups(region, stack, server):
                groups.setdefault(group, []).append(server.name)
    return {
        "_meta": {"hostvars": dict(sorted(hosts.items()))},
        "all": {"children": sorted(groups)},
        **{name: {"hosts": sorted(groups[name])} for name in sorted(groups)},
    }


def transit_routes(stacks: Iterable[StackOutputs]) -> list[dict[str, str]]:
    """How a bastion reaches the networks of each tenant: through its router's port in `transit`."""
    return [
        {"prefix": prefix, "via": stack.transit_address}
        for stack in stacks
        if stack.transit_address is not None
        for prefix in stack.prefixes
        if ":" not in prefix
    ]


def group_name(kind: str, value: str) -> str:
    """A name that Ansible takes for a group: letters, digits and `_`."""
    return re.sub(r"\W", "_", f"{kind}_{value}", flags=re.ASCII)


def role_of(service: str, roles: Collection[str]) -> str | None:
    """The role of a service or of a pool of the centre, None where there is none yet.

    A role's name has `_` where the pool's has `-`, because Ansible's variables take no other.
    """
    return next((name for name in (service, service.replace("-", "_")) if name in roles), None)


def roles_of(service: str, roles: Collection[str]) -> list[str]:
    """The roles of a service's servers, in their order."""
    own = role_of(service, roles)
    base = (BASE_ROLE,) if BASE_ROLE in roles else ()
    return [*base, *((own,) if own else ())]


def _groups(region: str, stack: StackOutputs, server: ServerOutput) -> Iterator[str]:
    yield group_name("region", region)
    if stack.stack.startswith(_TENANT):
        yield group_name("tenant", stack.stack.removeprefix(_TENANT))
    else:
        yield CENTRE
    yield group_name("service", server.pool)
    if server.availability_zone:
        yield group_name("site", server.availability_zone)
    if server.availability:
        yield group_name("availability", server.availability)


def _variables(
    region: str, stack: StackOutputs, server: ServerOutput, roles: Collection[str]
) -> dict[str, Any]:
    """What Ansible needs to reach a server, and what roles may want to know of it."""
    address = server.floating_address or next(iter(server.addresses), None)
    found = {
        "ansible_host": address,
        "ansible_user": server.login,
        "kraj_region": region,
        "kraj_stack": stack.stack,
        "kraj_tenant": stack.stack.removeprefix(_TENANT) if stack.stack != CENTRE else None,
        "kraj_title": stack.title,
        "kraj_service": server.pool,
        "kraj_roles": roles_of(server.pool, roles),
        "kraj_availability": server.availability,
        "kraj_availability_zone": server.availability_zone,
        "kraj_server_id": server.id,
        "kraj_addresses": list(server.addresses),
        "kraj_floating_address": server.floating_address,
        "kraj_service_names": [name] if (name := stack.service_name(server.pool)) else None,
        "kraj_service_address": stack.floating_addresses.get(server.pool),
        "kraj_volumes": [_volume(volume) for volume in server.volumes],
        "kraj_zone": stack.zone,
        "kraj_metadata": dict(server.metadata),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _volume(volume: VolumeOutput) -> dict[str, str]:
    """A data volume as the role `base` takes it, where it is to be mounted."""
    device = f"/dev/disk/by-id/virtio-{volume.id[:_VIRTIO_SERIAL]}"
    mounted = {"path": volume.path} if volume.path else {}
    return {"name": volume.key, "device": device, **mounted}
