"""A tenant of 18 resources without servers, so that fifty of them fit a lab on one machine.

The tenant of `../program` less its three servers and what is attached to them. `benchmark:ports`
are the ports that its rules open.
"""

import pulumi
import pulumi_openstack as openstack

config = pulumi.Config("benchmark")
name = config.require("name")

project = openstack.identity.Project("project", name=name)
openstack.compute.QuotaSetV2("compute", project_id=project.id, cores=20, instances=10, ram=51200)
openstack.networking.QuotaV2("network", project_id=project.id, network=5, port=50, router=2)

network = openstack.networking.Network("network", name=name)
subnet = openstack.networking.Subnet(
    "subnet", name=name, network_id=network.id, cidr="192.0.2.0/24", ip_version=4
)
router = openstack.networking.Router("router", name=name)
openstack.networking.RouterInterface("interface", router_id=router.id, subnet_id=subnet.id)
group = openstack.networking.SecGroup("group", name=name)
for port in config.require("ports").split(","):
    openstack.networking.SecGroupRule(
        f"rule-{port}",
        security_group_id=group.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=int(port),
        port_range_max=int(port),
    )
openstack.compute.Keypair("key", name=name, public_key=config.require("publicKey"))
openstack.compute.ServerGroup("together", name=name, policies="soft-anti-affinity")
for number in (1, 2, 3):
    openstack.networking.Port(
        f"port-{number}",
        name=f"{name}-{number}",
        network_id=network.id,
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": f"192.0.2.{10 + number}"}],
        security_group_ids=[group.id],
    )
openstack.blockstorage.Volume("volume", name=name, size=1)
