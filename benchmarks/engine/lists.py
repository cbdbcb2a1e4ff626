"""The lists that tell all there is to know of the benchmark's tenants: a lower bound for refreshes.

`python lists.py CLOUD NAMES-AS-JSON` asks for each collection once for all tenants, in parallel,
and for what has no list (quotas) one by one. It starts, logs in and ends as a refresh does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack

_AT_ONCE = 16


def main() -> None:
    """Ask for all lists."""
    cloud, names = sys.argv[1], frozenset(json.loads(sys.argv[2]))
    connection = openstack.connect(cloud=cloud)
    found = [p.id for p in connection.identity.projects() if p.name in names]
    assert len(found) == len(names), (len(found), len(names))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for count in pool.map(lambda call: call(), _calls(connection, found, len(names))):
            assert count


def _calls(connection: Any, projects: list[str], tenants: int) -> Iterable[Callable[[], int]]:
    net, compute = connection.network, connection.compute
    lists: list[Callable[[], Iterable[Any]]] = [
        net.networks,
        net.subnets,
        net.routers,
        net.ports,
        net.security_groups,
        net.security_group_rules,
        compute.keypairs,
        compute.server_groups,
        connection.block_storage.volumes,
    ]
    yield from ((lambda one=one: sum(1 for _ in one()) // tenants) for one in lists)
    for project in projects:
        yield lambda project=project: bool(compute.get_quota_set(project))
        yield lambda project=project: bool(net.get_quota(project))


if __name__ == "__main__":
    main()
