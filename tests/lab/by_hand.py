"""What people change by hand in a tenant's project, past kraj. Not a test itself.

Every method changes one thing, as an administrator would with the cloud's own tools, and returns
when the cloud says that it is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import openstack.exceptions

_PATIENCE = 60  #: seconds that a service may need for one change
_ONLINE_EXTEND = "3.42"  #: the first version of Cinder's API in which a volume in use grows


@dataclass(frozen=True)
class ByHand:
    """The administrator's hand in the project of the tenant whose names begin with `prefix`."""

    connection: Any
    prefix: str

    @cached_property
    def project(self) -> Any:
        return _named(self.connection.identity.projects(), self.prefix, whole=False)

    # -- compute

    def server(self, name: str) -> Any:
        servers = self.connection.compute.servers(all_projects=True)
        return _named(servers, f"{self.prefix}-{name}")

    def delete_server(self, name: str) -> None:
        compute, server = self.connection.compute, self.server(name)
        compute.delete_server(server)
        compute.wait_for_delete(server, wait=_PATIENCE)

    def stop_server(self, name: str) -> None:
        compute, server = self.connection.compute, self.server(name)
        compute.stop_server(server)
        compute.wait_for_server(server, "SHUTOFF", wait=_PATIENCE)

    def resize_server(self, name: str, flavor: str) -> None:
        compute, server = self.connection.compute, self.server(name)
        compute.resize_server(server, compute.find_flavor(flavor))
        compute.wait_for_server(server, "VERIFY_RESIZE", wait=_PATIENCE)
        compute.confirm_server_resize(server)
        compute.wait_for_server(server, "ACTIVE", wait=_PATIENCE)

    def rename_server(self, name: str, other: str) -> None:
        self.connection.compute.update_server(self.server(name), name=other)

    def take_label_off(self, name: str, key: str) -> None:
        self.connection.compute.delete_server_metadata(self.server(name), [key])

    def limit_compute(self, **limits: int) -> None:
        path = f"/os-quota-sets/{self.project.id}"
        _done(self.connection.compute.put(path, json={"quota_set": limits}))

    # -- storage

    def volume(self, name: str) -> Any:
        volumes = self.connection.block_storage.volumes(all_projects=True)
        return _named(volumes, f"{self.prefix}-{name}")

    def grow_volume(self, name: str, by_gib: int) -> None:
        storage, volume = self.connection.block_storage, self.volume(name)
        action = {"os-extend": {"new_size": volume.size + by_gib}}
        path = f"/volumes/{volume.id}/action"
        _done(storage.post(path, json=action, microversion=_ONLINE_EXTEND))
        # Cinder calls it `extending` before it answers.
        storage.wait_for_status(volume, "in-use", interval=1, wait=_PATIENCE)

    def limit_storage(self, **limits: int) -> None:
        path = f"/os-quota-sets/{self.project.id}"
        _done(self.connection.block_storage.put(path, json={"quota_set": limits}))

    # -- network

    def port(self, server: str) -> Any:
        found = self.connection.network.ports(project_id=self.project.id)
        return _named(found, f"{self.prefix}-{server}")

    def group(self, name: str) -> Any:
        return _named(self._of("security_groups"), f"{self.prefix}-{name}")

    @property
    def network(self) -> Any:
        (found,) = self._of("networks")
        return found

    @property
    def router(self) -> Any:
        (found,) = self._of("routers")
        return found

    def subnet(self, version: int) -> Any:
        (found,) = (item for item in self._of("subnets") if item.ip_version == version)
        return found

    def remove_rule(self, group: str, **facts: Any) -> None:
        (rule,) = (
            rule
            for rule in self.group(group).security_group_rules
            if all(rule[key] == value for key, value in facts.items())
        )
        self.connection.network.delete_security_group_rule(rule["id"])

    def add_rule(self, group: str, port: int) -> Any:
        return self.connection.network.create_security_group_rule(
            security_group_id=self.group(group).id,
            direction="ingress",
            ether_type="IPv4",
            protocol="tcp",
            port_range_min=port,
            port_range_max=port,
        )

    def release_address(self, description: str) -> None:
        (found,) = (item for item in self._of("ips") if item.description.startswith(description))
        self.connection.network.update_ip(found, port_id=None)

    def _of(self, kind: str) -> Iterable[Any]:
        found: Iterable[Any] = getattr(self.connection.network, kind)(project_id=self.project.id)
        return found

    # -- load balancing

    def remove_member(self, pool: str) -> None:
        balancing = self.connection.load_balancer
        found = _named(balancing.pools(project_id=self.project.id), f"{self.prefix}-{pool}")
        member = next(iter(balancing.members(found.id)))
        _when_mutable(lambda: balancing.delete_member(member, found.id))

    def admit_only(self, listener: str, cidr: str) -> None:
        balancing = self.connection.load_balancer
        found = _named(balancing.listeners(project_id=self.project.id), f"{self.prefix}-{listener}")
        _when_mutable(lambda: balancing.update_listener(found, allowed_cidrs=[cidr]))

    # -- identity

    def service_user(self) -> Any:
        return self.connection.identity.find_user(f"{self.prefix}-service")

    def take_role(self, name: str) -> None:
        identity = self.connection.identity
        role = identity.find_role(name)
        identity.unassign_project_role_from_user(self.project, self.service_user(), role)

    def give_role(self, name: str) -> None:
        identity = self.connection.identity
        role = identity.find_role(name)
        identity.assign_project_role_to_user(self.project, self.service_user(), role)


def _named(items: Iterable[Any], name: str, *, whole: bool = True) -> Any:
    (found,) = (item for item in items if (item.name if whole else item.name[: len(name)]) == name)
    return found


def _done(answer: Any) -> None:
    assert answer.ok, answer.text


def _when_mutable(change: Callable[[], Any]) -> None:
    """Octavia refuses changes while an earlier one of the same load balancer is under way."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            change()
        except openstack.exceptions.ConflictException:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return
