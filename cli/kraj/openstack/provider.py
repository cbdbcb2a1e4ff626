"""Pulumi's ResourceProvider contract over openstacksdk.

Served in-process by the engine `local`, or over gRPC by any caller that speaks Pulumi's protocol.
Each method decodes, calls the part that does the work, and encodes; no rule of any type stands
here. An instance holds one connection, made with the first request that needs the cloud, for any
number of threads.

Expected failures end in `context.abort` with the error's text, raised while the `KrajError` is
being handled, so that an in-process caller finds it as the exception's `__context__`. An object
that exists but is not finished is told as Pulumi prescribes: `ErrorResourceInitFailed` in the
status details.
"""

# ruff: noqa: N802 - the methods have the names of the contract

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any, Final, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from kraj.errors import ErrorCode, KrajError
from kraj.events import Reporter, ignore
from kraj.openstack import errors, types
from kraj.openstack.batching import Lists
from kraj.openstack.checking import check
from kraj.openstack.cloud import Call, Cloud
from kraj.openstack.configuration import settings_from
from kraj.openstack.diffing import Change, diff
from kraj.openstack.errors import PartialFailure
from kraj.openstack.finding import orphans, traces_of
from kraj.openstack.keeping import as_kept, refreshed_inputs
from kraj.openstack.resource import Resource
from kraj.openstack.retry import Policy
from kraj.openstack.unfinished import UNFINISHED, mark
from kraj.openstack.values import (
    UNKNOWN,
    conceal,
    decode_struct,
    encode_struct,
    has_unknown,
    reveal,
    secret_keys,
)

Answer = TypeVar("Answer")
Context = Any  #: grpc.ServicerContext, or what an in-process caller passes in its place
_KINDS: Final = provider_pb2.PropertyDiff.Kind
_STATUS: Final[dict[ErrorCode, grpc.StatusCode]] = {
    errors.CLOUD_UNREACHABLE: grpc.StatusCode.UNAVAILABLE,
    errors.WRONG_CREDENTIALS: grpc.StatusCode.UNAUTHENTICATED,
    errors.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    errors.QUOTA: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    errors.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    errors.FAILING: grpc.StatusCode.UNAVAILABLE,
    errors.REFUSED: grpc.StatusCode.INVALID_ARGUMENT,
    errors.TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.UNKNOWN_TYPE: grpc.StatusCode.UNIMPLEMENTED,
    errors.CLOUD_NOT_CONFIGURED: grpc.StatusCode.FAILED_PRECONDITION,
}


class OpenStackProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider; `report` hears of retries, `environment` stands in for os.environ.

    `policy` bounds the retries; None: as docs/provider.md says.
    """

    def __init__(
        self,
        report: Reporter = ignore,
        environment: Mapping[str, str] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._report = report
        self._environment = environment
        self._policy = policy
        self._cloud: Cloud | None = None

    # --- the provider itself

    def GetPluginInfo(self, _request: Any, _context: Context) -> plugin_pb2.PluginInfo:
        """The version of pulumi_openstack whose types these are."""
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi-openstack"))

    def GetSchema(self, _request: Any, context: Context) -> provider_pb2.GetSchemaResponse:
        """Names of what is supported; the full schema is that of Pulumi's own package."""
        return _guarded(context, self._schema)

    def CheckConfig(self, request: Any, _context: Context) -> provider_pb2.CheckResponse:
        """Settings as they come: what is wrong with them shows when the cloud is needed."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, _context: Context) -> provider_pb2.DiffResponse:
        """Changed settings change the provider in place, never its resources."""
        olds, news = decode_struct(request.olds), decode_struct(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        return _difference(dict.fromkeys(changed, Change.UPDATE), frozenset(), False)

    def Configure(self, request: Any, context: Context) -> provider_pb2.ConfigureResponse:
        """Take the settings; the connection is made later."""
        return _guarded(context, lambda: self._configure(request))

    def Cancel(self, _request: Any, _context: Context) -> empty_pb2.Empty:
        """End all waits; requests in flight finish."""
        if self._cloud is not None:
            self._cloud.waiter.cancel()
        return empty_pb2.Empty()

    # --- resources

    def Check(self, request: Any, context: Context) -> provider_pb2.CheckResponse:
        """Defaults, automatic name, validation."""
        return _guarded(context, lambda: _check(request))

    def Diff(self, request: Any, context: Context) -> provider_pb2.DiffResponse:
        """What differs between state and program."""
        return _guarded(context, lambda: _diff(request))

    def Create(self, request: Any, context: Context) -> provider_pb2.CreateResponse:
        """Make an object; a preview answers with what is known."""
        return _guarded(context, lambda: self._create(request, _mark_of(context)))

    def Read(self, request: Any, context: Context) -> provider_pb2.ReadResponse:
        """The object as it is now; an empty id where it does not exist."""
        return _guarded(context, lambda: self._read(request))

    def Update(self, request: Any, context: Context) -> provider_pb2.UpdateResponse:
        """Change an object in place; a preview answers with what is known."""
        return _guarded(context, lambda: self._update(request))

    def Delete(self, request: Any, context: Context) -> empty_pb2.Empty:
        """Delete an object; its absence is success."""
        return _guarded(context, lambda: self._delete(request))

    def find_existing(self, request: Any, context: Context) -> list[provider_pb2.ReadResponse]:
        """What an interrupted creation has left behind; not part of Pulumi's contract.

        The request has `type`, `urn`, `inputs`, `since` (seconds), `known` (ids of others), `owned`
        (ids of all that the stack made) and `mark` (that of the creation).
        Outputs say under `UNFINISHED` what the next update has to do.
        """
        return _guarded(context, lambda: self._find_existing(request))

    def begin_reads(self, request: Any, _context: Context) -> None:
        """Reads of these resources follow: they are answered out of lists.

        Not part of Pulumi's contract. The request has `resources` (each with `type`, `id` and
        `known` properties) and `together`: None, or what stacks of one refresh share.
        """
        # What is wrong with settings or ids is told by the reads themselves.
        with contextlib.suppress(KrajError):
            self._begin_reads(request)

    def end_reads(self, _request: Any, _context: Context) -> None:
        """What is read from now on is asked for anew."""
        if self._cloud is not None:
            self._cloud.lists = None

    def Invoke(self, request: Any, context: Context) -> provider_pb2.InvokeResponse:
        """Run a data source."""
        return _guarded(context, lambda: self._invoke(request))

    def Construct(self, _request: Any, context: Context) -> NoReturn:
        """Remote components are not part of this provider."""
        _unimplemented(context, "the provider openstack has no remote components")

    def Call(self, _request: Any, context: Context) -> NoReturn:
        """Methods of remote components are not part of this provider."""
        _unimplemented(context, "the provider openstack has no resource methods")

    # --- how they do it

    @property
    def cloud(self) -> Cloud:
        """The connection. Raises KRJ412 before Configure."""
        if self._cloud is None:
            raise KrajError(errors.CLOUD_NOT_CONFIGURED, "the provider was not configured")
        return self._cloud

    def _schema(self) -> provider_pb2.GetSchemaResponse:
        schema = {
            "name": "openstack",
            "version": metadata.version("pulumi-openstack"),
            "resources": {token: {} for token in types.supported_types()},
            "functions": {token: {} for token in types.supported_functions()},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def _configure(self, request: Any) -> provider_pb2.ConfigureResponse:
        values = reveal(decode_struct(request.args))
        for key, value in request.variables.items():
            values.setdefault(key.rpartition(":")[2], value)
        known = {name: value for name, value in values.items() if not has_unknown(value)}
        self._cloud = Cloud(settings_from(known, self._environment), self._report, self._policy)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def _create(self, request: Any, creation: str) -> provider_pb2.CreateResponse:
        kind = types.resource_type(_type_of(request))
        sent = decode_struct(request.properties)
        inputs, secret = _plain(sent), _secret_outputs(kind, sent)
        if request.preview:
            outputs = _expected(kind, inputs)
            return provider_pb2.CreateResponse(properties=encode_struct(conceal(outputs, secret)))
        try:
            made = kind(self.cloud, request.timeout, creation).create(inputs)
        except PartialFailure as failure:
            mark(failure)
            failure.outputs = conceal(failure.outputs, secret)
            raise
        return provider_pb2.CreateResponse(
            id=made.identity, properties=encode_struct(conceal(made.outputs, secret))
        )

    def _read(self, request: Any) -> provider_pb2.ReadResponse:
        kind = types.resource_type(_type_of(request))
        state, program = decode_struct(request.properties), decode_struct(request.inputs)
        known = {**_plain(program), **_plain(state)}
        outputs = kind(self.cloud, request.timeout).read(request.id, known)
        if outputs is None:
            return provider_pb2.ReadResponse()
        outputs = as_kept(kind, outputs, state)
        secret = _secret_outputs(kind, {**program, **state})
        inputs = refreshed_inputs(kind, reveal(program), outputs)
        return provider_pb2.ReadResponse(
            id=str(outputs["id"]),
            properties=encode_struct(conceal(outputs, secret)),
            inputs=encode_struct(conceal(inputs, secret)),
        )

    def _update(self, request: Any) -> provider_pb2.UpdateResponse:
        kind = types.resource_type(_type_of(request))
        state, program = decode_struct(request.olds), decode_struct(request.news)
        olds, news = _plain(state), reveal(program)
        secret = _secret_outputs(kind, {**state, **program})
        difference = diff(kind, olds, news, request.ignoreChanges)
        inputs = _plain(program)
        if difference.changes:
            kind.refuse_update(request.id, olds, inputs)
        if request.preview:
            outputs = _expected_after_change(kind, olds, inputs)
            return provider_pb2.UpdateResponse(properties=encode_struct(conceal(outputs, secret)))
        try:
            if UNFINISHED in state:
                olds = self._finish(kind, request, inputs)
                difference = diff(kind, olds, news, request.ignoreChanges)
            changed = frozenset(difference.changes)
            outputs = kind(self.cloud, request.timeout).update(request.id, olds, inputs, changed)
        except PartialFailure as failure:
            failure.outputs = conceal(failure.outputs, secret)
            raise
        return provider_pb2.UpdateResponse(properties=encode_struct(conceal(outputs, secret)))

    def _finish(self, kind: type[Resource], request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """Complete what an earlier run began to create."""
        try:
            return kind(self.cloud, request.timeout).finish(request.id, inputs)
        except PartialFailure as failure:
            mark(failure)
            raise

    def _delete(self, request: Any) -> empty_pb2.Empty:
        kind = types.resource_type(_type_of(request))
        outputs = _plain(decode_struct(request.properties))
        kind(self.cloud, request.timeout).delete(request.id, outputs)
        return empty_pb2.Empty()

    def _find_existing(self, request: Any) -> list[provider_pb2.ReadResponse]:
        kind = types.resource_type(_type_of(request))
        sent = decode_struct(request.inputs)
        inputs, secret = _plain(sent), _secret_outputs(kind, sent)
        resource = kind(self.cloud, mark=request.mark)
        found = []
        for orphan in orphans(resource, inputs, traces_of(request, self.cloud.environment)):
            outputs = resource.outputs(orphan.identity, orphan.found, inputs)
            remedy = resource.remedy_of(orphan.found, inputs)
            if remedy is not None:
                outputs[UNFINISHED] = str(remedy)
            properties = encode_struct(conceal(outputs, secret))
            found.append(provider_pb2.ReadResponse(id=orphan.identity, properties=properties))
        return found

    def _begin_reads(self, request: Any) -> None:
        cloud = self.cloud
        calls: list[Call] = []
        foreign = set()
        for expected in request.resources:
            with contextlib.suppress(KrajError):
                kind = types.resource_type(expected.type)
                calls += kind(cloud).expected_reads(expected.id, expected.known)
                owner = expected.known.get("tenantId") or expected.known.get("projectId")
                if owner and owner != cloud.project_id:
                    foreign.add(expected.id)
        lists = Lists()
        if request.together is not None:
            mine = Lists(request.together.stacks)
            lists = request.together.shared.setdefault(cloud.session_key, mine)
        lists.expect(cloud, calls, frozenset(foreign))
        cloud.lists = lists

    def _invoke(self, request: Any) -> provider_pb2.InvokeResponse:
        source = types.function(request.tok)
        arguments = reveal(decode_struct(request.args))
        found = source(self.cloud).look_up(arguments)
        return provider_pb2.InvokeResponse(**{"return": encode_struct(found)})


# --- single steps ---------------------------------------------------------------------------------


def _check(request: Any) -> provider_pb2.CheckResponse:
    kind = types.resource_type(_type_of(request))
    news = decode_struct(request.news)
    name = request.name or request.urn.rpartition("::")[2]
    olds = reveal(decode_struct(request.olds))
    checked = check(kind, reveal(news), olds, name, request.randomSeed)
    return provider_pb2.CheckResponse(
        inputs=encode_struct(conceal(checked.inputs, secret_keys(news))),
        failures=[
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in sorted(checked.failures.items())
        ],
    )


def _diff(request: Any) -> provider_pb2.DiffResponse:
    kind = types.resource_type(_type_of(request))
    olds, news = reveal(decode_struct(request.olds)), reveal(decode_struct(request.news))
    found = diff(kind, olds, news, request.ignoreChanges)
    return _difference(found.changes, found.replaces, found.delete_before_replace)


def _difference(
    changes: Mapping[str, Change], replaces: frozenset[str], delete_before_replace: bool
) -> provider_pb2.DiffResponse:
    detailed = {}
    for name, change in changes.items():
        suffix = "_REPLACE" if name in replaces else ""
        kind = _KINDS.Value(f"{change.name}{suffix}")
        detailed[name] = provider_pb2.PropertyDiff(kind=kind, inputDiff=False)
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if changes else response.DIFF_NONE,
        diffs=sorted(changes),
        replaces=sorted(replaces),
        deleteBeforeReplace=delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _expected(kind: type[Resource], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs of an object that does not exist yet: what the cloud decides is unknown."""
    outputs = {
        name: UNKNOWN
        for name, declared in kind.fields.items()
        if declared.computed or declared.output_only
    }
    return {**outputs, **inputs}


