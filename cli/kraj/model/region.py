"""What `region.yaml` says: the region, its clouds, storage, compute, addresses, sizes and centre.

The models check what one file can know of itself. What needs other files (tenants, service cards,
the key file) is checked by `kraj.model.checks`. Nothing here reads files or computes a plan.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from datetime import date, time
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints, model_validator

from kraj.model.base import (
    Count,
    Country,
    DomainName,
    Email,
    Flag,
    Language,
    Overcommit,
    Part,
    Percent,
    Positive,
    Slug,
    Text,
    fail,
    repeated,
)
from kraj.model.units import GIB, Size

#: NUTS has its own letters for two countries (Regulation (EC) No 1059/2003, annex I).
NUTS_COUNTRY = {"GR": "EL", "GB": "UK"}

Nuts = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9A-Z]{1,3}$")]
FlavorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Address = Annotated[str, StringConstraints(min_length=2, max_length=45)]


class Site(Part):
    """A failure domain inside a cloud."""

    name: Slug = Field(description="Name of the site, usually the town it stands in.")
    availability_zones: tuple[Text, ...] = Field(
        min_length=1, description="Nova's availability zones of this site."
    )


class Cloud(Part):
    """One OpenStack endpoint in one jurisdiction."""

    name: Text = Field(description="Entry of clouds.yaml.")
    jurisdiction: Country = Field(
        description="Country whose law the data is under (ISO 3166-1 alpha-2)."
    )
    external_network: Text = Field(description="Provider network of the floating addresses.")
    image_mirror: Text | None = Field(
        default=None,
        description=(
            "Folder or base URL that images come from instead of their own `url`. "
            "`${NAME}` takes it from the environment variable NAME; unset or empty means no mirror."
        ),
    )
    sites: tuple[Site, ...] = Field(min_length=1, description="Failure domains of this cloud.")

    @model_validator(mode="after")
    def _sites_differ(self) -> Cloud:
        if twice := repeated(site.name for site in self.sites):
            raise fail(f"the site {twice[1]!r} is there twice", "sites", twice[0], "name")
        seen: dict[str, str] = {}
        for index, site in enumerate(self.sites):
            for number, zone in enumerate(site.availability_zones):
                if zone in seen:
                    raise fail(
                        f"the availability zone {zone!r} is in the site {seen[zone]!r} already",
                        *("sites", index, "availability_zones", number),
                    )
                seen[zone] = site.name
        return self

    @property
    def availability_zones(self) -> tuple[str, ...]:
        """The zones of all sites, those of different sites taking turns."""
        columns = max(len(site.availability_zones) for site in self.sites)
        return tuple(
            site.availability_zones[column]
            for column in range(columns)
            for site in self.sites
            if column < len(site.availability_zones)
        )


class Media(enum.StrEnum):
    """What a pool's data lies on."""

    NVME = "NVMe"
    SSD = "SSD"
    HDD = "HDD"
    TAPE = "tape"


class StoragePool(Part):
    """A part of the storage with one volume type."""

    name: Slug = Field(description="What service cards and orders call the pool.")
    capacity: Size = Field(description="Usable capacity, after the storage's own redundancy.")
    volume_type: Text = Field(description="Cinder volume type of the pool.")
    media: Media = Field(description="What the data lies on.")
    overcommit: Overcommit = Field(default=1.0, description="Promised over real capacity.")
    headroom_percent: Percent = Field(
        default=10, description="Part kept free; orders that would need it are refused."
    )
    encrypted: Flag = Field(default=False, description="Aspect `encrypted` of scs-0114.")
    replicated: Flag = Field(default=False, description="Aspect `replicated` of scs-0114.")


