"""A region from its files to its proof and away again, by the command line, on a real OpenStack.

The tests build on each other: they tell one story with one region, in the order of this file.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab.command_line import (
    SECONDS,
    Region,
    begin_region,
    environment_on,
    wait_for,
    write_yaml,
)
from tests.lab.conftest import LabCloud

pytestmark = pytest.mark.lab

#: Another name for every run: a run that was killed may have left something behind.
REGION = f"e2e-{secrets.token_hex(2)}"
TOWN, VILLAGE = "tenant:zelezny-brod", "tenant:bela"


@pytest.fixture(scope="module")
def region(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The example region under another name, with one town that orders everything and a village."""
    folder = tmp_path_factory.mktemp("project")
    content = begin_region(folder, REGION, ("zelezny-brod", "bela"))
    connection = lab_cloud.connect()
    # The lab may hold another region, whose flavours and volume types have the same names.
    there = {flavor.name for flavor in connection.compute.flavors(is_public=None)}
    if "SCS-1L-1" in there:
        content["clouds"][0]["provides"] = ["flavors", "images", "volume-types"]
    environment = environment_on(lab_cloud, KRAJ_ENGINE="local")
    made = Region(REGION, folder, environment, connection)
    write_yaml(made.file("region.yaml"), content)
    yield made
    made.kraj("down", "--yes")


def test_the_first_plan_creates_everything_and_records_the_addresses(region: Region) -> None:
    plan = region.kraj("plan", "--json")
    assert plan.code == 2, plan.err
    stacks = {stack["stack"]: stack for stack in plan.json["stacks"]}
    assert set(stacks) == {"centre", TOWN, VILLAGE}
    assert stacks[TOWN]["counts"]["create"] > 60
    assert region.projects() == []
    ledger = region.file("addresses.yaml").read_text(encoding="utf-8")
    assert "563871" in ledger
    locked = region.kraj("plan", "--locked", "--only", VILLAGE)
    assert locked.code == 2, locked.err


def test_an_interrupted_up_leaves_with_130_and_the_next_one_finishes(region: Region) -> None:
    process = region.start("up", "--yes", "--only", "centre")
    wait_for(region.projects, process, "no project was made")
    process.send_signal(signal.SIGINT)
    try:
        _out, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        # Steps under way may take long; a second Ctrl-C leaves them to themselves.
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    region.good("up", "--yes", "--only", "centre")


def test_of_two_ups_at_the_same_time_one_is_refused_with_the_holder(region: Region) -> None:
    both = [region.start("up", "--yes", "--only", VILLAGE) for _ in range(2)]
    ended = [(process, *process.communicate(timeout=SECONDS)) for process in both]
    ended.sort(key=lambda item: item[0].returncode)
    (winner, *_output), (loser, _out, err) = ended
    assert (winner.returncode, loser.returncode) == (0, 1), err
    assert "KRJ306" in err
    assert f"process {winner.pid}" in err


def test_a_quota_that_the_cloud_refuses_stops_half_way_and_more_finishes(region: Region) -> None:
    region.edit("tenants/zelezny-brod.yaml", quota={"instances": 1})
    refused = region.kraj("up", "--yes", "--only", TOWN)
    assert refused.code == 1
    assert "instances" in refused.err
    assert "KRJ4" in refused.err
    region.edit("tenants/zelezny-brod.yaml", quota={})
    done = region.good("up", "--yes", "--only", TOWN, "--json").json
    assert done["schema"] == "kraj.up/1"
    assert done["totals"]["create"] > 0


def test_everything_planned_is_proved(region: Region) -> None:
    report = region.folder / "proof.xml"
    proof = region.good("verify", "--json", "--junit", str(report)).json
    assert proof["passed"]
    assert {stack["stack"] for stack in proof["stacks"]} == {"centre", TOWN, VILLAGE}
    assert min(stack["counts"]["passed"] for stack in proof["stacks"]) > 50
    assert ET.parse(report).getroot().get("failures") == "0"  # noqa: S314 - our own file


def test_capacity_counts_what_is_promised_and_what_there_is(region: Region) -> None:
    document = region.good("capacity", "--json").json
    pools = {pool["name"]: pool for pool in document["pools"]}
    types = {pool["volume_type"]: pool for pool in pools.values()}
    sizes = dict.fromkeys(types, 0)
    for volume in region.connection.block_storage.volumes(all_projects=True):
        if volume.volume_type in sizes:
            sizes[volume.volume_type] += volume.size
    assert {name: pool["allocated"] for name, pool in types.items()} == sizes
    assert pools["fast"]["allocated"] > 0
    assert pools["fast"]["promised"] > 0
    assert pools["fast"]["growth_per_month"] is None
    assert document["image_count"] > 0
    refused = region.kraj("capacity", "--fail-at", "fine")
    assert refused.code == 2
    assert "promised" in refused.out


def test_a_second_up_says_that_nothing_changes(region: Region) -> None:
    assert "No changes." in region.good("up", "--yes").out
    assert region.kraj("plan").code == 0


