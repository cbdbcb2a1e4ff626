"""What must hold before anything is planned, beyond what the files say of themselves.

These rules come from how planning lays things out (blocks of addresses, names in the centre), so
the model cannot know them. All that is wrong is found in one pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from kraj.errors import KrajError, KrajErrors
from kraj.model.service import ServiceMode
from kraj.planning import transit
from kraj.planning.addresses import SERVERS_PER_BLOCK
from kraj.planning.centre import CENTRE_POOLS
from kraj.planning.context import Context
from kraj.planning.errors import CENTRE_TOO_SMALL, NAME_TAKEN, TOO_MANY_SERVERS
from kraj.planning.naming import CENTRE_CODE
from kraj.planning.networks import CENTRE_NETWORKS, centre_fits


def check_preconditions(context: Context) -> None:
    """Raise KrajErrors with all of KRJ205, KRJ206 and KRJ221 that hold."""
    errors = [*_centre(context), *_cards(context), *_tenants(context)]
    if errors:
        raise KrajErrors(errors)


def _centre(context: Context) -> Iterator[KrajError]:
    region = context.region
    if not centre_fits(region):
        lengths = [region.network.ipv4.centre_prefix_length]
        if region.network.ipv6 is not None:
            lengths.append(region.network.ipv6.centre_prefix_length)
        shown = " and ".join(f"/{length}" for length in lengths)
        yield KrajError(
            CENTRE_TOO_SMALL,
            f"centre prefixes of {shown} have no room for the networks "
            f"{', '.join(CENTRE_NETWORKS)} and their servers",
            context.files.locate("region", path=("network",)),
        )
    else:
        yield from _transit(context)
    for key, group in region.centre.groups().items():
        count = group.servers
        if count > SERVERS_PER_BLOCK:
            yield KrajError(
                TOO_MANY_SERVERS,
                f"{count} servers are more than the {SERVERS_PER_BLOCK} of a block of addresses",
                context.files.locate("region", path=("centre", key, "servers")),
            )


def _transit(context: Context) -> Iterator[KrajError]:
    """More tenants with a router than have room in the network that leads to them."""
    files = context.files
    room = transit.routers(context.region)
    wanted = sum(
        bool(context.orders(tenant, ServiceMode.DEDICATED)) for tenant in files.tenants.values()
    )
    if context.region.centre.bastion is not None and wanted > room:
        yield KrajError(
            CENTRE_TOO_SMALL,
            f"the network transit, {transit.transit_prefix(context.region)}, has room for {room} "
            f"tenants with servers; there are {wanted}",
            files.locate("region", path=("network", "ipv4", "centre_prefix_length")),
        )


def _cards(context: Context) -> Iterator[KrajError]:
    files = context.files
    ordered = {order.service for tenant in files.tenants.values() for order in tenant.services}
    for name in sorted(ordered):
        card = files.services[name]
        if card.servers > SERVERS_PER_BLOCK:
            yield KrajError(
                TOO_MANY_SERVERS,
                f"{card.servers} servers are more than the {SERVERS_PER_BLOCK} of a block of "
                "addresses",
                files.locate("service", name, ("servers",)),
            )
        if card.mode is ServiceMode.SHARED and name in CENTRE_POOLS:
            yield KrajError(
                NAME_TAKEN,
                f"the centre has servers called {name!r} of its own",
                files.locate("service", name, ("name",)),
            )


def _tenants(context: Context) -> Iterator[KrajError]:
    """A tenant whose DNS zone would be the centre's."""
    if CENTRE_CODE in context.files.tenants:
        yield KrajError(
            NAME_TAKEN,
            f"the slug {CENTRE_CODE!r} is the centre's: both would have the zone "
            f"{CENTRE_CODE}.{context.region.dns.zone}",
            context.files.locate("tenant", CENTRE_CODE),
        )
