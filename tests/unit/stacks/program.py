"""Runs a stack program, unmodified, on Pulumi's mock monitor and keeps every registration."""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings

from kraj.planning import documents

STACKS = Path(__file__).resolve().parents[3] / "stacks"
PASSWORD = "correct horse"
PROVIDER_TYPE = "pulumi:providers:openstack"

#: What the cloud would answer, by resource type; all other outputs are the inputs.
_COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "openstack:identity/user:User": {"domainId": "default"},
    "openstack:identity/applicationCredential:ApplicationCredential": {"secret": "app-secret"},
    "openstack:networking/floatingIp:FloatingIp": {"address": "203.0.113.7"},
    "openstack:loadbalancer/loadBalancer:LoadBalancer": {"vipPortId": "vip-port"},
}

#: What Cinder shows of the limits per volume type, before the program sets any.
_TYPE_LIMITS = {
    f"{what}_{kind}": "7" for what in ("gigabytes", "volumes") for kind in ("fast", "bulk", "else")
}


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it."""

    type: str
    name: str
    urn: str
    parent: str
    provider: str
    inputs: Mapping[str, Any]
    depends_on: frozenset[str]
    delete_before_replace: bool
    secret_inputs: frozenset[str]

    @property
    def kind(self) -> str:
        """The last part of the type, for example `Port`."""
        return self.type.rsplit(":", 1)[1]


@dataclass
class Run:
    """Everything that one run of a program asked for."""

    resources: list[Registered] = field(default_factory=list)
    invokes: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Registered]:
        """Resources of that kind by logical name."""
        return {found.name: found for found in self.resources if found.kind == kind}

    def one(self, kind: str, name: str) -> Registered:
        return self.of(kind)[name]

    @property
    def in_cloud(self) -> list[Registered]:
        """All resources that OpenStack holds: no components, no providers."""
        return [found for found in self.resources if found.type.startswith("openstack:")]

    @property
    def providers(self) -> list[Registered]:
        return [found for found in self.resources if found.type == PROVIDER_TYPE]


class _Cloud(mocks.Mocks):
    def __init__(self, run: Run, missing: frozenset[str]) -> None:
        self._run = run
        self._missing = missing

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = {**args.inputs, **_COMPUTED.get(args.typ, {})}
        if args.typ == "openstack:networking/port:Port":
            fixed = args.inputs.get("fixedIps", [])
            given = [item["ipAddress"] for item in reversed(fixed)]
            state["allFixedIps"] = given or ["10.64.12.32"]
        return f"id-of-{args.typ.rsplit(':', 1)[1]}-{args.name}", state

    def call(self, args: mocks.MockCallArgs) -> Any:
        self._run.invokes.append((args.token, args.args, args.provider))
        name = args.args.get("name")
        if name in self._missing:
            return {}, [("name", "your query returned no results")]
        if args.token.endswith(":getQuotasetV3"):
            return {"projectId": args.args["projectId"], "volumeTypeQuota": dict(_TYPE_LIMITS)}
        return {"id": f"found-{name}", "name": name}


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: _Cloud, run: Run) -> None:
        super().__init__(cloud)
        self._run = run

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            held = rpc.deserialize_properties(request.object, keep_unknowns=True)
            self._run.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    urn=answer.urn,
                    parent=request.parent,
                    provider=request.provider,
                    inputs={key: rpc.unwrap_rpc_secret(value) for key, value in held.items()},
                    depends_on=frozenset(request.dependencies),
                    delete_before_replace=request.deleteBeforeReplace,
                    secret_inputs=frozenset(
                        key for key, value in held.items() if rpc.is_rpc_secret(value)
                    ),
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self._run.outputs = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
        return super().RegisterResourceOutputs(request)


def run_program(
    document: documents.CentreDocument | documents.TenantDocument,
    *,
    preview: bool = False,
    missing: frozenset[str] = frozenset(),
) -> Run:
    """Run the document's program; data sources fail for the names in `missing`."""
    kind = "centre" if isinstance(document, documents.CentreDocument) else "tenant"
    run = Run()
    path = list(sys.path)
    try:
        asyncio.run(_run(STACKS / kind, kind, document, run, preview, missing))
    finally:
        sys.path[:] = path
        settings.set_root_resource(None)
    return run


async def _run(
    folder: Path, kind: str, document: Any, run: Run, preview: bool, missing: frozenset[str]
) -> None:
    monitor = _Monitor(_Cloud(run, missing), run)
    mocks.set_mocks(
        monitor.mocks, project=f"kraj-{kind}", stack="test", preview=preview, monitor=monitor
    )
    settings.set_root_resource(None)
    pulumi.runtime.set_all_config(
        {"kraj:document": document.model_dump_json(), "kraj:serviceUserPassword": PASSWORD},
        ["kraj:serviceUserPassword"],
    )

    def program() -> None:
        runpy.run_path(str(folder), run_name="__main__")

    await pulumi.runtime.run_in_stack(program)
