"""A bastion knows the ways to the tenants, passes SSH on, and forwards no packets."""

from __future__ import annotations

from typing import Any

import pytest


def test_every_route_of_the_file_is_set(host: Any) -> None:
    lines = host.file("/etc/kraj/transit-routes").content_string.splitlines()
    wanted = {tuple(line.split()[2:5:2]) for line in lines if line.startswith("route ")}
    found = host.check_output("ip -4 route show protocol 186").splitlines()
    assert {tuple(line.split()[0:3:2]) for line in found} == wanted


def test_routes_are_set_at_every_start(host: Any) -> None:
    assert host.service("kraj-transit.service").is_enabled


def test_no_packet_is_forwarded(host: Any) -> None:
    setting = "/proc/sys/net/ipv4/ip_forward"
    if host.run(f"test -w {setting}").rc != 0:
        pytest.skip("kernel settings of this host are its machine's")
    assert host.sysctl("net.ipv4.ip_forward") == 0
