"""Rules of Designate's types."""

from __future__ import annotations

ZONE = "openstack:dns/zone:Zone"
RECORDS = "openstack:dns/recordSet:RecordSet"


def test_a_zone_changes_its_time_to_live_in_place_and_its_name_by_replacement(rules_of):
    zone = rules_of(ZONE)
    olds = {"name": "a.example.", "email": "a@b.c", "ttl": 3600, "type": "PRIMARY"}
    given = {"name": "a.example.", "email": "a@b.c"}
    assert not zone.diff(olds, given).changes
    assert not zone.diff(olds, {**given, "name": "A.Example."}).changes
    assert zone.updates(olds, **given, ttl=60) == {"ttl"}
    assert zone.replaces(olds, **given | {"name": "b.example."}) == {"name"}


def test_records_are_compared_in_any_order(rules_of):
    records = rules_of(RECORDS)
    olds = {"name": "a.", "zoneId": "z", "type": "A", "records": ["192.0.2.1", "192.0.2.2"]}
    given = {"name": "a.", "zoneId": "z", "type": "A"}
    assert not records.diff(olds, {**given, "records": ["192.0.2.2", "192.0.2.1"]}).changes
    assert records.updates(olds, **given, records=["192.0.2.2"]) == {"records"}
    assert records.replaces(olds, **given | {"zoneId": "y"}, records=olds["records"]) == {"zoneId"}
