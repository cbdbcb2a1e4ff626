"""A tenant of 22 resources, three of them servers, in the administrator's project.

`run.py` makes the same requests straight with openstacksdk.
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
for port in (22, 80, 443, 5432):
    openstack.networking.SecGroupRule(
        f"rule-{port}",
        security_group_id=group.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=port,
        port_range_max=port,
    )
key = openstack.compute.Keypair("key", name=name, public_key=config.require("publicKey"))
together = openstack.compute.ServerGroup("together", name=name, policies="soft-anti-affinity")
servers = []
for number in (1, 2, 3):
    port = openstack.networking.Port(
        f"port-{number}",
        name=f"{name}-{number}",
        network_id=network.id,
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": f"192.0.2.{10 + number}"}],
        security_group_ids=[group.id],
    )
    servers.append(
        openstack.compute.Instance(
            f"server-{number}",
            name=f"{name}-{number}",
            flavor_name=config.require("flavor"),
            image_name=config.require("image"),
            key_pair=key.name,
            networks=[{"port": port.id}],
            scheduler_hints=[{"group": together.id}],
        )
    )
volume = openstack.blockstorage.Volume("volume", name=name, size=1)
openstack.compute.VolumeAttach("attachment", instance_id=servers[0].id, volume_id=volume.id)
