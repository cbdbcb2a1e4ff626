"""Seconds from the request to SSH, and memory per server, in a lab whose servers boot.

    python benchmarks/hosts/measure.py --cloud lab --image "kraj base" --rounds 3

Makes one server after another in the administrator's project and takes each away again. Memory is
read of all servers that run on this machine: the proportional set sizes of each server's processes,
found by its control group. Needs root, a clouds.yaml with an administrator and a lab of depth
`hosts`. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import openstack

_NAME: Final = "kraj-bench-boot"
_CGROUPS: Final = Path("/sys/fs/cgroup")
_WAIT_SECONDS: Final = 300


def main() -> None:
    """Measure and print."""
    options = _options()
    connection = openstack.connect(cloud=options.cloud)
    with _place(connection) as (network, group, flavor):
        laps = [
            seconds_to_ssh(connection, options.image, network, group, flavor)
            for _ in range(options.rounds)
        ]
    servers = dict(sorted(memory_of_servers()))
    document = {
        "image": options.image,
        "seconds_to_ssh": [round(lap, 1) for lap in laps],
        "median_seconds_to_ssh": round(statistics.median(laps), 1),
        "memory_mib": servers,
        "memory_mib_in_all": sum(servers.values()),
        "memory_available_mib": _available_mib(),
        "cores": os.cpu_count(),
    }
    print(json.dumps(document, indent=1))


def seconds_to_ssh(connection: Any, image: str, network: Any, group: Any, flavor: Any) -> float:
    """From the request to Nova until SSH sends its first line to this machine."""
    with contextlib.ExitStack() as undo:
        port = connection.network.create_port(
            name=_NAME, network_id=network.id, security_group_ids=[group.id]
        )
        undo.callback(connection.network.delete_port, port)
        outside = connection.network.find_network("public")
        floating = connection.network.create_ip(floating_network_id=outside.id, port_id=port.id)
        undo.callback(connection.network.delete_ip, floating)
        found = connection.image.find_image(image, ignore_missing=False)
        began = time.monotonic()
        server = connection.compute.create_server(
            name=_NAME, image_id=found.id, flavor_id=flavor.id, networks=[{"port": port.id}]
        )
        undo.callback(_delete_server, connection, server)
        _wait_for_ssh(floating.floating_ip_address, began)
        return time.monotonic() - began


def memory_of_servers() -> Iterator[tuple[str, int]]:
    """Host name and MiB of each server of the lab."""
    seen = set()
    for folder in _CGROUPS.rglob("libpod-*"):
        if folder.name in seen or not list(folder.glob("cgroup.procs")):
            continue
        processes = _processes(folder)
        if processes:
            seen.add(folder.name)
            yield _host_name(processes), sum(map(_proportional_kib, processes)) // 1024


def _processes(folder: Path) -> list[str]:
    """Of a control group and of those below it."""
    found = (file.read_text().split() for file in folder.rglob("cgroup.procs"))
    return [process for processes in found for process in processes]


def _host_name(processes: list[str]) -> str:
    return Path(f"/proc/{processes[0]}/root/etc/hostname").read_text().strip()


def _proportional_kib(process: str) -> int:
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def _wait_for_ssh(address: str, began: float) -> None:
    while time.monotonic() - began < _WAIT_SECONDS:
        with contextlib.suppress(OSError), socket.create_connection((address, 22), 1) as answer:
            answer.settimeout(1)
            if answer.recv(4) == b"SSH-":
                return
        time.sleep(0.1)
    raise SystemExit(f"no SSH at {address} within {_WAIT_SECONDS} s")


@contextmanager
def _place(connection: Any) -> Iterator[tuple[Any, Any, Any]]:
    """A network with a way out, a group that lets SSH in, and a flavour."""
    api = connection.network
    with contextlib.ExitStack() as undo:
        network = api.create_network(name=_NAME)
        undo.callback(api.delete_network, network)
        subnet = api.create_subnet(network_id=network.id, ip_version=4, cidr="10.9.9.0/24")
        outside = {"network_id": api.find_network("public").id}
        router = api.create_router(name=_NAME, external_gateway_info=outside)
        undo.callback(api.delete_router, router)
        api.add_interface_to_router(router, subnet_id=subnet.id)
        undo.callback(api.remove_interface_from_router, router, subnet_id=subnet.id)
        group = api.create_security_group(name=_NAME)
        undo.callback(api.delete_security_group, group)
        api.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            port_range_min=22,
            port_range_max=22,
        )
        flavor = connection.compute.create_flavor(name=_NAME, ram=1024, vcpus=1, disk=8)
        undo.callback(connection.compute.delete_flavor, flavor)
        yield network, group, flavor


def _delete_server(connection: Any, server: Any) -> None:
    connection.compute.delete_server(server)
    connection.compute.wait_for_delete(server, interval=0.5, wait=_WAIT_SECONDS)


def _available_mib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    raise SystemExit("no MemAvailable in /proc/meminfo")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cloud", default="lab")
    parser.add_argument("--image", default="kraj base")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
