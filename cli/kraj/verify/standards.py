"""Sovereign Cloud Stack standards, checked with a tenant's own unprivileged credential.

A town can run the same checks on the day it wonders whether it could move to another compliant
cloud. Each check names its standard; the texts are at https://docs.scs.community/standards/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kraj.planning.documents import Cloud
from kraj.planning.standards import MANDATORY_FLAVORS, flavor_properties
from kraj.verify.checks import Check, Status, equal, flatten, present

Connection = Any

#: scs-0102-v1, properties that every public image must have.
MANDATORY_IMAGE_PROPERTIES = (
    "architecture",
    "hw_disk_bus",
    "os_distro",
    "os_version",
    "image_build_date",
    "image_original_user",
    "image_source",
    "image_description",
    "replace_frequency",
    "uuid_validity",
    "provided_until",
)

#: scs-0123-v1, mandatory services, by the type that Keystone's catalogue gives them.
MANDATORY_SERVICES = {
    "compute": ("compute",),
    "identity": ("identity",),
    "image": ("image",),
    "network": ("network",),
    "load-balancer": ("load-balancer", "load_balancer"),
    "placement": ("placement",),
    "key-manager": ("key-manager", "key_manager"),
    "block-storage": ("block-storage", "block-store", "volumev3", "volume"),
}


@dataclass(frozen=True, slots=True)
class Credential:
    """A tenant's application credential. The secret is never printed."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Credential(id={self.id!r})"


def connect_as_tenant(cloud: Cloud, credential: Credential) -> Connection:
    """A connection with the tenant's own rights and no other source of credentials."""
    import openstack  # noqa: PLC0415 - slow to load, and used by `kraj verify` alone

    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_type="v3applicationcredential",
        auth={
            "auth_url": cloud.auth_url,
            "application_credential_id": credential.id,
            "application_credential_secret": credential.secret,
        },
        region_name=cloud.region_name,
        interface=cloud.interface,
        cacert=cloud.cacert,
        app_name="kraj",
    )


def check_standards(connection: Connection) -> tuple[Check, ...]:
    """All checks of this module."""
    return flatten(
        (
            _flavors(connection),
            _images(connection),
            _volume_types(connection),
            _default_rules(connection),
            _key_manager(connection),
            _services(connection),
        )
    )


def _flavors(connection: Connection) -> Iterator[Check]:
    found = {flavor.name: flavor for flavor in connection.compute.flavors(get_extra_specs=True)}
    for name, (vcpus, ram_gib, disk_gb) in MANDATORY_FLAVORS.items():
        actual = found.get(name)
        yield present("scs.flavor", name, actual, "scs-0103-v1")
        if actual is None:
            continue
        size = (actual.vcpus, actual.ram, actual.disk)
        yield equal("scs.flavor_size", name, (vcpus, ram_gib * 1024, disk_gb), size, "scs-0103-v1")
        wanted = flavor_properties(name, disk_gb)
        held = {key: (actual.extra_specs or {}).get(key) for key in wanted}
        yield equal("scs.flavor_properties", name, wanted, held, "scs-0103-v1")


def _images(connection: Connection) -> Iterator[Check]:
    public = [image for image in connection.image.images() if image.visibility == "public"]
    yield equal("scs.image", "public images", True, bool(public), "scs-0104-v1")
    for image in public:
        body = {**image.to_dict(original_names=True), **(image.properties or {})}
        missing = [name for name in MANDATORY_IMAGE_PROPERTIES if not body.get(name)]
        yield equal("scs.image_metadata", image.name, [], missing, "scs-0102-v1")


_ASPECTS = re.compile(r"\[scs:(?P<aspects>[^\[\]]*)\]")


def _volume_types(connection: Connection) -> Iterator[Check]:
    aspects: set[str] = set()
    for volume_type in connection.block_storage.types():
        match = _ASPECTS.match(volume_type.description or "")
        if match:
            aspects.update(part.strip() for part in match["aspects"].split(","))
    for aspect in ("encrypted", "replicated"):
        yield equal("scs.volume_type", aspect, True, aspect in aspects, "scs-0114-v1")


def _default_rules(connection: Connection) -> Iterator[Check]:
    rules = list(connection.network.default_security_group_rules())
    open_ingress = [
        str(rule.id) for rule in rules if rule.direction == "ingress" and not rule.remote_group_id
    ]
    yield equal("scs.default_rules_ingress", "default rules", [], open_ingress, "scs-0115-v1")
    egress = {rule.ether_type for rule in rules if rule.direction == "egress"}
    yield equal(
        "scs.default_rules_egress", "default rules", ["IPv4", "IPv6"], sorted(egress), "scs-0115-v1"
    )


def _key_manager(connection: Connection) -> Iterator[Check]:
    # The first request of a project makes Barbican note the project, and may meet its own twin.
    answer = connection.key_manager.get(
        "/secrets?limit=1", raise_exc=False, retriable_status_codes=[500], status_code_retries=3
    )
    actual = "usable" if answer.ok else f"{answer.status_code} {answer.reason}"
    yield equal("scs.key_manager", "secrets", "usable", actual, "scs-0116-v1")


def _services(connection: Connection) -> Iterator[Check]:
    access = connection.session.auth.get_access(connection.session)
    catalogue = {service["type"] for service in access.service_catalog.catalog}
    for service, types in MANDATORY_SERVICES.items():
        yield equal("scs.service", service, True, bool(catalogue & set(types)), "scs-0123-v1")


def skipped(reason: str) -> tuple[Check, ...]:
    """What stands in the report where the standards could not be checked."""
    return (Check("scs", "standards", Status.SKIPPED, message=reason),)
