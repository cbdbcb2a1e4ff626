"""What two stacks export, for tests of what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

from kraj.planning.documents import ServerOutput, StackOutputs, VolumeOutput

RECORDS, DATABASE = "lib-563889-records-1", "lib-centre-database-1"

DOCUMENTS = "3f6d1c2e-9a4b-4c55-8f1e-0b7a6d5c4e3f"
SCRATCH = "77777777-9a4b-4c55-8f1e-0b7a6d5c4e3f"
TENANT = StackOutputs(
    stack="tenant:zelezny-brod",
    project_id="p1",
    networks={"services": "n1"},
    servers=(
        ServerOutput(
            pool="records",
            name=RECORDS,
            id="s1",
            addresses=("10.64.16.11", "fd00::11"),
            availability_zone="site-a",
            metadata={"kraj_owner": "Odbor informatiky"},
            login="debian",
            availability="failsafe-2",
            volumes=(
                VolumeOutput(key="documents", id=DOCUMENTS, path="/var/lib/records"),
                VolumeOutput(key="scratch", id=SCRATCH),
            ),
        ),
    ),
    floating_addresses={"records": "198.51.100.20"},
    load_balancers={},
    title="Železný Brod",
    zone="kraj.example",
    domain="zelezny-brod.kraj.example",
)
CENTRE = StackOutputs(
    stack="centre",
    project_id="p2",
    networks={},
    servers=(
        ServerOutput(
            pool="database",
            name=DATABASE,
            id="s2",
            addresses=("10.64.0.11",),
            floating_address="198.51.100.7",
        ),
    ),
    floating_addresses={},
    load_balancers={},
)


def write_state(project: Path, kind: str, stack: str, outputs: StackOutputs) -> None:
    """Leave the state of a stack of the region `liberecky`, as far as its exports tell."""
    urn = f"urn:pulumi:{stack}::{kind}::pulumi:pulumi:Stack::{kind}-{stack}"
    document = outputs.model_dump(mode="json", by_alias=True)
    resource = {
        "urn": urn,
        "custom": False,
        "type": "pulumi:pulumi:Stack",
        "outputs": {"document": document, "applicationCredentialSecret": {"hidden": True}},
    }
    latest = {"manifest": {}, "resources": [resource]}
    content = {"version": 3, "checkpoint": {"stack": stack, "latest": latest}}
    stacks = project / ".kraj" / "regions" / "liberecky" / ".pulumi" / "stacks"
    file = stacks / kind / f"{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
