"""A provider that is asked as an engine asks it, against a real cloud."""

from __future__ import annotations

import dataclasses
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from kraj.engine.local.providers import Search
from kraj.openstack.provider import OpenStackProvider
from kraj.openstack.values import decode_struct, encode_struct, reveal


class CallFailedError(Exception):
    """A provider ended a call with an error status."""


class Context:
    """What a servicer sees of an in-process call."""

    def __init__(self, mark: str = "") -> None:
        self.metadata: tuple[Any, ...] = ()
        self._mark = mark

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("kraj-mark", self._mark),) if self._mark else ()

    def abort(self, code: Any, details: str) -> None:
        raise CallFailedError(f"{code.name}: {details}")

    def set_trailing_metadata(self, metadata: tuple[Any, ...]) -> None:
        self.metadata = metadata


@dataclass
class Thing:
    """One resource through its life."""

    provider: OpenStackProvider
    token: str
    name: str
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    mark: str = field(default_factory=lambda: str(uuid.uuid4()))
    began: float = 0.0  #: when its creation did, in seconds

    @property
    def urn(self) -> str:
        return f"urn:pulumi:lab::kraj::{self.token}::{self.name}"

    def check(self, **given: Any) -> dict[str, Any]:
        request = provider_pb2.CheckRequest(
            urn=self.urn, news=encode_struct(given), olds=encode_struct(self.inputs)
        )
        answer = self.provider.Check(request, Context())
        assert not answer.failures, answer.failures
        return decode_struct(answer.inputs)

    def create(self, **given: Any) -> Thing:
        self.inputs = self.check(**given)
        request = provider_pb2.CreateRequest(urn=self.urn, properties=encode_struct(self.inputs))
        self.began = time.time()
        answer = self.provider.Create(request, Context(self.mark))
        self.id, self.outputs = answer.id, decode_struct(answer.properties)
        return self

    def found(self, **traces: Any) -> dict[str, dict[str, Any]]:
        """What is found by id, had nobody seen the end of the creation: outputs."""
        nobody: frozenset[str] = frozenset()
        inputs = encode_struct(self.inputs)
        search = Search(self.urn, self.token, inputs, self.began, nobody, nobody, self.mark)
        answers = self.provider.find_existing(dataclasses.replace(search, **traces), Context())
        return {answer.id: decode_struct(answer.properties) for answer in answers}

    def diff(self, **given: Any) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(
            id=self.id,
            urn=self.urn,
            olds=encode_struct(self.outputs),
            news=encode_struct(self.check(**given)),
        )
        return self.provider.Diff(request, Context())

    def update(self, **given: Any) -> Thing:
        """Change in place; the change must not need a replacement."""
        assert not self.diff(**given).replaces
        news = self.check(**given)
        request = provider_pb2.UpdateRequest(
            id=self.id,
            urn=self.urn,
            olds=encode_struct(self.outputs),
            news=encode_struct(news),
        )
        answer = self.provider.Update(request, Context())
        self.inputs, self.outputs = news, decode_struct(answer.properties)
        return self

    def read(self) -> dict[str, Any] | None:
        """Outputs as the cloud has them now; None where the object is gone."""
        request = provider_pb2.ReadRequest(
            id=self.id,
            urn=self.urn,
            properties=encode_struct(self.outputs),
            inputs=encode_struct(self.inputs),
        )
        answer = self.provider.Read(request, Context())
        return decode_struct(answer.properties) if answer.id else None

    def imported(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and outputs of an import by id alone."""
        request = provider_pb2.ReadRequest(id=self.id, urn=self.urn)
        answer = self.provider.Read(request, Context())
        return decode_struct(answer.inputs), decode_struct(answer.properties)

    def assert_settled(self) -> None:
        """Neither the program nor the cloud differs from the state."""
        given = {k: v for k, v in self.inputs.items() if not k.startswith("__")}
        assert not self.diff(**given).diffs
        seen = self.read()
        assert seen is not None
        before, self.outputs = self.outputs, seen
        assert not self.diff(**given).diffs
        assert reveal(seen).keys() == reveal(before).keys()

    def delete(self) -> None:
        request = provider_pb2.DeleteRequest(
            id=self.id, urn=self.urn, properties=encode_struct(self.outputs)
        )
        self.provider.Delete(request, Context())


@dataclass
class Things:
    """Makes resources, and deletes in reverse order what a test left."""

    provider: OpenStackProvider
    suffix: str
    made: list[Thing] = field(default_factory=list)

    def create(self, token: str, **given: Any) -> Thing:
        name = f"kraj-test-{len(self.made)}-{self.suffix}"
        thing = Thing(self.provider, token, name)
        thing.create(**given)
        self.made.append(thing)
        return thing

    def adopt(self, token: str, service: str, collection: str) -> None:
        """Take over the one object that a creation left when it failed."""
        known = {thing.id for thing in self.made}
        found = self.provider.cloud.get(service, collection)[collection]
        (left,) = (o for o in found if self.suffix in o["name"] and o["id"] not in known)
        self.made.append(Thing(self.provider, token, left["name"], id=left["id"]))

    def delete(self, thing: Thing) -> None:
        """Delete, and prove that it is gone and that deleting twice is fine."""
        thing.delete()
        self.made.remove(thing)
        assert thing.read() is None
        thing.delete()

    def invoke(self, function: str, **arguments: Any) -> dict[str, Any]:
        request = provider_pb2.InvokeRequest(tok=function, args=encode_struct(arguments))
        answer = self.provider.Invoke(request, Context())
        return decode_struct(getattr(answer, "return"))


@pytest.fixture(scope="session")
def provider_for() -> Callable[..., OpenStackProvider]:
    """Configured providers: `provider_for(clouds_yaml)`; further settings as Pulumi names them."""

    def build(clouds_yaml: str, **settings: Any) -> OpenStackProvider:
        reports: list[Any] = []
        provider = OpenStackProvider(
            report=reports.append, environment={"OS_CLIENT_CONFIG_FILE": str(clouds_yaml)}
        )
        arguments = encode_struct({"cloud": "lab", **settings})
        provider.Configure(provider_pb2.ConfigureRequest(args=arguments), Context())
        return provider

    return build


@pytest.fixture
def new_context() -> type[Context]:
    """Contexts of calls that a test makes by itself."""
    return Context


@pytest.fixture(scope="session")
def provider(lab_cloud: Any, provider_for: Any) -> OpenStackProvider:
    """One provider for all tests, as an engine keeps one."""
    return provider_for(str(lab_cloud.clouds_file))


@pytest.fixture
def things(provider: OpenStackProvider) -> Iterator[Things]:
    """Resources that do not outlive the test."""
    made = Things(provider, secrets.token_hex(3))
    yield made
    for thing in reversed(made.made):
        thing.delete()
