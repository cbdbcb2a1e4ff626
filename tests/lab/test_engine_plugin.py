"""kraj's own OpenStack provider as a plugin of Pulumi's command line, on a real OpenStack.

The same program, the same provider, both engines: what differs would be the engines'. Skipped, with
that said, where there is no `pulumi` command.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from kraj.engine.base import Engine, Result, StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.engine.plugin import write_plugin
from kraj.engine.pulumi import PulumiEngine, find_cli
from kraj.events import ignore
from tests.lab.conftest import LabCloud

pytestmark = [
    pytest.mark.lab,
    pytest.mark.pulumi,
    pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)"),
]

PROGRAM = """
import pulumi
import pulumi_openstack as openstack

prefix = pulumi.Config("kraj").require("prefix")
network = openstack.networking.Network("network", name=prefix, tags=["one", "two"])
subnet = openstack.networking.Subnet(
    "subnet", network_id=network.id, cidr=pulumi.Config("kraj").require("cidr"), ip_version=4
)
found = openstack.networking.get_network_output(network_id=network.id)
pulumi.export("found", found.name)
"""


@pytest.fixture
def spec(tmp_path: Path, lab_cloud: LabCloud) -> Iterator[StackSpec]:
    """The stack; what a test leaves of it in the cloud is destroyed by the local engine."""
    program = tmp_path / "program"
    program.mkdir()
    plugin = write_plugin(
        tmp_path / "plugin", "openstack", "kraj.openstack.provider:OpenStackProvider"
    )
    project = {
        "name": "notes",
        "runtime": "python",
        "plugins": {"providers": [{"name": "openstack", "path": str(plugin)}]},
    }
    (program / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (program / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    spec = StackSpec(
        project="notes",
        stack="test.one",
        label="tenant:one",
        program=program,
        config={
            "openstack:cloud": lab_cloud.name,
            "kraj:prefix": f"kraj-plugin-{uuid.uuid4().hex[:6]}",
            "kraj:cidr": "192.168.81.0/24",
        },
        environment={"OS_CLIENT_CONFIG_FILE": str(lab_cloud.clouds_file)},
    )
    yield spec
    LocalEngine(tmp_path / "state", environ=_environ()).destroy(spec, ignore)


def _environ() -> dict[str, str]:
    own = ("OS_", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def operations(result: Result) -> dict[str, str]:
    return {step.name: step.operation.value for step in result.steps}


def test_pulumis_engine_works_with_krajs_provider_as_the_local_engine_does(
    spec: StackSpec, tmp_path: Path
) -> None:
    engines: list[Engine] = [
        PulumiEngine(tmp_path / "state", environ=_environ()),
        LocalEngine(tmp_path / "state", environ=_environ()),
    ]
    pulumi, local = engines
    made = pulumi.up(spec, ignore)
    assert set(operations(made).values()) == {"create"}
    assert made.outputs["found"] == spec.config["kraj:prefix"]
    for engine in engines:
        assert not engine.preview(spec, ignore, refresh=True).has_changes
        assert not engine.refresh(spec, ignore, preview_only=True).has_changes
    changed = replace(spec, config={**spec.config, "kraj:cidr": "192.168.82.0/24"})
    plans = [operations(engine.preview(changed, ignore)) for engine in engines]
    assert plans[0] == plans[1]
    assert plans[0]["subnet"] == "replace"
    assert operations(local.up(changed, ignore)) == operations(pulumi.preview(spec, ignore))
    assert set(operations(pulumi.destroy(spec, ignore)).values()) == {"delete"}
