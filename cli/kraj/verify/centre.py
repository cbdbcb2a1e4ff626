"""Judges what the centre offers to all tenants: flavours, images, volume types, address pools."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from kraj.planning.documents import CentreDocument
from kraj.verify.checks import Check, equal, flatten, present

Connection = Any


def compare_offer(document: CentreDocument, connection: Connection) -> tuple[Check, ...]:
    """Read the shared offer with an administrator's connection and compare it with the plan."""
    return flatten(
        (
            _flavors(document, connection),
            _images(document, connection),
            _volume_types(document, connection),
            _address_pools(document, connection),
        )
    )


def _flavors(document: CentreDocument, connection: Connection) -> Iterator[Check]:
    found = {
        flavor.name: flavor
        for flavor in connection.compute.flavors(is_public=None, get_extra_specs=True)
    }
    for flavor in document.flavors:
        actual = found.get(flavor.name)
        yield present("flavor.exists", flavor.name, actual)
        if actual is None:
            continue
        wanted = (flavor.vcpus, flavor.ram_mib, flavor.disk_gib)
        yield equal("flavor.size", flavor.name, wanted, (actual.vcpus, actual.ram, actual.disk))
        specs = {key: actual.extra_specs.get(key) for key in flavor.extra_specs}
        yield equal("flavor.extra_specs", flavor.name, flavor.extra_specs, specs)


def _images(document: CentreDocument, connection: Connection) -> Iterator[Check]:
    found = {image.name: image for image in connection.image.images()}
    for image in document.images:
        actual = found.get(image.name)
        yield present("image.exists", image.name, actual)
        if actual is None:
            continue
        yield equal("image.active", image.name, "active", actual.status)
        yield equal("image.visibility", image.name, image.visibility, actual.visibility)
        body = {**actual.to_dict(original_names=True), **(actual.properties or {})}
        held = {key: str(body.get(key, "")) for key in image.properties}
        # Glance writes booleans of well-known properties its own way.
        wanted = {key: str(value) for key, value in image.properties.items()}
        differing = sorted(key for key in wanted if wanted[key].casefold() != held[key].casefold())
        yield equal("image.properties", image.name, [], differing)


def _volume_types(document: CentreDocument, connection: Connection) -> Iterator[Check]:
    found = {item.name: item for item in connection.block_storage.types()}
    for volume_type in document.volume_types:
        actual = found.get(volume_type.name)
        yield present("volume_type.exists", volume_type.name, actual)
        if actual is None:
            continue
        yield equal(
            "volume_type.description",
            volume_type.name,
            volume_type.description,
            actual.description or "",
        )
        specs = {key: (actual.extra_specs or {}).get(key) for key in volume_type.extra_specs}
        yield equal("volume_type.extra_specs", volume_type.name, volume_type.extra_specs, specs)


def _address_pools(document: CentreDocument, connection: Connection) -> Iterator[Check]:
    scopes = {scope.name: scope for scope in connection.network.address_scopes()}
    pools = {pool.name: pool for pool in connection.network.subnet_pools()}
    for scope in document.address_scopes:
        yield present("address_scope.exists", scope.name, scopes.get(scope.name))
    for pool in document.subnet_pools:
        actual = pools.get(pool.name)
        yield present("subnet_pool.exists", pool.name, actual)
        if actual is None:
            continue
        # Neutron merges neighbouring prefixes: compare the addresses covered, not their writing.
        yield equal(
            "subnet_pool.prefixes", pool.name, _covered(pool.prefixes), _covered(actual.prefixes)
        )
        scope_id = getattr(scopes.get(pool.address_scope), "id", None)
        yield equal("subnet_pool.address_scope", pool.name, scope_id, actual.address_scope_id)


def _covered(prefixes: Any) -> list[str]:
    networks = [ipaddress.ip_network(prefix) for prefix in prefixes]
    four = [net for net in networks if isinstance(net, ipaddress.IPv4Network)]
    six = [net for net in networks if isinstance(net, ipaddress.IPv6Network)]
    merged = [*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six)]
    return [str(network) for network in merged]
