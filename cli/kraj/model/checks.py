"""Rules between files: names that must exist, identities that differ, ranges that are apart.

Each function looks at one kind of rule and yields what it finds; none of them stops at the first.
What an order costs in capacity, and whether it fits, is planning's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from zoneinfo import ZoneInfo, available_timezones

from kraj.errors import KrajError, Location
from kraj.model.errors import (
    ADDRESS_OVERLAP,
    DUPLICATE_IDENTITY,
    FILE_NAME,
    IDENTITY_FORMAT,
    ORDER_MISMATCH,
    STORAGE_RANGE,
    UNKNOWN_NAME,
    WRONG_VALUE,
)
from kraj.model.identities import company_id_fault, lau_fault
from kraj.model.neighbours import neighbours_of
from kraj.model.problems import did_you_mean, listed
from kraj.model.region import Region
from kraj.model.service import ServiceCard, ServiceMode
from kraj.model.sources import Sources
from kraj.model.tenant import Order, Tenant

Tenants = Mapping[str, Tenant]
Services = Mapping[str, ServiceCard]


def check_files(
    sources: Sources,
    region: Region | None,
    tenants: Tenants,
    services: Services,
    unreadable_services: Collection[str],
) -> Iterator[KrajError]:
    """Everything that is wrong between the files.

    A region of None (its file has errors of its own) skips the rules that need it; orders of a
    service whose card is unreadable are not held against the tenants.
    """
    yield from _identities(sources, tenants)
    if region is not None:
        yield from _region_names(sources, region)
        yield from _centre(sources, region)
        yield from _neighbours(sources, region)
        yield from _codes(sources, region, tenants)
        yield from _cards(sources, region, tenants, services)
        yield from _prices(sources, region, {*services, *unreadable_services})
    for slug, tenant in tenants.items():
        for index, order in enumerate(tenant.services):
            card = services.get(order.service)
            if card is not None:
                yield from _order(sources, slug, index, order, card, region)
            elif order.service not in unreadable_services:
                place = sources.locate("tenant", slug, ("services", index, "service"))
                names = {*services, *unreadable_services}
                yield _unknown("service", order.service, sorted(names), place)
        if region is not None:
            pools = [pool.name for pool in region.storage.pools]
            for pool in tenant.quota.pools:
                if pool not in pools:
                    place = sources.locate("tenant", slug, ("quota", "pools", pool), key=True)
                    yield _unknown("pool", pool, pools, place)


def _identities(sources: Sources, tenants: Tenants) -> Iterator[KrajError]:
    """LAU codes, identification numbers and NUTS codes that two tenants have."""
    words = {"lau": "LAU code", "company_id": "identification number", "nuts": "NUTS code"}
    for key, word in words.items():
        owners: dict[str, str] = {}
        for slug, tenant in tenants.items():
            value = getattr(tenant, key)
            if value is None:
                continue
            owner = owners.setdefault(value, slug)
            if owner != slug:
                message = f"the {word} {value!r} belongs to {tenants[owner].name} ({owner}) already"
                place = sources.locate("tenant", slug, (key,))
                yield KrajError(DUPLICATE_IDENTITY, message, place)


def _region_names(sources: Sources, region: Region) -> Iterator[KrajError]:
    folder = sources.folder.absolute().name
    if region.name != folder:
        message = f"the region's name is {region.name!r}, but its folder is {folder!r}"
        yield KrajError(FILE_NAME, message, sources.locate("region", path=("name",)))
    try:
        ZoneInfo(region.time_zone)
    except (KeyError, OSError, ValueError):  # not found, a folder, a path that leads outside
        place = sources.locate("region", path=("time_zone",))
        yield _unknown("time zone", region.time_zone, available_timezones(), place)


def _centre(sources: Sources, region: Region) -> Iterator[KrajError]:
    """Names that the centre's servers use, and boot volumes too small for their image."""
    centre = region.centre
    images = {image.name: image for image in region.images}
    pools = [pool.name for pool in region.storage.pools]
    image = images.get(centre.image)
    if image is None:
        place = sources.locate("region", path=("centre", "image"))
        yield _unknown("image", centre.image, images, place)
    for key, servers in centre.groups().items():
        for what, known in (("size", region.sizes), ("pool", pools)):
            name = getattr(servers, what)
            if name not in known:
                place = sources.locate("region", path=("centre", key, what))
                yield _unknown(what, name, known, place)
        if image is not None and servers.boot_volume < image.min_disk:
            place = sources.locate("region", path=("centre", key, "boot_volume"))
            message = (
                f"the boot volume of {servers.boot_volume} is smaller than {image.min_disk}, "
                f"which the image {image.name!r} needs"
            )
            yield KrajError(WRONG_VALUE, message, place)


def _prices(sources: Sources, region: Region, services: Collection[str]) -> Iterator[KrajError]:
    """Prices of pools and services that are not there, and pools without a price."""
    if region.prices is None:
        return
    pools = [pool.name for pool in region.storage.pools]
    for key, what, known in (("storage_gib", "pool", pools), ("services", "service", services)):
        for name in getattr(region.prices, key):
            if name not in known:
                place = sources.locate("region", path=("prices", key, name), key=True)
                yield _unknown(what, name, sorted(known), place)
    for pool in pools:
        if pool not in region.prices.storage_gib:
            place = sources.locate("region", path=("prices", "storage_gib"))
            yield KrajError(WRONG_VALUE, f"the pool {pool!r} has no price", place)


