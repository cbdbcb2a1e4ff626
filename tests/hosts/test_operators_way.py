"""Operators reach every server through the bastion, and tenants reach nobody through it.

A region of its own is provisioned with servers that boot, then configured by `kraj configure`,
whose only way to tenants' servers is the bastion. The tests tell one story, in their order.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kraj.lab import Lab
from tests.hosts.conftest import until
from tests.lab.command_line import (
    ROOT,
    Region,
    begin_region,
    environment_on,
    make_small,
    write_yaml,
)
from tests.lab.conftest import LabCloud

pytestmark = pytest.mark.hosts

REGION = f"way-{secrets.token_hex(2)}"
TOWNS = ("zelezny-brod", "bela")
USER = "debian"


@pytest.fixture(scope="module")
def region(
    hosts_lab: Lab, cloud: Any, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Region]:
    """A centre of three servers, and two towns with one each."""
    folder = tmp_path_factory.mktemp("project")
    content = begin_region(folder, REGION, TOWNS, linked=("stacks", "playbooks"))
    make_small(content)
    content["sizes"]["small"] = content["sizes"]["medium"] = {"flavor": "SCS-1V-2"}
    one = {"servers": 1, "size": "small", "boot_volume": "8 GiB", "pool": "fast"}
    content["centre"] |= {"bastion": one}
    _make_roles(folder / "roles")
    settings = hosts_lab.settings
    environment = environment_on(
        LabCloud("lab", settings.clouds_file, settings.images), KRAJ_ENGINE="local"
    )
    made = Region(REGION, folder, environment, cloud)
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


def _outputs(region: Region, label: str) -> dict[str, Any]:
    found: dict[str, Any] = region.good("outputs", "--only", label, "--json").json["stacks"]
    document: dict[str, Any] = found[label]["document"]
    return document


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


def test_what_is_broken_on_a_server_is_found_and_named(region: Region, key: Path) -> None:
    """A route that somebody has deleted on the bastion."""
    (bastion,) = [
        item for item in _outputs(region, "centre")["servers"] if item["pool"] == "bastion"
    ]
    prefix = _outputs(region, f"tenant:{TOWNS[0]}")["prefixes"][0]
    _on_bastion(region, key, bastion, f"sudo ip route del {prefix} proto 186")
    finished = region.kraj("verify", "--inside", "--identity", str(key), "--only", "centre")
    assert finished.code == 1
    assert "inside.bastion.every_route_of_the_file_is_set" in finished.out
    assert bastion["name"] in finished.out
    _on_bastion(region, key, bastion, "sudo systemctl restart kraj-transit.service")
    region.good("verify", "--inside", "--identity", str(key), "--only", "centre")


def _from_inside(document: Any) -> dict[tuple[str, str], str]:
    """The verdict on each check from inside, by its id and server."""
    return {
        (check["id"], check["subject"]): check["status"]
        for stack in document["stacks"]
        for check in stack["checks"]
        if check["id"].startswith("inside.")
    }


def _on_bastion(region: Region, key: Path, bastion: dict[str, Any], command: str) -> str:
    """What a command prints on the bastion, where it must succeed."""
    known = region.folder / ".kraj" / "regions" / REGION / "known_hosts"
    words = [
        *("ssh", "-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"),
        *("-o", f"HostKeyAlias={bastion['name']}", f"{USER}@{bastion['floating_address']}"),
    ]
    done = subprocess.run([*words, command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ssh_of_no_tenant_answers_outside(region: Region) -> None:
    for slug in TOWNS:
        addresses = _outputs(region, f"tenant:{slug}")["floating_addresses"].values()
        assert addresses
        for address in addresses:
            with pytest.raises(OSError, match=r"timed out|refused|No route|unreachable"):
                socket.create_connection((address, 22), timeout=2)


def test_a_tenant_that_sends_through_transit_meets_closed_doors(
    region: Region, cloud: Any, key: Path
) -> None:
    """A tenant may set routes on its own router, also into the network that the bastion uses."""
    one, other = (_outputs(region, f"tenant:{slug}") for slug in TOWNS)
    target = next(a for a in other["servers"][0]["addresses"] if ":" not in a)
    (router,) = cloud.network.routers(project_id=one["project_id"])
    way = {"destination": other["prefixes"][0], "nexthop": other["transit_address"]}
    back = {"destination": one["prefixes"][0], "nexthop": one["transit_address"]}
    (others_router,) = cloud.network.routers(project_id=other["project_id"])
    cloud.network.update_router(router, routes=[way])
    cloud.network.update_router(others_router, routes=[back])
    try:
        asked = _inside(region, key, one["servers"][0], f"nc -z -w 3 {target} 22 && echo open")
        assert asked.returncode != 0
        assert "open" not in asked.stdout
    finally:
        cloud.network.update_router(router, routes=[])
        cloud.network.update_router(others_router, routes=[])


def _inside(
    region: Region, key: Path, server: dict[str, Any], command: str
) -> subprocess.CompletedProcess[str]:
    """Run a command on a tenant's server, which is reached as `kraj configure` does."""
    known = region.folder / ".kraj" / "regions" / REGION / "known_hosts"
    (bastion,) = [
        item for item in _outputs(region, "centre")["servers"] if item["pool"] == "bastion"
    ]
    options = [
        *("-i", str(key), "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "BatchMode=yes", "-o", "ConnectTimeout=5"),
    ]
    first = ["ssh", *options, "-o", f"HostKeyAlias={bastion['name']}"]
    proxy = " ".join([*first, "-W", "%h:%p", f"{USER}@{bastion['floating_address']}"])
    address = next(a for a in server["addresses"] if ":" not in a)
    words = ["ssh", *options, "-o", f"HostKeyAlias={server['name']}", "-o", f"ProxyCommand={proxy}"]

    def reached() -> bool:
        probe = [*words, f"{USER}@{address}", "true"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    until(reached, f"{server['name']} through the bastion")
    return subprocess.run(
        [*words, f"{USER}@{address}", command], capture_output=True, text=True, check=False
    )


def test_a_tenant_that_goes_leaves_no_route(region: Region, key: Path) -> None:
    region.good("down", "--only", f"tenant:{TOWNS[1]}", "--yes")
    region.file(f"tenants/{TOWNS[1]}.yaml").unlink()
    region.good("configure", "--only", f"tenant:{TOWNS[0]}", "--identity", str(key))
    left = _outputs(region, f"tenant:{TOWNS[0]}")["prefixes"][0]
    (bastion,) = [
        item for item in _outputs(region, "centre")["servers"] if item["pool"] == "bastion"
    ]
    told = _on_bastion(region, key, bastion, "ip -4 route show protocol 186")
    assert [line.split()[0] for line in told.splitlines()] == [left]