class Storage(Part):
    """The region's storage and how it is split."""

    capacity: Size = Field(
        description="Usable capacity with its unit; 16 TB and 16 TiB are different numbers."
    )
    pools: tuple[StoragePool, ...] = Field(min_length=1, description="Parts of the capacity.")

    @model_validator(mode="after")
    def _pools_fit(self) -> Storage:
        if twice := repeated(pool.name for pool in self.pools):
            raise fail(f"the pool {twice[1]!r} is there twice", "pools", twice[0], "name")
        if twice := repeated(pool.volume_type for pool in self.pools):
            raise fail(
                f"two pools have the volume type {twice[1]!r}, so usage could not be told apart",
                *("pools", twice[0], "volume_type"),
            )
        total = sum(pool.capacity.bytes for pool in self.pools)
        if total > self.capacity.bytes:
            raise fail(
                f"the pools add up to {total // GIB:,} GiB, which is more than the capacity of "
                f"{self.capacity} ({self.capacity.gib:,} GiB)",
                "capacity",
            )
        return self


class Compute(Part):
    """What the cloud's hypervisors have, before overcommit."""

    vcpus: Positive = Field(description="Sum of the hypervisors' processor threads.")
    ram: Size = Field(description="Sum of the hypervisors' memory.")
    vcpu_overcommit: Overcommit = Field(default=4.0, description="Virtual over real processors.")
    ram_overcommit: Overcommit = Field(default=1.0, description="Promised over real memory.")
    headroom_percent: Percent = Field(
        default=15, description="Part kept free, so that servers can move when a host fails."
    )


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
    def _lengths_fit(self) -> Ipv4Plan:
        _check_lengths(
            self.supernet.prefixlen, self.centre_prefix_length, self.tenant_prefix_length
        )
        for index, one in enumerate(self.reserved):
            for other in self.reserved[:index]:
                if one.overlaps(other):
                    raise fail(f"{one} overlaps {other}", "reserved", index)
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
    def _lengths_fit(self) -> Ipv6Plan:
        _check_lengths(
            self.supernet.prefixlen, self.centre_prefix_length, self.tenant_prefix_length
        )
        return self


class FloatingPlan(Part):
    """The floating addresses of the external network."""

    ipv4: IPv4Network = Field(description="Range of the external network.")
    usable: Count = Field(description="How many of them the region may use.")

    @model_validator(mode="after")
    def _usable_exist(self) -> FloatingPlan:
        if self.usable > self.ipv4.num_addresses:
            raise fail(
                f"{self.usable} addresses cannot be usable: {self.ipv4} has "
                f"{self.ipv4.num_addresses}",
                "usable",
            )
        return self


class NetworkPlan(Part):
    """The region's address plan."""

    ipv4: Ipv4Plan = Field(description="Private IPv4 addresses.")
    ipv6: Ipv6Plan | None = Field(default=None, description="IPv6 addresses, where used.")
    floating: FloatingPlan = Field(description="Floating addresses.")
    dns_nameservers: tuple[Address, ...] = Field(
        default=(), description="Name servers that servers ask."
    )


class Dns(Part):
    """The region's DNS zone."""

    zone: DomainName = Field(description="With the trailing dot; tenants get `<slug>.<zone>`.")
    email: Email = Field(description="Address of the zone's keeper (SOA record).")


class ServiceHours(Part):
    """When services are attended: `5x12` is Monday to Friday, twelve hours a day."""

    regime: Annotated[str, StringConstraints(pattern=r"^[1-7]x([1-9]|1[0-9]|2[0-4])$")] = Field(
        description="Days a week from Monday, `x`, hours a day.", examples=["5x12", "7x24"]
    )
    opens: time | None = Field(
        default=None,
        description="Start of the day in the region's time zone; 07:00, or 00:00 for 24 hours.",
    )
    public_holidays: Literal["closed", "open"] = Field(
        default="closed", description="Whether the public holidays of `country` are attended."
    )

    @model_validator(mode="after")
    def _fits_a_day(self) -> ServiceHours:
        start = self.opens_at
        if start.hour * 60 + start.minute + self.hours_per_day * 60 > 24 * 60:
            raise fail(f"{self.hours_per_day} hours from {start:%H:%M} go past midnight", "opens")
        return self

    @property
    def days_per_week(self) -> int:
        return int(self.regime.split("x")[0])

    @property
    def hours_per_day(self) -> int:
        return int(self.regime.split("x")[1])

    @property
    def opens_at(self) -> time:
        if self.opens is not None:
            return self.opens
        return time(0) if self.hours_per_day == 24 else time(7)


