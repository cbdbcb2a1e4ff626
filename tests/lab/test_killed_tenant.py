"""`kill -9` at any request of a tenant's runs: the next run ends where a clean one does.

The tenant is the real program with servers, volumes, load balancers, addresses, names and
credentials. It is made once without trouble; then runs die, one after another, each at another
request that changes the cloud (see `killed_kraj`), and what they end in has to be the same.

Which requests, is chosen by `tests.lab.deaths`: a share by default, each with KRAJ_ALL_STEPS=1.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.lab.conftest import LabCloud
from tests.lab.deaths import killed_to_the_end
from tests.lab.killed_tenant import STACK, Snapshot, Tenant, tenant_on

pytestmark = pytest.mark.lab

SHARE = 30  #: one in so many requests is one to die at
CHANGE_SHARE = 3  #: a change has few requests
EXCHANGE_SHARE = 60  #: takes two passes in each run
REGION = f"killed-{secrets.token_hex(2)}"

ALL = bool(os.environ.get("KRAJ_ALL_STEPS") or os.environ.get("KRAJ_KILL_SHARE"))
MAP = {"service": "map", "size": "small", "storage": "5 GiB"}
RECORDS = {"service": "records", "size": "small", "storage": "10 GiB"}
ARCHIVE = {"service": "archive", "storage": "5 GiB"}
#: By default one service, whose server and volume grow. Otherwise two: the server and volume of one
#: grow, the other is ordered no more, and a third is.
FIRST = [RECORDS, MAP] if ALL else [MAP]
SECOND = (
    [RECORDS | {"size": "medium", "storage": "12 GiB"}, ARCHIVE]
    if ALL
    else [MAP | {"size": "medium", "storage": "6 GiB"}]
)
#: Another service instead: there is more of everything than the final limits have room for.
THIRD = [MAP] if ALL else [RECORDS]


@pytest.fixture(scope="module")
def tenant(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with tenant_on(lab_cloud, REGION, tmp_path_factory.mktemp("project")) as made:
        yield made


@pytest.fixture(scope="module")
def clean(tenant: Tenant) -> dict[str, Snapshot]:
    """What runs without trouble end in: the first order, then the change to the second.

    The second takes as long as all deaths of a share together, and is left out with them.
    """
    found = {}
    for name, services in (("first", FIRST), ("second", SECOND))[: 2 if ALL else 1]:
        tenant.order(services)
        tenant.up()
        found[name] = tenant.snapshot()
    return found


def killed(tenant: Tenant, action: str, share: int = SHARE) -> int:
    """Run `up` or `down` until a run has no request left to die at; returns how many died."""
    return killed_to_the_end(lambda death: tenant.killed(action, death), share)


def assert_same(found: Snapshot, expected: Snapshot) -> None:
    """Cloud and state hold the same, each thing as often."""
    for one, other in zip(found, expected, strict=True):
        more = [f"+ {item}" for item in (Counter(one) - Counter(other)).elements()]
        less = [f"- {item}" for item in (Counter(other) - Counter(one)).elements()]
        assert not [*more, *less], "\n".join(sorted([*more, *less], key=lambda line: line[2:]))


def assert_settled(tenant: Tenant) -> None:
    """Nothing is left to do, and the proof is good."""
    assert "No changes." in tenant.up()
    # The standards also judge what else is on the cloud.
    tenant.good("verify", "--no-standards", "--only", STACK)


def test_a_killed_down_leaves_nothing(tenant: Tenant, clean: dict[str, Snapshot]) -> None:
    killed(tenant, "down")
    assert tenant.nothing_is_left()


def test_a_killed_up_ends_where_a_clean_one_does(
    tenant: Tenant, clean: dict[str, Snapshot]
) -> None:
    tenant.order(FIRST)
    assert killed(tenant, "up")
    assert_same(tenant.snapshot(), clean["first"])
    assert_settled(tenant)


def test_a_killed_change_ends_where_a_clean_one_does(
    tenant: Tenant, clean: dict[str, Snapshot]
) -> None:
    tenant.order(SECOND)
    killed(tenant, "up", CHANGE_SHARE)
    if "second" in clean:
        assert_same(tenant.snapshot(), clean["second"])
    assert_settled(tenant)


def test_a_killed_exchange_of_services_ends_with_the_planned_limits(
    tenant: Tenant, clean: dict[str, Snapshot]
) -> None:
    tenant.order(THIRD)
    plan = tenant.kraj("plan", "--only", STACK)
    assert "in two passes" in plan.out, plan.out
    killed(tenant, "up", EXCHANGE_SHARE)
    assert_settled(tenant)
