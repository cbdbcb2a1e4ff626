"""One provider, many threads: as an engine uses it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.lab

NETWORK = "openstack:networking/network:Network"
GROUP = "openstack:networking/secGroup:SecGroup"
RULE = "openstack:networking/secGroupRule:SecGroupRule"
THREADS = 16


def test_sixteen_threads_share_one_log_in(lab_cloud, provider_for, things):
    """All threads start on a provider that has not connected yet."""
    things.provider = provider_for(lab_cloud.clouds_file)
    together = threading.Barrier(THREADS)

    def make(number: int):
        together.wait()
        return things.create(NETWORK, description=str(number))

    with ThreadPoolExecutor(THREADS) as pool:
        networks = list(pool.map(make, range(THREADS)))
    assert len({network.id for network in networks}) == THREADS
    assert [network.outputs["description"] for network in networks] == [
        str(number) for number in range(THREADS)
    ]


def test_rules_of_one_group_can_be_made_at_once(things):
    group = things.create(GROUP, deleteDefaultRules=True)

    def make(port: int):
        return things.create(
            RULE,
            securityGroupId=group.id,
            direction="ingress",
            ethertype="IPv4",
            protocol="tcp",
            portRangeMin=port,
            portRangeMax=port,
        )

    with ThreadPoolExecutor(8) as pool:
        rules = list(pool.map(make, range(1000, 1008)))
    for rule in rules:
        rule.assert_settled()
