"""The document of one tenant's environment."""

from __future__ import annotations

from typing import Literal

from kraj.model.service import Port, PortSource, ServiceCard, ServiceMode
from kraj.model.tenant import Tenant
from kraj.planning import addresses, transit
from kraj.planning.addresses import Allocation, Claim
from kraj.planning.boot_images import boot_image
from kraj.planning.capacity import POOL_PREFIX, Demand
from kraj.planning.centre import ROLES
from kraj.planning.context import Context
from kraj.planning.documents import (
    DnsRecord,
    FloatingAddress,
    LoadBalancer,
    LoadBalancerListener,
    LoadBalancerMember,
    SecurityGroup,
    ServerPool,
    TenantDocument,
    TenantPart,
    Transit,
    Zone,
)
from kraj.planning.naming import Names, tag_list, tags
from kraj.planning.networks import (
    ANYWHERE,
    CENTRE_NETWORKS,
    Prefixes,
    base_rules,
    by_family,
    by_prefix,
    centre_prefixes,
    network,
    router,
    service_rules,
    tenant_prefixes,
)
from kraj.planning.quotas import demand_of, override_demand, quota_for
from kraj.planning.servers import dedicated_pool, reserved_gib, server_pool

NETWORK = "services"


def claim_of(context: Context, slug: str, tenant: Tenant) -> Claim:
    """What the tenant needs of the address ledger."""
    services = tuple(card.name for card, _ in context.orders(tenant, ServiceMode.DEDICATED))
    return Claim(tenant.code, slug, services)


def build_tenant(context: Context, slug: str, tenant: Tenant) -> TenantDocument:
    """The whole document. The ledger of the context must hold the tenant's allocation."""
    region = context.region
    names = Names(region.naming.prefix, region.name, tenant.code, slug)
    labels = tags(
        region=region.name,
        tenant=tenant.code,
        service="tenant",
        owner=region.owner,
        cost_centre=tenant.cost_centre or region.cost_centre,
    )
    allocation = context.ledger.tenants[tenant.code]
    prefixes = tenant_prefixes(region, allocation)
    key_pair = names.of("operators")
    dedicated = context.orders(tenant, ServiceMode.DEDICATED)
    pools = tuple(
        server_pool(
            dedicated_pool(card, order, allocation.blocks[card.name]),
            names,
            region,
            prefixes,
            context.site.availability_zones,
            labels,
            key_pair,
            boot_image(context, card.name, card.image),
        )
        for card, order in dedicated
    )
    cards = [card for card, _order in dedicated]
    groups = _groups(context, names, cards, prefixes)
    balancers = _load_balancers(context, names, cards, pools, allocation)
    floating = _floating(context, tenant, cards, pools)
    # Without servers nothing needs a way outside, and a router would take an external address.
    routers = (router(names, context.site.external_network),) if pools else ()
    networks = (network(names, region, NETWORK, prefixes, routed=bool(routers)),)
    return TenantDocument(
        region=context.region_part,
        cloud=context.cloud,
        tenant=TenantPart(slug=slug, code=tenant.code, title=tenant.name, kind=tenant.kind.value),
        domain=context.domain(slug),
        tags=labels,
        tag_list=tag_list(labels),
        project=names.project,
        service_user=names.service_user,
        application_credential=names.of("automation"),
        roles=ROLES,
        quota=quota_for(
            region, pools, groups, networks, routers, floating, balancers, tenant.quota
        ),
        routers=routers,
        networks=networks,
        security_groups=groups,
        server_pools=pools,
        load_balancers=balancers,
        floating_addresses=floating,
        public_key=context.public_key,
        key_pair=key_pair,
        zone=_zone(context, slug, tenant, floating),
        transit=(
            Transit(network=transit.network_name(region), router=routers[0].name)
            if routers and region.centre.bastion
            else None
        ),
    )


def demand_of_tenant(context: Context, tenant: Tenant, document: TenantDocument) -> Demand:
    """All that the tenant takes: its own stack, or more where its quota lets it take more, and its
    part of the shared services' storage."""
    own = demand_of(
        context.region, document.server_pools, document.floating_addresses, document.routers
    ).at_least(override_demand(tenant.quota, len(document.routers)))
    shared = Demand(
        {
            POOL_PREFIX + card.orderable_volume.pool: reserved_gib(card, order)
            for card, order in context.orders(tenant, ServiceMode.SHARED)
            if card.orderable_volume is not None
        }
    )
    return Demand.total((own, shared))


