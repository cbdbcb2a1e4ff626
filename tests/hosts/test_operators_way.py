"""Operators reach every server through the bastion, and tenants reach nobody through it.

A region of its own is provisioned with servers that boot, then configured by `kraj configure`,
whose only way to tenants' servers is the bastion. The tests tell one story, in their order.
"""

from __future__ import annotations

import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kraj.lab import Lab
from tests.hosts.operators import Operators, begin_live_region
from tests.lab.command_line import (
    ROOT,
    Region,
    write_yaml,
)

pytestmark = pytest.mark.hosts

REGION = f"way-{secrets.token_hex(2)}"
TOWNS = ("zelezny-brod", "bela")


@pytest.fixture(scope="module")
def region(
    hosts_lab: Lab, cloud: Any, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Region]:
    """A centre of three servers, and two towns with one each."""
    folder = tmp_path_factory.mktemp("project")
    made, content = begin_live_region(
        hosts_lab, cloud, folder, REGION, TOWNS, linked=("stacks", "playbooks")
    )
    content["sizes"]["small"] = content["sizes"]["medium"] = {"flavor": "SCS-1V-2"}
    _make_roles(folder / "roles")
    write_yaml(made.file("region.yaml"), content)
    shutil.copy(key.with_suffix(".pub"), made.file("operators.pub"))
    for slug in TOWNS:
        made.edit(f"tenants/{slug}.yaml", services=[{"service": "map", "size": "small"}])
    yield made
    made.kraj("down", "--yes")


def _make_roles(folder: Path) -> None:
    """The role of the bastion, and a service of one server that has no role."""
    folder.mkdir()
    (folder / "bastion").symlink_to(ROOT / "roles" / "bastion")
    card = yaml.safe_load((ROOT / "roles" / "map" / "service.yaml").read_text(encoding="utf-8"))
    card |= {"servers": 1, "availability": "failsafe-1", "boot_volume": "8 GiB"}
    (folder / "map").mkdir()
    write_yaml(folder / "map" / "service.yaml", card)


def test_all_servers_are_configured_through_the_bastion(region: Region, key: Path) -> None:
    region.good("up", "--yes")
    document = region.good("configure", "--identity", str(key), "--json").json
    hosts = {host["name"]: host for host in document["hosts"]}
    assert len(hosts) == 3 + len(TOWNS)
    assert all(host["status"] not in ("failed", "unreachable") for host in hosts.values()), hosts
    (bastion,) = [host for host in hosts.values() if host["service"] == "bastion"]
    assert bastion["counts"]["changed"] > 0


def test_a_second_run_changes_nothing(region: Region, key: Path) -> None:
    document = region.good("configure", "--identity", str(key), "--json").json
    assert [host["name"] for host in document["hosts"] if host["counts"]["changed"]] == []


def test_servers_are_proved_from_inside(region: Region, key: Path) -> None:
    document = region.good("verify", "--inside", "--identity", str(key), "--json").json
    found = _from_inside(document)
    reached = {subject for check, subject in found if check == "inside.reachable"}
    assert len(reached) == 3 + len(TOWNS)
    (name,) = [subject for subject in reached if "bastion" in subject]
    assert found["inside.bastion.every_route_of_the_file_is_set", name] == "passed"


def test_tenants_do_not_reach_each_other_and_an_open_door_is_found(
    region: Region, cloud: Any, key: Path
) -> None:
    """A door that takes more: routes through the operators' network, and a rule for everybody."""
    operators = Operators(region, key)
    one, other = (operators.outputs(f"tenant:{slug}") for slug in TOWNS)
    pair, back = (f"{TOWNS[0]} → {TOWNS[1]}", f"{TOWNS[1]} → {TOWNS[0]}")
    only = [word for slug in TOWNS for word in ("--only", f"tenant:{slug}")]
    verify = ("verify", "--inside", "--identity", str(key), *only, "--json")
    assert _isolation(region.good(*verify).json) == {pair: "passed", back: "passed"}
    with _routes_between(cloud, one, other), _everybody_let_in(cloud, other):
        finished = region.kraj(*verify)
        assert finished.code == 1
        assert _isolation(finished.json) == {pair: "failed", back: "passed"}
        (told,) = [
            check["message"]
            for stack in finished.json["stacks"]
            for check in stack["checks"]
            if check["id"] == "isolation.tenants" and check["status"] == "failed"
        ]
        assert f":22 ({other['servers'][0]['name']})" in told


