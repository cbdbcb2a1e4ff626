"""Names and tags. Names carry the code that identifies a tenant, so that they collide nowhere.

Fourteen Czech municipalities are called Nová Ves; no two have the same LAU code. Limits: 64
characters for a Keystone project (identity API v3), 63 for a DNS label and so for a server
(RFC 1035, 2.3.4), 255 for a Neutron tag, without commas and slashes (Neutron API, resource tags).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kraj.errors import KrajError
from kraj.planning.errors import NAME_TOO_LONG

PROJECT_LIMIT = 64
LABEL_LIMIT = 63
TAG_LIMIT = 255

CENTRE_CODE = "centre"


@dataclass(frozen=True, slots=True)
class Names:
    """Makes every name of one stack."""

    prefix: str  #: `naming.prefix` of region.yaml
    region: str
    code: str  #: the tenant's code, or `centre`
    slug: str = ""

    @property
    def base(self) -> str:
        """What all names of the stack begin with."""
        return _joined(self.prefix, self.region, self.code)

    @property
    def project(self) -> str:
        """Readable too: the slug stands at the end, cut where the whole would be too long."""
        name = _joined(self.base, self.slug)
        if len(self.base) > PROJECT_LIMIT:
            raise _too_long("project", self.base, PROJECT_LIMIT)
        return name[:PROJECT_LIMIT].rstrip("-")

    @property
    def service_user(self) -> str:
        return self.of("service")

    def of(self, *words: str) -> str:
        """A name for anything but servers."""
        return _joined(self.base, *words)

    def server(self, pool: str, number: int) -> str:
        """Server `number` (from 1) of a pool; also its host name."""
        name = _joined(self.base, pool, str(number))
        if len(name) > LABEL_LIMIT:
            raise _too_long("server", name, LABEL_LIMIT)
        return name


def _joined(*words: str) -> str:
    return "-".join(word for word in words if word)


def _too_long(kind: str, name: str, limit: int) -> KrajError:
    return KrajError(
        NAME_TOO_LONG, f"the name of a {kind} would be {name!r}: {len(name)} characters of {limit}"
    )


def centre_stack_name(region: str) -> str:
    """Pulumi stack of a region's centre."""
    return region


def tenant_stack_name(region: str, code: str) -> str:
    """Pulumi stack of a tenant; by its code, so that a renamed tenant keeps its stack."""
    return f"{region}.t{code}"


def tags(*, region: str, tenant: str, service: str, owner: str, cost_centre: str) -> dict[str, str]:
    """What every resource carries: whose it is, who answers for it, who pays."""
    return {
        "kraj_region": region,
        "kraj_tenant": tenant,
        "kraj_service": service,
        "kraj_owner": owner,
        "kraj_cost_centre": cost_centre,
    }


def tag_list(values: Mapping[str, str]) -> tuple[str, ...]:
    """The same as plain tags."""
    return tuple(
        re.sub(r"[,/]", " ", f"{key}={value}")[:TAG_LIMIT] for key, value in sorted(values.items())
    )
