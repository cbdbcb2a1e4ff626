"""The provider of the conformance programs: each resource is a JSON file in a folder.

It serves the package `conform` to both engines: in the local engine's own process, and to Pulumi's
command line as a plugin. All that it answers follows from what it is asked and from the folder, so
that two runs can be compared.

- `conform:index:Thing`: `kind` changes only by replacement, `slot` only by replacement with the old
  one deleted first, everything else in place. Outputs beside the inputs: `path`, `length` (of
  `text`) and `token`, a secret. Inputs that steer it: `failOn` (an operation), `initFails`.
- functions `conform:index:echo` (its arguments), `count` (things in the folder), `refuse` (a
  failed check).
- configuration: `folder`, and optionally `mark`, which is written into each file, and `apiKey`.

What somebody writes into a file as `seen` is an output that no program decides.
`log.jsonl` in the folder tells begin and end of everything that changed something.
"""

# ruff: noqa: N802 - method names are those of Pulumi's contract

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import plugin_pb2, provider_pb2, status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from kraj.events import Reporter

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - Pulumi's mark of secrets
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
VERSION = "1.0.0"
REPLACING = ("kind", "slot")
THING = "conform:index:Thing"


class ConformProvider(ResourceProviderServicer):
    """Method names are those of Pulumi's contract."""

    def __init__(self, _report: Reporter, _environment: Mapping[str, str]) -> None:
        self._folder = Path()
        self._mark = ""
        self._lock = threading.Lock()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()

    # -- configuration

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        failures = []
        if "folder" not in request.news.fields:
            failures.append(provider_pb2.CheckFailure(property="folder", reason="is missing"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, _context: Any) -> Any:
        olds, news = plain(request.olds), plain(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        replaces = ["folder"] if "folder" in changed else []
        some = provider_pb2.DiffResponse.DIFF_SOME
        none = provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            replaces=replaces, diffs=changed, changes=some if changed else none
        )

    def Configure(self, request: Any, _context: Any) -> Any:
        config = plain(request.args)
        self._folder = Path(config["folder"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark = config.get("mark", "")
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # -- resources

    def Check(self, request: Any, context: Any) -> Any:
        if request.type != THING:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no such type: {request.type}")
        failures = []
        if plain(request.news).get("size") == -1:
            failures.append(provider_pb2.CheckFailure(property="size", reason="is negative"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, _context: Any) -> Any:
        olds, news = plain(request.old_inputs), plain(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            replaces=[key for key in changed if key in REPLACING],
            diffs=changed,
            deleteBeforeReplace="slot" in changed,
            detailedDiff={key: _kind(key, olds, news) for key in changed},
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        inputs = plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=_expected(request.properties))
        identifier = self._begin("create", request, inputs, context)
        if inputs.get("slot") in {thing.get("slot", "") for thing in self._things().values()}:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, f"slot {inputs['slot']} is taken")
        outputs = self._write(identifier, request.properties)
        if inputs.get("initFails"):
            _init_failed(context, identifier, outputs)
        self._log("create", "ends", request, identifier)
        return provider_pb2.CreateResponse(id=identifier, properties=outputs)

    def Update(self, request: Any, context: Any) -> Any:
        if request.preview:
            outputs = _expected(request.news)
            for name in ("path", "token"):
                outputs.fields[name].CopyFrom(request.olds.fields[name])
            return provider_pb2.UpdateResponse(properties=outputs)
        self._begin("update", request, plain(request.news), context)
        outputs = self._write(request.id, request.news)
        self._log("update", "ends", request, request.id)
        return provider_pb2.UpdateResponse(properties=outputs)

    def Delete(self, request: Any, context: Any) -> Any:
        self._begin("delete", request, plain(request.old_inputs), context)
        self._file(request.id).unlink(missing_ok=True)
        self._log("delete", "ends", request, request.id)
        return empty_pb2.Empty()

    def Read(self, request: Any, _context: Any) -> Any:
        try:
            content = json.loads(self._file(request.id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return provider_pb2.ReadResponse()
        content.pop("mark", None)
        seen = content.pop("seen", None)
        inputs = struct_pb2.Struct()
        inputs.update(content)
        outputs = _outputs(request.id, inputs)
        if seen:
            outputs["seen"] = seen
        return provider_pb2.ReadResponse(id=request.id, inputs=inputs, properties=outputs)

    # -- functions

    def Invoke(self, request: Any, context: Any) -> Any:
        result = struct_pb2.Struct()
        response = provider_pb2.InvokeResponse()
        name = request.tok.rpartition(":")[2]
        if name == "echo":
            result.CopyFrom(request.args)
        elif name == "count":
            result["count"] = len(self._things())
        elif name == "refuse":
            response.failures.add(property="size", reason="is negative")
        else:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no such function: {request.tok}")
        getattr(response, "return").CopyFrom(result)
        return response

    def Call(self, request: Any, _context: Any) -> Any:
        """The only method: what it is given, without whose it is."""
        result = struct_pb2.Struct()
        result.CopyFrom(request.args)
        result.fields.pop("__self__", None)
        response = provider_pb2.CallResponse()
        getattr(response, "return").CopyFrom(result)
        return response

    # -- files

    def _things(self) -> dict[str, Any]:
        paths = self._folder.glob("*.json")
        return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}

    def _file(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.json"

    def _write(self, identifier: str, inputs: struct_pb2.Struct) -> struct_pb2.Struct:
        content = {**plain(inputs), **({"mark": self._mark} if self._mark else {})}
        temporary = self._file(identifier).with_suffix(".new")
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(self._file(identifier))
        return _outputs(identifier, inputs)

    def _begin(self, operation: str, request: Any, inputs: Mapping[str, Any], context: Any) -> str:
        """Log the begin, fail where that is asked for; gives the id, which may be a new one."""
        with self._lock:
            identifier = request.id if operation != "create" else self._next(request.name)
            self._log(operation, "begins", request, identifier)
        if inputs.get("failOn") == operation:
            context.abort(grpc.StatusCode.INTERNAL, f"will not {operation} {request.name}")
        return identifier

    def _next(self, name: str) -> str:
        """The id of a new thing: its name and how many there have been of that name."""
        made = [
            entry["id"]
            for entry in read_log(self._folder)
            if entry["name"] == name and entry["call"] == "create" and entry["phase"] == "begins"
        ]
        return f"{name}-{len(made) + 1}"

    def _log(self, call: str, phase: str, request: Any, identifier: str) -> None:
        entry = {"call": call, "phase": phase, "name": request.name, "id": identifier}
        if request.timeout:
            entry["timeout"] = request.timeout
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """What the provider did in a folder, in order."""
    path = folder / "log.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def _kind(key: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
    kind = "ADD" if key not in olds else "DELETE" if key not in news else "UPDATE"
    suffix = "_REPLACE" if key in REPLACING else ""
    diff = provider_pb2.PropertyDiff
    return diff(kind=diff.Kind.Value(kind + suffix), inputDiff=True)


def _outputs(identifier: str, inputs: struct_pb2.Struct) -> struct_pb2.Struct:
    outputs = struct_pb2.Struct()
    outputs.CopyFrom(inputs)
    outputs["path"] = f"/things/{identifier}"
    outputs["length"] = len(str(plain(inputs).get("text", "")))
    outputs["token"] = {SIGNATURE: SECRET, "value": f"token-of-{identifier}"}
    return outputs


def _expected(inputs: struct_pb2.Struct) -> struct_pb2.Struct:
    """Outputs of a preview: what only the folder can tell is unknown."""
    outputs = struct_pb2.Struct()
    outputs.CopyFrom(inputs)
    for name in ("path", "length", "token"):
        outputs[name] = UNKNOWN
    return outputs


def _init_failed(context: Any, identifier: str, outputs: struct_pb2.Struct) -> NoReturn:
    failed = provider_pb2.ErrorResourceInitFailed(
        id=identifier,
        properties=outputs,
        reasons=["never became ready"],
        inputs=struct_pb2.Struct(),
    )
    status = status_pb2.Status(code=2, message="not ready")
    status.details.add().Pack(failed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, "not ready")
    raise AssertionError("abort raises")


def plain(struct: Any) -> dict[str, Any]:
    """A struct as plain values, secrets opened."""
    return {key: _opened(item) for key, item in MessageToDict(struct).items()}


def _opened(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _opened(value["value"])
        return {key: _opened(item) for key, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value
