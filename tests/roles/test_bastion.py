"""Role bastion: routes to tenants come, stay over a restart, and go."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.root


def test_routes_come_stay_and_go(role_host):
    host = role_host("bastion")
    gateway = host.testinfra.check_output("ip -4 route show default").split()[2]
    ways = [{"prefix": f"10.99.{number}.0/24", "via": gateway} for number in (1, 2)]

    host.apply("bastion", {"kraj_transit_routes": ways})
    assert host.apply("bastion", {"kraj_transit_routes": ways}).changed == 0
    assert routes(host) == {"10.99.1.0/24", "10.99.2.0/24"}

    host.reboot()
    assert routes(host) == {"10.99.1.0/24", "10.99.2.0/24"}

    host.apply("bastion", {"kraj_transit_routes": ways[:1]}, check=True)
    assert routes(host) == {"10.99.1.0/24", "10.99.2.0/24"}
    host.apply("bastion", {"kraj_transit_routes": ways[:1]})
    assert routes(host) == {"10.99.1.0/24"}


def routes(host) -> set[str]:
    told = host.testinfra.check_output("ip -4 route show protocol 186")
    return {line.split()[0] for line in told.splitlines()}
