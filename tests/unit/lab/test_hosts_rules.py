"""Packet rules and routers of the lab's depth `hosts`, as text for nftables."""

from __future__ import annotations

from kraj_lab_drivers.hosts.routers import EXTERNAL, Interface, Router, translation
from kraj_lab_drivers.hosts.rules import Fabric, Port, Rule, ruleset

MAC = "fa:16:3e:00:00:01"


def port(**more: object) -> Port:
    given = {"device": "kt1", "bridge": "kb1", "mac": MAC, "addresses": ("10.0.0.5",)}
    return Port(**(given | more))  # type: ignore[arg-type]


def chain(text: str, name: str) -> list[str]:
    """The rules of one chain."""
    _before, _head, rest = text.partition(f"chain {name} {{\n")
    return [line.strip() for line in rest.partition("  }\n")[0].splitlines()]


def matches(*rules: Rule) -> list[str]:
    """What one port's chain for incoming packets makes of rules, without the last `drop`."""
    lines = chain(ruleset(Fabric({}, (port(rules=rules),))), "in-kt1")
    assert lines.pop() == "drop"
    return lines


def test_without_a_rule_nothing_passes():
    text = ruleset(Fabric({}, (port(),)))
    assert chain(text, "in-kt1") == ["drop"]
    assert chain(text, "out-kt1") == ["drop"]


def test_a_rule_names_version_protocol_ports_and_remotes():
    remotes = ("192.0.2.0/24", "198.51.100.7")
    assert matches(Rule("ingress", 4, "tcp", 80, 90, remotes)) == [
        "meta nfproto ipv4 ip saddr { 192.0.2.0/24, 198.51.100.7 } "
        "meta l4proto tcp th dport 80-90 return"
    ]
    assert matches(Rule("ingress", 6, "udp", 53, 53)) == [
        "meta nfproto ipv6 meta l4proto udp th dport 53 return"
    ]
    assert matches(Rule("ingress", 4)) == ["meta nfproto ipv4 return"]
    assert matches(Rule("ingress", 4, "vrrp")) == ["meta nfproto ipv4 meta l4proto vrrp return"]


def test_icmp_has_types_and_codes_instead_of_ports():
    assert matches(Rule("ingress", 4, "icmp", 8, 0)) == [
        "meta nfproto ipv4 icmp type 8 icmp code 0 return"
    ]
    assert matches(Rule("ingress", 6, "icmp")) == ["meta nfproto ipv6 meta l4proto 58 return"]


def test_a_group_without_members_lets_nobody_in():
    assert matches(Rule("ingress", 4, "tcp", 22, 22, ())) == []


def test_outgoing_rules_look_at_the_destination():
    rule = Rule("egress", 4, "tcp", 443, 443, ("192.0.2.1",))
    text = ruleset(Fabric({}, (port(rules=(rule,)),)))
    assert chain(text, "in-kt1") == ["drop"]
    assert "ip daddr { 192.0.2.1 }" in chain(text, "out-kt1")[0]


def test_a_port_sends_with_its_own_addresses():
    own = chain(ruleset(Fabric({}, (port(pairs=(("10.0.0.99", MAC),)),))), "own-kt1")
    assert f"ether saddr != {{ {MAC} }} drop" in own
    assert "ip saddr != { 10.0.0.5/32, 10.0.0.99/32 } drop" in own
    assert "ip6 saddr != { fe80::/10, :: } drop" in own


def test_a_port_without_security_carries_everything_and_an_unknown_one_nothing():
    text = ruleset(Fabric({}, (port(secured=False),)))
    assert "chain own-kt1" not in text
    assert 'iifname "kt*" iifname != { "kt1" } drop' in text
    assert 'iifname "kt*" drop' in ruleset(Fabric())


def test_a_shared_address_does_not_hide_the_own_one_of_another():
    shared = port(device="kt2", addresses=("10.0.0.6",), pairs=(("10.0.0.0/24", MAC),))
    lines = chain(ruleset(Fabric({}, (port(), shared))), "in")
    assert [("10.0.0.5/32" in line, "10.0.0.0/24" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]


def test_networks_with_the_same_addresses_are_told_apart():
    other = port(device="kt2", bridge="kb2")
    text = ruleset(Fabric({"kb1": 1, "kb2": 2}, (port(), other)))
    assert 'ct zone set iifname map { "kb1" : 1, "kb2" : 2 }' in text
    (line,) = chain(text, "in")
    assert '"kb1" . 10.0.0.5/32 : goto in-kt1' in line
    assert '"kb2" . 10.0.0.5/32 : goto in-kt2' in line


def test_a_router_translates_floating_addresses_and_the_rest():
    outside = Interface(EXTERNAL, "kr1", "kb1", MAC, ("198.51.100.9/24", "2001:db8:100::9/64"))
    router = Router("r", (outside,), floating=(("198.51.100.20", "10.0.0.5"),))
    text = translation(router)
    assert "ip daddr 198.51.100.20 dnat to 10.0.0.5" in text
    assert "ip saddr 10.0.0.5 oifname external snat to 198.51.100.20" in text
    assert "oifname external snat to 198.51.100.9" in text
    closed = translation(Router("r", (outside,), translates=False))
    assert "snat" not in closed