def _neighbours(sources: Sources, region: Region) -> Iterator[KrajError]:
    """Supernets that overlap those of another region on the same cloud."""
    clouds = {cloud.name for cloud in region.clouds}
    own: dict[str, IPv4Network | IPv6Network] = {"ipv4": region.network.ipv4.supernet}
    if region.network.ipv6 is not None:
        own["ipv6"] = region.network.ipv6.supernet
    for neighbour in neighbours_of(sources.folder):
        if clouds.isdisjoint(neighbour.clouds):
            continue
        for version, supernet in own.items():
            for theirs in neighbour.supernets:
                if supernet.version == theirs.version and supernet.overlaps(theirs):
                    place = sources.locate("region", path=("network", version, "supernet"))
                    message = (
                        f"the supernet {supernet} overlaps {theirs} of the region "
                        f"{neighbour.name!r} on the same cloud"
                    )
                    yield KrajError(ADDRESS_OVERLAP, message, place)


def _codes(sources: Sources, region: Region, tenants: Tenants) -> Iterator[KrajError]:
    """Codes that do not have the form of the region's country, or name another region."""
    for slug, tenant in tenants.items():
        faults = {
            "lau": tenant.lau and lau_fault(region.country, tenant.lau),
            "company_id": tenant.company_id and company_id_fault(region.country, tenant.company_id),
        }
        if tenant.nuts is not None and tenant.nuts != region.nuts:
            faults["nuts"] = f"the NUTS code {tenant.nuts!r} is not the region's, {region.nuts!r}"
        for key, message in faults.items():
            if message:
                place = sources.locate("tenant", slug, (key,))
                yield KrajError(IDENTITY_FORMAT, message, place)


def _cards(
    sources: Sources, region: Region, tenants: Tenants, services: Services
) -> Iterator[KrajError]:
    """Names that the cards of ordered services use and the region does not define.

    Cards of services that nobody here orders may name what only other regions have.
    """
    ordered = {order.service for tenant in tenants.values() for order in tenant.services}
    pools = [pool.name for pool in region.storage.pools]
    images = [image.name for image in region.images]
    sites = max(len(cloud.sites) for cloud in region.clouds)
    for name in sorted(ordered & services.keys()):
        card = services[name]
        uses: list[tuple[str, str, Collection[str], Sequence[str | int]]] = [
            ("image", card.image, images, ("image",)),
            ("pool", card.boot_pool, pools, ("boot_pool",)),
        ]
        for index, volume in enumerate(card.data_volumes):
            uses.append(("pool", volume.pool, pools, ("data_volumes", index, "pool")))
        if card.mode is ServiceMode.SHARED:
            uses.append(("size", card.default_size, region.sizes, ("default_size",)))
        for what, value, known, path in uses:
            if value not in known:
                yield _unknown(what, value, known, sources.locate("service", name, path))
        if card.availability.level > 2 and sites < 2:
            message = f"{card.availability.value} needs two sites, and the region has one"
            place = sources.locate("service", name, ("availability",))
            yield KrajError(ORDER_MISMATCH, message, place)


def _order(
    sources: Sources,
    slug: str,
    index: int,
    order: Order,
    card: ServiceCard,
    region: Region | None,
) -> Iterator[KrajError]:
    """An order against the card of its service."""

    def place(key: str) -> Location:
        return sources.locate("tenant", slug, ("services", index, key))

    if card.mode is ServiceMode.SHARED and order.size is not None:
        message = f"the service {card.name!r} is shared, so an order has no size"
        yield KrajError(ORDER_MISMATCH, message, place("size"))
    elif card.mode is ServiceMode.DEDICATED:
        size = order.size or card.default_size
        if size not in card.sizes and (region is None or size in region.sizes):
            message = f"the service {card.name!r} has no size {size!r}, only {listed(card.sizes)}"
            yield KrajError(ORDER_MISMATCH, message, place("size"))
        elif region is not None and size not in region.sizes:
            yield _unknown("size", size, region.sizes, place("size"))
    volume = card.orderable_volume
    if order.storage is None:
        return
    if volume is None:
        message = f"the service {card.name!r} has no storage that can be ordered"
        yield KrajError(ORDER_MISMATCH, message, place("storage"))
    elif not volume.minimum <= order.storage <= volume.maximum:
        message = (
            f"{order.storage} is outside the range of the service {card.name!r}, "
            f"{volume.minimum} to {volume.maximum}"
        )
        yield KrajError(STORAGE_RANGE, message, place("storage"))


def _unknown(what: str, name: str, known: Collection[str], place: Location) -> KrajError:
    """A name that is defined nowhere; few known ones are listed."""
    similar = did_you_mean(name, known)
    hint = f"Known: {listed(known)}." if len(known) <= 20 and not similar else ""
    return KrajError(UNKNOWN_NAME, f"unknown {what} {name!r}{similar}", place, hint=hint)
