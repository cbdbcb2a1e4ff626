"""What the centre offers to all tenants: flavours, volume types, images and address pools.

All of it is made with the administrator's provider. Names, extra specs, properties and descriptions
carry the Sovereign Cloud Stack standards (scs-0100 to scs-0104, scs-0114) and are passed on
unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component


class Flavors(Component):
    """Flavours, visible to every project."""

    module = "offer"

    def __init__(
        self,
        name: str,
        flavors: Iterable[documents.Flavor],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        for flavor in flavors:
            openstack.compute.Flavor(
                flavor.name,
                name=flavor.name,
                vcpus=flavor.vcpus,
                ram=flavor.ram_mib,
                disk=flavor.disk_gib,
                description=flavor.description or None,
                extra_specs=flavor.extra_specs,
                is_public=True,
                opts=self.child(exclusive=True),
            )
        self.register_outputs({})


class VolumeTypes(Component):
    """Volume types, one per storage pool."""

    module = "offer"

    def __init__(
        self,
        name: str,
        volume_types: Iterable[documents.VolumeType],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        for volume_type in volume_types:
            openstack.blockstorage.VolumeTypeV3(
                volume_type.name,
                name=volume_type.name,
                description=volume_type.description,
                is_public=volume_type.is_public,
                extra_specs=volume_type.extra_specs,
                opts=self.child(exclusive=True),
            )
        self.register_outputs({})


class PublishedImage(Component):
    """An image, uploaded from a file or from an address."""

    module = "offer"

    def __init__(
        self,
        name: str,
        image: documents.Image,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.image = openstack.images.Image(
            name,
            name=image.name,
            disk_format=image.disk_format,
            container_format=image.container_format,
            local_file_path=image.local_file,
            image_source_url=image.url,
            min_disk_gb=image.min_disk_gib,
            min_ram_mb=image.min_ram_mib,
            visibility=image.visibility,
            protected=image.protected,
            tags=list(image.tags),
            properties=image.properties,
            opts=self.child(),
        )
        self.id: pulumi.Output[str] = self.image.id
        self.register_outputs({"id": self.id})


class AddressPools(Component):
    """Address scopes and subnet pools: within a scope no two tenants get overlapping prefixes."""

    module = "offer"

    def __init__(
        self,
        name: str,
        scopes: Iterable[documents.AddressScope],
        pools: Iterable[documents.SubnetPool],
        *,
        tags: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        made = {
            scope.name: openstack.networking.AddressScope(
                scope.name,
                name=scope.name,
                ip_version=scope.ip_version,
                shared=scope.shared,
                opts=self.child(),
            )
            for scope in scopes
        }
        self.pool_ids: dict[str, pulumi.Output[str]] = {
            pool.name: openstack.networking.SubnetPool(
                pool.name,
                name=pool.name,
                description=pool.description,
                ip_version=pool.ip_version,
                prefixes=list(pool.prefixes),
                default_prefixlen=pool.default_prefix_length,
                min_prefixlen=pool.min_prefix_length,
                max_prefixlen=pool.max_prefix_length,
                address_scope_id=made[pool.address_scope].id,
                shared=pool.shared,
                tags=list(tags),
                opts=self.child(exclusive=True),
            ).id
            for pool in pools
        }
        self.register_outputs({"pools": self.pool_ids})
