"""Calling resource providers: Pulumi's ResourceProvider contract, in this process.

A package is served by a `ResourceProviderServicer` object. It is called with the very messages
that a plugin would get over a socket, and with a context that takes its status codes. One object
serves one configuration: there is one `Provider` for each provider resource. Which provider
serves which resource is decided in `kraj.engine.local.packages`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from kraj.engine.base import Together
from kraj.engine.local.calls import Aborted, CallContext
from kraj.engine.local.state import ResourceState
from kraj.engine.local.urns import name_of, type_of
from kraj.engine.local.values import Properties, from_struct, reveal, to_struct
from kraj.errors import KrajError
from kraj.events import Reporter

#: Makes the servicer of a package, given whom it reports to and the stack's environment variables.
ProviderFactory: TypeAlias = Callable[[Reporter, Mapping[str, str]], ResourceProviderServicer]


#: Metadata of a call to Create: what to leave on the object, so that it is recognised.
MARK = "kraj-mark"


class ProviderError(Exception):
    """A provider refused a call. `error` is the error of kraj that it raised, if it did."""

    def __init__(
        self,
        message: str,
        *,
        error: KrajError | None = None,
        partial: PartialResource | None = None,
        unimplemented: bool = False,
    ) -> None:
        super().__init__(message)
        self.error = error
        self.partial = partial
        self.unimplemented = unimplemented

    @property
    def unsure(self) -> bool:
        """Whether the call may have had its effect all the same."""
        return self.error is not None and bool(self.error.details.get("unsure"))


@dataclass(frozen=True, slots=True)
class PartialResource:
    """A resource that exists but did not become ready (Pulumi's ErrorResourceInitFailed)."""

    id: str
    outputs: Properties
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A provider's answer to Diff."""

    changes: bool | None  #: None: the provider does not say
    replaces: tuple[str, ...]
    delete_before_replace: bool
    changed: tuple[str, ...]  #: property paths


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A resource as the provider finds it."""

    id: str
    outputs: Properties
    inputs: Properties


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: what a creation that nobody saw the end of may have made."""

    urn: str
    type: str
    inputs: struct_pb2.Struct
    since: float | None  #: when the creation began, in seconds; None: not known
    known: frozenset[str]  #: ids that others have
    owned: frozenset[str]  #: ids of all that the stack has made
    mark: str  #: what the creation was told to leave on its object


@dataclass(frozen=True, slots=True)
class Expected:
    """A resource that will be read, with what is known of it."""

    type: str
    id: str
    known: Properties  #: outputs without marks of secrets


@dataclass(frozen=True, slots=True)
class Reads:
    """What will be read of one provider before its next `end_reads`."""

    resources: Sequence[Expected]
    together: Together | None


@dataclass(frozen=True, slots=True)
class Failure:
    """One property that a provider's check refused; `property` may be empty."""

    property: str
    reason: str


def _partial(trailing: Sequence[tuple[str, Any]]) -> PartialResource | None:
    """The resource that a failed call left behind, from the call's rich status."""
    for key, value in trailing:
        if key != "grpc-status-details-bin":
            continue
        status = status_pb2.Status.FromString(value)
        for detail in status.details:
            failed = provider_pb2.ErrorResourceInitFailed()
            if detail.Unpack(failed):
                return PartialResource(
                    failed.id, from_struct(failed.properties), tuple(failed.reasons)
                )
    return None


@dataclass(slots=True)
class Provider:
    """One configured provider. Values in and out are property values, secrets marked."""

    package: str
    servicer: ResourceProviderServicer
    configured: bool = False  #: False while its configuration is not known (preview)
    accepts_secrets: bool = field(default=False, init=False)
    supports_preview: bool = field(default=False, init=False)

    # -- the provider's own configuration

    def check_config(
        self, urn: str, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Failure]]:
        return self._check("CheckConfig", urn, olds, news)

    def diff_config(
        self, urn: str, identifier: str, old: ResourceState, news: Properties
    ) -> Difference:
        return self._diff("DiffConfig", urn, identifier, old, news, ())

    def configure(self, urn: str, identifier: str, inputs: Properties) -> None:
        variables = {
            f"{self.package}:config:{key}": value
            for key, value in inputs.items()
            if isinstance(value, str)
        }
        request = provider_pb2.ConfigureRequest(
            variables=variables,
            args=to_struct(inputs, keep_secrets=True),
            acceptSecrets=True,
            acceptResources=False,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
            id=identifier,
            urn=urn,
            name=name_of(urn),
            type=type_of(urn),
        )
        try:
            response = self._call("Configure", request)
        except ProviderError as error:
            if not error.unimplemented:
                raise
            response = provider_pb2.ConfigureResponse()
        self.accepts_secrets = response.acceptSecrets
        self.supports_preview = response.supportsPreview
        self.configured = True

    def cancel(self) -> None:
        """Ask the provider to end its waits; one that cannot is left alone."""
        with contextlib.suppress(ProviderError):
            self._call("Cancel", empty_pb2.Empty())

    # -- resources

    def check(
        self, urn: str, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Failure]]:
        return self._check("Check", urn, olds, news)

    def diff(self, old: ResourceState, news: Properties, ignored: Sequence[str] = ()) -> Difference:
        return self._diff("Diff", old.urn, old.id, old, news, ignored)

    def create(
        self, urn: str, inputs: Properties, *, timeout: float, preview: bool, mark: str
    ) -> tuple[str, Properties]:
        """Make the resource. Providers that can leave `mark` on it, as metadata of the call."""
        request = provider_pb2.CreateRequest(
            urn=urn,
            properties=self._wire(inputs),
            timeout=timeout,
            preview=preview,
            name=name_of(urn),
            type=type_of(urn),
        )
        response = self._call("Create", request, {MARK: mark})
        return response.id, from_struct(response.properties)

    def update(
        self,
        old: ResourceState,
        inputs: Properties,
        *,
        ignored: Sequence[str],
        timeout: float,
        preview: bool,
    ) -> Properties:
        request = provider_pb2.UpdateRequest(
            id=old.id,
            urn=old.urn,
            olds=self._wire(old.outputs),
            news=self._wire(inputs),
            old_inputs=self._wire(old.inputs),
            ignoreChanges=ignored,
            timeout=timeout,
            preview=preview,
            name=name_of(old.urn),
            type=type_of(old.urn),
        )
        return from_struct(self._call("Update", request).properties)

    def delete(self, old: ResourceState, *, timeout: float) -> None:
        request = provider_pb2.DeleteRequest(
            id=old.id,
            urn=old.urn,
            properties=self._wire(old.outputs),
            old_inputs=self._wire(old.inputs),
            timeout=timeout,
            name=name_of(old.urn),
            type=type_of(old.urn),
        )
        self._call("Delete", request)

    def read(
        self, urn: str, identifier: str, inputs: Properties, outputs: Properties, *, timeout: float
    ) -> ReadResult | None:
        """The resource as it is; None where it does not exist."""
        request = provider_pb2.ReadRequest(
            id=identifier,
            urn=urn,
            properties=self._wire(outputs),
            inputs=self._wire(inputs),
            timeout=timeout,
            name=name_of(urn),
            type=type_of(urn),
        )
        response = self._call("Read", request)
        if not response.id:
            return None
        return ReadResult(
            response.id, from_struct(response.properties), from_struct(response.inputs)
        )

    def find_existing(
        self,
        resource: ResourceState,
        since: float | None,
        known: frozenset[str],
        owned: frozenset[str],
    ) -> list[ReadResult] | None:
        """What an interrupted creation has left behind; None: the provider cannot look.

        Not part of Pulumi's contract: providers in this process may have it.
        """
        if not hasattr(self.servicer, "find_existing"):
            return None
        inputs = self._wire(resource.inputs)
        search = Search(resource.urn, resource.type, inputs, since, known, owned, resource.mark)
        return [
            ReadResult(item.id, from_struct(item.properties), resource.inputs)
            for item in self._call("find_existing", search)
        ]

    @contextlib.contextmanager
    def reading(
        self, resources: Sequence[ResourceState], together: Together | None
    ) -> Iterator[None]:
        """Tell the provider which resources are read inside, where it wants to know.

        Not part of Pulumi's contract: providers in this process may have it.
        """
        if not hasattr(self.servicer, "begin_reads"):
            yield
            return
        expected = [Expected(state.type, state.id, reveal(state.outputs)) for state in resources]
        self._call("begin_reads", Reads(expected, together))
        try:
            yield
        finally:
            self._call("end_reads", empty_pb2.Empty())

    def invoke(
        self, token: str, arguments: Properties, *, preview: bool
    ) -> tuple[Properties, list[Failure]]:
        request = provider_pb2.InvokeRequest(tok=token, args=self._wire(arguments), preview=preview)
        response = self._call("Invoke", request)
        result = from_struct(getattr(response, "return"))
        return result, [Failure(item.property, item.reason) for item in response.failures]

    # -- machinery

    def _wire(self, properties: Properties) -> struct_pb2.Struct:
        return to_struct(properties, keep_secrets=self.accepts_secrets)

    def _check(
        self, method: str, urn: str, olds: Properties, news: Properties
    ) -> tuple[Properties, list[Failure]]:
        request = provider_pb2.CheckRequest(
            urn=urn,
            olds=self._wire(olds),
            news=self._wire(news),
            name=name_of(urn),
            type=type_of(urn),
        )
        try:
            response = self._call(method, request)
        except ProviderError as error:
            if not error.unimplemented:
                raise
            return news, []
        failures = [Failure(item.property, item.reason) for item in response.failures]
        return from_struct(response.inputs), failures

    def _diff(
        self,
        method: str,
        urn: str,
        identifier: str,
        old: ResourceState,
        news: Properties,
        ignored: Sequence[str],
    ) -> Difference:
        request = provider_pb2.DiffRequest(
            id=identifier,
            urn=urn,
            olds=self._wire(old.outputs),
            news=self._wire(news),
            old_inputs=self._wire(old.inputs),
            ignoreChanges=ignored,
            name=name_of(urn),
            type=type_of(urn),
        )
        try:
            response = self._call(method, request)
        except ProviderError as error:
            if not error.unimplemented:
                raise
            return Difference(None, (), False, ())
        return _difference(response)

    def _call(self, method: str, request: Any, metadata: Mapping[str, str] | None = None) -> Any:
        context = CallContext(metadata)
        try:
            response = getattr(self.servicer, method)(request, context)
        except Aborted as aborted:
            raise self._refusal(method, context, _own_error(aborted)) from None
        except KrajError as error:
            raise ProviderError(error.message, error=error) from error
        except NotImplementedError as error:
            raise self._refusal(method, context) from error
        except Exception as error:
            raise ProviderError(f"{type(error).__name__}: {error}") from error
        if context.status not in (None, grpc.StatusCode.OK):
            raise self._refusal(method, context)
        return response

    def _refusal(
        self, method: str, context: CallContext, error: KrajError | None = None
    ) -> ProviderError:
        return ProviderError(
            context.message or f"provider {self.package!r} has no {method}",
            error=error,
            partial=_partial(context.trailing),
            unimplemented=error is None and context.status == grpc.StatusCode.UNIMPLEMENTED,
        )


def _own_error(aborted: BaseException) -> KrajError | None:
    """The error of kraj during whose handling a servicer aborted its call."""
    cause: BaseException | None = aborted
    while cause is not None:
        if isinstance(cause, KrajError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _difference(response: Any) -> Difference:
    detailed = response.detailedDiff
    kinds = provider_pb2.PropertyDiff
    forcing = (kinds.ADD_REPLACE, kinds.DELETE_REPLACE, kinds.UPDATE_REPLACE)
    replaces = dict.fromkeys(response.replaces)
    replaces.update(dict.fromkeys(path for path, diff in detailed.items() if diff.kind in forcing))
    changed = sorted(detailed) if detailed else list(response.diffs)
    changes = {
        provider_pb2.DiffResponse.DIFF_NONE: False,
        provider_pb2.DiffResponse.DIFF_SOME: True,
    }.get(response.changes)
    if replaces:
        changes = True
    return Difference(changes, tuple(replaces), response.deleteBeforeReplace, tuple(changed))
