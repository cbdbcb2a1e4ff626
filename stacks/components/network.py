"""Networks and the routers that serve them.

Every prefix, gateway and allocation range comes from the document; where it names a subnet pool of
the centre, Neutron itself refuses a prefix that overlaps another tenant's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component


class Router(Component):
    """A router, with its way outside where the document names an external network."""

    module = "network"

    def __init__(
        self,
        name: str,
        router: documents.Router,
        *,
        tags: Sequence[str],
        external_network_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.router = openstack.networking.Router(
            name,
            name=router.name,
            admin_state_up=True,
            external_network_id=external_network_id,
            enable_snat=router.enable_snat,
            tags=list(tags),
            opts=self.child(),
        )
        self.id: pulumi.Output[str] = self.router.id
        self.register_outputs({"id": self.id})


class Network(Component):
    """A network with its IPv4 and IPv6 subnets, joined to a router where one is given.

    `after` are the subnets of the network before it: networks and subnets are made one by one.
    """

    module = "network"

    def __init__(
        self,
        name: str,
        network: documents.Network,
        *,
        tags: Sequence[str],
        router: Router | None,
        subnet_pool_id: Callable[[str], pulumi.Input[str]],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._tags = list(tags)
        self._subnet_pool_id = subnet_pool_id
        self.network = openstack.networking.Network(
            name,
            name=network.name,
            description=network.description,
            admin_state_up=True,
            shared=False,
            dns_domain=network.dns_domain,
            tags=self._tags,
            opts=self.child(after=after),
        )
        self.id: pulumi.Output[str] = self.network.id
        self.subnets: dict[int, openstack.networking.Subnet] = {}
        for version, subnet in ((4, network.ipv4), (6, network.ipv6)):
            if subnet is not None:
                self.subnets[version] = self._subnet(f"{name}/ipv{version}", version, subnet)
        #: What a floating address needs before it can lead to this network.
        self.interfaces: list[pulumi.Resource] = (
            [
                openstack.networking.RouterInterface(
                    f"{name}/ipv{version}",
                    router_id=router.id,
                    subnet_id=subnet.id,
                    opts=self.child(exclusive=True),
                )
                for version, subnet in self.subnets.items()
            ]
            if router is not None
            else []
        )
        self.register_outputs({"id": self.id})

    def _subnet(
        self, name: str, version: int, subnet: documents.Subnet
    ) -> openstack.networking.Subnet:
        return openstack.networking.Subnet(
            name,
            name=subnet.name,
            network_id=self.id,
            subnetpool_id=self._subnet_pool_id(subnet.subnet_pool) if subnet.subnet_pool else None,
            cidr=subnet.cidr,
            ip_version=version,
            gateway_ip=subnet.gateway,
            no_gateway=True if subnet.gateway is None else None,
            enable_dhcp=True,
            dns_nameservers=list(subnet.dns_nameservers),
            allocation_pools=[
                openstack.networking.SubnetAllocationPoolArgs(
                    start=subnet.allocation_start, end=subnet.allocation_end
                )
            ],
            ipv6_address_mode=subnet.ipv6_mode,
            ipv6_ra_mode=subnet.ipv6_mode,
            tags=self._tags,
            opts=self.child(after=self.subnets.values(), exclusive=True),
        )
