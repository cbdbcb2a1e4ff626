"""Servers of one role with their ports and volumes, kept apart by a server group.

Boot volumes are volumes of their own, so that they carry a name and tags and grow in place; data
volumes outlive a replaced server. Which availability zone a server is in is the document's word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component
from stacks.components.firewall import FirewallRules
from stacks.components.network import Network


@dataclass(frozen=True, slots=True)
class Tags:
    """The same tags in the two shapes that OpenStack knows."""

    mapping: Mapping[str, str]
    plain: Sequence[str]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that was made, for floating addresses and for the outputs."""

    document: documents.Server
    instance: openstack.compute.Instance
    ports: Sequence[openstack.networking.Port]
    volume_ids: Mapping[str, pulumi.Output[str]]  #: of its data volumes, by their keys

    @property
    def addresses(self) -> pulumi.Output[list[str]]:
        """Fixed addresses of all ports, IPv4 first."""

        def in_order(per_port: Sequence[Sequence[str]]) -> list[str]:
            found = [address for addresses in per_port for address in addresses]
            return sorted(found, key=lambda address: ":" in address)

        return pulumi.Output.all(*(port.all_fixed_ips for port in self.ports)).apply(in_order)


class VolumeOrder:
    """Volumes of a project are asked for one after another.

    Cinder counts volumes that are under way at the same moment twice now and then, and for good: a
    quota that has room for exactly what was ordered then refuses the last of them.
    """

    def __init__(self) -> None:
        self._last: pulumi.Resource | None = None

    def before(self) -> list[pulumi.Resource]:
        """What the next volume has to wait for."""
        return [] if self._last is None else [self._last]

    def add(self, volume: pulumi.Resource) -> None:
        """Note a volume that was asked for."""
        self._last = volume


class ServerPool(Component):
    """The servers of a pool."""

    module = "servers"

    def __init__(
        self,
        name: str,
        pool: documents.ServerPool,
        *,
        tags: Tags,
        image_id: pulumi.Input[str],
        key_pair: pulumi.Input[str] | None,
        networks: Mapping[str, Network],
        firewall: FirewallRules,
        volume_order: VolumeOrder,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.document = pool
        self.metadata = {**tags.mapping, **pool.metadata}
        self._tags = tags
        self._image_id = image_id
        self._key_pair = key_pair
        self._networks = networks
        self._firewall = firewall
        self._volume_order = volume_order
        self._last_in_zone: dict[str | None, openstack.compute.Instance] = {}
        self.group = openstack.compute.ServerGroup(
            name, name=pool.server_group, policies=pool.policy, opts=self.child()
        )
        self.servers = {
            server.key: self._server(f"{name}/{server.key}", server) for server in pool.servers
        }
        self.register_outputs(
            {"servers": {key: server.instance.id for key, server in self.servers.items()}}
        )

    def _server(self, name: str, server: documents.Server) -> Server:
        ports = [self._port(f"{name}/{port.network}", server, port) for port in server.ports]
        boot = self._volume(f"{name}/boot", server.boot_volume, image_id=self._image_id)
        instance = openstack.compute.Instance(
            name,
            name=server.name,
            flavor_name=self.document.flavor,
            availability_zone=server.availability_zone,
            key_pair=self._key_pair,
            user_data=self.document.user_data or None,
            metadata=self.metadata,
            networks=[openstack.compute.InstanceNetworkArgs(port=port.id) for port in ports],
            block_devices=[
                openstack.compute.InstanceBlockDeviceArgs(
                    source_type="volume",
                    destination_type="volume",
                    uuid=boot.id,
                    boot_index=0,
                    delete_on_termination=False,
                )
            ],
            scheduler_hints=[openstack.compute.InstanceSchedulerHintArgs(group=self.group.id)],
            opts=self.child(
                after=[*self._rules(server), *self._before(server.availability_zone)],
                exclusive=True,
            ),
        )
        self._last_in_zone[server.availability_zone] = instance
        return Server(server, instance, ports, self._attach(name, instance, server.data_volumes))

    def _before(self, zone: str | None) -> list[pulumi.Resource]:
        """The server that must be placed first.

        Nova checks anti-affinity only after it has chosen a host: of two members asked for at once,
        both may be given the same one, and after three such attempts a server ends in ERROR.
        Members in different zones cannot meet and are made at the same time.
        """
        last = self._last_in_zone.get(zone, self._last_in_zone.get(None))
        return [last] if last is not None else []

    def _rules(self, server: documents.Server) -> list[pulumi.Resource]:
        """Rules of the server's groups: none of them starts or stops unprotected."""
        keys = sorted({key for port in server.ports for key in port.security_groups})
        return [rule for key in keys for rule in self._firewall.rules[key]]

    def _port(
        self, name: str, server: documents.Server, port: documents.ServerPort
    ) -> openstack.networking.Port:
        network = self._networks[port.network]
        fixed = [
            openstack.networking.PortFixedIpArgs(
                subnet_id=network.subnets[version].id, ip_address=address
            )
            for version, address in ((4, port.fixed_ipv4), (6, port.fixed_ipv6))
            if address is not None
        ]
        groups = self._firewall.group_ids(port.security_groups)
        return openstack.networking.Port(
            name,
            name=server.name,
            network_id=network.id,
            admin_state_up=True,
            fixed_ips=fixed or None,
            security_group_ids=groups or None,
            # Without this Neutron would put the project's default group on a port without groups.
            no_security_groups=None if groups else True,
            # Said, so that a filter that somebody takes off is drift and comes back.
            port_security_enabled=True,
            allowed_address_pairs=[
                openstack.networking.PortAllowedAddressPairArgs(ip_address=address)
                for address in port.allowed_addresses
            ]
            or None,
            tags=list(self._tags.plain),
            # A port without a fixed address takes one from the subnets: they come first.
            opts=self.child(after=() if fixed else network.subnets.values(), exclusive=True),
        )

    def _volume(
        self, name: str, volume: documents.Volume, image_id: pulumi.Input[str] | None = None
    ) -> openstack.blockstorage.Volume:
        made = openstack.blockstorage.Volume(
            name,
            name=volume.name,
            size=volume.size_gib,
            volume_type=volume.volume_type,
            image_id=image_id,
            enable_online_resize=True,
            metadata={**self._tags.mapping, **volume.metadata},
            # The quota has room for one boot volume per server; a data volume is never deleted
            # before its replacement stands.
            opts=self.child(
                after=self._volume_order.before(),
                exclusive=image_id is not None,
            ),
        )
        self._volume_order.add(made)
        return made

    def _attach(
        self, name: str, instance: openstack.compute.Instance, volumes: Sequence[documents.Volume]
    ) -> dict[str, pulumi.Output[str]]:
        """One after the other, so that the order of devices is the order of the document."""
        found: dict[str, pulumi.Output[str]] = {}
        previous: list[pulumi.Resource] = []
        for volume in volumes:
            found[volume.key] = self._volume(f"{name}/{volume.key}", volume).id
            attachment = openstack.compute.VolumeAttach(
                f"{name}/{volume.key}",
                instance_id=instance.id,
                volume_id=found[volume.key],
                opts=self.child(after=previous, exclusive=True),
            )
            previous = [attachment]
        return found
