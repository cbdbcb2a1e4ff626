"""The two gRPC services that a Pulumi program talks to: ResourceMonitor and Engine.

They translate messages to values and back; decisions are in `stepper`. A call that comes after
the run has begun to stop is answered with UNAVAILABLE, upon which the SDK ends the program.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from kraj.engine.errors import INVALID_INPUTS, RESOURCE_FAILED
from kraj.engine.local.goals import Goal, goal_from_request, properties_of, unsupported
from kraj.engine.local.packages import BUILTIN, Packages
from kraj.engine.local.providers import ProviderError
from kraj.engine.local.run import Run
from kraj.engine.local.stepper import Stepper
from kraj.engine.local.urns import package_of
from kraj.engine.local.values import (
    UNKNOWN_SENTINEL,
    Properties,
    has_unknown,
    reveal,
    to_struct,
)
from kraj.errors import KrajError

#: What the SDK may send. The second group is refused when it comes, with an error that names it:
#: where the engine denied the feature, the SDK would tell people to update Pulumi's command line.
_FEATURES: Final = {
    "secrets": resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    "aliasSpecs": resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    "deletedWith": resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    "replaceWith": resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    "transforms": resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    "invokeTransforms": resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    "parameterization": resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    "resourceHooks": resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    "errorHooks": resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
    "stateMigrations": resource_pb2.RESOURCE_MONITOR_FEATURE_STATE_MIGRATIONS,
}
_GET_RESOURCE: Final = "pulumi:pulumi:getResource"
_MESSAGE_BYTES: Final = 400 * 1024 * 1024  #: Pulumi's own limit of one message


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Serves one program. Method names are those of Pulumi's contract."""

    def __init__(self, run: Run, packages: Packages, stepper: Stepper) -> None:
        self._run = run
        self._packages = packages
        self._stepper = stepper

    @contextlib.contextmanager
    def _call(self, context: Any) -> Iterator[None]:
        """Keep what goes wrong in a call with the run, and end the call."""
        with self._run.activity(), self._run.kept():
            yield
            return
        context.abort(grpc.StatusCode.UNAVAILABLE, "the run is stopping")

    # -- resources

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._call(context):
            state = self._stepper.register(goal_from_request(request))
            return resource_pb2.RegisterResourceResponse(
                urn=state.urn,
                id=state.id,
                object=to_struct(state.outputs, keep_secrets=request.acceptSecrets),
            )

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._call(context):
            self._stepper.set_outputs(request.urn, properties_of(request.outputs, request.urn))
            return empty_pb2.Empty()

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._call(context):
            where = f"{request.type} {request.name!r}"
            goal = Goal(
                type=request.type,
                name=request.name,
                custom=True,
                inputs=properties_of(request.properties, where),
                parent=request.parent,
                provider=request.provider,
                version=request.version,
                plugin_url=request.pluginDownloadURL,
                dependencies=tuple(request.dependencies),
                additional_secret_outputs=tuple(request.additionalSecretOutputs),
            )
            identifier = None if request.id in ("", UNKNOWN_SENTINEL) else request.id
            state = self._stepper.read(goal, identifier)
            return resource_pb2.ReadResourceResponse(
                urn=state.urn,
                id=state.id,
                properties=to_struct(state.outputs, keep_secrets=request.acceptSecrets),
            )

    # -- functions

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._call(context):
            self._run.ensure_going()
            arguments = properties_of(request.args, request.tok)
            if request.tok == _GET_RESOURCE:
                return _answer(self._get_resource(arguments))
            if request.tok.startswith("pulumi:"):
                raise unsupported(f"the function {request.tok!r}")
            package = package_of(request.tok)
            _, provider = self._packages.resolve(
                package, request.provider, request.version, request.pluginDownloadURL
            )
            if not provider.configured or has_unknown(arguments):
                return resource_pb2.ResourceInvokeResponse(unknown=True)
            try:
                result, failures = provider.invoke(
                    request.tok, arguments, preview=self._run.preview
                )
            except ProviderError as error:
                refused = _named(error, request.tok)
            else:
                if not failures:
                    return _answer(result)
                reasons = [f"{item.property}: {item.reason}".lstrip(": ") for item in failures]
                refused = KrajError(
                    INVALID_INPUTS, f"{request.tok}: {reasons[0]}", causes=reasons[1:]
                )
        # As Pulumi's engine does: the program gets the error, and the run fails if it lets it pass.
        context.abort(grpc.StatusCode.UNKNOWN, f"{refused.code} {refused.message}")
        raise AssertionError("abort raises")

    def _get_resource(self, arguments: Properties) -> Properties:
        self._packages.resolve(BUILTIN, "", "", "")  # whose function this is, as in Pulumi
        urn = reveal(arguments.get("urn"))
        state = self._run.journal.registered(urn)
        if state is None:
            raise KrajError(RESOURCE_FAILED, f"the program has no resource {urn}")
        return {"urn": state.urn, "id": state.id, "state": state.outputs}

    # -- what the engine can do

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _FEATURES)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        spec = self._run.spec
        return resource_pb2.DeploymentInfo(
            project=spec.project,
            stack=spec.stack,
            organization="organization",
            dryRun=self._run.preview,
            supportedFeatures=_FEATURES.values(),
        )

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        # Nothing of the program is needed any more: there are no hooks to call back.
        return empty_pb2.Empty()

    def _refuse(self, context: Any, feature: str) -> None:
        with self._call(context):
            raise unsupported(feature)

    def Call(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"methods of resources ({request.tok})")

    def ExistsResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"asking whether a resource exists ({request.type})")

    def RegisterStackTransform(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._refuse(context, "stack transforms")

    def RegisterStackInvokeTransform(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._refuse(context, "invoke transforms")

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"resource hooks ({request.name})")

    def RegisterErrorHook(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"error hooks ({request.name})")

    def RegisterPackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse(context, f"parameterised packages ({request.name})")


class EngineService(engine_pb2_grpc.EngineServicer):
    """Takes the program's log messages and keeps its root resource."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._root = ""
        self.errors: list[str] = []  #: what the program logged as errors

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        message = request.message.rstrip()
        if request.severity == engine_pb2.ERROR:
            self.errors.append(message)
        elif request.severity == engine_pb2.WARNING:
            self._run.note(f"warning: {message}", urn=request.urn)
        elif request.severity == engine_pb2.INFO and not request.ephemeral:
            self._run.note(message, urn=request.urn)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: N802
        wanted = request.pulumi_version_range
        with self._run.activity(), self._run.kept():
            raise unsupported(f"ranges of Pulumi's version ({wanted})")
        context.abort(grpc.StatusCode.UNAVAILABLE, "the run is stopping")


def _answer(result: Properties) -> Any:
    response = resource_pb2.ResourceInvokeResponse()
    getattr(response, "return").CopyFrom(to_struct(result, keep_secrets=True))
    return response


def _named(error: ProviderError, token: str) -> KrajError:
    own = error.error
    if own is None:
        return KrajError(RESOURCE_FAILED, f"{token}: {error}")
    return KrajError(
        own.code,
        f"{token}: {own.message}",
        hint=own.hint,
        causes=own.causes,
        details={**own.details, "function": token},
    )


class _ThreadPerCall(futures.Executor):
    """Runs each call in a thread of its own, so that an abandoned one never delays the exit."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> futures.Future[Any]:
        future: futures.Future[Any] = futures.Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, daemon=True).start()
        return future


@contextlib.contextmanager
def serving(monitor: Monitor, engine: EngineService) -> Iterator[str]:
    """Serve on a free port of this machine alone; gives the address."""
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(_ThreadPerCall(), options=options)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)
