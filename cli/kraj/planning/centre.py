"""The document of the technology centre: what it offers to all, and its own servers."""

from __future__ import annotations

import ipaddress

from kraj.model.region import Offer
from kraj.model.service import ServiceCard, ServiceMode
from kraj.planning import standards, transit
from kraj.planning.boot_images import boot_image
from kraj.planning.context import Context
from kraj.planning.documents import (
    CentreDocument,
    DnsRecord,
    FloatingAddress,
    Rule,
    SecurityGroup,
    ServerPool,
    Zone,
)
from kraj.planning.naming import CENTRE_CODE, Names, tag_list, tags
from kraj.planning.networks import (
    ANYWHERE,
    CENTRE_NETWORKS,
    Ethertype,
    Prefixes,
    address_pools,
    base_rules,
    by_family,
    by_prefix,
    centre_prefixes,
    network,
    router,
    service_rules,
    source_of,
    ssh_rule,
    tenant_prefixes,
)
from kraj.planning.quotas import quota_for
from kraj.planning.servers import (
    PoolPlan,
    bastion_pool,
    centre_pool,
    reserved_gib,
    server_pool,
    shared_pool,
)

#: Roles of a project's service user, so far as the cloud knows them (scs-0116 asks for `creator`).
ROLES = ("member", "creator", "load-balancer_member")

#: Ports of the load-balancer pair that anyone may reach: (name, protocol, port).
LOAD_BALANCER_PORTS = (("http", "tcp", 80), ("https", "tcp", 443))
DATABASE_PORT = 5432

#: Pools of the centre's own; no shared service may have such a name.
BALANCER, DATABASE, BASTION = "load-balancer", "database", "bastion"
CENTRE_POOLS = (BALANCER, DATABASE, BASTION)


def build_centre(context: Context) -> CentreDocument:
    """The whole document."""
    region = context.region
    names = Names(region.naming.prefix, region.name, CENTRE_CODE)
    labels = tags(
        region=region.name,
        tenant=CENTRE_CODE,
        service=CENTRE_CODE,
        owner=region.owner,
        cost_centre=region.cost_centre,
    )
    prefixes = {key: centre_prefixes(region, key) for key in CENTRE_NETWORKS}
    plans = _pool_plans(context)
    key_pair = names.of("operators")
    pools = tuple(
        server_pool(
            plan,
            names,
            region,
            prefixes[plan.network],
            context.site.availability_zones,
            labels,
            key_pair,
            boot_image(context, plan.key, plan.image),
        )
        for plan in plans
    )
    groups = _groups(context, names, prefixes)
    floating = _floating(context, pools)
    lengths = {4: (transit.transit_prefix(region).prefixlen,)} if region.centre.bastion else {}
    scopes, subnet_pools = address_pools(region, lengths)
    routers = (router(names, context.site.external_network),)
    networks = tuple(network(names, region, key, prefixes[key]) for key in prefixes)
    if region.centre.bastion:
        networks += (transit.transit_network(names, region),)
    mirror, there = context.site.image_mirror, context.site.provides
    return CentreDocument(
        region=context.region_part,
        cloud=context.cloud,
        domain=context.domain(CENTRE_CODE),
        tags=labels,
        tag_list=tag_list(labels),
        project=names.project,
        service_user=names.service_user,
        roles=ROLES,
        quota=quota_for(region, pools, groups, networks, routers, floating),
        flavors=() if Offer.FLAVORS in there else standards.flavors(region.sizes),
        images=(
            ()
            if Offer.IMAGES in there
            else tuple(standards.image(entry, mirror) for entry in region.images)
        ),
        volume_types=(
            ()
            if Offer.VOLUME_TYPES in there
            else tuple(standards.volume_type(pool) for pool in region.storage.pools)
        ),
        address_scopes=scopes,
        subnet_pools=subnet_pools,
        routers=routers,
        networks=networks,
        security_groups=groups,
        server_pools=pools,
        floating_addresses=floating,
        public_key=context.public_key,
        key_pair=key_pair,
        zone=_zone(context, floating),
    )


def _pool_plans(context: Context) -> list[PoolPlan]:
    centre, record = context.region.centre, context.ledger.centre
    plans = [
        centre_pool(BALANCER, centre.load_balancer, centre.image, "dmz", 0),
        centre_pool(DATABASE, centre.database, centre.image, "service", 0),
    ]
    if centre.bastion is not None:
        plans.append(bastion_pool(BASTION, centre.bastion, centre.image))
    shared = [
        shared_pool(card, record.reserved_gib[card.name], record.blocks[card.name])
        for card in context.shared_services()
    ]
    return plans + shared


def reserved_total(context: Context, card: ServiceCard) -> int:
    """GiB that all tenants together have reserved in a shared service."""
    return sum(
        reserved_gib(card, order)
        for tenant in context.files.tenants.values()
        for other, order in context.orders(tenant, ServiceMode.SHARED)
        if other.name == card.name
    )


