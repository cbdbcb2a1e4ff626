"""Where servers go: spread over availability zones, and kept apart from each other on hosts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from kraj.model.service import Availability

Policy = Literal["anti-affinity", "soft-anti-affinity"]

#: Strict anti-affinity for so many servers at most: a region with two sites has at least so many
#: hosts, and nova refuses the server for which no other host is left.
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


def policy_for(count: int, availability: Availability) -> Policy:
    """Strict where the card promises to survive a host and enough hosts are sure to exist."""
    if availability.level >= 1 and count <= STRICT_LIMIT:
        return "anti-affinity"
    return "soft-anti-affinity"