def _is_public(card: ServiceCard) -> bool:
    return any(port.source is PortSource.PUBLIC for port in card.ports)


def _groups(
    context: Context, names: Names, cards: list[ServiceCard], prefixes: Prefixes
) -> tuple[SecurityGroup, ...]:
    """One group per service. None admits anything from another tenant: sources are the tenant's own
    prefix, the centre's, or (public ports without a load balancer) anyone."""
    region = context.region
    operators = transit.operators(region)
    # A load balancer's traffic reaches its members from inside the network.
    public = prefixes.each() if context.has_load_balancer else ANYWHERE
    centre = [part for key in CENTRE_NETWORKS for part in centre_prefixes(region, key).each()]
    return tuple(
        SecurityGroup(
            key=card.name,
            name=names.of(card.name),
            description=card.text(card.title, ("en",)),
            rules=(
                *base_rules(card.name, operators),
                *service_rules(
                    card,
                    public=by_family(public),
                    tenants=by_family(prefixes.each()),
                    centre=by_prefix(centre),
                ),
            ),
        )
        for card in cards
    )


def _load_balancers(
    context: Context,
    names: Names,
    cards: list[ServiceCard],
    pools: tuple[ServerPool, ...],
    allocation: Allocation,
) -> tuple[LoadBalancer, ...]:
    if not context.has_load_balancer:
        return ()
    return tuple(
        LoadBalancer(
            key=card.name,
            name=names.of(card.name),
            description=card.text(card.title, ("en",)),
            network=NETWORK,
            address=addresses.virtual_address(allocation.ipv4, allocation.blocks[card.name]),
            listeners=_listeners(names, card, pool),
        )
        for card, pool in zip(cards, pools, strict=True)
        if _is_public(card)
    )


def _listeners(
    names: Names, card: ServiceCard, pool: ServerPool
) -> tuple[LoadBalancerListener, ...]:
    members = [
        (server.name, server.ports[0].fixed_ipv4)
        for server in pool.servers
        if server.ports[0].fixed_ipv4 is not None
    ]
    ports = [port for port in card.ports if port.source is PortSource.PUBLIC]
    monitors = {port.port: _monitor(card, port) for port in ports}
    return tuple(
        LoadBalancerListener(
            key=port.name,
            name=names.of(card.name, port.name),
            protocol="TCP" if port.protocol == "tcp" else "UDP",
            port=port.port,
            pool_name=names.of(card.name, port.name),
            monitor_type=monitors[port.port][0],
            monitor_path=monitors[port.port][1],
            members=tuple(
                LoadBalancerMember(name=name, address=address, port=port.port)
                for name, address in members
            ),
        )
        for port in ports
    )


def _monitor(card: ServiceCard, port: Port) -> tuple[Literal["TCP", "HTTP", "HTTPS"], str | None]:
    """How members are asked: as the card says, because a standby listens and serves nobody."""
    check = card.health_check
    if port.port != check.port or check.path is None:
        return "TCP", None
    return "HTTPS" if check.protocol == "https" else "HTTP", check.path


def _floating(
    context: Context, tenant: Tenant, cards: list[ServiceCard], pools: tuple[ServerPool, ...]
) -> tuple[FloatingAddress, ...]:
    """One address per public service: to its load balancer, else to its first server."""
    found = []
    for card, pool in zip(cards, pools, strict=True):
        if not _is_public(card):
            continue
        balanced = context.has_load_balancer
        found.append(
            FloatingAddress(
                key=card.name,
                network=context.site.external_network,
                description=f"{card.name} of {tenant.name}",
                target_load_balancer=card.name if balanced else None,
                target_pool=None if balanced else pool.key,
                target_server=None if balanced else pool.servers[0].key,
            )
        )
    return tuple(found)


def _zone(
    context: Context, slug: str, tenant: Tenant, floating: tuple[FloatingAddress, ...]
) -> Zone | None:
    if not context.has_dns:
        return None
    name = f"{context.domain(slug)}."
    return Zone(
        name=name,
        email=context.region.dns.email,
        description=tenant.name,
        records=tuple(
            DnsRecord(key=item.key, name=f"{item.key}.{name}", type="A", floating_address=item.key)
            for item in floating
        ),
    )
