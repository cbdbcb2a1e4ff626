"""What planning of every stack needs: the region's files, the ledger, and facts about the cloud."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kraj.model.loader import RegionFiles
from kraj.model.region import Cloud as RegionCloud
from kraj.model.region import Region
from kraj.model.service import ServiceCard, ServiceMode
from kraj.model.tenant import Order, Tenant
from kraj.planning.addresses import Ledger
from kraj.planning.documents import Cloud, RegionPart


@dataclass(frozen=True)
class Context:
    """The inputs of planning, immutable."""

    files: RegionFiles
    cloud: Cloud
    ledger: Ledger

    @property
    def region(self) -> Region:
        return self.files.region

    @cached_property
    def site(self) -> RegionCloud:
        """What region.yaml says of the cloud that is planned for."""
        return self.region.cloud(self.cloud.name)

    @property
    def public_key(self) -> str:
        """The operators' key on this cloud."""
        return self.site.public_key or self.files.public_key

    @property
    def region_part(self) -> RegionPart:
        region = self.region
        return RegionPart(
            name=region.name,
            title=region.title,
            nuts=region.nuts,
            zone=region.dns.zone.rstrip("."),
        )

    def domain(self, label: str) -> str:
        """The domain of a stack's names, without the last dot; `label` is a tenant's slug."""
        return f"{label}.{self.region_part.zone}"

    @property
    def has_load_balancer(self) -> bool:
        return bool({"load-balancer", "load_balancer"} & set(self.cloud.services))

    @property
    def has_dns(self) -> bool:
        return "dns" in self.cloud.services

    def orders(self, tenant: Tenant, mode: ServiceMode) -> list[tuple[ServiceCard, Order]]:
        """A tenant's orders of dedicated or of shared services, with their cards, by name."""
        found = [
            (self.files.services[order.service], order)
            for order in tenant.services
            if self.files.services[order.service].mode is mode
        ]
        return sorted(found, key=lambda pair: pair[0].name)

    def shared_services(self) -> list[ServiceCard]:
        """Shared services that somebody has ordered, by name."""
        ordered = {
            order.service for tenant in self.files.tenants.values() for order in tenant.services
        }
        return [
            card
            for name, card in sorted(self.files.services.items())
            if name in ordered and card.mode is ServiceMode.SHARED
        ]
