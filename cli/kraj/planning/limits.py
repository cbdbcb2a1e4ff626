"""A project's limits as OpenStack's three quota resources have them.

The one place that says which field of a `Quota` is which property of which resource type, for the
programs that write quotas and for what reads them in a stack's state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from kraj.planning.documents import Quota

#: By Pulumi type: the resource's argument → the field of `Quota`.
LIMITS: Final[Mapping[str, Mapping[str, str]]] = {
    "openstack:compute/quotaSetV2:QuotaSetV2": {
        "instances": "instances",
        "cores": "cores",
        "ram": "ram_mib",
        "key_pairs": "key_pairs",
        "server_groups": "server_groups",
        "server_group_members": "server_group_members",
    },
    "openstack:networking/quotaV2:QuotaV2": {
        "network": "networks",
        "subnet": "subnets",
        "router": "routers",
        "port": "ports",
        "floatingip": "floating_ips",
        "security_group": "security_groups",
        "security_group_rule": "security_group_rules",
    },
    "openstack:blockstorage/quoteSetV3:QuoteSetV3": {
        "volumes": "volumes",
        "snapshots": "snapshots",
        "gigabytes": "gigabytes",
    },
}

#: Cinder's word for the GiB of one volume type, before the type's name.
_OF_TYPE: Final = "gigabytes_"


def type_limit(volume_type: str) -> str:
    """The name of the limit on one volume type's GiB, as Cinder spells it."""
    return _OF_TYPE + volume_type


def limits_of(quota: Quota) -> dict[str, int]:
    """All limits by name: the fields of `Quota`, and one per volume type."""
    limits = quota.model_dump(exclude={"volume_types_gib"})
    per_type = {type_limit(name): size for name, size in quota.volume_types_gib.items()}
    return {**limits, **per_type}


def quota_of(limits: Mapping[str, int]) -> Quota:
    """The quota with these limits."""
    plain = {name: limits[name] for name in limits if not name.startswith(_OF_TYPE)}
    per_type = {
        name.removeprefix(_OF_TYPE): size
        for name, size in limits.items()
        if name.startswith(_OF_TYPE)
    }
    return Quota.model_validate({**plain, "volume_types_gib": per_type})


def recorded_limits(pulumi_type: str, inputs: Mapping[str, Any]) -> dict[str, int]:
    """The limits that a quota resource of a stack's state has; nothing for other types."""
    found = {
        field: int(inputs[_camel(argument)])
        for argument, field in LIMITS.get(pulumi_type, {}).items()
        if inputs.get(_camel(argument)) is not None
    }
    if pulumi_type in LIMITS:
        per_type = inputs.get("volumeTypeQuota") or {}
        sizes = {name: int(size) for name, size in per_type.items() if name.startswith(_OF_TYPE)}
        found |= sizes
    return found


def _camel(argument: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), argument)
