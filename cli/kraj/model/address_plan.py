"""The address part of `region.yaml`: supernets, prefix lengths, floating addresses, DNS zone.

Checked here: what the ranges say about each other. Which prefix a tenant gets is planning's.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field, IPvAnyAddress, model_validator

from kraj.model.base import Count, DomainName, Email, Faults, Part
from kraj.model.errors import ADDRESS_OVERLAP


class Ipv4Plan(Part):
    """The region's private IPv4 addresses."""

    supernet: IPv4Network = Field(description="Range that all networks of the region come from.")
    centre_prefix_length: Annotated[int, Field(strict=True, ge=8, le=28)] = Field(
        description="The first prefix of this length in the supernet belongs to the centre."
    )
    tenant_prefix_length: Annotated[int, Field(strict=True, ge=8, le=28)] = Field(
        description="Length of each tenant's prefix."
    )
    reserved: tuple[IPv4Network, ...] = Field(
        default=(), description="Ranges used elsewhere (towns' own LAN and VPN); never allocated."
    )

    @model_validator(mode="after")
    def _fits(self) -> Ipv4Plan:
        faults = Faults()
        _check_lengths(faults, self)
        # Of a wrong length, which is told above, there is no centre's prefix.
        fits = self.centre_prefix_length > self.supernet.prefixlen
        start = int(self.supernet.network_address)
        centre = IPv4Network((start, self.centre_prefix_length)) if fits else None
        for index, one in enumerate(self.reserved):
            if centre is not None and one.overlaps(centre):
                faults.add(
                    f"the reserved range {one} overlaps {centre}, which is the centre's",
                    *("reserved", index),
                    code=ADDRESS_OVERLAP,
                )
            for other in self.reserved[:index]:
                if one.overlaps(other):
                    faults.add(
                        f"the reserved range {one} overlaps {other}",
                        *("reserved", index),
                        code=ADDRESS_OVERLAP,
                    )
        faults.raise_any("ipv4")
        return self


class Ipv6Plan(Part):
    """The region's IPv6 addresses: a prefix of its own, or unique local addresses (RFC 4193)."""

    supernet: IPv6Network = Field(description="Range that all networks of the region come from.")
    centre_prefix_length: Annotated[int, Field(strict=True, ge=16, le=64)] = Field(
        description="The first prefix of this length in the supernet belongs to the centre."
    )
    tenant_prefix_length: Annotated[int, Field(strict=True, ge=16, le=64)] = Field(
        default=64, description="Length of each tenant's prefix."
    )

    @model_validator(mode="after")
    def _fits(self) -> Ipv6Plan:
        faults = Faults()
        _check_lengths(faults, self)
        faults.raise_any("ipv6")
        return self


class FloatingPlan(Part):
    """The floating addresses of the external network."""

    ipv4: IPv4Network = Field(description="Range of the external network.")
    usable: Count = Field(description="How many of them the region may use.")

    @model_validator(mode="after")
    def _usable_exist(self) -> FloatingPlan:
        faults = Faults()
        if self.usable > self.ipv4.num_addresses:
            faults.add(
                f"{self.usable} addresses cannot be usable: {self.ipv4} has "
                f"{self.ipv4.num_addresses}",
                "usable",
            )
        faults.raise_any("floating")
        return self


class NetworkPlan(Part):
    """The region's address plan."""

    ipv4: Ipv4Plan = Field(description="Private IPv4 addresses.")
    ipv6: Ipv6Plan | None = Field(default=None, description="IPv6 addresses, where used.")
    floating: FloatingPlan = Field(description="Floating addresses.")
    dns_nameservers: tuple[IPvAnyAddress, ...] = Field(
        default=(), description="Name servers that servers ask."
    )

    @model_validator(mode="after")
    def _ranges_are_apart(self) -> NetworkPlan:
        faults = Faults()
        if self.ipv4.supernet.overlaps(self.floating.ipv4):
            faults.add(
                f"the floating network {self.floating.ipv4} overlaps the supernet "
                f"{self.ipv4.supernet}",
                *("floating", "ipv4"),
                code=ADDRESS_OVERLAP,
            )
        faults.raise_any("network")
        return self


class Dns(Part):
    """The region's DNS zone."""

    zone: DomainName = Field(description="With the trailing dot; tenants get `<slug>.<zone>`.")
    email: Email = Field(description="Address of the zone's keeper (SOA record).")


def _check_lengths(faults: Faults, plan: Ipv4Plan | Ipv6Plan) -> None:
    for key in ("centre_prefix_length", "tenant_prefix_length"):
        length = getattr(plan, key)
        if length <= plan.supernet.prefixlen:
            faults.add(f"a /{length} leaves no room for others in {plan.supernet}", key)
