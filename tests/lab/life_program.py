"""The tenant of `tests.lab.life`: what it has at first (stage 1) and after its change (stage 2).

The change has updates, replacements in both orders, additions and removals. Run by an engine.
"""

import pulumi
import pulumi_openstack as o

config = pulumi.Config()
name, parts = config.require("name"), config.require("parts").split(",")
later = config.require("stage") == "2"
anew = pulumi.ResourceOptions(delete_before_replace=True)

net = o.networking.Network(
    "net", name=name, tags=["life", "later" if later else "early"], mtu=1400 if later else 1450
)
subnet = o.networking.Subnet(
    "subnet",
    name=name,
    network_id=net.id,
    cidr="10.77.0.0/24",
    ip_version=4,
    dns_nameservers=["192.0.2.53"] if later else [],
    tags=["life"],
)
o.networking.Subnet(
    "moved", network_id=net.id, cidr="10.79.0.0/24" if later else "10.78.0.0/24", ip_version=4
)
group = o.networking.SecGroup(
    "group", name=name, delete_default_rules=True, description="later" if later else "early"
)
for number in (80, 443) if later else (22, 80):
    o.networking.SecGroupRule(
        f"rule-{number}",
        security_group_id=group.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=number,
        port_range_max=number,
    )
ports = {
    number: o.networking.Port(
        f"port-{number}",
        name=f"{name}-{number}",
        network_id=net.id,
        security_group_ids=[group.id],
        tags=["life"] if number == 1 else [],
        fixed_ips=[
            o.networking.PortFixedIpArgs(subnet_id=subnet.id, ip_address=f"10.77.0.{number + 10}")
        ],
    )
    for number in ((1, 3) if later else (1, 2))
}

if "address" in parts:
    router = o.networking.Router(
        "router",
        name=name,
        external_network_id=o.networking.get_network(name="public", external=True).id,
    )
    interface = o.networking.RouterInterface("interface", router_id=router.id, subnet_id=subnet.id)
    after = pulumi.ResourceOptions(depends_on=[interface])
    # Without a description it has nothing that it could be told from others by.
    o.networking.FloatingIp("address", pool="public", port_id=ports[1].id, opts=after)
    if later:
        o.networking.FloatingIp("more", pool="public", description=name, opts=after)
if "volume" in parts:
    o.blockstorage.Volume(
        "volume", name=name, size=2 if later else 1, metadata={"stage": "2" if later else "1"}
    )
if "dns" in parts:
    zone = o.dns.Zone(
        "zone", name=f"{name}.example.", email="a@example.org", ttl=600 if later else 300
    )
    o.dns.RecordSet(
        "record",
        zone_id=zone.id,
        name=f"{'web' if later else 'www'}.{name}.example.",
        type="A",
        records=["192.0.2.1"],
    )
if "credential" in parts:
    o.identity.ApplicationCredential(
        "credential", name=name, description="later" if later else "early", opts=anew
    )
if "people" in parts:
    project = o.identity.Project(
        "project", name=f"{name}-people", description="later" if later else "", tags=["life"]
    )
    user = o.identity.User("user", name=name, password=f"Life-{name}", enabled=not later)
    role = o.identity.Role("role", name=name)
    o.identity.RoleAssignment("grant", project_id=project.id, user_id=user.id, role_id=role.id)
if "key" in parts:
    o.compute.Keypair("key", name=f"{name}-{'later' if later else 'early'}")
if "server" in parts:
    o.compute.Instance(
        "server",
        name=f"{name}-{'later' if later else 'early'}",
        flavor_name=config.require("flavor"),
        image_id=config.require("image"),
        networks=[o.compute.InstanceNetworkArgs(port=ports[1].id)],
        metadata={"stage": "2" if later else "1"},
        tags=["life"],
    )
if "balancer" in parts:
    balancer = o.loadbalancer.LoadBalancer(
        "balancer", name=name, vip_subnet_id=subnet.id, description="later" if later else ""
    )
    listener = o.loadbalancer.Listener(
        "listener", loadbalancer_id=balancer.id, protocol="HTTP", protocol_port=80
    )
    pool = o.loadbalancer.Pool(
        "pool",
        name=name,
        listener_id=listener.id,
        protocol="HTTP",
        lb_method="SOURCE_IP" if later else "ROUND_ROBIN",
    )
    for number in (1, 2) if later else (1,):
        o.loadbalancer.Member(
            f"member-{number}", pool_id=pool.id, address=f"10.77.0.{number + 10}", protocol_port=80
        )
    o.loadbalancer.Monitor(
        "monitor", pool_id=pool.id, type="TCP", delay=5, timeout=3, max_retries=3
    )
