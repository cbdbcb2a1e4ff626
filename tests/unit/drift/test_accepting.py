"""What of a cloud's drift the files of a region can say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kraj.drift.accepting import Proposal, propose
from kraj.drift.inventory import CloudObject
from kraj.engine.base import Operation, PropertyChange, Step
from tests.unit.planning.regions import small_region

STACK = "tenant:zelezny-brod"
COMPUTE = "openstack:compute/quotaSetV2:QuotaSetV2"
NETWORK = "openstack:networking/quotaV2:QuotaV2"
STORAGE = "openstack:blockstorage/quoteSetV3:QuoteSetV3"
VOLUME = "openstack:blockstorage/volume:Volume"
SERVER = "openstack:compute/instance:Instance"


def differs(kind: str, name: str, path: str, before: Any, after: Any) -> Step:
    change = PropertyChange(path, before, after)
    return Step(Operation.UPDATE, f"urn:{kind}:{name}", kind, name, "1", changes=(change,))


def proposals(tmp_path: Path, *steps: Step, stack: str = STACK) -> list[Proposal]:
    return propose(small_region(tmp_path, "zelezny-brod"), stack, steps)


@pytest.mark.parametrize(
    ("step", "key", "value"),
    [
        (differs(COMPUTE, "tenant", "cores", 8, 99), "quota.cores", 99),
        (differs(COMPUTE, "tenant", "ram", 8, 2048), "quota.ram", "2048 MiB"),
        (differs(NETWORK, "tenant", "floatingip", 2, 5), "quota.floating_ips", 5),
        (differs(STORAGE, "tenant", "gigabytes", 1, 500.0), "quota.storage", "500 GiB"),
        (differs(VOLUME, "map/1/tiles", "size", 10, 13), "services[1].storage", "13 GiB"),
        (differs(SERVER, "map/1", "flavorName", "x", "SCS-4V-8"), "services[1].size", "medium"),
    ],
)
def test_what_a_tenants_file_can_say(
    tmp_path: Path, step: Step, key: str, value: int | str
) -> None:
    (found,) = proposals(tmp_path, step)
    assert found.edit is not None, found.reason
    assert (found.edit.kind, found.edit.name) == ("tenant", "zelezny-brod")
    assert (found.edit.key, found.edit.value) == (key, value)


@pytest.mark.parametrize(
    ("step", "key", "value"),
    [
        (
            differs(VOLUME, "database/2/data", "size", 100, 120),
            "centre.database.data_volume",
            "120 GiB",
        ),
        (
            differs(SERVER, "load-balancer/1", "flavorName", "x", "SCS-8V-16"),
            "centre.load_balancer.size",
            "large",
        ),
    ],
)
def test_what_the_regions_file_can_say(tmp_path: Path, step: Step, key: str, value: str) -> None:
    (found,) = proposals(tmp_path, step, stack="centre")
    assert found.edit is not None, found.reason
    assert (found.edit.kind, found.edit.key, found.edit.value) == ("region", key, value)


@pytest.mark.parametrize(
    ("stack", "step", "reason"),
    [
        ("centre", differs(COMPUTE, "centre", "cores", 8, 99), "calculated"),
        ("centre", differs(VOLUME, "archive/1/documents", "size", 8, 9), "tenants order"),
        (STACK, differs(COMPUTE, "tenant", "cores", 8, -1), "-1 is no limit"),
        (STACK, differs(VOLUME, "map/1/boot", "size", 20, 30), "in the card"),
        (STACK, differs(VOLUME, "map/1/tiles", "name", "a", "b"), "follow from the plan"),
        (STACK, differs(SERVER, "map/1", "flavorName", "x", "tiny"), "no size of the region"),
        (STACK, differs(SERVER, "map/1", "powerState", "active", "shutoff"), "no file says"),
        (STACK, Step(Operation.DELETE, "urn", SERVER, "map/1"), "is missing"),
    ],
)
def test_what_no_file_can_say_has_a_reason(
    tmp_path: Path, stack: str, step: Step, reason: str
) -> None:
    (found,) = proposals(tmp_path, step, stack=stack)
    assert found.edit is None
    assert reason in found.reason


def test_limits_of_volume_types_are_those_of_pools_key_by_key(tmp_path: Path) -> None:
    before = {"gigabytes_fast": "80", "gigabytes_bulk": "80", "volumes_fast": "-1"}
    after = {"gigabytes_fast": "300", "gigabytes_bulk": "80", "volumes_fast": "4"}
    found = proposals(tmp_path, differs(STORAGE, "tenant", "volumeTypeQuota", before, after))
    fast, volumes = found
    assert fast.label == "tenant/volumeTypeQuota.gigabytes_fast"
    assert fast.edit is not None
    assert (fast.edit.key, fast.edit.value) == ("quota.pools.fast", "300 GiB")
    assert "no such limit" in volumes.reason


def test_of_two_volumes_under_one_key_the_larger_counts(tmp_path: Path) -> None:
    steps = [differs(VOLUME, f"map/{at}/tiles", "size", 10, 10 + at) for at in (1, 2)]
    found = proposals(tmp_path, *steps)
    assert [part.edit.value for part in found if part.edit] == ["12 GiB", "12 GiB"]


def test_two_servers_of_one_order_with_other_flavours_are_refused(tmp_path: Path) -> None:
    flavors = (("map/1", "SCS-4V-8"), ("map/2", "SCS-8V-16"))
    steps = [differs(SERVER, name, "flavorName", "x", flavor) for name, flavor in flavors]
    reasons = {part.reason for part in proposals(tmp_path, *steps)}
    assert reasons == {
        "one value holds for all of them, but map/1 has SCS-4V-8, map/2 has SCS-8V-16"
    }


def test_what_is_in_no_plan_cannot_be_accepted(tmp_path: Path) -> None:
    rule = CloudObject("security group rule", "7", "web: ingress")
    (found,) = propose(small_region(tmp_path, "bela"), "tenant:bela", (), (rule,))
    assert (found.edit, found.type) == (None, "security group rule")


def test_a_selector_is_a_property_or_any_name_above_it(tmp_path: Path) -> None:
    (found,) = proposals(tmp_path, differs(VOLUME, "map/1/tiles", "size", 10, 13))
    assert all(
        found.selected_by(word) for word in ("map", "map/1", "map/1/tiles", "map/1/tiles/size")
    )
    assert not any(found.selected_by(word) for word in ("ma", "map/2", "map/1/tiles/name"))
