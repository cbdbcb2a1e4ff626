"""`kill -9` at any request of a stack of many types: nothing twice, nothing lost.

One stack lives through many deaths, which `tests.lab.deaths` chooses: each run goes on where the
last one died. What a real tenant is made of, servers and all, dies in `test_killed_tenant`.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import LabCloud
from tests.lab.deaths import Death, killed_to_the_end

pytestmark = pytest.mark.lab

SHARE = 20  #: one in so many requests is one to die at
REFUSED = 3  #: how a run ends that failed
SECONDS = 180  #: that one run may take on a loaded machine
RUNNER = Path(__file__).with_name("killed_run.py")

PROGRAM = """
import pulumi, pulumi_openstack as o
p = pulumi.Config().require("prefix")
project = o.identity.Project("project", name=p, tags=["killed"])
user = o.identity.User("user", name=p, password="killed-" + p, default_project_id=project.id)
role = o.identity.Role("role", name=p)
o.identity.RoleAssignment("grant", project_id=project.id, user_id=user.id, role_id=role.id)
o.networking.QuotaV2("quota", project_id=project.id, port=30)
scope = o.networking.AddressScope("scope", name=p, ip_version=4)
o.networking.SubnetPool("pool", name=p, prefixes=["10.0.0.0/16"], address_scope_id=scope.id)
net = o.networking.Network("net", name=p, tags=["killed"])
subnet = o.networking.Subnet("subnet", name=p, network_id=net.id, cidr="10.77.0.0/24",
                             ip_version=4, tags=["killed"])
router = o.networking.Router("router", name=p)
o.networking.RouterInterface("interface", router_id=router.id, subnet_id=subnet.id)
group = o.networking.SecGroup("group", name=p, delete_default_rules=True)
for port in (22, 80, 443):
    o.networking.SecGroupRule(f"rule-{port}", security_group_id=group.id, direction="ingress",
                              ethertype="IPv4", protocol="tcp", port_range_min=port,
                              port_range_max=port)
for number in (1, 2):
    o.networking.Port(f"port-{number}", name=f"{p}-{number}", network_id=net.id,
                      security_group_ids=[group.id], tags=["killed"],
                      fixed_ips=[o.networking.PortFixedIpArgs(
                          subnet_id=subnet.id, ip_address=f"10.77.0.{number + 10}")])
o.compute.Keypair("key", name=p)
o.blockstorage.Volume("volume", name=p, size=1, metadata={"killed": p})
zone = o.dns.Zone("zone", name=f"{p}.example.", email="a@example.org", ttl=300)
o.dns.RecordSet("record", zone_id=zone.id, name=f"www.{p}.example.", type="A",
                records=["192.0.2.1"])
o.identity.ApplicationCredential("credential", name=p)
"""


@dataclass(frozen=True)
class Ended:
    """A run that is over: where it was killed, or what it says at its end."""

    killed: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """A stack of the program above on the lab."""

    folder: Path
    prefix: str
    environment: dict[str, str]
    connection: Any

    def run(self, action: str, death: Death | None = None) -> Ended:
        """One run, to its end or to its death. What nothing proves is the stack's, as asked."""
        moment = [] if death is None else [death.moment, str(death.number)]
        command = [sys.executable, str(RUNNER), str(self.folder), action, *moment]
        adopted: list[str] = []
        late = False
        while True:
            finished = subprocess.run(
                command,
                env={**self.environment, "KRAJ_ADOPT": " ".join(adopted)},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            if finished.returncode == -signal.SIGKILL:
                return Ended(finished.stderr.splitlines()[-1], {})
            assert finished.returncode in (0, REFUSED), finished.stdout + finished.stderr
            result = dict(json.loads(finished.stdout.splitlines()[-1]))
            if finished.returncode == 0:
                return Ended("", result)
            if result["code"] == "KRJ406" and not late:
                # A slow service made it after this run had looked; the next one finds it.
                late = True
                continue
            # An address scope tells no age and bears no mark: kraj asks.
            assert result["code"] == "KRJ415", result
            assert not {*result["details"]["ids"]} & {*adopted}, result
            adopted += result["details"]["ids"]

    def run_to_the_end(self, action: str) -> dict[str, Any]:
        """Run again and again, each time killed at another request, until a run has no more."""
        killed_to_the_end(lambda death: self.run(action, death).killed, SHARE)
        return self.run(action).result

    def objects(self) -> Counter[str]:
        """What the cloud has under the stack's prefix, by kind and name."""
        c = self.connection
        network, identity = c.network, c.identity
        found = [
            *(("network", item) for item in network.networks()),
            *(("subnet", item) for item in network.subnets()),
            *(("router", item) for item in network.routers()),
            *(("port", item) for item in network.ports()),
            *(("security group", item) for item in network.security_groups()),
            *(("scope", item) for item in network.address_scopes()),
            *(("pool", item) for item in network.subnet_pools()),
            *(("project", item) for item in identity.projects()),
            *(("user", item) for item in identity.users()),
            *(("role", item) for item in identity.roles()),
            *(("credential", item) for item in identity.application_credentials(c.current_user_id)),
            *(("key", item) for item in c.compute.keypairs()),
            *(("volume", item) for item in c.block_storage.volumes()),
            *(("zone", item) for item in c.dns.zones()),
        ]
        named = [(kind, item) for kind, item in found if str(item.name).startswith(self.prefix)]
        groups = [item.id for kind, item in named if kind == "security group"]
        counts = Counter(f"{kind} {item.name.removeprefix(self.prefix)}" for kind, item in named)
        for group in groups:
            rules = network.security_group_rules(security_group_id=group)
            counts.update(f"rule {rule.port_range_min}" for rule in rules)
        return counts


@pytest.fixture
def stack(lab_cloud: LabCloud, tmp_path: Path) -> Iterator[Stack]:
    prefix = f"killed-{secrets.token_hex(3)}"
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "Pulumi.yaml").write_text("name: killed\nruntime: python\n")
    (tmp_path / "program" / "__main__.py").write_text(PROGRAM)
    config = {"killed:prefix": prefix, "openstack:cloud": lab_cloud.name}
    (tmp_path / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "OS_CLIENT_CONFIG_FILE": str(lab_cloud.clouds_file)}
    connection = lab_cloud.connect()
    made = Stack(tmp_path, prefix, environment, connection)
    yield made
    made.run("destroy")


def test_runs_killed_at_many_requests_make_everything_once_and_leave_nothing(
    stack: Stack,
) -> None:
    state = stack.run_to_the_end("up")["state"]
    assert "pending_operations" not in state
    assert not [
        item["urn"] for item in state["resources"] if "__unfinished" in item.get("outputs", {})
    ]
    counts = stack.objects()
    assert {name: count for name, count in counts.items() if count != 1} == {}
    assert len(counts) == 18
    assert set(stack.run("up").result["operations"].values()) == {"same"}
    stack.run_to_the_end("destroy")
    assert stack.objects() == Counter()
