"""From what differs in the cloud to what a region's files would have to say for it to be planned.

Pure: it reads models and findings and proposes changes of files; writing them is not its task.
What no file can express has a reason instead. Properties are those that the stack programs set.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kraj.drift.inventory import CloudObject
from kraj.engine.base import Operation, PropertyChange, Step
from kraj.model.loader import RegionFiles
from kraj.model.sources import Kind
from kraj.model.tenant import Tenant

_TENANT = "tenant:"
_INSTANCE = "openstack:compute/instance:Instance"
_VOLUME = "openstack:blockstorage/volume:Volume"
#: Quota type → property → key of a tenant's `quota`.
_LIMITS: dict[str, dict[str, str]] = {
    "openstack:compute/quotaSetV2:QuotaSetV2": {
        "instances": "instances",
        "cores": "cores",
        "ram": "ram",
        "keyPairs": "key_pairs",
        "serverGroups": "server_groups",
        "serverGroupMembers": "server_group_members",
    },
    "openstack:networking/quotaV2:QuotaV2": {
        "network": "networks",
        "subnet": "subnets",
        "router": "routers",
        "port": "ports",
        "floatingip": "floating_ips",
        "securityGroup": "security_groups",
        "securityGroupRule": "security_group_rules",
    },
    "openstack:blockstorage/quoteSetV3:QuoteSetV3": {
        "volumes": "volumes",
        "snapshots": "snapshots",
        "gigabytes": "storage",
    },
}
_UNITS = {"ram": "MiB", "storage": "GiB"}
#: What a volume type that came or went has: it is no difference.
_NO_LIMIT = "-1"
_PER_TYPE = "volumeTypeQuota.gigabytes_"
#: Server pool of the centre → its key in region.yaml.
_CENTRE_POOLS = {"load-balancer": "load_balancer", "database": "database"}

_DERIVED = "no file says it: names, tags, addresses and rules follow from the plan"
_GONE = "a file cannot say that one part of what it orders is missing"
_FOREIGN = "no file can hold it; it is yours to delete"


@dataclass(frozen=True, slots=True)
class Edit:
    """One value of one file."""

    kind: Kind  #: `region` or `tenant`
    name: str  #: slug of the tenant; empty for the region
    path: tuple[str | int, ...]
    value: int | str

    @property
    def key(self) -> str:
        """The path for people: `services[0].storage`."""
        words = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return words.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would become of one difference: an edit, or the reason why there is none."""

    stack: str
    name: str  #: logical name of the resource, or the object's own
    type: str  #: Pulumi type token, or the object's kind
    path: str = ""  #: property; empty where the whole resource is meant
    before: Any = None
    after: Any = None
    urn: str = ""  #: empty for an object that no stack has made
    edit: Edit | None = None
    reason: str = ""  #: why there is no edit
    note: str = ""  #: what else follows from the edit

    @property
    def label(self) -> str:
        """What people select it by: `records/1/documents/size`."""
        return f"{self.name}/{self.path}" if self.path else self.name

    def selected_by(self, selector: str) -> bool:
        """Whether the selector is this property, its resource, or a name above it."""
        return selector == self.label or self.label.startswith(f"{selector.rstrip('/')}/")


def propose(
    files: RegionFiles, stack: str, steps: Iterable[Step], unplanned: Iterable[CloudObject] = ()
) -> list[Proposal]:
    """One proposal per property that differs, per resource that is gone, per object in no plan."""
    found: list[Proposal] = []
    for step in steps:
        whole = Proposal(stack, step.name, step.type, urn=step.urn)
        if step.operation is Operation.DELETE:
            found.append(dataclasses.replace(whole, reason=_GONE))
        found += [
            _for_change(files, whole, part) for change in step.changes for part in _parts(change)
        ]
    found += [
        Proposal(stack, item.name or item.id, item.kind, reason=_FOREIGN) for item in unplanned
    ]
    return _agreed(sorted(found, key=lambda part: (part.name, part.type, part.path)))


def _parts(change: PropertyChange) -> list[PropertyChange]:
    """A change of a mapping key by key."""
    before, after = change.before, change.after
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [change]
    return [
        PropertyChange(f"{change.path}{_step(key)}", before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key, _NO_LIMIT) != after.get(key, _NO_LIMIT)
    ]


def _step(key: str) -> str:
    """The last part of a property path, as Pulumi writes it."""
    return f".{key}" if re.fullmatch(r"[\w-]+", key) else f'["{key}"]'


def _for_change(files: RegionFiles, whole: Proposal, change: PropertyChange) -> Proposal:
    part = dataclasses.replace(whole, path=change.path, before=change.before, after=change.after)
    slug = part.stack.removeprefix(_TENANT) if part.stack.startswith(_TENANT) else None
    tenant = files.tenants.get(slug) if slug is not None else None
    if part.type in _LIMITS:
        if slug is None:
            return _refused(part, "the centre's limits are calculated from what it holds")
        return _limit(files, part, slug)
    server, _, volume = part.name.partition("/")[2].partition("/")
    service = part.name.partition("/")[0]
    place = (slug or "", service, server, volume)
    if part.type == _VOLUME and part.path == "size":
        return _in_tenant_volume(files, part, place, tenant) if slug else _in_centre(part, place)
    if part.type == _INSTANCE and part.path in ("flavorName", "flavorId"):
        return _flavor(files, part, place, tenant)
    return _refused(part, _DERIVED)