def _expected_after_change(
    kind: type[Resource], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> dict[str, Any]:
    """Outputs after a change: the old ones, with the program's values in their place."""
    kept = {
        name: value
        for name, value in olds.items()
        if name not in kind.fields or kind.fields[name].computed or kind.fields[name].output_only
    }
    return {**kept, **news}


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Values without secret wrapping and without Pulumi's own keys."""
    return {
        name: reveal(value)
        for name, value in properties.items()
        if not name.startswith("__") and value is not None
    }


def _secret_outputs(kind: type[Resource], properties: Mapping[str, Any]) -> frozenset[str]:
    """Outputs to wrap: those declared secret, and those whose input was."""
    declared = {name for name, declared in kind.fields.items() if declared.secret}
    return secret_keys(properties) | declared


def _mark_of(context: Context) -> str:
    """What to leave on the object, where the engine says so in the metadata of its call."""
    return str(dict(context.invocation_metadata()).get("kraj-mark", ""))


def _type_of(request: Any) -> str:
    """The type token; older callers send it in the URN alone."""
    if request.type:
        return str(request.type)
    qualified = request.urn.split("::")[2] if request.urn.count("::") >= 3 else ""
    return str(qualified.rpartition("$")[2])


# --- failures -------------------------------------------------------------------------------------


def _guarded(context: Context, work: Callable[[], Answer]) -> Answer:
    """Do the work; expected failures become the caller's status."""
    try:
        return work()
    except PartialFailure as failure:
        _abort_unfinished(context, failure)
    except KrajError as error:
        context.abort(_STATUS.get(error.code, grpc.StatusCode.UNKNOWN), _words(error))
    raise AssertionError("context.abort returned")


def _abort_unfinished(context: Context, failure: PartialFailure) -> NoReturn:
    unfinished = provider_pb2.ErrorResourceInitFailed(
        id=failure.identity,
        properties=encode_struct(failure.outputs),
        reasons=[_words(failure.error)],
        inputs=struct_pb2.Struct(),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=_words(failure.error))
    status.details.add().Pack(unfinished)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, _words(failure.error))
    raise AssertionError("context.abort returned")


def _unimplemented(context: Context, words: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, words)
    raise AssertionError("context.abort returned")


def _words(error: KrajError) -> str:
    causes = "".join(f"\n  caused by: {cause}" for cause in error.causes)
    return f"{error}{causes}\n  hint: {error.hint}"
