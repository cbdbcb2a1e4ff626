"""A real, small resource provider: each resource is a JSON file in a folder.

It speaks Pulumi's ResourceProvider contract like any other. Its types:

- `file:index:Note`: `text`, `size` and `labels` change in place, `kind` only by replacement, and
  `slot` only by replacement with the old one deleted first. Output `path`, and `token`, a secret
  that the provider makes. Properties that steer it: `delaySeconds`, `company` (how many operations
  of a kind must have begun before one ends), `failOn` (an operation), `initFails`.
- function `file:index:count` (resources in the folder) and `file:index:echo` (its arguments).

Each operation is written to `log.jsonl` with its begin and end, from which tests learn the order.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import provider_pb2, status_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from kraj.errors import ErrorCode, KrajError
from kraj.events import Reporter

#: An engine that takes one step after the other is told from a slow machine by this.
COMPANY_SECONDS = 20

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
REPLACING = ("kind", "slot")
FAILED = ErrorCode("KRJ399", "The file provider failed", "On purpose.", "Nothing.")


class FileProvider(ResourceProviderServicer):
    """Serves the package `file`; its configuration has `folder` and, optionally, `mark`."""

    def __init__(self, _report: Reporter, _environment: Mapping[str, str]) -> None:
        self._folder = Path()
        self._mark = ""
        self._cancelled = threading.Event()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        failures = []
        if "folder" not in request.news.fields:
            failures.append(provider_pb2.CheckFailure(property="folder", reason="is missing"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        olds, news = plain(request.olds), plain(request.news)
        replaces = ["folder"] if olds.get("folder") != news.get("folder") else []
        return provider_pb2.DiffResponse(replaces=replaces)

    def Configure(self, request: Any, context: Any) -> Any:
        config = plain(request.args)
        self._folder = Path(config["folder"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark = config.get("mark", "")
        self._log("configure", config.get("mark", ""))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:
        self._cancelled.set()
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:
        if request.type != "file:index:Note":
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no such type: {request.type}")
        failures = []
        if plain(request.news).get("size") == -1:
            failures.append(provider_pb2.CheckFailure(property="size", reason="is negative"))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        olds, news = plain(request.old_inputs), plain(request.news)
        changed = sorted(k for k in olds.keys() | news.keys() if olds.get(k) != news.get(k))
        kinds = provider_pb2.PropertyDiff
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME
            if changed
            else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[key for key in changed if key in REPLACING],
            diffs=changed,
            deleteBeforeReplace="slot" in changed,
            detailedDiff={
                key: kinds(kind=kinds.UPDATE_REPLACE if key in REPLACING else kinds.UPDATE)
                for key in changed
            },
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> Any:
        if request.preview:
            outputs = struct_pb2.Struct()
            outputs.CopyFrom(request.properties)
            outputs["path"] = UNKNOWN
            outputs["token"] = UNKNOWN
            return provider_pb2.CreateResponse(properties=outputs)
        identifier = f"{request.name}-{secrets.token_hex(3)}"
        inputs = plain(request.properties)
        if inputs.get("slot"):
            taken = [n for n in self.notes().values() if n.get("slot") == inputs["slot"]]
            if taken:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"slot {inputs['slot']} is taken")
        self._work("create", request, inputs)
        self._write(identifier, {**inputs, "timeout": request.timeout, "mark": self._mark})
        outputs = self._outputs(identifier, request.properties)
        if inputs.get("initFails"):
            self._init_failed(context, identifier, outputs)
        return provider_pb2.CreateResponse(id=identifier, properties=outputs)

    def Update(self, request: Any, context: Any) -> Any:
        inputs = plain(request.news)
        if request.preview:
            outputs = struct_pb2.Struct()
            outputs.CopyFrom(request.olds)
            outputs.update(MessageToDict(request.news))
            return provider_pb2.UpdateResponse(properties=outputs)
        self._work("update", request, inputs)
        self._write(request.id, {**inputs, "timeout": request.timeout, "mark": self._mark})
        return provider_pb2.UpdateResponse(properties=self._outputs(request.id, request.news))

    def Delete(self, request: Any, context: Any) -> Any:
        self._work("delete", request, plain(request.old_inputs))
        self._file(request.id).unlink(missing_ok=True)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> Any:
        try:
            content = json.loads(self._file(request.id).read_text())
        except FileNotFoundError:
            return provider_pb2.ReadResponse()
        content = {k: v for k, v in content.items() if k not in ("timeout", "mark")}
        inputs = struct_pb2.Struct()
        inputs.update(content)
        return provider_pb2.ReadResponse(
            id=request.id, inputs=inputs, properties=self._outputs(request.id, inputs)
        )

    def Invoke(self, request: Any, context: Any) -> Any:
        result = struct_pb2.Struct()
        if request.tok == "file:index:count":
            result["count"] = len(self.notes())
        elif request.tok == "file:index:echo":
            result.update(plain(request.args))
        else:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no such function: {request.tok}")
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(result)
        return response

    # -- files

    def notes(self) -> dict[str, Any]:
        return {p.stem: json.loads(p.read_text()) for p in self._folder.glob("*.json")}

    def _file(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.json"

    def _write(self, identifier: str, content: Mapping[str, Any]) -> None:
        path = self._file(identifier)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(content))
        temporary.replace(path)

    def _outputs(self, identifier: str, inputs: struct_pb2.Struct) -> struct_pb2.Struct:
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(inputs)
        outputs["path"] = str(self._file(identifier))
        outputs["token"] = {SIGNATURE: SECRET, "value": f"token-of-{identifier}"}
        return outputs

    def _work(self, operation: str, request: Any, inputs: Mapping[str, Any]) -> None:
        self._log(f"{operation} begins", request.name)
        if inputs.get("failOn") == operation:
            raise KrajError(FAILED, f"will not {operation} {request.name}", hint="Don't ask.")
        delay = inputs.get("delaySeconds", 0)
        if delay:
            self._cancelled.wait(delay)
        self._wait_for_company(operation, inputs.get("company", 0))
        if inputs.get("dieOn") == operation:
            os.kill(os.getpid(), 9)
        self._log(f"{operation} ends", request.name)

    def _wait_for_company(self, operation: str, wanted: int) -> None:
        """Wait until so many operations of the kind have begun, as they do side by side."""
        deadline = time.monotonic() + COMPANY_SECONDS
        event = json.dumps(f"{operation} begins")
        while wanted and time.monotonic() < deadline:
            if (self._folder / "log.jsonl").read_text().count(event) >= wanted:
                return
            time.sleep(0.01)

    def _init_failed(self, context: Any, identifier: str, outputs: struct_pb2.Struct) -> None:
        failed = provider_pb2.ErrorResourceInitFailed(
            id=identifier, properties=outputs, reasons=["never became ready"]
        )
        detail = any_pb2.Any()
        detail.Pack(failed)
        status = status_pb2.Status(code=2, message="not ready", details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, "not ready")

    def _log(self, event: str, name: str) -> None:
        entry = json.dumps({"event": event, "name": name, "at": time.monotonic()}) + "\n"
        with (self._folder / "log.jsonl").open("a") as log:
            log.write(entry)


def plain(struct: Any) -> dict[str, Any]:
    """A struct as plain values, secrets opened."""

    def open_secrets(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get(SIGNATURE) == SECRET:
                return open_secrets(value["value"])
            return {key: open_secrets(item) for key, item in value.items()}
        return [open_secrets(item) for item in value] if isinstance(value, list) else value

    opened = open_secrets(MessageToDict(struct))
    assert isinstance(opened, dict)
    return opened
