"""Load balancers of the lab's depth `hosts`, as a configuration for haproxy."""

from __future__ import annotations

import dataclasses

from kraj_lab_drivers.hosts.balancers import (
    Balancer,
    Listener,
    Member,
    Monitor,
    Pool,
    configuration,
)

MONITOR = Monitor("HTTPS", 5, 4, 3, 2, "/healthz")
MEMBERS = (Member("m1", "10.0.0.5", 8443), Member("m2", "fd00::5", 8443, 3, backup=True))
POOL = Pool("p", "HTTPS", "LEAST_CONNECTIONS", MEMBERS, MONITOR)
LISTENER = Listener("l", "HTTPS", 443, POOL)
BALANCER = Balancer("b", "10.0.0.9/24", "fa:16:3e:00:00:01", "port", "net", listeners=(LISTENER,))


def lines(balancer: Balancer) -> list[str]:
    return [line.strip() for line in configuration(balancer, "/run/lb").splitlines()]


def with_listener(**more: object) -> Balancer:
    listener = dataclasses.replace(LISTENER, **more)  # type: ignore[arg-type]
    return dataclasses.replace(BALANCER, listeners=(listener,))


def test_a_listener_listens_on_the_virtual_address_and_passes_tls_on():
    found = lines(BALANCER)
    assert "bind 10.0.0.9:443" in found
    assert found.count("mode tcp") == 2
    assert "balance leastconn" in found


def test_members_are_checked_as_the_monitor_says():
    found = lines(BALANCER)
    assert "option httpchk GET /healthz" in found
    assert "http-check expect status 200" in found
    assert "timeout check 4s" in found
    check = "check inter 5s fall 3 rise 2 check-ssl verify none"
    assert f"server m1 10.0.0.5:8443 weight 1 {check}" in found
    assert f"server m2 [fd00::5]:8443 weight 3 {check} backup" in found


def test_without_a_monitor_members_are_taken_to_live():
    found = lines(with_listener(pool=dataclasses.replace(POOL, monitor=None)))
    assert "server m1 10.0.0.5:8443 weight 1" in found


def test_http_is_read_and_limits_hold():
    found = lines(
        with_listener(protocol="HTTP", connections=7, sources=("192.0.2.0/24",), timeouts=(1, 2, 3))
    )
    assert found.count("mode http") == 2
    assert "maxconn 7" in found
    assert "tcp-request connection reject unless { src 192.0.2.0/24 }" in found
    assert {"timeout client 1ms", "timeout connect 2ms", "timeout server 3ms"} <= set(found)


def test_a_listener_without_a_pool_or_with_tls_of_its_own_is_not_served():
    for left_out in (with_listener(pool=None), with_listener(protocol="TERMINATED_HTTPS")):
        assert not any(line.startswith("frontend") for line in lines(left_out))
