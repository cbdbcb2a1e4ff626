"""Zones and records on a real cloud."""

from __future__ import annotations

import time

import pytest

from tests.lab.openstack.conftest import CallFailedError

pytestmark = pytest.mark.lab

ZONE = "openstack:dns/zone:Zone"
RECORDS = "openstack:dns/recordSet:RecordSet"
SERVED_WITHIN_SECONDS = 60


@pytest.fixture(autouse=True)
def _designate(provider):
    if not provider.cloud.has_service("dns"):
        pytest.skip("this cloud has no DNS service (Designate)")


def test_a_zone_with_records_lives_and_changes_in_place(things):
    given = {"name": f"kraj-{things.suffix}.example.", "email": "dns@example.org"}
    zone = things.create(ZONE, **given, ttl=3600, description="first")
    zone.assert_settled()
    assert zone.outputs["type"] == "PRIMARY"
    zone.update(**given, ttl=600)
    zone.assert_settled()
    assert (zone.outputs["ttl"], zone.outputs["description"]) == (600, "")

    host = {"zoneId": zone.id, "name": f"www.{given['name']}", "type": "A"}
    records = things.create(RECORDS, **host, records=["192.0.2.1", "192.0.2.2"])
    assert records.id.startswith(f"{zone.id}/")
    records.assert_settled()
    records.update(**host, records=["192.0.2.3"], ttl=60, description="one")
    records.assert_settled()
    assert (records.outputs["records"], records.outputs["ttl"]) == (["192.0.2.3"], 60)
    assert records.diff(**host | {"type": "AAAA"}, records=["192.0.2.3"]).replaces == ["type"]
    inputs, outputs = records.imported()
    assert (outputs["id"], outputs["zoneId"]) == (records.id, zone.id)
    given_back = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not records.diff(**given_back).diffs
    things.delete(records)

    found = _zone_when_served(things, given["name"])
    assert (found["id"], found["status"]) == (zone.id, "ACTIVE")
    things.delete(zone)


def _zone_when_served(things, name):
    """A zone is PENDING until the name servers serve its last change, here a record's removal."""
    deadline = time.monotonic() + SERVED_WITHIN_SECONDS
    while True:
        found = things.invoke("openstack:dns/getDnsZone:getDnsZone", name=name)
        if found["status"] != "PENDING" or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def test_a_zone_is_not_waited_for_where_the_program_says_so(things):
    zone = things.create(
        ZONE,
        name=f"kraj-{things.suffix}.example.",
        email="dns@example.org",
        disableStatusCheck=True,
    )
    assert not zone.diff(**{k: v for k, v in zone.inputs.items() if k != "__defaults"}).diffs


def test_a_zone_of_another_project_is_refused(things):
    with pytest.raises(CallFailedError, match=r"KRJ408 .* the provider acts for project"):
        things.create(
            ZONE,
            name=f"kraj-{things.suffix}.example.",
            email="dns@example.org",
            projectId="another",
        )
