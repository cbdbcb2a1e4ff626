"""What `region.yaml` says: the region, its clouds, storage, compute, addresses, sizes and centre.

The models check what one file can know of itself. What needs other files (tenants, service cards,
the key file) is checked by `kraj.model.checks`. Nothing here reads files or computes a plan.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import time
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field, WithJsonSchema, model_validator

from kraj.model.address_plan import Dns, FloatingPlan, Ipv4Plan, Ipv6Plan, NetworkPlan
from kraj.model.base import (
    VARIABLE_PATTERN,
    Country,
    Faults,
    Flag,
    Language,
    Overcommit,
    Part,
    Percent,
    Positive,
    Slug,
    Text,
    repeated,
    shaped,
)
from kraj.model.catalogue import Image, ReplaceFrequency, ServerSize
from kraj.model.errors import DUPLICATE_IDENTITY, IDENTITY_FORMAT, OVER_CAPACITY
from kraj.model.place import BACKUPS, StatePlace
from kraj.model.prices import PriceBook
from kraj.model.units import GIB, Size

__all__ = [
    "Centre",
    "CentreServers",
    "Cloud",
    "Compute",
    "Dns",
    "FloatingPlan",
    "Image",
    "Ipv4Plan",
    "Ipv6Plan",
    "Media",
    "Naming",
    "NetworkPlan",
    "Offer",
    "Region",
    "ReplaceFrequency",
    "ServerSize",
    "ServiceHours",
    "Site",
    "StatePlace",
    "Storage",
    "StoragePool",
]

#: NUTS has its own letters for two countries (Regulation (EC) No 1059/2003, annex I).
NUTS_COUNTRY = {"GR": "EL", "GB": "UK"}

Nuts = Annotated[
    str, shaped(r"^[A-Z]{2}[0-9A-Z]{1,3}$", "a NUTS code (levels 1 to 3), such as CZ051")
]
Regime = Annotated[
    str, shaped(r"^[1-7]x([1-9]|1[0-9]|2[0-4])$", "days a week, x, hours a day, such as 5x12")
]
TimeOfDay = Annotated[
    str, shaped(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of the day, such as 07:00")
]
FileName = Annotated[
    str, shaped(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "the name of a file in the region's folder")
]
NamePrefix = Annotated[
    str,
    shaped(
        r"^([a-z0-9][a-z0-9-]{0,14})?$",
        "at most 15 lower-case ASCII letters, digits and hyphens",
    ),
]


class Site(Part):
    """A failure domain inside a cloud."""

    name: Slug = Field(description="Name of the site, usually the town it stands in.")
    availability_zones: tuple[Text, ...] = Field(
        min_length=1, description="Nova's availability zones of this site."
    )


class Offer(enum.StrEnum):
    """Something that a cloud may have already when a region comes to it."""

    FLAVORS = "flavors"
    IMAGES = "images"
    VOLUME_TYPES = "volume-types"


class BootImages(enum.StrEnum):
    """Which images the servers on a cloud boot from."""

    CATALOGUE = "catalogue"  #: those that cards and the centre name
    BUILT = "built"  #: those of the roles, which `kraj image` builds and publishes


#: What an editor takes in region.yaml, where a variable may stand for it.
_BOOT_IMAGES_IN_FILES: Final = {
    "anyOf": [
        {"enum": [choice.value for choice in BootImages]},
        {"type": "string", "pattern": VARIABLE_PATTERN},
    ]
}


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
    boot_images: Annotated[BootImages, WithJsonSchema(_BOOT_IMAGES_IN_FILES, mode="validation")] = (
        Field(
            default=BootImages.CATALOGUE,
            description=(
                "`catalogue`: servers boot from the `image` that their card, or the centre, names. "
                "`built`: from what `kraj image publish` has published for their service; the "
                "centre's, and those whose service has no role yet, from its image of the role "
                "`base`. `${NAME}` takes it from the environment variable NAME; unset or empty "
                "means `catalogue`."
            ),
        )
    )
    public_key: Text | None = Field(
        default=None,
        description=(
            "The operators' OpenSSH public key on this cloud, one line, instead of that in "
            "`public_key_file`. `${NAME}` takes it from the environment variable NAME; unset or "
            "empty means the file's."
        ),
    )
    provides: tuple[Offer, ...] = Field(
        default=(),
        description=(
            "What the cloud has already and the region uses as it is, by the same names: flavors, "
            "images, volume-types. The centre makes what is not named here."
        ),
    )
    sites: tuple[Site, ...] = Field(min_length=1, description="Failure domains of this cloud.")

    @model_validator(mode="after")
    def _sites_differ(self) -> Cloud:
        faults = Faults()
        for index, name in repeated(site.name for site in self.sites):
            faults.add(
                f"the site {name!r} is there twice",
                *("sites", index, "name"),
                code=DUPLICATE_IDENTITY,
            )
        seen: dict[str, str] = {}
        for index, site in enumerate(self.sites):
            for number, zone in enumerate(site.availability_zones):
                if zone in seen:
                    faults.add(
                        f"the availability zone {zone!r} is in the site {seen[zone]!r} already",
                        *("sites", index, "availability_zones", number),
                        code=DUPLICATE_IDENTITY,
                    )
                seen[zone] = site.name
        faults.raise_any("cloud")
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
        faults = Faults()
        for index, name in repeated(pool.name for pool in self.pools):
            faults.add(
                f"the pool {name!r} is there twice",
                *("pools", index, "name"),
                code=DUPLICATE_IDENTITY,
            )
        for index, name in repeated(pool.volume_type for pool in self.pools):
            faults.add(
                f"two pools have the volume type {name!r}, so usage could not be told apart",
                *("pools", index, "volume_type"),
                code=DUPLICATE_IDENTITY,
            )
        total = sum(pool.capacity.bytes for pool in self.pools)
        if total > self.capacity.bytes:
            faults.add(
                f"the pools add up to {total // GIB:,} GiB, which is more than the capacity of "
                f"{self.capacity} ({self.capacity.gib:,} GiB)",
                "capacity",
                code=OVER_CAPACITY,
            )
        faults.raise_any("storage")
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


class ServiceHours(Part):
    """When services are attended: `5x12` is Monday to Friday, twelve hours a day."""

    regime: Regime = Field(
        description="Days a week from Monday, `x`, hours a day.", examples=["5x12", "7x24"]
    )
    opens: TimeOfDay | None = Field(
        default=None,
        description="Start of the day in the region's time zone; 07:00, or 00:00 for 24 hours.",
    )
    public_holidays: Literal["closed", "open"] = Field(
        default="closed", description="Whether the public holidays of `country` are attended."
    )

    @model_validator(mode="after")
    def _fits_a_day(self) -> ServiceHours:
        faults = Faults()
        start = self.opens_at
        if start.hour * 60 + start.minute + self.hours_per_day * 60 > 24 * 60:
            faults.add(
                f"{self.hours_per_day} hours from {start:%H:%M} go past midnight",
                "opens" if self.opens else "regime",
            )
        faults.raise_any("service_hours")
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
            return time.fromisoformat(self.opens)
        return time(0) if self.hours_per_day == 24 else time(7)


class CentreServers(Part):
    """A group of the centre's own servers, kept on different hosts."""

    servers: Positive = Field(description="How many.")
    size: Slug = Field(description="Key of `sizes`.")
    boot_volume: Size = Field(description="Boot volume of each.")
    data_volume: Size | None = Field(default=None, description="Data volume of each, if any.")
    pool: Slug = Field(description="Storage pool of the volumes.")


