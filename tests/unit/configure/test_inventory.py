"""The inventory: groups and variables of the servers that stacks export."""

from __future__ import annotations

import pytest

from kraj.configure.inventory import group_name, inventory
from tests.unit.configure.exports import CENTRE, DATABASE, DOCUMENTS, RECORDS, SCRATCH, TENANT


def test_servers_stand_in_the_groups_that_roles_ask_for() -> None:
    found = inventory("liberecky", [CENTRE, TENANT])
    groups = {name: found[name]["hosts"] for name in found["all"]["children"]}
    assert groups == {
        "availability_failsafe_2": [RECORDS],
        "centre": [DATABASE],
        "region_liberecky": [RECORDS, DATABASE],
        "service_database": [DATABASE],
        "service_records": [RECORDS],
        "site_site_a": [RECORDS],
        "tenant_zelezny_brod": [RECORDS],
    }


def test_a_server_is_reached_by_its_floating_address_where_it_has_one() -> None:
    hosts = inventory("liberecky", [CENTRE, TENANT])["_meta"]["hostvars"]
    assert (hosts[DATABASE]["ansible_host"], hosts[RECORDS]["ansible_host"]) == (
        "198.51.100.7",
        "10.64.16.11",
    )
    assert hosts[RECORDS]["ansible_user"] == "debian"
    assert hosts[RECORDS]["kraj_tenant"] == "zelezny-brod"
    assert hosts[RECORDS]["kraj_title"] == "Železný Brod"
    assert "ansible_user" not in hosts[DATABASE]
    assert "kraj_tenant" not in hosts[DATABASE]


def test_a_server_knows_the_names_of_its_service_and_its_volumes() -> None:
    hosts = inventory("liberecky", [CENTRE, TENANT])["_meta"]["hostvars"]
    found = hosts[RECORDS]
    assert found["kraj_zone"] == "kraj.example"
    assert found["kraj_service_names"] == ["records.zelezny-brod.kraj.example"]
    assert found["kraj_service_address"] == "198.51.100.20"
    assert found["kraj_volumes"] == [
        {
            "name": "documents",
            "device": f"/dev/disk/by-id/virtio-{DOCUMENTS[:20]}",
            "path": "/var/lib/records",
        },
        {"name": "scratch", "device": f"/dev/disk/by-id/virtio-{SCRATCH[:20]}"},
    ]


def test_stacks_of_an_older_version_say_nothing_of_names() -> None:
    found = inventory("liberecky", [CENTRE])["_meta"]["hostvars"][DATABASE]
    assert not {"kraj_title", "kraj_zone", "kraj_service_names", "kraj_service_address"} & set(
        found
    )
    assert found["kraj_volumes"] == []


@pytest.mark.parametrize(
    ("value", "name"), [("site-a", "g_site_a"), ("žďár", "g____r"), ("a.b/c", "g_a_b_c")]
)
def test_a_groups_name_is_one_that_ansible_takes(value: str, name: str) -> None:
    assert group_name("g", value) == name