def _isolation(document: Any) -> dict[str, str]:
    return {
        check["subject"]: check["status"]
        for stack in document["stacks"]
        for check in stack["checks"]
        if check["id"] == "isolation.tenants"
    }


@contextmanager
def _everybody_let_in(cloud: Any, tenant: dict[str, Any]) -> Iterator[None]:
    """One group of the tenant's server takes every connection."""
    (port,) = cloud.network.ports(device_id=tenant["servers"][0]["id"])
    rule = cloud.network.create_security_group_rule(
        security_group_id=port.security_group_ids[0],
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
    )
    try:
        yield
    finally:
        cloud.network.delete_security_group_rule(rule)


def test_what_is_broken_on_a_server_is_found_and_named(region: Region, key: Path) -> None:
    """A route that somebody has deleted on the bastion."""
    operators = Operators(region, key)
    bastion = operators.bastion
    prefix = operators.outputs(f"tenant:{TOWNS[0]}")["prefixes"][0]
    operators.told(bastion, f"sudo ip route del {prefix} proto 186")
    finished = region.kraj("verify", "--inside", "--identity", str(key), "--only", "centre")
    assert finished.code == 1
    assert "inside.bastion.every_route_of_the_file_is_set" in finished.out
    assert bastion["name"] in finished.out
    operators.told(bastion, "sudo systemctl restart kraj-transit.service")
    region.good("verify", "--inside", "--identity", str(key), "--only", "centre")


def _from_inside(document: Any) -> dict[tuple[str, str], str]:
    """The verdict on each check from inside, by its id and server."""
    return {
        (check["id"], check["subject"]): check["status"]
        for stack in document["stacks"]
        for check in stack["checks"]
        if check["id"].startswith("inside.")
    }


def test_ssh_of_no_tenant_answers_outside(region: Region, key: Path) -> None:
    operators = Operators(region, key)
    for slug in TOWNS:
        addresses = operators.outputs(f"tenant:{slug}")["floating_addresses"].values()
        assert addresses
        for address in addresses:
            with pytest.raises(OSError, match=r"timed out|refused|No route|unreachable"):
                socket.create_connection((address, 22), timeout=2)


def test_a_tenant_that_sends_through_transit_meets_closed_doors(
    region: Region, cloud: Any, key: Path
) -> None:
    """A tenant may set routes on its own router, also into the network that the bastion uses."""
    operators = Operators(region, key)
    one, other = (operators.outputs(f"tenant:{slug}") for slug in TOWNS)
    target = next(a for a in other["servers"][0]["addresses"] if ":" not in a)
    with _routes_between(cloud, one, other):
        asked = operators.run(one["servers"][0], f"nc -z -w 3 {target} 22 && echo open")
    assert asked.returncode != 0
    assert "open" not in asked.stdout


@contextmanager
def _routes_between(cloud: Any, one: dict[str, Any], other: dict[str, Any]) -> Iterator[None]:
    """Each tenant's router knows the way to the other's first network."""
    routers = []
    for here, there in ((one, other), (other, one)):
        (router,) = cloud.network.routers(project_id=here["project_id"])
        way = {"destination": there["prefixes"][0], "nexthop": there["transit_address"]}
        cloud.network.update_router(router, routes=[way])
        routers.append(router)
    try:
        yield
    finally:
        for router in routers:
            cloud.network.update_router(router, routes=[])


def test_a_tenant_that_goes_leaves_no_route(region: Region, key: Path) -> None:
    region.good("down", "--only", f"tenant:{TOWNS[1]}", "--yes")
    region.file(f"tenants/{TOWNS[1]}.yaml").unlink()
    region.good("configure", "--only", f"tenant:{TOWNS[0]}", "--identity", str(key))
    operators = Operators(region, key)
    left = operators.outputs(f"tenant:{TOWNS[0]}")["prefixes"][0]
    bastion = operators.bastion
    told = operators.told(bastion, "ip -4 route show protocol 186")
    assert [line.split()[0] for line in told.splitlines()] == [left]
