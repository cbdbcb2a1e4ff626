"""Floating addresses and what they lead to.

They are made one by one, because their quota is exact (see `base.Component.child`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component


@dataclass(frozen=True, slots=True)
class Target:
    """A port that a floating address can lead to."""

    port_id: pulumi.Input[str]
    fixed_address: pulumi.Input[str] | None
    interfaces: Sequence[pulumi.Resource]  #: router interfaces that make the port reachable


class FloatingAddresses(Component):
    """All floating addresses of a stack; one without a target is kept in reserve."""

    module = "floating"

    def __init__(
        self,
        name: str,
        addresses: Iterable[documents.FloatingAddress],
        *,
        tags: Sequence[str],
        target: Callable[[documents.FloatingAddress], Target | None],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.addresses: dict[str, pulumi.Output[str]] = {}
        previous: list[pulumi.Resource] = []
        for address in addresses:
            floating = openstack.networking.FloatingIp(
                address.key,
                pool=address.network,
                description=address.description,
                tags=list(tags),
                opts=self.child(after=previous),
            )
            previous = [floating]
            self.addresses[address.key] = floating.address
            found = target(address)
            if found is not None:
                self._associate(address.key, floating, found)
        self.register_outputs({"addresses": self.addresses})

    def _associate(
        self, name: str, floating: openstack.networking.FloatingIp, target: Target
    ) -> None:
        openstack.networking.FloatingIpAssociate(
            name,
            floating_ip=floating.address,
            port_id=target.port_id,
            fixed_ip=target.fixed_address,
            # Neutron refuses an address that no router leads to, and an interface's removal while
            # an address needs it.
            opts=self.child(after=target.interfaces, exclusive=True),
        )
