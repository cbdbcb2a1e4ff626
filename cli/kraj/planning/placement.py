"""Where servers go: spread over availability zones, and kept apart from each other on hosts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

Policy = Literal["anti-affinity", "soft-anti-affinity"]

#: Strict anti-affinity for so many servers at most: nova refuses a server for which no other host
#: is left, and two sites with fewer hosts than a database cluster has servers are no centre.
STRICT_LIMIT = 3


def zones_for(key: str, count: int, zones: Sequence[str]) -> tuple[str | None, ...]:
    """Availability zone of each of `count` servers: in turn over all zones.

    Which zone comes first depends on `key` (the tenant's code and the service), so that the first
    servers of two hundred towns do not all stand in one zone. The same key gives the same zones.
    """
    if not zones:
        return (None,) * count
    first = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
    return tuple(zones[(first + number) % len(zones)] for number in range(count))


def policy_for(count: int) -> Policy:
    """Strict where enough hosts are sure to exist, as far as possible beyond.

    It is the same for all availability classes: the lowest failsafe level of scs-0118 includes the
    loss of a host. What higher levels need, other racks and sites, is the zones' to give.
    """
    return "anti-affinity" if count <= STRICT_LIMIT else "soft-anti-affinity"