def _refused(part: Proposal, reason: str) -> Proposal:
    return dataclasses.replace(part, reason=reason)


def _limit(files: RegionFiles, part: Proposal, slug: str) -> Proposal:
    """A limit of a tenant's project is an override of its `quota`."""
    if not _is_limit(part.after):
        return _refused(part, f"{part.after} is no limit that a file can set: it takes 0 or more")
    amount = int(part.after)
    if part.path.startswith(_PER_TYPE):
        volume_type = part.path.removeprefix(_PER_TYPE)
        pools = [
            pool.name for pool in files.region.storage.pools if pool.volume_type == volume_type
        ]
        if len(pools) != 1:
            return _refused(
                part, f"the volume type {volume_type!r} is not that of one storage pool"
            )
        path: tuple[str | int, ...] = ("quota", "pools", pools[0])
        return _edited(part, Edit("tenant", slug, path, f"{amount} GiB"))
    key = _LIMITS[part.type].get(part.path)
    if key is None:
        return _refused(part, "a tenant's `quota` has no such limit")
    value = f"{amount} {_UNITS[key]}" if key in _UNITS else amount
    return _edited(part, Edit("tenant", slug, ("quota", key), value))


def _is_limit(value: Any) -> bool:
    """Volume types' limits are texts in Cinder's provider; -1 is `no limit`."""
    return (isinstance(value, int | float) or str(value).isdecimal()) and int(value) >= 0


def _in_tenant_volume(
    files: RegionFiles, part: Proposal, place: tuple[str, ...], tenant: Tenant | None
) -> Proposal:
    slug, service, _server, volume = place
    card = files.services.get(service)
    index = _order(tenant, service)
    if card is None or index is None:
        return _refused(part, _DERIVED)
    orderable = card.orderable_volume
    if orderable is None or orderable.name != volume:
        return _refused(
            part, f"the size of {volume!r} is in the card of {service!r}, for all tenants"
        )
    note = (
        f"holds for the volumes of all {card.servers} servers"
        if orderable.attach == "each-server" and card.servers > 1
        else ""
    )
    edit = Edit("tenant", slug, ("services", index, "storage"), f"{int(part.after)} GiB")
    return _edited(part, edit, note)


def _in_centre(part: Proposal, place: tuple[str, ...]) -> Proposal:
    _slug, pool, _server, volume = place
    key = {"boot": "boot_volume", "data": "data_volume"}.get(volume)
    if pool not in _CENTRE_POOLS or key is None:
        return _refused(part, "the storage of a shared service is what its tenants order")
    edit = Edit("region", "", ("centre", _CENTRE_POOLS[pool], key), f"{int(part.after)} GiB")
    return _edited(part, edit, f"holds for all servers of {pool}")


def _flavor(
    files: RegionFiles, part: Proposal, place: tuple[str, ...], tenant: Tenant | None
) -> Proposal:
    """A flavour is a size of the region; one size holds for all servers of an order."""
    slug, service, _server, _volume = place
    sizes = [key for key, size in files.region.sizes.items() if size.flavor == part.after]
    if not sizes:
        return _refused(part, f"no size of the region has the flavour {part.after!r}")
    note = f"holds for all servers of {service}"
    if not slug:
        if service not in _CENTRE_POOLS:
            return _refused(part, f"the size is in the card of {service!r}")
        path: tuple[str | int, ...] = ("centre", _CENTRE_POOLS[service], "size")
        return _edited(part, Edit("region", "", path, sizes[0]), note)
    card, index = files.services.get(service), _order(tenant, service)
    offered = [key for key in sizes if card is not None and key in card.sizes]
    if index is None or not offered:
        return _refused(part, f"the service {service!r} is not offered in the size {sizes[0]!r}")
    return _edited(part, Edit("tenant", slug, ("services", index, "size"), offered[0]), note)


def _order(tenant: Tenant | None, service: str) -> int | None:
    orders = tenant.services if tenant is not None else ()
    return next((at for at, order in enumerate(orders) if order.service == service), None)


def _edited(part: Proposal, edit: Edit, note: str = "") -> Proposal:
    return dataclasses.replace(part, edit=edit, note=note)


def _agreed(found: Sequence[Proposal]) -> list[Proposal]:
    """Of several volumes under one key the largest counts; of other values, none."""
    values: dict[tuple[Any, ...], list[Proposal]] = {}
    for part in found:
        if part.edit is not None:
            values.setdefault(_place(part.edit), []).append(part)
    return [
        part if part.edit is None else _with_others(part, part.edit, values[_place(part.edit)])
        for part in found
    ]


def _with_others(part: Proposal, edit: Edit, together: Sequence[Proposal]) -> Proposal:
    if len({other.edit.value for other in together if other.edit is not None}) == 1:
        return part
    if part.type == _VOLUME:
        size = max(int(other.after) for other in together)
        return dataclasses.replace(part, edit=dataclasses.replace(edit, value=f"{size} GiB"))
    others = ", ".join(f"{other.name} has {other.after}" for other in together)
    return dataclasses.replace(
        part, edit=None, note="", reason=f"one value holds for all of them, but {others}"
    )


def _place(edit: Edit) -> tuple[Any, ...]:
    return edit.kind, edit.name, edit.path