class ReplaceFrequency(enum.StrEnum):
    """How often a public image is replaced (scs-0102)."""

    YEARLY = "yearly"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    DAILY = "daily"
    CRITICAL_BUG = "critical_bug"
    NEVER = "never"


class Image(Part):
    """An image that servers boot from, with what scs-0102 asks to be said about it."""

    name: Text = Field(description="Name in Glance, and what cards and the centre call it.")
    url: Annotated[str, StringConstraints(pattern=r"^(https?|file)://\S+$")] = Field(
        description="Where it is downloaded, unless the cloud has an `image_mirror`."
    )
    description: str = Field(default="", description="One sentence for people.")
    disk_format: Literal["qcow2", "raw"] = Field(default="qcow2", description="Glance format.")
    architecture: Literal["x86_64", "aarch64"] = Field(
        default="x86_64", description="Processor architecture."
    )
    os_distro: Slug = Field(description="Distribution, as libosinfo names it.")
    os_version: Text = Field(description="Version of the distribution.")
    os_purpose: Literal["generic", "minimal", "k8snode", "gpu", "network", "custom"] = Field(
        default="generic", description="What the image is for (scs-0102)."
    )
    default_user: Text = Field(
        default="", description="Login that cloud-init makes; `os_distro` where not given."
    )
    min_disk: Size = Field(description="Smallest boot volume.")
    min_ram: Size = Field(description="Smallest memory.")
    provided_until: date | Literal["none", "notice"] = Field(
        description="Last day of upkeep, `none` for no promise, `notice` until called off."
    )
    replace_frequency: ReplaceFrequency = Field(description="How often a new build replaces it.")
    uuid_validity: (
        date
        | Annotated[str, StringConstraints(pattern=r"^(none|notice|forever|last-[1-9][0-9]*)$")]
    ) = Field(default="none", description="How long old builds can be named by id (scs-0102).")
    build_date: date | None = Field(
        default=None, description="Day of the build, where the url names one build (scs-0102)."
    )

    @property
    def original_user(self) -> str:
        """The login of a fresh server."""
        return self.default_user or self.os_distro


_SCS_FLAVOR = re.compile(
    r"SCS-(?P<vcpus>[0-9]+)[LVTC]i?-(?P<ram>[0-9]+(?:\.5)?)u?o?"
    r"(?:-(?P<disks>[0-9]+x)?(?P<disk>[0-9]+)[nhsp]?)?(?:_[A-Za-z0-9._-]+)?"
)


class ServerSize(Part):
    """A size that orders name. Numbers may be left out where the flavour's SCS name says them."""

    flavor: FlavorName = Field(
        description="Name of the flavour; names by scs-0100, such as SCS-2V-4, are understood.",
        examples=["SCS-2V-4"],
    )
    vcpus: Positive | None = Field(default=None, description="Virtual processors.")
    ram: Size | None = Field(default=None, description="Memory.")
    disk: Size | None = Field(
        default=None, description="Local root disk; none where servers boot from volumes."
    )

    @model_validator(mode="after")
    def _numbers_known(self) -> ServerSize:
        named = self._named
        if named is None:
            if self.vcpus is None or self.ram is None:
                raise fail(
                    f"the flavour name {self.flavor!r} does not follow scs-0100, "
                    "so `vcpus` and `ram` must be given",
                    "flavor",
                )
            return self
        for key, given, meant in (
            ("vcpus", self.vcpus, named[0]),
            ("ram", self.ram, named[1]),
            ("disk", self.disk, named[2]),
        ):
            if given is not None and given != meant:
                raise fail(f"{key} is {given}, but {self.flavor} means {meant}", key)
        return self

    @property
    def _named(self) -> tuple[int, Size, Size] | None:
        match = _SCS_FLAVOR.fullmatch(self.flavor)
        if match is None:
            return None
        ram = Size(int(float(match["ram"]) * GIB), f"{match['ram']} GiB")
        return int(match["vcpus"]), ram, Size.from_gib(int(match["disk"] or 0))

    @property
    def vcpu_count(self) -> int:
        """Virtual processors."""
        return self.vcpus if self.vcpus is not None else self._known[0]

    @property
    def ram_mib(self) -> int:
        """Memory in MiB."""
        return self.ram.mib if self.ram is not None else self._known[1].mib

    @property
    def disk_gib(self) -> int:
        """Local root disk in GiB; 0 where servers boot from volumes."""
        if self.disk is not None:
            return self.disk.gib_ceil
        named = self._named
        return named[2].gib if named else 0

    @property
    def _known(self) -> tuple[int, Size, Size]:
        named = self._named
        if named is None:  # the validator has refused such a size
            raise ValueError(f"{self.flavor} says no numbers")
        return named


