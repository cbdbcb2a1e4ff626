"""Seconds from the request to SSH, and memory per server, in a lab whose servers boot.

    python benchmarks/hosts/measure.py --cloud lab --image "kraj base" --rounds 3

Makes one server after another in the administrator's project and takes each away again. Memory is
read of all servers that run on this machine: the working set of each server's control group, which
is what the kernel cannot take back without writing (memory.current less inactive_file). Needs root,
a clouds.yaml with an administrator and a lab of depth `hosts`. Prints one JSON document.
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
_MIB: Final = 1 << 20
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
    """Host name and working set in MiB of each server of the lab."""
    for folder in _CGROUPS.rglob("libpod-*"):
        usage, stat = folder / "memory.current", folder / "memory.stat"
        name = _host_name(folder)
        if name and usage.exists():
            cached = dict(line.split() for line in stat.read_text().splitlines())
            yield name, (int(usage.read_text()) - int(cached["inactive_file"])) // _MIB


def _host_name(folder: Path) -> str:
    """Of the processes in a control group or in those below it; empty where there are none."""
    for file in folder.rglob("cgroup.procs"):
        for process in file.read_text().split():
            with contextlib.suppress(OSError):
                return Path(f"/proc/{process}/root/etc/hostname").read_text().strip()
    return ""


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
