"""What a cloud and a state hold of some projects, without what differs from one run to the next.

Ids become the kind and name of what they stand for; moments and what the cloud chooses by chance
are left out. So two snapshots are equal where the same was made, each thing once, whenever and
however often that was tried. Not a test itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kraj.lab.settings import EXTERNAL_IPV4, EXTERNAL_IPV6

Object = dict[str, Any]

_ID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b")
#: Of the external network of the lab: the cloud takes the next free one.
_EXTERNAL = re.compile(
    rf"\b({re.escape(EXTERNAL_IPV4.removesuffix('0/24'))}\d+"
    rf"|{re.escape(EXTERNAL_IPV6.removesuffix('/64'))}[0-9a-f:]+)\b"
)
_ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
#: Keys, in the spelling of APIs or of the state, whose values differ from run to run.
_BY_CHANCE = re.compile(
    r"(created|updated|modified|launched|attached|transferred|terminated)(_?at)?$"
    r"|(^|:)(host|hostId|host_status|instance_name|hypervisor_hostname|hostname)$|host_name$"
    r"|^(binding:.*|revision_number|standard_attr_id|serial|version|progress|links|.*_links|fingerprint)$"
    r"|^OS-EXT-SRV-ATTR:|^(passwordExpiresAt|password_expires_at|hypervisorHostname|status)$"
    r"|volume_image_metadata|^os-vol-host|^provider:|^dns_?assignments?$",
    re.IGNORECASE,
)


def cloud_snapshot(connection: Any, prefix: str) -> tuple[list[str], dict[str, str]]:
    """All objects of the projects whose names begin so, one text each, and labels by id."""
    projects = [p for p in _listed(connection, "identity", "/projects") if _is_own(p, prefix)]
    found = [
        *(("project", project) for project in projects),
        *(item for project in projects for item in _contents(connection, project)),
        *_identities(connection, prefix, {project["id"] for project in projects}),
    ]
    labels = {
        str(item["id"]).replace("-", ""): f"<{kind} {_ID.sub('of', item.get('name') or '')}>"
        for kind, item in found
        if item.get("id") and "quota" not in kind  # whose ids are those of projects
    }
    # Octavia takes any free address of the subnet.
    labels |= {item["vip_address"]: "<address>" for kind, item in found if "vip_address" in item}
    return sorted(f"{kind} {_text(_plain(item, labels))}" for kind, item in found), labels


def state_snapshot(deployment: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """The resources of a state, one text each; ids as `labels` of the cloud tell them."""
    return sorted(_text(_plain(item, labels)) for item in deployment["resources"])


def _is_own(item: Object, prefix: str) -> bool:
    return str(item.get("name", "")).startswith(prefix)


def _listed(connection: Any, service: str, path: str, **options: Any) -> list[Object]:
    answer = connection.session.get(path, endpoint_filter=_ENDPOINTS[service], **options).json()
    lists = [value for key, value in answer.items() if isinstance(value, list) and key != "links"]
    return [dict(item) for item in lists[0]] if lists else [dict(next(iter(answer.values())))]


_ENDPOINTS = {
    "identity": {"service_type": "identity", "version": "3"},
    "network": {"service_type": "network", "version": "2.0"},
    "compute": {"service_type": "compute", "version": "2.1"},
    "volume": {"service_type": "block-storage", "version": "3"},
    "balancing": {"service_type": "load-balancer", "version": "2"},
    "dns": {"service_type": "dns", "version": "2"},
}


def _contents(connection: Any, project: Object) -> Iterator[tuple[str, Object]]:
    of = project["id"]

    def listed(service: str, path: str, **options: Any) -> list[Object]:
        return _listed(connection, service, path, **options)

    mine = f"?project_id={of}"
    for path in ("networks", "subnets", "routers", "ports", "security-groups"):
        yield from ((path, item) for item in listed("network", f"/{path}{mine}"))
    for path in ("security-group-rules", "floatingips", f"quotas/{of}"):
        kind = path.partition("/")[0]
        items = listed("network", f"/{path}" + ("" if "/" in path else mine))
        yield from ((kind, item) for item in items)
    servers = listed("compute", f"/servers/detail?all_tenants=1&project_id={of}")
    yield from (("server", item) for item in servers)
    groups = listed("compute", "/os-server-groups?all_projects=True")
    yield from (("server group", item) for item in groups if item.get("project_id") == of)
    yield from (("compute quota", item) for item in listed("compute", f"/os-quota-sets/{of}"))
    volumes = listed("volume", f"/volumes/detail?all_tenants=1&project_id={of}")
    yield from (("volume", item) for item in volumes)
    yield from (("volume quota", item) for item in listed("volume", f"/os-quota-sets/{of}"))
    for path in ("loadbalancers", "listeners", "pools", "healthmonitors"):
        items = listed("balancing", f"/lbaas/{path}{mine}")
        yield from ((path, item) for item in items)
        if path == "pools":
            for pool in items:
                members = listed("balancing", f"/lbaas/pools/{pool['id']}/members")
                yield from (("member", item) for item in members)
    headers = {"X-Auth-Sudo-Project-Id": of}
    for zone in listed("dns", "/zones", headers=headers):
        yield "zone", zone
        records = listed("dns", f"/zones/{zone['id']}/recordsets", headers=headers)
        yield from (("records", item) for item in records if item["type"] not in ("SOA", "NS"))


def _identities(connection: Any, prefix: str, projects: set[str]) -> Iterator[tuple[str, Object]]:
    """Users of the prefix with what belongs to them, and who has which role in the projects."""
    for user in _listed(connection, "identity", "/users"):
        if not _is_own(user, prefix):
            continue
        yield "user", user
        keys = _listed(connection, "compute", f"/os-keypairs?user_id={user['id']}", headers=_KEYS)
        yield from (("key pair", item["keypair"]) for item in keys if "keypair" in item)
        path = f"/users/{user['id']}/application_credentials"
        for item in _listed(connection, "identity", path):
            yield "application credential", item
    for project in projects:
        path = f"/role_assignments?scope.project.id={project}"
        yield from (("role", item) for item in _listed(connection, "identity", path))


_KEYS = {"OpenStack-API-Version": "compute 2.10"}


def _plain(value: Any, labels: Mapping[str, str]) -> Any:
    """A value without what is by chance, ids told by what they name."""
    if isinstance(value, dict):
        if "ciphertext" in value:
            return "<secret>"
        kept = {key: item for key, item in value.items() if not _BY_CHANCE.search(key)}
        return {_plain(key, labels): _plain(item, labels) for key, item in kept.items()}
    if isinstance(value, list):
        return sorted((_plain(item, labels) for item in value), key=_text)
    if not isinstance(value, str):
        return value
    text = _ID.sub(lambda hit: labels.get(hit[0].replace("-", ""), "<id>"), value)
    text = _ADDRESS.sub(lambda hit: labels.get(hit[0], hit[0]), text)
    return _MAC.sub("<mac>", _EXTERNAL.sub("<external address>", text))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
