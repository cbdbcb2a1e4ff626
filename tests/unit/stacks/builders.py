"""Small documents for the stack programs; tests change one thing at a time with `model_copy`."""

from __future__ import annotations

from typing import Any

from kraj.planning import documents

REGION = documents.RegionPart(
    name="liberecky", title="Liberecký kraj", nuts="CZ051", zone="kraj.example"
)
TAGS = {"kraj:region": "liberecky", "kraj:tenant": "t563889"}
TAG_LIST = ("kraj:region=liberecky", "kraj:tenant=t563889")


def cloud(**changes: Any) -> documents.Cloud:
    return documents.Cloud(
        **{
            "name": "testing",
            "auth_url": "https://cloud.example:5000/v3",
            "region_name": "RegionOne",
            "services": ("dns", "load-balancer"),
            **changes,
        }
    )


def quota(**changes: Any) -> documents.Quota:
    values = {
        "instances": 2,
        "cores": 4,
        "ram_mib": 8192,
        "networks": 1,
        "subnets": 2,
        "routers": 1,
        "ports": 10,
        "floating_ips": 1,
        "security_groups": 3,
        "security_group_rules": 30,
        "volumes": 4,
        "snapshots": 4,
        "gigabytes": 140,
        "volume_types_gib": {"fast": 40, "bulk": 100},
    }
    return documents.Quota(**{**values, **changes})


def network(key: str = "service", **changes: Any) -> documents.Network:
    values: dict[str, Any] = {
        "key": key,
        "name": f"t563889-{key}",
        "description": "Network of Liberec",
        "router": "t563889",
        "ipv4": documents.Subnet(
            name=f"t563889-{key}-ipv4",
            cidr="10.64.16.0/24",
            gateway="10.64.16.1",
            dns_nameservers=("9.9.9.9",),
            allocation_start="10.64.16.128",
            allocation_end="10.64.16.254",
            subnet_pool="liberecky-ipv4",
        ),
        "ipv6": documents.Subnet(
            name=f"t563889-{key}-ipv6",
            cidr="fd4c:5a05:1000:100::/64",
            gateway="fd4c:5a05:1000:100::1",
            allocation_start="fd4c:5a05:1000:100:1::",
            allocation_end="fd4c:5a05:1000:100:1::ffff",
            subnet_pool="liberecky-ipv6",
            ipv6_mode="dhcpv6-stateful",
        ),
    }
    return documents.Network(**{**values, **changes})


def security_groups() -> tuple[documents.SecurityGroup, ...]:
    return (
        documents.SecurityGroup(
            key="records",
            name="t563889-records",
            description="Servers of records",
            rules=(
                documents.Rule(
                    key="https-ipv4",
                    ethertype="IPv4",
                    protocol="tcp",
                    port_min=443,
                    port_max=443,
                ),
                documents.Rule(
                    key="peers-ipv4",
                    ethertype="IPv4",
                    protocol="tcp",
                    port_min=5432,
                    port_max=5432,
                    remote_group="records",
                ),
                documents.Rule(key="out-ipv4", direction="egress", ethertype="IPv4"),
            ),
        ),
        documents.SecurityGroup(
            key="management",
            name="t563889-management",
            rules=(
                documents.Rule(
                    key="ssh-ipv4",
                    ethertype="IPv4",
                    protocol="tcp",
                    port_min=22,
                    port_max=22,
                    remote_cidr="10.64.0.0/24",
                ),
            ),
        ),
    )


def server(key: str, zone: str | None = "site-a", **changes: Any) -> documents.Server:
    name = f"t563889-records-{key}"
    values: dict[str, Any] = {
        "key": key,
        "name": name,
        "availability_zone": zone,
        "ports": (
            documents.ServerPort(
                network="service",
                fixed_ipv4=f"10.64.16.1{key}",
                fixed_ipv6=f"fd4c:5a05:1000:100::1{key}",
                security_groups=("records", "management"),
                allowed_addresses=("10.64.16.5",),
            ),
        ),
        "boot_volume": volume("boot", f"{name}-boot", size_gib=20, volume_type="fast"),
        "data_volumes": (volume("documents", f"{name}-documents"), volume("index", f"{name}-i")),
    }
    return documents.Server(**{**values, **changes})


def volume(key: str, name: str, **changes: Any) -> documents.Volume:
    values = {"size_gib": 50, "volume_type": "bulk", "pool": "bulk", "metadata": {"kraj:use": key}}
    return documents.Volume(key=key, name=name, **{**values, **changes})


def server_pool(**changes: Any) -> documents.ServerPool:
    values: dict[str, Any] = {
        "key": "records",
        "server_group": "t563889-records",
        "policy": "anti-affinity",
        "flavor": "SCS-2V-4",
        "image": "Debian 12",
        "key_pair": "t563889-operators",
        "user_data": "#cloud-config\n",
        "metadata": {"kraj:service": "records"},
        "servers": (server("1", "site-a"), server("2", "site-b")),
    }
    return documents.ServerPool(**{**values, **changes})


