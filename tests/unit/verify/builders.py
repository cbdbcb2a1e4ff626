"""A small tenant and the cloud that holds exactly it; tests change one thing at a time."""

from __future__ import annotations

from kraj.planning.documents import (
    Cloud,
    Network,
    Quota,
    RegionPart,
    Router,
    Rule,
    SecurityGroup,
    Server,
    ServerPool,
    ServerPort,
    Subnet,
    TenantDocument,
    TenantPart,
    Volume,
)
from kraj.verify.reader import (
    FoundNetwork,
    FoundPort,
    FoundRule,
    FoundServer,
    FoundVolume,
    ProjectFound,
)

QUOTA = Quota(
    instances=4,
    cores=8,
    ram_mib=16384,
    networks=2,
    subnets=4,
    routers=1,
    ports=20,
    floating_ips=1,
    security_groups=4,
    security_group_rules=40,
    volumes=8,
    snapshots=8,
    gigabytes=500,
    volume_types_gib={"bulk": 300},
)


def _server(number: int, zone: str) -> Server:
    name = f"lib-563889-records-{number}"
    return Server(
        key=str(number),
        name=name,
        availability_zone=zone,
        ports=(
            ServerPort(
                network="services", fixed_ipv4=f"10.64.16.1{number}", security_groups=("records",)
            ),
        ),
        boot_volume=Volume(
            key="boot", name=f"{name}-boot", size_gib=20, volume_type="fast", pool="fast"
        ),
        data_volumes=(
            Volume(
                key="documents",
                name=f"{name}-documents",
                size_gib=100,
                volume_type="bulk",
                pool="bulk",
            ),
        ),
    )


def tenant_document() -> TenantDocument:
    """Two servers kept apart, a network with a router, one group of rules."""
    return TenantDocument(
        region=RegionPart(
            name="liberecky", title="Liberecký kraj", nuts="CZ051", zone="kraj.example"
        ),
        cloud=Cloud(name="lab", auth_url="http://127.0.0.1:5000/v3", region_name="RegionOne"),
        tenant=TenantPart(slug="liberec", code="563889", title="Liberec", kind="extended-powers"),
        domain="liberec.liberecky.example",
        tags={"kraj_region": "liberecky"},
        tag_list=("kraj_region=liberecky",),
        project="liberecky-563889-liberec",
        service_user="liberecky-563889-service",
        application_credential="kraj",
        roles=("member",),
        quota=QUOTA,
        routers=(Router(name="liberec-router", external_network="public"),),
        networks=(
            Network(
                key="services",
                name="liberec-services",
                ipv4=Subnet(
                    name="liberec-services-ipv4",
                    cidr="10.64.16.0/24",
                    gateway="10.64.16.1",
                    allocation_start="10.64.16.128",
                    allocation_end="10.64.16.254",
                ),
                router="liberec-router",
            ),
        ),
        security_groups=(
            SecurityGroup(
                key="records",
                name="liberec-records",
                rules=(
                    Rule(key="egress", direction="egress", ethertype="IPv4"),
                    Rule(key="https", ethertype="IPv4", protocol="tcp", port_min=443, port_max=443),
                    Rule(key="peers", ethertype="IPv4", remote_group="records"),
                ),
            ),
        ),
        server_pools=(
            ServerPool(
                key="records",
                server_group="liberec-records",
                policy="anti-affinity",
                flavor="SCS-2V-4",
                image="Debian 12",
                servers=(_server(1, "site-a"), _server(2, "site-b")),
            ),
        ),
        public_key="ssh-ed25519 AAAA operators@liberecky.example",
        key_pair="operators",
    )


def found_project() -> ProjectFound:
    """What a cloud answers that runs `tenant_document` exactly."""
    document = tenant_document()
    servers = document.server_pools[0].servers
    return ProjectFound(
        id="p1",
        name=document.project,
        enabled=True,
        tags=frozenset(document.tag_list),
        servers=tuple(
            FoundServer(
                id=f"s{server.key}",
                name=server.name,
                status="ACTIVE",
                host=f"compute{server.key}",
                availability_zone=server.availability_zone or "",
                flavor="SCS-2V-4",
                addresses=(server.ports[0].fixed_ipv4 or "",),
                volumes=(f"boot{server.key}", f"data{server.key}"),
                metadata={},
            )
            for server in servers
        ),
        server_groups={"liberec-records": "anti-affinity"},
        volumes=tuple(
            FoundVolume(
                id=f"{kind}{server.key}",
                name="" if kind == "boot" else volume.name,
                size_gib=volume.size_gib,
                volume_type=volume.volume_type,
                status="in-use",
                server_ids=(f"s{server.key}",),
                metadata={},
            )
            for server in servers
            for kind, volume in (("boot", server.boot_volume), ("data", server.data_volumes[0]))
        ),
        networks=(
            FoundNetwork(
                "n1", "liberec-services", "ACTIVE", frozenset({"10.64.16.0/24"}), False, frozenset()
            ),
        ),
        ports=(
            FoundPort(
                "po1",
                "n1",
                "ACTIVE",
                "s1",
                frozenset({"10.64.16.11"}),
                frozenset({"liberec-records"}),
                port_security=True,
            ),
        ),
        routers={"liberec-router": frozenset({"n1"})},
        security_groups={
            "liberec-records": (
                FoundRule("egress", "IPv4", None, None, None, None, None),
                FoundRule("ingress", "IPv4", "tcp", 443, 443, "0.0.0.0/0", None),
                FoundRule("ingress", "IPv4", None, None, None, None, "liberec-records"),
            )
        },
        floating_addresses={},
        compute_quota={
            "instances": 4,
            "cores": 8,
            "ram": 16384,
            "key_pairs": 10,
            "server_groups": 10,
            "server_group_members": 10,
        },
        network_quota={
            "network": 2,
            "subnet": 4,
            "router": 1,
            "port": 20,
            "floatingip": 1,
            "security_group": 4,
            "security_group_rule": 40,
        },
        volume_quota={"volumes": 8, "snapshots": 8, "gigabytes": 500, "gigabytes_bulk": 300},
        roles={"liberecky-563889-service": frozenset({"member"})},
    )
