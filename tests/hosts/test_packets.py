"""Security groups, routers and floating addresses of the lab's depth `hosts`, proved by packets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from kraj.lab.probes import DIRECT
from tests.hosts.conftest import Server, until

pytestmark = pytest.mark.hosts

PORT = 8080
SERVE = f"sudo systemd-run --quiet --unit serve python3 -m http.server {PORT}; echo started"


def accepts(address: str, port: int = PORT) -> bool:
    """Whether the machine gets a connection there."""
    with socket.socket() as probe:
        probe.settimeout(2)
        try:
            probe.connect((address, port))
        except OSError:
            return False
        return True


def answers(page: str) -> bool:
    """Whether the machine gets that page."""
    try:
        with DIRECT.open(page, timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def neighbour(site, network) -> Server:
    return site.server("neighbour", network)


@pytest.fixture(scope="module")
def serving(server) -> Iterator[Server]:
    """The server, with something that listens on a port of no rule."""
    server.asserted(SERVE)
    server.asserted(f"nc -z 127.0.0.1 {PORT} && echo listens")
    yield server
    server.ssh("sudo systemctl stop serve")


def test_only_what_a_rule_allows_comes_in(site, serving, neighbour):
    assert accepts(serving.floating, 22)
    assert neighbour.asserted(f"nc -z -w 2 {serving.address} 22 && echo yes") == "yes"
    assert not accepts(serving.floating)
    assert not neighbour.reaches(serving.address, PORT)


def test_a_rule_is_followed_when_it_comes_and_when_it_goes(site, serving, neighbour):
    rule = site.allow(site.group, protocol="tcp", port_range_min=PORT, port_range_max=PORT)
    until(lambda: accepts(serving.floating), "the port opens")
    assert neighbour.reaches(serving.address, PORT)
    site.cloud.network.delete_security_group_rule(rule)
    until(lambda: not accepts(serving.floating), "the port closes")
    assert not neighbour.reaches(serving.address, PORT)


def test_nobody_lifts_the_rules_from_inside(serving, neighbour):
    serving.asserted("sudo nft flush ruleset && echo flushed")
    assert not accepts(serving.floating)
    assert not neighbour.reaches(serving.address, PORT)


def test_a_server_sends_with_its_own_address_only(serving, neighbour):
    ping = f"ping -c 1 -W 2 {serving.address} >/dev/null && echo yes || echo no"
    assert neighbour.asserted(f"sudo {ping}") == "yes"
    add = "sudo ip address add 10.9.0.250/24 dev eth0"
    spoof = f"sudo ping -c 1 -W 2 -I 10.9.0.250 {serving.address} >/dev/null && echo yes || echo no"
    assert neighbour.asserted(f"{add}; {spoof}") == "no"
    neighbour.ssh("sudo ip address delete 10.9.0.250/24 dev eth0")


def test_networks_of_two_tenants_do_not_reach_each_other(site, serving):
    # The same addresses on both sides, as towns that plan for themselves would have them.
    other = site.server("other-tenant", site.network("b", "10.9.0.0/24"))
    assert other.asserted("hostname") == "other-tenant"
    if other.address != serving.address:
        assert not other.reaches(serving.address, 22)
    # By the routers' way, where the rules allow it.
    assert other.asserted(f"nc -z -w 2 {serving.floating} 22 && echo yes") == "yes"
    assert not other.reaches(serving.floating, PORT)


def test_a_load_balancer_serves_what_lives_behind_it(site, network, serving, neighbour):
    balancer = site.balancer(network, PORT, [serving.address, neighbour.address])
    site.allow(site.group, protocol="tcp", port_range_min=PORT, port_range_max=PORT)
    until(lambda: accepts(balancer.floating), "the load balancer answers")
    page = f"http://{balancer.floating}:{PORT}/"
    # Only one of two members serves: the monitor takes the other one out.
    until(lambda: all(answers(page) for _ in range(6)), "six answers in a row")
    neighbour.asserted(SERVE)
    serving.ssh("sudo systemctl stop serve")
    until(lambda: all(answers(page) for _ in range(6)), "the other member takes over")