def load_balancer(**changes: Any) -> documents.LoadBalancer:
    values: dict[str, Any] = {
        "key": "public",
        "name": "t563889-public",
        "network": "service",
        "address": "10.64.16.5",
        "listeners": (
            documents.LoadBalancerListener(
                key="https",
                name="t563889-https",
                protocol="TCP",
                port=443,
                pool_name="t563889-https",
                members=(
                    documents.LoadBalancerMember(name="1", address="10.64.16.11", port=443),
                    documents.LoadBalancerMember(name="2", address="10.64.16.12", port=443),
                ),
            ),
        ),
    }
    return documents.LoadBalancer(**{**values, **changes})


def floating_address(**changes: Any) -> documents.FloatingAddress:
    values = {"key": "public", "network": "public", "description": "Way in for records"}
    return documents.FloatingAddress(**{**values, **changes})


def zone() -> documents.Zone:
    return documents.Zone(
        name="liberec.liberecky.example.",
        email="hostmaster@liberecky.example",
        records=(
            documents.DnsRecord(
                key="records",
                name="records.liberec.liberecky.example.",
                type="A",
                floating_address="public",
            ),
            documents.DnsRecord(
                key="mail",
                name="liberec.liberecky.example.",
                type="MX",
                records=("10 mx.example.",),
            ),
        ),
    )


def inside(**changes: Any) -> dict[str, Any]:
    """What the documents of centre and tenant have in common: a project with everything in it."""
    return {
        "region": REGION,
        "cloud": cloud(),
        "domain": "liberec.liberecky.example",
        "tags": TAGS,
        "tag_list": TAG_LIST,
        "project": "t563889",
        "service_user": "t563889-service",
        "roles": ("member", "creator"),
        "quota": quota(),
        "routers": (documents.Router(name="t563889", external_network="public"),),
        "networks": (network(),),
        "security_groups": security_groups(),
        "server_pools": (server_pool(),),
        "load_balancers": (load_balancer(),),
        "floating_addresses": (floating_address(target_load_balancer="public"),),
        "public_key": "ssh-ed25519 AAAA operators",
        "key_pair": "t563889-operators",
        "zone": zone(),
        **changes,
    }


def tenant(**changes: Any) -> documents.TenantDocument:
    return documents.TenantDocument(
        **{
            "tenant": documents.TenantPart(
                slug="liberec", code="563889", title="Liberec", kind="extended-powers"
            ),
            "application_credential": "t563889-automation",
            "transit": documents.Transit(network="liberecky-centre-transit", router="t563889"),
            **inside(),
            **changes,
        }
    )


def tenant_of_shared_services(**changes: Any) -> documents.TenantDocument:
    """A tenant that orders only what the centre runs for all: no server of its own."""
    return tenant(
        **{
            "server_pools": (),
            "load_balancers": (),
            "floating_addresses": (),
            "zone": None,
            "transit": None,
            **changes,
        }
    )


def centre(**changes: Any) -> documents.CentreDocument:
    return documents.CentreDocument(
        **{
            "flavors": (
                documents.Flavor(
                    name="SCS-2V-4",
                    vcpus=2,
                    ram_mib=4096,
                    disk_gib=0,
                    extra_specs={"scs:name-v2": "SCS-2V-4", "scs:cpu-type": "shared-core"},
                    description="2 vCPU, 4 GiB",
                ),
            ),
            "images": (
                documents.Image(
                    key="debian-12",
                    name="Debian 12",
                    disk_format="qcow2",
                    url="https://images.example/debian-12.qcow2",
                    min_disk_gib=8,
                    min_ram_mib=512,
                    tags=("os:debian",),
                    properties={"os_distro": "debian", "uuid_validity": "last-3"},
                ),
            ),
            "volume_types": (
                documents.VolumeType(
                    name="fast",
                    description="[scs:encrypted, scs:replicated] SSD",
                    extra_specs={"scs:media": "ssd"},
                ),
            ),
            "address_scopes": (
                documents.AddressScope(name="liberecky-ipv4", ip_version=4),
                documents.AddressScope(name="liberecky-ipv6", ip_version=6),
            ),
            "subnet_pools": (
                documents.SubnetPool(
                    name="liberecky-ipv4",
                    ip_version=4,
                    prefixes=("10.64.0.0/12",),
                    default_prefix_length=24,
                    min_prefix_length=16,
                    max_prefix_length=28,
                    address_scope="liberecky-ipv4",
                ),
                documents.SubnetPool(
                    name="liberecky-ipv6",
                    ip_version=6,
                    prefixes=("fd4c:5a05:1000::/44",),
                    default_prefix_length=64,
                    min_prefix_length=56,
                    max_prefix_length=64,
                    address_scope="liberecky-ipv6",
                ),
            ),
            **inside(project="centre"),
            **changes,
        }
    )
