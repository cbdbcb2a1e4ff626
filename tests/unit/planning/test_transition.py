"""Limits for the time of a change have room for the old and the new, and no more than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from kraj.model.loader import RegionFiles
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from kraj.planning.documents import Quota, TenantDocument
from kraj.planning.limits import LIMITS, limits_of, quota_of, recorded_limits
from kraj.planning.transition import (
    INSTANCE,
    VOLUME,
    Standing,
    differences,
    quota_meanwhile,
    wanted_resources,
)
from tests.unit.planning.regions import CLOUD, change_tenant, small_region

SLUG = "zelezny-brod"
MAP = {"service": "map", "size": "small", "storage": "5 GiB"}
BIG_MAP = {**MAP, "size": "large", "storage": "9 GiB"}
RECORDS = {"service": "records", "size": "medium", "storage": "20 GiB"}
COMPUTE = "openstack:compute/quotaSetV2:QuotaSetV2"
VOLUMES = "openstack:blockstorage/quoteSetV3:QuoteSetV3"


class Town:
    """A tenant that orders one thing after another."""

    def __init__(self, files: RegionFiles) -> None:
        self.files = files

    def order(self, *services: Mapping[str, str], **keys: Any) -> TenantDocument:
        self.files = change_tenant(self.files, SLUG, services=services, **keys)
        return plan_region(self.files, Ledger(), CLOUD).tenants[SLUG]

    def meanwhile(self, standing: TenantDocument, document: TenantDocument) -> Quota:
        return quota_meanwhile(self.files.region, document, standing_of(standing))


@pytest.fixture
def town(tmp_path: Any) -> Town:
    return Town(small_region(tmp_path, SLUG))


def standing_of(document: TenantDocument) -> Iterator[Standing]:
    """What is in the state after the document was applied."""
    for (type_, name), inputs in wanted_resources(document).items():
        yield Standing(type_, name, inputs)
    quota = document.quota
    yield Standing(COMPUTE, "tenant", {"instances": quota.instances, "cores": quota.cores})
    limits = {f"gigabytes_{name}": str(n) for name, n in quota.volume_types_gib.items()}
    yield Standing(VOLUMES, "tenant", {"snapshots": quota.snapshots, "volumeTypeQuota": limits})


def test_what_takes_nothing_away_has_its_own_limits_at_once(town: Town) -> None:
    nothing = town.order()
    little, more = town.order(MAP), town.order(BIG_MAP, RECORDS)
    assert quota_meanwhile(town.files.region, more, ()) == more.quota
    assert town.meanwhile(nothing, more) == more.quota
    assert town.meanwhile(little, more) == more.quota
    assert town.meanwhile(more, more) == more.quota


def test_what_goes_has_its_room_until_it_is_gone(town: Town) -> None:
    before, after = town.order(MAP, RECORDS), town.order(MAP)
    assert town.meanwhile(before, after) == before.quota
    assert differences(before.quota, after.quota)["instances"] == (4, 2)


def test_a_smaller_server_or_another_kind_of_volume_goes_like_anything_else(town: Town) -> None:
    before, after = town.order(BIG_MAP), town.order(MAP)
    meanwhile = town.meanwhile(before, after)
    assert (meanwhile.cores, meanwhile.ram_mib) == (before.quota.cores, before.quota.ram_mib)
    assert meanwhile.gigabytes == before.quota.gigabytes


def test_what_comes_and_what_goes_have_room_side_by_side(town: Town) -> None:
    before, after = town.order(RECORDS), town.order(MAP)
    meanwhile = town.meanwhile(before, after)
    for name in ("instances", "cores", "ram_mib", "volumes", "gigabytes", "floating_ips"):
        both = getattr(before.quota, name) + getattr(after.quota, name)
        assert getattr(meanwhile, name) == both, name
    assert meanwhile.networks == after.quota.networks


def test_a_server_that_grows_has_room_beside_what_goes(town: Town) -> None:
    before, after = town.order(MAP, RECORDS), town.order(BIG_MAP)
    records = town.order(RECORDS)
    assert town.meanwhile(before, after).cores == after.quota.cores + records.quota.cores


def test_limits_of_the_tenants_file_are_not_raised_where_they_have_room(town: Town) -> None:
    room = {"quota": {"instances": 9, "cores": 50}}
    before, after = town.order(RECORDS, **room), town.order(MAP, **room)
    meanwhile = town.meanwhile(before, after)
    assert (meanwhile.instances, meanwhile.cores) == (9, 50)
    assert meanwhile.volumes == before.quota.volumes + after.quota.volumes


def test_limits_below_the_need_stay_what_was_asked_for(town: Town) -> None:
    before, after = town.order(MAP, RECORDS), town.order(MAP, quota={"instances": 1})
    nothing = town.order(quota={"instances": 1})
    assert town.meanwhile(before, after).instances == before.quota.instances
    assert town.meanwhile(nothing, after).instances == 1


def test_no_limit_stays_no_limit(town: Town) -> None:
    before, after = town.order(MAP, RECORDS), town.order(MAP)
    limits = {**limits_of(after.quota), "instances": -1}
    unlimited = after.model_copy(update={"quota": quota_of(limits)})
    assert town.meanwhile(before, unlimited).instances == -1


def test_limits_that_were_recorded_stay_until_something_is_gone(town: Town) -> None:
    """Also where more counts than the stack has: the tenant may have made servers of its own."""
    before = town.order(MAP, RECORDS, quota={"instances": 30})
    after = town.order(MAP)
    assert town.meanwhile(before, after).instances == 30
    assert town.meanwhile(after, after).instances == after.quota.instances


def test_an_old_version_that_waits_for_its_deletion_counts_too(town: Town) -> None:
    document = town.order(MAP)
    replaced = [*standing_of(document), *leaving(document, INSTANCE, VOLUME)]
    meanwhile = quota_meanwhile(town.files.region, document, replaced)
    assert meanwhile.instances == 2 * document.quota.instances
    assert meanwhile.gigabytes == 2 * document.quota.gigabytes


def leaving(document: TenantDocument, *types: str) -> Sequence[Standing]:
    return [
        Standing(type_, name, inputs, leaving=True)
        for (type_, name), inputs in wanted_resources(document).items()
        if type_ in types
    ]


def test_limits_are_read_back_as_they_were_written() -> None:
    inputs = {"serverGroupMembers": 12.0, "keyPairs": 3, "projectId": "p", "fixedIps": 4}
    assert recorded_limits(COMPUTE, inputs) == {"server_group_members": 12, "key_pairs": 3}
    volumes = {"volumeTypeQuota": {"gigabytes_fast": "40", "volumes_fast": "-1"}, "volumes": 4}
    assert recorded_limits(VOLUMES, volumes) == {"gigabytes_fast": 40, "volumes": 4}
    assert recorded_limits(INSTANCE, {"instances": 3}) == {}


def test_each_limit_belongs_to_one_service() -> None:
    fields = [field for limits in LIMITS.values() for field in limits.values()]
    assert sorted([*fields, "volume_types_gib"]) == sorted(Quota.model_fields)