def test_status_and_refresh_tell_programs_the_same(region: Region) -> None:
    status = region.good("status", "--json").json
    servers = {stack["stack"]: stack["servers"] for stack in status["stacks"] if stack["exists"]}
    assert servers["centre"]
    assert servers[TOWN]
    assert servers[VILLAGE] == 0
    (stack,) = region.good("refresh", "--preview", "--only", VILLAGE, "--json").json["stacks"]
    assert (stack["stack"], stack["error"]) == (VILLAGE, None)


def test_what_was_changed_by_hand_is_found_shown_and_mended(region: Region) -> None:
    compute, network = region.connection.compute, region.connection.network
    (server,) = compute.servers(all_projects=True, name=f"{REGION}-563871-map-1")
    compute.delete_server(server)
    compute.wait_for_delete(server)
    (group,) = network.security_groups(name=f"{REGION}-563871-records")
    network.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        ether_type="IPv4",
        protocol="tcp",
        port_range_min=23,
        port_range_max=23,
    )
    broken = region.kraj("verify", "--only", TOWN)
    assert broken.code == 1
    assert f"server.exists {REGION}-563871-map-1" in broken.out
    assert "not planned: ingress IPv4 tcp 23 from anyone" in broken.out
    (project,) = (found for found in region.projects() if "-563871" in found.name)
    compute.put(f"/os-quota-sets/{project.id}", json={"quota_set": {"cores": 99}})
    drift = region.kraj("drift", "--only", TOWN, "--json")
    assert drift.code == 2, drift.err
    (stack,) = drift.json["stacks"]
    findings = {finding["name"]: finding for finding in stack["findings"]}
    assert findings["map/1"]["gone"]
    assert findings["map/1"]["last_action"]["action"] == "delete"
    assert findings["map/1"]["last_action"]["user"]
    (cores,) = findings["tenant"]["changes"]
    assert (cores["path"], cores["after"]) == ("cores", 99)
    (rule,) = stack["unplanned"]
    assert rule["name"].endswith("ingress IPv4 tcp 23 from anywhere")
    region.good("up", "--yes", "--refresh", "--only", TOWN)
    # A rule that no stack made is nobody's to delete: a person takes it away.
    network.delete_security_group_rule(rule["id"])
    region.good("verify", "--only", TOWN)
    assert "No drift." in region.good("drift", "--only", TOWN).out


def test_the_inventory_has_the_servers_that_stand(region: Region) -> None:
    found = json.loads(region.good("inventory", "--only", TOWN).out)
    servers = region.good("outputs", "--only", TOWN, "--json").json["stacks"][TOWN]["document"]
    hosts = found["_meta"]["hostvars"]
    assert sorted(hosts) == sorted(server["name"] for server in servers["servers"])
    assert {host["ansible_user"] for host in hosts.values()} == {"debian"}
    assert found["service_records"]["hosts"]
    assert sorted(found["availability_failsafe_2"]["hosts"]) == sorted(hosts)


def test_outputs_hide_secrets_unless_asked(region: Region) -> None:
    hidden = region.good("outputs", "--only", TOWN, "--json").json["stacks"][TOWN]
    shown = region.good("outputs", "--only", TOWN, "--json", "--show-secrets").json["stacks"][TOWN]
    assert hidden["applicationCredentialSecret"] == "[secret]"
    assert len(shown["applicationCredentialSecret"]) > 40
    state = (region.folder / ".kraj").rglob("*.json")
    assert not any(
        shown["applicationCredentialSecret"] in path.read_text(encoding="utf-8") for path in state
    )


def test_a_wrong_password_is_told_without_showing_it(region: Region, tmp_path: Path) -> None:
    clouds = Path(region.environment["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8")
    content = yaml.safe_load(clouds)
    content["clouds"]["lab"]["auth"]["password"] = "not-the-password"
    wrong = tmp_path / "clouds.yaml"
    wrong.write_text(yaml.safe_dump(content), encoding="utf-8")
    refused = region.kraj("plan", OS_CLIENT_CONFIG_FILE=str(wrong))
    assert refused.code == 1
    assert "KRJ402" in refused.err
    assert "not-the-password" not in refused.out + refused.err


def test_down_leaves_nothing_of_the_region_in_the_cloud(region: Region) -> None:
    projects = {project.id for project in region.projects()}
    assert len(projects) == 3
    gone = region.good("down", "--yes", "--json").json
    assert [stack["stack"] for stack in gone["stacks"]] == [VILLAGE, TOWN, "centre"]
    assert region.projects() == []
    network = region.connection.network
    for kind in (network.networks, network.routers, network.ports, network.security_groups):
        assert not [item for item in kind() if item.project_id in projects]
    volumes = region.connection.block_storage.volumes(all_projects=True)
    assert not [item for item in volumes if item.project_id in projects]
    again = region.good("down", "--yes")
    assert "Nothing to delete." in again.out