class Bastion(CentreServers):
    """The servers that operators reach by SSH, and from there all others."""

    allowed_from: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("0.0.0.0/0"), IPv6Network("::/0")),
        min_length=1,
        description="Networks that operators may come from; anywhere where left out.",
    )


class Centre(Part):
    """The shared servers of the technology centre."""

    image: Text = Field(description="Image that they boot from.")
    public_key_file: FileName = Field(
        description="File in the region's folder with the operators' OpenSSH public key."
    )
    load_balancer: CentreServers = Field(description="The load-balancer pair.")
    database: CentreServers = Field(description="The database cluster; three servers agree.")
    bastion: Bastion | None = Field(
        default=None,
        description=(
            "The way in for operators and Ansible; left out: they come through the management "
            "network by means of your own."
        ),
    )

    def groups(self) -> dict[str, CentreServers]:
        """The groups of servers that there are, by key."""
        found = {"load_balancer": self.load_balancer, "database": self.database}
        return found if self.bastion is None else {**found, "bastion": self.bastion}


class Naming(Part):
    """How things are called in the cloud."""

    prefix: NamePrefix = Field(
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
    prices: PriceBook | None = Field(
        default=None, description="What capacity and services cost, for quotes."
    )
    naming: Naming = Field(default=Naming(), description="How names in the cloud are made.")
    state: StatePlace | None = Field(
        default=None,
        description="Where states are kept, and how many copies; left out: files on this machine.",
    )

    @property
    def state_backups(self) -> int:
        """Copies of each state, from before its last changes, that are kept."""
        return self.state.backups if self.state else BACKUPS

    @model_validator(mode="after")
    def _names_differ_and_codes_agree(self) -> Region:
        faults = Faults()
        for key in ("clouds", "images"):
            for index, name in repeated(part.name for part in getattr(self, key)):
                faults.add(
                    f"the name {name!r} is there twice",
                    *(key, index, "name"),
                    code=DUPLICATE_IDENTITY,
                )
        expected = NUTS_COUNTRY.get(self.country, self.country)
        if not self.nuts.startswith(expected):
            faults.add(
                f"{self.nuts!r} is not in the country {self.country!r}, whose NUTS codes begin "
                f"with {expected}",
                "nuts",
                code=IDENTITY_FORMAT,
            )
        faults.raise_any("region")
        return self

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
