"""The benchmark's tenant made straight with openstacksdk, in parallel along the dependencies.

The lower bound for an engine: no state, no plan, no checks, and waiting by polling every 0.2 s.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.2
PORTS = (22, 80, 443, 5432)


def create(connection: Any, name: str, flavor: str, image: str, public_key: str) -> float:
    """Make everything; returns the seconds that it took."""
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:

        def run(call: Callable[..., Any], *needs: concurrent.futures.Future[Any]) -> Any:
            return pool.submit(lambda: call(*(need.result() for need in needs)))

        net, compute, identity = connection.network, connection.compute, connection.identity
        project = run(lambda: identity.create_project(name=name))
        quotas = [
            run(
                lambda found: compute.update_quota_set(found.id, cores=20, instances=10, ram=51200),
                project,
            ),
            run(lambda found: net.update_quota(found.id, networks=5, ports=50, routers=2), project),
        ]
        network = run(lambda: net.create_network(name=name))
        subnet = run(
            lambda found: net.create_subnet(
                name=name, network_id=found.id, cidr="192.0.2.0/24", ip_version=4
            ),
            network,
        )
        router = run(lambda: net.create_router(name=name))
        interface = run(
            lambda one, other: net.add_interface_to_router(one.id, subnet=other.id),
            router,
            subnet,
        )
        group = run(lambda: net.create_security_group(name=name))
        rules = [run(_rule(net, port), group) for port in PORTS]
        key = run(lambda: compute.create_keypair(name=name, public_key=public_key))
        together = run(lambda: compute.create_server_group(name=name, policy="soft-anti-affinity"))
        flavor_id = run(lambda: compute.find_flavor(flavor).id)
        image_id = run(lambda: connection.image.find_image(image).id)
        servers = []
        for number in (1, 2, 3):
            port = run(_port(net, name, number), network, subnet, group)
            request = _server(connection, f"{name}-{number}", name)
            servers.append(run(request, port, together, key, flavor_id, image_id))
        volume = run(lambda: _volume(connection, name))
        attachment = run(
            lambda server, disk: compute.create_volume_attachment(server.id, volume_id=disk.id),
            servers[0],
            volume,
        )
        for future in (*quotas, interface, *rules, *servers, attachment):
            future.result()
    return time.monotonic() - started


def _rule(net: Any, port: int) -> Callable[[Any], Any]:
    return lambda group: net.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        ether_type="IPv4",
        protocol="tcp",
        port_range_min=port,
        port_range_max=port,
    )


def _port(net: Any, name: str, number: int) -> Callable[[Any, Any, Any], Any]:
    return lambda network, subnet, group: net.create_port(
        name=f"{name}-{number}",
        network_id=network.id,
        fixed_ips=[{"subnet_id": subnet.id, "ip_address": f"192.0.2.{10 + number}"}],
        security_group_ids=[group.id],
    )


def _server(connection: Any, name: str, key: str) -> Callable[..., Any]:
    def request(port: Any, group: Any, _key: Any, flavor: str, image: str) -> Any:
        server = connection.compute.create_server(
            name=name,
            flavor_id=flavor,
            image_id=image,
            key_name=key,
            networks=[{"port": port.id}],
            scheduler_hints={"group": group.id},
        )
        return connection.compute.wait_for_server(server, interval=POLL_SECONDS, wait=120)

    return request


def _volume(connection: Any, name: str) -> Any:
    volume = connection.block_storage.create_volume(name=name, size=1)
    return connection.block_storage.wait_for_status(
        volume, "available", ["error"], POLL_SECONDS, 60
    )


def delete(connection: Any, name: str) -> None:
    """Remove what `create` made; not timed."""
    compute, net = connection.compute, connection.network
    servers = list(compute.servers(name=f"^{name}-"))
    for server in servers:
        compute.delete_server(server)
    for server in servers:
        compute.wait_for_delete(server, interval=POLL_SECONDS)
    for volume in connection.block_storage.volumes(name=name):
        connection.block_storage.wait_for_status(volume, "available", ["error"], POLL_SECONDS, 60)
        connection.block_storage.delete_volume(volume)
    for router in net.routers(name=name):
        for port in net.ports(device_id=router.id):
            net.remove_interface_from_router(router, port_id=port.id)
        net.delete_router(router)
    for network in net.networks(name=name):
        for port in net.ports(network_id=network.id):
            net.delete_port(port)
        net.delete_network(network)
    for group in net.security_groups(name=name):
        net.delete_security_group(group)
    for together in compute.server_groups():
        if together.name == name:
            compute.delete_server_group(together)
    compute.delete_keypair(name, ignore_missing=True)
    for project in connection.identity.projects(name=name):
        connection.identity.delete_project(project)
