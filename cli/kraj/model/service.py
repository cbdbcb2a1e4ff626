"""What `roles/<service>/service.yaml` says: the catalogue card of a hosted service.

A card is everything that planning, stacks, monitoring and backup need to know of a service; its
software is in the role beside it. Names of pools, sizes and images are those of the region that
orders the service, and are checked by `kraj.model.checks`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from kraj.model.base import (
    Faults,
    Flag,
    Language,
    Part,
    PortNumber,
    Positive,
    Slug,
    Text,
    repeated,
    shaped,
)
from kraj.model.errors import DUPLICATE_IDENTITY
from kraj.model.units import Size


class ServiceMode(enum.StrEnum):
    """Where a service runs."""

    DEDICATED = "dedicated"  #: own servers for each tenant
    SHARED = "shared"  #: one installation in the centre, many tenants


class PortSource(enum.StrEnum):
    """Who may reach a port."""

    PUBLIC = "public"  #: anyone, through a floating address or the centre's load balancer
    TENANT = "tenant"  #: the ordering tenants' own networks
    CENTRE = "centre"  #: the centre's networks only


class Availability(enum.StrEnum):
    """What a service survives, in the failsafe levels of scs-0118 (taxonomy, draft of 2024)."""

    FAILSAFE_1 = "failsafe-1"  #: a disk, a host, a small fault of the software
    FAILSAFE_2 = "failsafe-2"  #: … and a rack or a switch
    FAILSAFE_3 = "failsafe-3"  #: … and the outage of a whole site
    FAILSAFE_4 = "failsafe-4"  #: … and the loss of a site

    @property
    def level(self) -> int:
        return int(self.value[-1])


class BackupClass(enum.StrEnum):
    """How often a service's data is backed up."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def rpo_minutes(self) -> int | None:
        """Recovery point objective: how much work is lost at most; None without backup."""
        return {"hourly": 60, "daily": 24 * 60, "weekly": 7 * 24 * 60}.get(self.value)


