"""Quotas follow the orders; what a quota lets a tenant take counts as promised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kraj.errors import KrajErrors
from kraj.model.loader import RegionFiles
from kraj.model.tenant import QuotaOverrides
from kraj.model.units import Size
from kraj.planning.addresses import Ledger
from kraj.planning.build import RegionPlan, plan_region
from kraj.planning.capacity import FLOATING, RAM, VCPUS, limits_of
from kraj.planning.documents import CentreDocument, TenantDocument
from tests.unit.planning.regions import CLOUD, example_region, with_card, with_parts

FILES = example_region()


def with_quota(**limits: object) -> RegionFiles:
    quota = QuotaOverrides.model_validate(limits)
    liberec = FILES.tenants["liberec"].model_copy(update={"quota": quota})
    return with_parts(FILES, tenants={**FILES.tenants, "liberec": liberec})


def planned(files: RegionFiles) -> RegionPlan:
    return plan_region(files, Ledger(), CLOUD)


def test_a_quota_is_what_the_servers_and_volumes_add_up_to() -> None:
    quota = planned(FILES).tenants["liberec"].quota
    # records: 2 × SCS-4V-8 with 20 + 200 GiB; map: 2 × SCS-2V-4 with 20 + 20 GiB.
    assert (quota.instances, quota.cores, quota.ram_mib) == (4, 12, 24 * 1024)
    assert quota.volume_types_gib == {"fast": 4 * 20 + 2 * 20, "bulk": 2 * 200, "archive": 0}
    assert quota.gigabytes == 520
    assert (quota.networks, quota.subnets, quota.routers, quota.floating_ips) == (1, 2, 1, 2)


def test_a_quota_above_the_orders_is_counted_as_promised() -> None:
    before, after = planned(FILES), planned(with_quota(cores=40, ram="48 GiB", floating_ips=5))
    assert before.demands["tenant:liberec"][VCPUS] == 12
    demand = after.demands["tenant:liberec"]
    # The router has an address of the external network beside the floating ones.
    assert (demand[VCPUS], demand[RAM], demand[FLOATING]) == (40, 48 * 1024, 6)
    assert after.capacity[VCPUS].free == before.capacity[VCPUS].free - 28


def test_a_quota_beyond_what_the_pool_has_left_is_refused() -> None:
    with pytest.raises(KrajErrors) as caught:
        planned(with_quota(pools={"bulk": "30 TiB"}))
    assert [error.code.code for error in caught.value.errors] == ["KRJ210"]
    assert "liberec needs 30,720 GiB of storage pool bulk" in caught.value.errors[0].message


def test_a_quota_below_the_orders_is_planned_and_warned_of() -> None:
    plan = planned(with_quota(cores=1, pools={"fast": Size.parse("10 GiB")}))
    assert plan.tenants["liberec"].quota.cores == 1
    (warning,) = plan.warnings
    assert "liberec" in warning
    assert "cores 1 of 12" in warning
    assert "fast 10 of 120 GiB" in warning


def test_no_plan_of_the_example_region_needs_more_than_its_quota() -> None:
    assert planned(FILES).warnings == ()


def test_many_services_have_room_for_their_server_groups() -> None:
    files, orders = FILES, []
    for number in range(12):
        files = with_card(files, "map", name=f"map-{number}") if number else files
        name = f"map-{number}" if number else "map"
        orders.append({"service": name, "size": "small"})
    liberec = FILES.tenants["liberec"]
    order = type(liberec.services[0])
    tenant = liberec.model_copy(update={"services": tuple(map(order.model_validate, orders))})
    plan = planned(with_parts(files, tenants={"liberec": tenant}))
    assert plan.tenants["liberec"].quota.server_groups == 12
    assert plan.warnings == ()


SLUGS = ("bela", "liberec", "zelezny-brod")
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "records": st.tuples(st.sampled_from(["small", "large"]), st.integers(900, 2048)),
        "map": st.tuples(st.sampled_from(["small", "medium"]), st.integers(5, 500)),
        "archive": st.tuples(st.none(), st.integers(5, 2048)),
    },
)
LIMITS = st.fixed_dictionaries(
    {}, optional={"cores": st.integers(0, 900), "pools": st.just({"bulk": "900 GiB"})}
)


@settings(max_examples=60)
@given(st.tuples(*(st.tuples(ORDERS, LIMITS) for _ in SLUGS)))
def test_no_accepted_plan_lets_tenants_take_more_than_may_be_promised(
    wanted: tuple[tuple[dict[str, Any], dict[str, Any]], ...],
) -> None:
    order_of = type(FILES.tenants["bela"].services[0])
    tenants = {
        slug: FILES.tenants[slug].model_copy(
            update={
                "services": tuple(
                    order_of.model_validate(
                        {"service": name, "size": size, "storage": f"{gib} GiB"}
                    )
                    for name, (size, gib) in sorted(orders.items())
                ),
                "quota": QuotaOverrides.model_validate(limits),
            }
        )
        for slug, (orders, limits) in zip(SLUGS, wanted, strict=True)
    }
    try:
        plan = planned(with_parts(FILES, tenants=tenants))
    except KrajErrors as refused:
        if any(error.code.code != "KRJ210" for error in refused.errors):
            raise
        event("refused")
        return
    event("accepted")
    limits = {row.resource: row.limit for row in limits_of(FILES.region)}
    documents = [plan.centre, *plan.tenants.values()]
    for pool in FILES.region.storage.pools:
        # What a project may fill is its quota; what it holds from the start are its volumes.
        taken = sum(
            max(
                _volumes_gib(document, pool.name), document.quota.volume_types_gib[pool.volume_type]
            )
            for document in documents
        )
        assert taken <= limits[f"pool:{pool.name}"]
    assert sum(document.quota.cores for document in documents) <= limits[VCPUS]


def _volumes_gib(document: CentreDocument | TenantDocument, pool: str) -> int:
    return sum(
        volume.size_gib
        for servers in document.server_pools
        for server in servers.servers
        for volume in (server.boot_volume, *server.data_volumes)
        if volume.pool == pool
    )
