"""Stands for OpenStack where only quotas count: things are counted as they come and go.

Speaks Pulumi's ResourceProvider contract. A creation beyond a limit is refused, and so is a limit
below what is there, as Nova, Cinder and Neutron do. All else about a resource is as it was asked
for; the cloud itself is for tests/lab.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from kraj.events import Reporter
from tests.unit.engine.file_provider import plain

#: What the cloud tells beyond what it was given, by type.
_TOLD: Mapping[str, Mapping[str, Any]] = {
    "openstack:identity/user:User": {"domainId": "default"},
    "openstack:identity/applicationCredential:ApplicationCredential": {"secret": "app-secret"},
    "openstack:networking/floatingIp:FloatingIp": {"address": "203.0.113.7"},
    "openstack:networking/port:Port": {"allFixedIps": ["10.0.0.9"]},
    "openstack:loadbalancer/loadBalancer:LoadBalancer": {"vipPortId": "vip-port"},
}
#: The limit that one resource of a type takes from.
_COUNTED = {
    "openstack:compute/instance:Instance": "instances",
    "openstack:networking/floatingIp:FloatingIp": "floatingip",
    "openstack:networking/secGroup:SecGroup": "securityGroup",
    "openstack:networking/port:Port": "port",
}


@dataclass
class CountingCloud:
    """What the only project of the cloud holds, and its limits."""

    cores: Mapping[str, int]  #: by name of the flavour
    things: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    limits: list[dict[str, int]] = field(default_factory=list)  #: as they were set, in order
    lowest_instances: int = 0  #: no limit below it can be set
    lock: threading.Lock = field(default_factory=threading.Lock)

    def provider(self, _report: Reporter, _environment: Mapping[str, str]) -> CountingProvider:
        return CountingProvider(self)

    @property
    def limit(self) -> dict[str, int]:
        """All limits now."""
        return {name: value for limits in self.limits for name, value in limits.items()}

    def used(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for type_, inputs in self.things.values():
            if type_ in _COUNTED:
                found[_COUNTED[type_]] += 1
            if type_ == "openstack:compute/instance:Instance":
                found["cores"] += self.cores[inputs["flavorName"]]
            if type_ == "openstack:blockstorage/volume:Volume":
                found["volumes"] += 1
                for name in ("gigabytes", f"gigabytes_{inputs['volumeType']}"):
                    found[name] += int(inputs["size"])
        # The group that each project has.
        return found + Counter(securityGroup=1)

    def put(self, identity: str, type_: str, inputs: dict[str, Any]) -> str:
        """Make or change something; returns the reason of a refusal."""
        with self.lock:
            if "uota" in type_ or "uoteSet" in type_:
                return self._set_limits(inputs)
            before = self.things.get(identity)
            self.things[identity] = (type_, inputs)
            over = [name for name, n in self.used().items() if n > self.limit.get(name, n)]
            if over and before is None:
                del self.things[identity]
            return f"quota exceeded: {', '.join(over)}" if over else ""

    def _set_limits(self, inputs: dict[str, Any]) -> str:
        wanted = {name: int(n) for name, n in inputs.items() if isinstance(n, float)}
        wanted |= {name: int(n) for name, n in inputs.get("volumeTypeQuota", {}).items()}
        wanted = {name: n for name, n in wanted.items() if n >= 0}
        if wanted.get("instances", self.lowest_instances) < self.lowest_instances:
            return "the administrator is on holiday"
        used = self.used()
        low = [f"{name} {n} of {used[name]}" for name, n in wanted.items() if n < used[name]]
        if not low:
            self.limits.append(wanted)
        return f"already used: {', '.join(low)}" if low else ""


class CountingProvider(ResourceProviderServicer):
    """The package `openstack` on a `CountingCloud`."""

    _numbers = itertools.count(1)

    def __init__(self, cloud: CountingCloud) -> None:
        self._cloud = cloud

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        olds, news = plain(request.old_inputs), plain(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        kinds = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(
            changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE, diffs=changed
        )

    def Create(self, request: Any, context: Any) -> Any:
        identity = f"{request.name}-{next(self._numbers)}"
        self._put(context, request, identity, request.properties)
        outputs = _outputs(request.urn, request.properties)
        return provider_pb2.CreateResponse(id=identity, properties=outputs)

    def Update(self, request: Any, context: Any) -> Any:
        self._put(context, request, request.id, request.news)
        return provider_pb2.UpdateResponse(properties=_outputs(request.urn, request.news))

    def Delete(self, request: Any, context: Any) -> Any:
        with self._cloud.lock:
            self._cloud.things.pop(request.id, None)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        args = plain(request.args)
        result = struct_pb2.Struct()
        result.update({"id": f"found-{args.get('name')}", **args})
        if request.tok.endswith(":getQuotasetV3"):
            result.update({"volumeTypeQuota": {"gigabytes_fast": "-1", "gigabytes_bulk": "-1"}})
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(result)
        return response

    def _put(self, context: Any, request: Any, identity: str, properties: Any) -> None:
        if request.preview:
            return
        refusal = self._cloud.put(identity, _type_of(request.urn), plain(properties))
        if refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, refusal)


def _type_of(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _outputs(urn: str, properties: Any) -> struct_pb2.Struct:
    outputs = struct_pb2.Struct()
    outputs.CopyFrom(properties)
    outputs.update(_TOLD.get(_type_of(urn), {}))
    return outputs
