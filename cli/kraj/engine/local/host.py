"""The process in which a stack program runs: `python -m kraj.engine.local.host <fd>`.

It loads Pulumi's SDK, takes its orders (addresses, configuration) as one JSON line from standard
input, runs the program's folder as Pulumi's own language host does, and writes the outcome as
JSON to the file descriptor. It ends at once when standard input closes: then the engine is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pulumi.runtime
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_CALLS_PER_STEP = 4  #: threads for calls in flight per parallel step, as Pulumi's language host has


class _Engine:
    """The engine without debug messages: the SDK sends several for each resource."""

    def __init__(self, stub: engine_pb2_grpc.EngineStub) -> None:
        self._stub = stub

    def Log(self, request: Any) -> Any:  # noqa: N802 - Pulumi's contract
        return None if request.severity == engine_pb2.DEBUG else self._stub.Log(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)


def main() -> None:
    outcome_to = int(sys.argv[1])
    orders = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_engine, daemon=True).start()
    outcome = _run(orders)
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(outcome_to, "w", encoding="utf-8") as file:
        json.dump(outcome, file)
    # Skips the interpreter's tear-down: everything that matters has been sent.
    os._exit(0 if outcome["ok"] else 1)


def _end_with_engine() -> None:
    sys.stdin.read()
    os._exit(1)


def _run(orders: dict[str, Any]) -> dict[str, Any]:
    address = orders["address"]
    stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
    pulumi.runtime.set_all_config(orders["config"], orders["secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=orders["project"],
            stack=orders["stack"],
            monitor=address,
            engine=_Engine(stub),
            parallel=orders["parallel"],
            dry_run=orders["preview"],
            organization="organization",
            root_directory=orders["root"],
        )
    )
    # A run that stops early leaves futures behind; asyncio's complaints about them help nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    program = orders["program"]
    sys.argv = [program]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(orders["parallel"] * _CALLS_PER_STEP))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run_program(program)))
    except BaseException as error:
        return _failure(error, Path(program))
    return {"ok": True}


def _run_program(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _failure(error: BaseException, program: Path) -> dict[str, Any]:
    """What went wrong, with the lines of the program that led there."""
    if isinstance(error, SystemExit) and not error.code:
        return {"ok": True}
    frames = [
        f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename and not frame.filename.startswith("<")
        if Path(frame.filename) != Path(__file__)
    ]
    kind = "" if isinstance(error, pulumi.RunError) else f"{type(error).__name__}: "
    ours = [frame for frame in frames if frame.startswith(str(program))]
    return {"ok": False, "error": f"{kind}{error}", "trace": frames[-8:], "place": ours[-1:]}


if __name__ == "__main__":
    main()
