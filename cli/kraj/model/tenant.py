"""What `tenants/<slug>.yaml` says: one municipality or organisation and what it orders.

The identity of a tenant is its `code`, which never changes when it is renamed; the slug, its file's
name, is how people and DNS call it. Whether ordered services exist is for `kraj.model.checks`.
"""

from __future__ import annotations

import enum
from typing import Annotated

from pydantic import Field, computed_field, model_validator

from kraj.model.base import Count, Email, Faults, Part, Positive, Slug, Text, repeated, shaped
from kraj.model.errors import DUPLICATE_IDENTITY, IDENTITY_FORMAT
from kraj.model.region import Nuts
from kraj.model.units import Size

Phone = Annotated[str, shaped(r"^\+?[0-9][0-9 ()/-]{4,24}$", "a telephone number")]
LauCode = Annotated[str, shaped(r"^[0-9A-Z_]{2,15}$", "a LAU code of digits and capital letters")]
CompanyId = Annotated[
    str, shaped(r"^[0-9A-Z-]{4,20}$", "an identification number of digits and capital letters")
]


class TenantKind(enum.StrEnum):
    """What a tenant is in public administration."""

    EXTENDED_POWERS = "extended-powers"  #: municipality with extended powers
    AUTHORISED_OFFICE = "authorised-office"  #: municipality with an authorised municipal office
    BASIC = "basic"  #: any other municipality
    ORGANISATION = "organisation"  #: contributory organisation: school, museum, hospital, …
    REGION = "region"  #: the region itself

    @property
    def is_municipality(self) -> bool:
        return self not in (TenantKind.ORGANISATION, TenantKind.REGION)


class ContactRole(enum.StrEnum):
    """What a contact is asked about."""

    REQUESTER = "requester"  #: orders and changes
    APPROVER = "approver"  #: approves what costs money
    TECHNICAL = "technical"  #: operation and outages
    SECURITY = "security"  #: security incidents
    DATA_PROTECTION = "data-protection"  #: personal data


class Contact(Part):
    """A person or office of the tenant."""

    role: ContactRole = Field(description="What the contact is asked about.")
    name: Text = Field(description="Name of the person or office.")
    email: Email = Field(description="E-mail address.")
    phone: Phone | None = Field(
        default=None, description="Telephone number, best with the country's code."
    )


class Order(Part):
    """One ordered service."""

    service: Slug = Field(description="Name of a folder in `roles/` with a service card.")
    size: Slug | None = Field(
        default=None, description="Key of the region's `sizes`; the card's default if not given."
    )
    storage: Size | None = Field(
        default=None, description="Size of the orderable volume; the card's default if not given."
    )


class QuotaOverrides(Part):
    """Limits that replace those which the orders add up to."""

    instances: Count | None = Field(default=None, description="Servers.")
    cores: Count | None = Field(default=None, description="Virtual processors.")
    ram: Size | None = Field(default=None, description="Memory of all servers together.")
    key_pairs: Count | None = Field(default=None, description="Key pairs.")
    server_groups: Count | None = Field(default=None, description="Server groups.")
    server_group_members: Count | None = Field(default=None, description="Servers in a group.")
    networks: Count | None = Field(default=None, description="Networks.")
    subnets: Count | None = Field(default=None, description="Subnets.")
    routers: Count | None = Field(default=None, description="Routers.")
    ports: Count | None = Field(default=None, description="Ports.")
    floating_ips: Count | None = Field(default=None, description="Floating addresses.")
    security_groups: Count | None = Field(default=None, description="Security groups.")
    security_group_rules: Count | None = Field(default=None, description="Rules of all groups.")
    volumes: Count | None = Field(default=None, description="Volumes.")
    snapshots: Count | None = Field(default=None, description="Volume snapshots.")
    storage: Size | None = Field(default=None, description="All volumes and snapshots together.")
    pools: dict[Slug, Size] = Field(
        default={}, description="Volumes and snapshots per storage pool: pool → size."
    )


class Tenant(Part):
    """One municipality or organisation: the whole of `tenants/<slug>.yaml`."""

    name: Text = Field(description="Official name, with diacritics.")
    kind: TenantKind = Field(description="What the tenant is in public administration.")
    lau: LauCode | None = Field(
        default=None,
        description="LAU code of the municipality, in quotes; its identity.",
        examples=["563889"],
    )
    nuts: Nuts | None = Field(
        default=None, description="NUTS code, for the region itself as a tenant."
    )
    company_id: CompanyId | None = Field(
        default=None,
        description="Public-body identification number, in quotes; an organisation's identity.",
        examples=["00262978"],
    )
    population: Positive | None = Field(default=None, description="Inhabitants.")
    contacts: tuple[Contact, ...] = Field(min_length=1, description="Whom to ask.")
    cost_centre: Text | None = Field(
        default=None, description="Cost centre; the region's where not given."
    )
    services: tuple[Order, ...] = Field(default=(), description="What the tenant orders.")
    quota: QuotaOverrides = Field(
        default=QuotaOverrides(), description="Limits that replace the calculated ones."
    )

    @model_validator(mode="after")
    def _has_its_identity(self) -> Tenant:
        needed = "lau" if self.kind.is_municipality else "company_id"
        if self.kind is TenantKind.REGION:
            needed = "nuts"
        faults = Faults()
        if getattr(self, needed) is None:
            faults.add(
                f"a tenant of kind {self.kind.value!r} needs the key '{needed}'",
                "kind",
                code=IDENTITY_FORMAT,
            )
        for other in ("lau", "nuts"):
            if other != needed and getattr(self, other) is not None:
                faults.add(
                    f"a tenant of kind {self.kind.value!r} has no {other} code",
                    other,
                    code=IDENTITY_FORMAT,
                )
        for index, name in repeated(order.service for order in self.services):
            faults.add(
                f"the service {name!r} is ordered twice",
                *("services", index, "service"),
                code=DUPLICATE_IDENTITY,
            )
        faults.raise_any("tenant")
        return self

    @computed_field(  # type: ignore[prop-decorator]
        description="LAU code, `org-<company id>` or NUTS code, in lower case: the identity."
    )
    @property
    def code(self) -> str:
        """The identity that never changes: LAU code, `org-<company id>`, or the NUTS code."""
        if self.lau is not None:
            return self.lau.lower()
        if self.nuts is not None:
            return self.nuts.lower()
        return f"org-{self.company_id}".lower()

    def order(self, service: str) -> Order | None:
        """The order of that service, None where it is not ordered."""
        return next((order for order in self.services if order.service == service), None)