class Port(Part):
    """A port that the service listens on."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: Slug = Field(description="Name of the port, for rules and listeners.")
    protocol: Literal["tcp", "udp"] = Field(default="tcp", description="Transport protocol.")
    port: PortNumber = Field(description="Port number.")
    source: PortSource = Field(alias="from", description="Who may reach it.")


class DataVolume(Part):
    """A data volume, or in a shared service a tenant's part of the installation's storage."""

    name: Slug = Field(description="Name of the volume.")
    pool: Slug = Field(description="Storage pool of the region.")
    default: Size = Field(description="Size where an order names none.")
    minimum: Size = Field(description="Smallest size that can be ordered.")
    maximum: Size = Field(description="Largest size that can be ordered.")
    orderable: Flag = Field(
        default=False,
        description=(
            "Whether an order's `storage` is the size of this volume. In a shared service the "
            "orderable volume is reserved per tenant; others belong to the installation."
        ),
    )
    attach: Literal["each-server", "first-server"] = Field(
        default="each-server",
        description=(
            "Whether each server has such a volume (replicated data; all are counted) or the "
            "first server only."
        ),
    )
    path: Annotated[str, shaped(r"^(/[A-Za-z0-9_.-]+)+$", "an absolute path")] | None = Field(
        default=None,
        description="Where servers mount it; without it nobody formats or mounts the volume.",
    )

    @model_validator(mode="after")
    def _range(self) -> DataVolume:
        faults = Faults()
        if not self.minimum <= self.default <= self.maximum:
            faults.add(
                f"the default {self.default} is not between {self.minimum} and {self.maximum}",
                "default",
            )
        faults.raise_any("data_volume")
        return self


class HealthCheck(Part):
    """How to see that the service works."""

    protocol: Literal["http", "https", "tcp"] = Field(description="How to ask.")
    port: PortNumber = Field(description="One of the service's ports.")
    path: Annotated[str, shaped(r"^/\S*$", "a path that begins with /")] | None = Field(
        default=None, description="Path to ask for; a status of 200 to 399 is healthy."
    )

    @model_validator(mode="after")
    def _path_for_http(self) -> HealthCheck:
        faults = Faults()
        if (self.path is not None) != (self.protocol != "tcp"):
            need = "has no path" if self.protocol == "tcp" else "needs a path"
            faults.add(f"a health check by {self.protocol} {need}", "protocol")
        faults.raise_any("health_check")
        return self


class ServiceCard(Part):
    """The catalogue card of a service: the whole of `service.yaml`."""

    name: Slug = Field(description="Name of the service; the same as the role's folder.")
    title: dict[Language, Text] = Field(min_length=1, description="Title per language.")
    description: dict[Language, Text] = Field(
        min_length=1, description="One or two sentences per language."
    )
    owner: Text = Field(description="Who answers for the service.")
    mode: ServiceMode = Field(
        description="dedicated: own servers per tenant; shared: one installation in the centre."
    )
    image: Text = Field(description="Image that its servers boot from.")
    default_size: Slug = Field(description="Size of the servers where an order names none.")
    sizes: tuple[Slug, ...] = Field(
        min_length=1, description="Sizes that can be ordered: keys of the region's `sizes`."
    )
    servers: Positive = Field(
        description="Servers per tenant (dedicated) or in the centre (shared), on different hosts."
    )
    boot_volume: Size = Field(description="Boot volume of each server.")
    boot_pool: Slug = Field(default="fast", description="Storage pool of the boot volumes.")
    ports: tuple[Port, ...] = Field(default=(), description="Ports that it listens on.")
    data_volumes: tuple[DataVolume, ...] = Field(default=(), description="Its data volumes.")
    availability: Availability = Field(description="Failsafe level of scs-0118.")
    backup: BackupClass = Field(description="How often its data is backed up.")
    health_check: HealthCheck = Field(description="How to see that it works.")

    @model_validator(mode="after")
    def _consistent(self) -> ServiceCard:
        faults = Faults()
        self._check_names(faults)
        orderable = [i for i, volume in enumerate(self.data_volumes) if volume.orderable]
        for index in orderable[1:]:
            faults.add(
                "one volume at most can be orderable, because an order has one `storage`",
                *("data_volumes", index, "orderable"),
            )
        if self.health_check.port not in {port.port for port in self.ports}:
            faults.add(
                f"the port {self.health_check.port} is not among `ports`", "health_check", "port"
            )
        if self.availability.level > 1 and self.servers == 1:
            faults.add(
                f"one server cannot be {self.availability.value}: at least two are needed",
                "availability",
            )
        faults.raise_any("service")
        return self

    def _check_names(self, faults: Faults) -> None:
        for key in ("ports", "data_volumes"):
            for index, name in repeated(part.name for part in getattr(self, key)):
                faults.add(
                    f"the name {name!r} is there twice",
                    *(key, index, "name"),
                    code=DUPLICATE_IDENTITY,
                )
        for index, path in repeated(volume.path for volume in self.data_volumes if volume.path):
            faults.add(
                f"two volumes cannot both be mounted at {path}",
                *("data_volumes", index, "path"),
                code=DUPLICATE_IDENTITY,
            )
        for index, name in repeated(self.sizes):
            faults.add(f"the size {name!r} is there twice", "sizes", index, code=DUPLICATE_IDENTITY)
        if self.default_size not in self.sizes:
            faults.add(
                f"the default size {self.default_size!r} is not among `sizes`", "default_size"
            )

    @property
    def orderable_volume(self) -> DataVolume | None:
        """The volume that an order's `storage` sizes, None where the service has none."""
        return next((volume for volume in self.data_volumes if volume.orderable), None)

    def text(self, texts: dict[str, str], languages: tuple[str, ...]) -> str:
        """The first of the languages that `texts` (`title` or `description`) has, else any."""
        known = (texts[language] for language in languages if language in texts)
        return next(known, next(iter(texts.values())))