def _groups(
    context: Context, names: Names, prefixes: dict[str, Prefixes]
) -> tuple[SecurityGroup, ...]:
    management = prefixes["management"]
    inside = [prefixes["service"], prefixes["dmz"]]
    operators = transit.operators(context.region)
    groups = [
        SecurityGroup(
            key=BALANCER,
            name=names.of(BALANCER),
            description="Load-balancer pair of the centre",
            rules=(
                *base_rules(BALANCER, operators),
                *_open_rules(),
            ),
        ),
        SecurityGroup(
            key=DATABASE,
            name=names.of(DATABASE),
            description="Database cluster of the centre",
            rules=(*base_rules(DATABASE, operators), *_database_rules(inside)),
        ),
    ]
    if context.region.centre.bastion is not None:
        allowed = context.region.centre.bastion.allowed_from
        groups.append(
            SecurityGroup(
                key=BASTION,
                name=names.of(BASTION),
                description="The operators' way in",
                rules=(
                    *base_rules(BASTION, operators),
                    *(ssh_rule(source_of(cidr), "Operators") for cidr in allowed),
                ),
            )
        )
    centre = [part for one in (management, *inside) for part in one.each()]
    for card in context.shared_services():
        rules = service_rules(
            card,
            # Anyone comes through the load-balancer pair, which stands in the dmz.
            public=by_family(prefixes["dmz"].each()),
            tenants=by_prefix(_networks_of_orderers(context, card)),
            centre=by_prefix(centre),
        )
        groups.append(
            SecurityGroup(
                key=card.name,
                name=names.of(card.name),
                description=card.text(card.title, ("en",)),
                rules=(*base_rules(card.name, operators), *rules),
            )
        )
    return tuple(groups)


def _networks_of_orderers(context: Context, card: ServiceCard) -> list[tuple[Ethertype, str]]:
    """The networks of the tenants that order a service, neighbours joined to shorter prefixes."""
    ordering = [
        tenant_prefixes(context.region, context.ledger.tenants[tenant.code])
        for tenant in context.files.tenants.values()
        if tenant.order(card.name) is not None
    ]
    ipv4 = ipaddress.collapse_addresses(prefixes.ipv4 for prefixes in ordering)
    ipv6 = ipaddress.collapse_addresses(
        prefixes.ipv6 for prefixes in ordering if prefixes.ipv6 is not None
    )
    return [
        *(("IPv4", str(prefix)) for prefix in ipv4),
        *(("IPv6", str(prefix)) for prefix in ipv6),
    ]


def _open_rules() -> list[Rule]:
    return [
        Rule(
            key=f"{name}-{ethertype.lower()}",
            ethertype=ethertype,
            protocol=protocol,
            port_min=port,
            port_max=port,
            remote_cidr=cidr,
            description=f"{name} from anyone",
        )
        for name, protocol, port in LOAD_BALANCER_PORTS
        for ethertype, cidr in ANYWHERE
    ]


def _database_rules(inside: list[Prefixes]) -> list[Rule]:
    return [
        Rule(
            key=f"postgresql-{number}-{ethertype.lower()}",
            ethertype=ethertype,
            protocol="tcp",
            port_min=DATABASE_PORT,
            port_max=DATABASE_PORT,
            remote_cidr=cidr,
            description="PostgreSQL from the centre",
        )
        for number, prefixes in enumerate(inside)
        for ethertype, cidr in prefixes.each()
    ]


def _floating(context: Context, pools: tuple[ServerPool, ...]) -> tuple[FloatingAddress, ...]:
    balancer = next(pool for pool in pools if pool.key == BALANCER)
    bastions = (pool for pool in pools if pool.key == BASTION)
    return (
        FloatingAddress(
            key=BALANCER,
            network=context.site.external_network,
            description=f"Load balancer of {context.region.title}",
            target_pool=balancer.key,
            target_server=balancer.servers[0].key,
        ),
        *(
            FloatingAddress(
                key=f"{BASTION}-{server.key}",
                network=context.site.external_network,
                description=f"Bastion {server.key} of {context.region.title}",
                target_pool=pool.key,
                target_server=server.key,
            )
            for pool in bastions
            for server in pool.servers
        ),
    )


def _zone(context: Context, floating: tuple[FloatingAddress, ...]) -> Zone | None:
    if not context.has_dns:
        return None
    domain = context.domain(CENTRE_CODE)
    return Zone(
        name=f"{domain}.",
        email=context.region.dns.email,
        description=context.region.title,
        records=tuple(
            DnsRecord(
                key=item.key,
                name=f"{item.key}.{domain}.",
                type="A",
                floating_address=item.key,
            )
            for item in floating
        ),
    )
