"""Which collections tell of all their objects at once what showing one of them tells.

Data for `batching`: how each API lists, under which name an object stands in the list, and how
exactly those that are wanted are asked for. A collection whose list tells less than its objects do
(quotas, secrets, containers of objects) is not here: its objects are asked for one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from kraj.openstack.cloud import Call, Parameters

Item = dict[str, Any]
Pairs = list[tuple[str, Any]]
#: An id of any service stands for itself in a path; Keystone writes UUIDs without hyphens.
_ID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
PAGE: Final = 1000  #: objects per page: the most that Nova, Cinder, Glance and Designate give
_RIGHT: Final = re.compile(r"projects/([^/]+)/(users|groups)/([^/]+)/roles/([^/]+)")


def _repeated(name: str) -> Callable[[Sequence[str]], Pairs]:
    return lambda ids: [(name, identity) for identity in ids]


def _in_list(ids: Sequence[str]) -> Pairs:
    """Glance's own way; it would give 25 objects where nothing is said of the page."""
    return [("id", f"in:{','.join(ids)}"), ("limit", PAGE)]


def _id_of(item: Item) -> str:
    return str(item["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """How the objects of one collection are listed."""

    plural: str  #: key of the list in the answer
    singular: str = ""  #: key of the object in the answer about it alone; empty: it is the answer
    path: str = ""  #: where objects are listed in full, if not at the collection's own path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: Query for exactly these objects; None: the API has none, and all that are visible are listed
    only: Callable[[Sequence[str]], Pairs] | None = None
    owner: str = ""  #: query for all objects of a project; empty: the API has none
    fewest: int = 2  #: as many objects have to be wanted for a list to be worth its while
    key: Callable[[Item], str] = _id_of  #: by what requests name the object
    inner: str = ""  #: key under which each entry of the list holds its object
    many: bool = False  #: the answer about one key is a list of all entries with that key


def _neutron(plural: str, singular: str) -> Collection:
    return Collection(plural=plural, singular=singular, only=_repeated("id"), owner="project_id")


def _octavia(plural: str, singular: str) -> Collection:
    """Octavia takes one id in a query: with several, its database refuses to compare."""
    parameters = {"limit": PAGE}
    return Collection(plural=plural, singular=singular, parameters=parameters, fewest=3)


def _right_of(item: Item) -> str:
    """The path that asks for one role assignment; one that is inherited has another path."""
    scope = item["scope"]
    if "project" not in scope or "OS-INHERIT:inherited_to" in scope:
        return ""
    kind = "user" if "user" in item else "group"
    return (
        f"projects/{scope['project']['id']}/{kind}s/{item[kind]['id']}/roles/{item['role']['id']}"
    )


#: By service and path; `*` stands for the id of what the collection belongs to.
_COLLECTIONS: Final[dict[tuple[str, str], Collection]] = {
    ("network", "networks"): _neutron("networks", "network"),
    ("network", "subnets"): _neutron("subnets", "subnet"),
    ("network", "subnetpools"): _neutron("subnetpools", "subnetpool"),
    ("network", "address-scopes"): _neutron("address_scopes", "address_scope"),
    ("network", "ports"): _neutron("ports", "port"),
    ("network", "routers"): _neutron("routers", "router"),
    ("network", "floatingips"): _neutron("floatingips", "floatingip"),
    ("network", "security-groups"): _neutron("security_groups", "security_group"),
    ("network", "security-group-rules"): _neutron("security_group_rules", "security_group_rule"),
    ("network", "rbac-policies"): _neutron("rbac_policies", "rbac_policy"),
    ("compute", "servers"): Collection(
        plural="servers", singular="server", path="servers/detail", parameters={"limit": PAGE}
    ),
    ("compute", "flavors"): Collection(
        plural="flavors",
        singular="flavor",
        path="flavors/detail",
        parameters={"is_public": "None", "limit": PAGE},  # both public and private ones
    ),
    ("compute", "os-keypairs"): Collection(
        plural="keypairs",
        singular="keypair",
        key=lambda item: quote(str(item["name"]), safe=""),
        inner="keypair",
    ),
    ("compute", "os-server-groups"): Collection(
        plural="server_groups", singular="server_group", parameters={"limit": PAGE}
    ),
    ("compute", "servers/*/os-volume_attachments"): Collection(
        plural="volumeAttachments", singular="volumeAttachment"
    ),
    ("block-storage", "volumes"): Collection(
        plural="volumes", singular="volume", path="volumes/detail", parameters={"limit": PAGE}
    ),
    ("block-storage", "types"): Collection(
        plural="volume_types",
        singular="volume_type",
        parameters={"is_public": "None", "limit": PAGE},
    ),
    ("image", "images"): Collection(plural="images", only=_in_list),
    # Keystone lists those of the whole cloud.
    ("identity", "projects"): Collection(plural="projects", singular="project", fewest=5),
    ("identity", "users"): Collection(plural="users", singular="user", fewest=5),
    ("identity", "groups"): Collection(plural="groups", singular="group", fewest=5),
    ("identity", "role_assignments"): Collection(plural="role_assignments", key=_right_of),
    ("dns", "zones"): Collection(plural="zones", parameters={"limit": PAGE}),
    ("dns", "zones/*/recordsets"): Collection(plural="recordsets", parameters={"limit": PAGE}),
    ("load-balancer", "lbaas/loadbalancers"): _octavia("loadbalancers", "loadbalancer"),
    ("load-balancer", "lbaas/listeners"): _octavia("listeners", "listener"),
    ("load-balancer", "lbaas/pools"): _octavia("pools", "pool"),
    ("load-balancer", "lbaas/healthmonitors"): _octavia("healthmonitors", "healthmonitor"),
    ("load-balancer", "lbaas/l7policies"): _octavia("l7policies", "l7policy"),
    ("load-balancer", "lbaas/pools/*/members"): Collection(
        plural="members", singular="member", parameters={"limit": PAGE}
    ),
}
_PORTS_OF_DEVICES: Final = Collection(
    plural="ports",
    parameters={"fields": "device_id"},
    only=_repeated("device_id"),
    owner="project_id",
    key=lambda item: str(item["device_id"]),
    many=True,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for: one object of a collection that can be listed."""

    collection: Collection
    listing: Call  #: the list without a choice of objects
    identity: str

    @property
    def group(self) -> tuple[Any, ...]:
        """Equal for all objects that one list can tell of."""
        call = self.listing
        return (call.service, call.path, call.microversion, tuple(pairs_of(call.parameters)))


def pairs_of(parameters: Parameters | None) -> Pairs:
    """A query as names and values; a name with a list of values stands once for each."""
    given = parameters.items() if isinstance(parameters, Mapping) else parameters or ()
    return [
        (name, one)
        for name, value in given
        for one in (value if isinstance(value, list | tuple) else [value])
    ]


def target_of(call: Call) -> Target | None:
    """The object that a request for reading asks for; None where no list tells as much."""
    right = _RIGHT.fullmatch(call.path) if call.service == "identity" else None
    if right is not None:
        rights = _COLLECTIONS["identity", "role_assignments"]
        return _target(
            rights, call, "role_assignments", call.path, [("scope.project.id", right[1])]
        )
    if call.method != "GET":
        return None
    given = pairs_of(call.parameters)
    if (call.service, call.path) == ("network", "ports"):
        return _ports_of_device(call, given)
    path, _, identity = call.path.rpartition("/")
    pattern = "/".join("*" if _ID.fullmatch(part) else part for part in path.split("/"))
    collection = _COLLECTIONS.get((call.service, pattern))
    if collection is None or not identity:
        return None
    # Whoever asks for a few fields takes them out of the whole object.
    criteria = [(name, value) for name, value in given if name != "fields"]
    listed = collection.path.rpartition("/")[2] if collection.path else ""
    return _target(collection, call, f"{path}/{listed}".rstrip("/"), identity, criteria)


def _ports_of_device(call: Call, given: Pairs) -> Target | None:
    devices = [value for name, value in given if name == "device_id"]
    fields = [(name, value) for name, value in given if name == "fields"]
    if len(devices) != 1 or len(given) != len(fields) + 1:
        return None
    return _target(_PORTS_OF_DEVICES, call, "ports", str(devices[0]), fields)


def _target(
    collection: Collection,
    call: Call,
    path: str,
    identity: str,
    criteria: Pairs,
) -> Target:
    parameters = [*criteria, *collection.parameters.items()]
    listing = Call(call.service, "GET", path, parameters=parameters, microversion=call.microversion)
    return Target(collection, listing, identity)
