"""An exchange of services with Pulumi's own engine: its quota follows the deletions, too.

The local engine's is in `test_killed_tenant`. This one takes three minutes, for `make test-all`.
Skipped, with that said, where there is no `pulumi` command or no OpenStack plugin for it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from kraj.engine.pulumi import find_cli
from kraj.engine.pulumi_install import find_plugin, plugin_version
from tests.lab.conftest import LabCloud
from tests.lab.killed_tenant import STACK, Tenant, tenant_on

pytestmark = [
    pytest.mark.lab,
    pytest.mark.pulumi,
    pytest.mark.slow,
    pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)"),
    pytest.mark.skipif(
        find_plugin(plugin_version()) is None,
        reason=f"no openstack plugin {plugin_version()} (`kraj engine install`)",
    ),
]

MAP = {"service": "map", "size": "small", "storage": "5 GiB"}
RECORDS = {"service": "records", "size": "small", "storage": "10 GiB"}


@pytest.fixture
def tenant(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    region = f"passes-{secrets.token_hex(2)}"
    home = {name: value for name, value in os.environ.items() if name == "PULUMI_HOME"}
    variables = {"KRAJ_ENGINE": "pulumi", **home}
    with tenant_on(lab_cloud, region, tmp_path_factory.mktemp("project"), **variables) as made:
        yield made


def test_an_order_of_less_and_an_exchange_end_with_the_planned_limits(tenant: Tenant) -> None:
    for services, change in (([MAP, RECORDS], ""), ([MAP], "2 → 1"), ([RECORDS], "2 → 1")):
        tenant.order(services)
        plan = tenant.kraj("plan", "--only", STACK).out
        assert ("in two passes" in plan) == bool(change), plan
        assert f"instances {change}" in plan or not change, plan
        tenant.up()
        assert "No changes." in tenant.good("plan", "--only", STACK).out
        tenant.good("verify", "--no-standards", "--only", STACK)
