"""What stands inside a project: networks, rules, servers, load balancers, addresses, names.

The centre and the tenants differ in their documents, not in how these are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.dns import Zone
from stacks.components.firewall import FirewallRules
from stacks.components.floating import FloatingAddresses, Target
from stacks.components.load_balancer import LoadBalancer
from stacks.components.lookups import Lookups
from stacks.components.network import Network, Router
from stacks.components.project import TenantProject
from stacks.components.servers import Server, ServerPool, Tags, VolumeOrder

Document = documents.CentreDocument | documents.TenantDocument


class Environment:
    """Everything inside one project, made with the project's own provider."""

    def __init__(self, document: Document, project: TenantProject, lookups: Lookups) -> None:
        self._document = document
        self._project = project
        self._tags = Tags(document.tags, document.tag_list)
        self._opts = pulumi.ResourceOptions(providers={"openstack": project.provider})
        self.networks = self._make_networks(lookups)
        self.firewall = FirewallRules(
            "firewall", document.security_groups, tags=self._tags.plain, opts=self._opts
        )
        self.pools = self._make_pools(lookups)
        self.load_balancers = self._make_load_balancers()
        self.floating = FloatingAddresses(
            "floating-addresses",
            document.floating_addresses,
            tags=self._tags.plain,
            target=self._target,
            opts=self._opts,
        )
        if document.zone is not None:
            Zone(
                "zone",
                document.zone,
                floating_addresses=self.floating.addresses,
                opts=self._opts,
            )

    @property
    def components(self) -> list[pulumi.Resource]:
        """What people use here: networks, servers and load balancers."""
        return [*self.networks.values(), *self.pools.values(), *self.load_balancers.values()]

    def outputs(
        self,
        stack: str,
        title: str,
        application_credential_id: Any = None,
        transit_address: Any = None,
    ) -> Mapping[str, Any]:
        """The fields of `StackOutputs`, most of them known only after `up`."""
        return {
            "schema_": "kraj.stack-outputs/1",
            "stack": stack,
            "project_id": self._project.id,
            "networks": {key: network.id for key, network in self.networks.items()},
            "servers": [
                self._server_output(pool, server)
                for pool in self.pools.values()
                for server in pool.servers.values()
            ],
            "floating_addresses": self.floating.addresses,
            "load_balancers": {
                key: balancer.address for key, balancer in self.load_balancers.items()
            },
            "application_credential_id": application_credential_id,
            "prefixes": [
                subnet.cidr
                for network in self._document.networks
                for subnet in (network.ipv4, network.ipv6)
                if subnet is not None
            ],
            "title": title,
            "zone": self._document.region.zone,
            "domain": self._document.domain,
            "transit_address": transit_address,
        }

    def _make_networks(self, lookups: Lookups) -> dict[str, Network]:
        self.routers = {
            router.name: Router(
                router.name,
                router,
                tags=self._tags.plain,
                external_network_id=lookups.external_network_id(router.external_network)
                if router.external_network
                else None,
                opts=self._opts,
            )
            for router in self._document.routers
        }
        made: dict[str, Network] = {}
        before: list[pulumi.Resource] = []
        for network in self._document.networks:
            made[network.key] = Network(
                network.key,
                network,
                tags=self._tags.plain,
                router=self.routers[network.router] if network.router else None,
                subnet_pool_id=lookups.subnet_pool_id,
                after=before,
                opts=self._opts,
            )
            before = list(made[network.key].subnets.values())
        return made

    def _make_pools(self, lookups: Lookups) -> dict[str, ServerPool]:
        key_pair = openstack.compute.Keypair(
            "operators",
            name=self._document.key_pair,
            public_key=self._document.public_key,
            opts=pulumi.ResourceOptions(
                provider=self._project.provider, delete_before_replace=True
            ),
        )
        volume_order = VolumeOrder()
        images = self._images(lookups)
        return {
            pool.key: ServerPool(
                pool.key,
                pool,
                tags=self._tags,
                image_id=images[pool.image],
                key_pair=self._key_pair_of(pool, key_pair),
                networks=self.networks,
                firewall=self.firewall,
                volume_order=volume_order,
                opts=self._opts,
            )
            for pool in self._document.server_pools
        }

    def _images(self, lookups: Lookups) -> dict[str, pulumi.Input[str]]:
        """The images of all pools by name, each shared with the project where it must be."""
        found: dict[str, pulumi.Input[str]] = {}
        for name, shared in {p.image: p.shared_image for p in self._document.server_pools}.items():
            if shared:
                found[name] = self._project.shared_image(name, lookups.built_image_id(name))
            else:
                found[name] = lookups.image_id(name)
        return found

    def _make_load_balancers(self) -> dict[str, LoadBalancer]:
        made: dict[str, LoadBalancer] = {}
        before: list[pulumi.Resource] = []
        for balancer in self._document.load_balancers:
            made[balancer.key] = LoadBalancer(
                balancer.key,
                balancer,
                tags=self._tags.plain,
                network=self.networks[balancer.network],
                after=before,
                opts=self._opts,
            )
            before = [made[balancer.key].balancer]
        return made

    def _key_pair_of(
        self, pool: documents.ServerPool, made: openstack.compute.Keypair
    ) -> pulumi.Input[str] | None:
        return made.name if pool.key_pair == self._document.key_pair else pool.key_pair

    def _target(self, address: documents.FloatingAddress) -> Target | None:
        if address.target_load_balancer is not None:
            balancer = self.load_balancers[address.target_load_balancer]
            return Target(balancer.port_id, None, balancer.network.interfaces)
        if address.target_pool is None or address.target_server is None:
            return None
        server = self.pools[address.target_pool].servers[address.target_server]
        port = server.document.ports[0]
        interfaces = self.networks[port.network].interfaces
        return Target(server.ports[0].id, port.fixed_ipv4, interfaces)

    def _server_output(self, pool: ServerPool, server: Server) -> Mapping[str, Any]:
        floating = next(
            (
                self.floating.addresses[address.key]
                for address in self._document.floating_addresses
                if (address.target_pool, address.target_server)
                == (pool.document.key, server.document.key)
            ),
            None,
        )
        return {
            "pool": pool.document.key,
            "name": server.document.name,
            "id": server.instance.id,
            "addresses": server.addresses,
            "floating_address": floating,
            "availability_zone": server.instance.availability_zone,
            "metadata": pool.metadata,
            "login": pool.document.login,
            "availability": pool.document.availability,
            "volumes": [
                {"key": volume.key, "id": server.volume_ids[volume.key], "path": volume.path}
                for volume in server.document.data_volumes
            ],
        }
