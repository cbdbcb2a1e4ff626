"""A DNS zone of Designate with its records."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component


class Zone(Component):
    """A zone owned by the stack's project; its records are the document's."""

    module = "dns"

    def __init__(
        self,
        name: str,
        zone: documents.Zone,
        *,
        floating_addresses: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.zone = openstack.dns.Zone(
            name,
            name=zone.name,
            type="PRIMARY",
            email=zone.email,
            ttl=zone.ttl_seconds,
            description=zone.description,
            opts=self.child(exclusive=True),
        )
        for record in zone.records:
            records: list[pulumi.Input[str]] = list(record.records)
            if record.floating_address is not None:
                records.append(floating_addresses[record.floating_address])
            openstack.dns.RecordSet(
                f"{name}/{record.key}",
                zone_id=self.zone.id,
                name=record.name,
                type=record.type,
                ttl=record.ttl_seconds,
                records=records,
                opts=self.child(exclusive=True),
            )
        self.register_outputs({"id": self.zone.id})
