"""From the lists of Neutron's API to what the lab's network agent makes true."""

from __future__ import annotations

import dataclasses

from kraj_lab_drivers.hosts.wishes import Lists, wishes, zone_of

NET, OUT = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
LISTS = Lists(
    networks=({"id": NET}, {"id": OUT, "router:external": True}),
    subnets=(
        {"id": "s4", "network_id": NET, "cidr": "10.0.0.0/24", "gateway_ip": "10.0.0.1"},
        {"id": "s6", "network_id": NET, "cidr": "fd00::/64", "gateway_ip": "fd00::1"},
        {"id": "o4", "network_id": OUT, "cidr": "198.51.100.0/24", "gateway_ip": "198.51.100.1"},
        {"id": "o6", "network_id": OUT, "cidr": "2001:db8::/64", "gateway_ip": "2001:db8::1"},
    ),
    ports=(
        {
            "id": "33333333-3333-4333-8333-333333333333",
            "network_id": NET,
            "device_owner": "compute:site-a",
            "device_id": "server",
            "mac_address": "fa:16:3e:00:00:01",
            "fixed_ips": [{"subnet_id": "s4", "ip_address": "10.0.0.5"}],
            "security_groups": ["g"],
            "allowed_address_pairs": [{"ip_address": "10.0.0.99"}],
        },
        {
            "id": "44444444-4444-4444-8444-444444444444",
            "network_id": NET,
            "device_owner": "network:router_interface",
            "device_id": "r",
            "mac_address": "fa:16:3e:00:00:02",
            "fixed_ips": [
                {"subnet_id": "s4", "ip_address": "10.0.0.1"},
                {"subnet_id": "s6", "ip_address": "fd00::1"},
            ],
        },
        {
            "id": "55555555-5555-4555-8555-555555555555",
            "network_id": OUT,
            "device_owner": "network:router_gateway",
            "device_id": "r",
            "mac_address": "fa:16:3e:00:00:03",
            "fixed_ips": [
                {"subnet_id": "o4", "ip_address": "198.51.100.9"},
                {"subnet_id": "o6", "ip_address": "2001:db8::9"},
            ],
        },
    ),
    rules=(
        {
            "security_group_id": "g",
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
            "remote_group_id": "g",
        },
        {
            "security_group_id": "g",
            "direction": "egress",
            "ethertype": "IPv4",
            "remote_ip_prefix": "0.0.0.0/0",
        },
    ),
    routers=({"id": "r", "routes": [], "external_gateway_info": {"enable_snat": True}},),
    floating=(
        {
            "router_id": "r",
            "floating_ip_address": "198.51.100.20",
            "fixed_ip_address": "10.0.0.5",
        },
    ),
)


def test_a_server_s_port_has_the_rules_of_its_groups():
    (port,) = wishes(LISTS).fabric.ports
    assert port.addresses == ("10.0.0.5",)
    assert port.pairs == (("10.0.0.99", "fa:16:3e:00:00:01"),)
    inside, outgoing = port.rules
    assert inside.remotes == ("10.0.0.5",)  # the group's members, by their addresses
    assert outgoing.remotes is None  # anywhere


def test_a_router_has_its_links_gateways_and_floating_addresses():
    (router,) = wishes(LISTS).routers
    assert router.external is not None
    assert router.external.addresses == ("198.51.100.9/24", "2001:db8::9/64")
    assert router.gateways == ("198.51.100.1", "2001:db8::1")
    assert router.floating == (("198.51.100.20", "10.0.0.5"),)
    devices = [interface.device for interface in router.interfaces]
    assert len(set(devices)) == 2


def test_the_machine_stands_at_the_external_gateway_and_knows_routed_networks():
    found = wishes(LISTS)
    assert found.machine == {OUT: ("198.51.100.1/24", "2001:db8::1/64")}
    assert found.machine_routes == (("fd00::/64", "2001:db8::9"),)
    plain = {**LISTS.routers[0], "external_gateway_info": {"enable_snat": False}}
    routed = wishes(dataclasses.replace(LISTS, routers=(plain,)))
    assert set(routed.machine_routes) == {
        ("10.0.0.0/24", "198.51.100.9"),
        ("fd00::/64", "2001:db8::9"),
    }


def test_a_network_keeps_its_zone_whatever_others_come_and_go():
    before = wishes(LISTS).fabric.zones
    fewer = dataclasses.replace(LISTS, networks=LISTS.networks[:1])
    assert wishes(fewer).fabric.zones.items() <= before.items()
    assert 1 <= zone_of(NET) <= 65_535