class CentreServers(Part):
    """A group of the centre's own servers, kept on different hosts."""

    servers: Positive = Field(description="How many.")
    size: Slug = Field(description="Key of `sizes`.")
    boot_volume: Size = Field(description="Boot volume of each.")
    data_volume: Size | None = Field(default=None, description="Data volume of each, if any.")
    pool: Slug = Field(description="Storage pool of the volumes.")


class Centre(Part):
    """The shared servers of the technology centre."""

    image: Text = Field(description="Image that they boot from.")
    public_key_file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")] = Field(
        description="File in the region's folder with the operators' OpenSSH public key."
    )
    load_balancer: CentreServers = Field(description="The load-balancer pair.")
    database: CentreServers = Field(description="The database cluster; three servers agree.")


class Naming(Part):
    """How things are called in the cloud."""

    prefix: Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,14})?)?$")] = Field(
        default="", description="Put before every name, for clouds shared with others."
    )


class Region(Part):
    """A region's technology centre: the whole of `region.yaml`."""

    name: Slug = Field(description="Short name; the same as the folder's.")
    title: Text = Field(description="Official name.")
    nuts: Nuts = Field(description="NUTS code of the region.", examples=["CZ051"])
    country: Country = Field(description="ISO 3166-1 alpha-2 code; decides public holidays.")
    time_zone: Text = Field(description="IANA name of the zone of the service hours.")
    languages: tuple[Language, ...] = Field(
        min_length=1, description="BCP 47 tags, the most used first."
    )
    owner: Text = Field(description="Who answers for the centre.")
    cost_centre: Text = Field(description="Default cost centre; a tenant may have its own.")
    clouds: tuple[Cloud, ...] = Field(min_length=1, description="The region's clouds.")
    storage: Storage = Field(description="Storage capacity and pools.")
    compute: Compute = Field(description="Compute capacity.")
    network: NetworkPlan = Field(description="Address plan.")
    dns: Dns = Field(description="DNS zone.")
    service_hours: ServiceHours = Field(description="When services are attended.")
    images: tuple[Image, ...] = Field(min_length=1, description="Images that the centre offers.")
    sizes: dict[Slug, ServerSize] = Field(
        min_length=1, description="What orders name: size → flavour."
    )
    centre: Centre = Field(description="The centre's own servers.")
    naming: Naming = Field(default=Naming(), description="How things are called in the cloud.")

    def pool(self, name: str) -> StoragePool:
        """The storage pool of that name. Raises KeyError; names in checked files exist."""
        return _named(self.storage.pools, name)

    def image(self, name: str) -> Image:
        """The image of that name. Raises KeyError; names in checked files exist."""
        return _named(self.images, name)

    def cloud(self, name: str) -> Cloud:
        """The cloud of that name. Raises KeyError."""
        return _named(self.clouds, name)


_Named = TypeVar("_Named", StoragePool, Image, Cloud)


def _named(things: Iterable[_Named], name: str) -> _Named:
    for thing in things:
        if thing.name == name:
            return thing
    raise KeyError(name)


def _check_lengths(supernet: int, centre: int, tenant: int) -> None:
    for key, length in (("centre_prefix_length", centre), ("tenant_prefix_length", tenant)):
        if length <= supernet:
            raise fail(f"a /{length} does not fit into the supernet, a /{supernet}", key)
