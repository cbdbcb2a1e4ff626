"""The processes in which stack programs run: `python -P -m kraj.engine.local.host <socket>`.

Loading Pulumi's SDK takes longer than most runs. So one process loads it, never runs a program
itself, and forks for each run. It takes requests from the engine over a socket (`hosts`) and ends
when that closes. A forked process takes its orders (address, configuration) as one JSON line from
standard input, runs the program's folder as Pulumi's own language host does, and writes the outcome
as JSON to a pipe. It ends at once when standard input closes: then the engine is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import runpy
import signal
import socket
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import grpc
import pulumi
import pulumi.runtime
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_CALLS_PER_STEP = 4  #: threads for calls in flight per parallel step, as Pulumi's language host has
_REQUEST_BYTES = 1 << 20  #: of one request; orders themselves go through the pipe
_STREAMS = 4  #: pipes of a run: standard input, output and error, and the outcome
_SHARED = ("pulumi_", "pydantic", "kraj.")  #: modules of any program that are loaded ahead
_LOOKS, _LOOK_SECONDS = 100, 0.01  #: for the end of gRPC's threads
_TRACE_LINES = 8  #: of a failed program's stack, the last ones


def main() -> None:
    """Serve requests until the engine closes the socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forked processes
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the engine's to handle
    _set_up_grpc()
    while True:
        message, streams, _flags, _address = socket.recv_fds(control, _REQUEST_BYTES, _STREAMS)
        if not message:
            return
        request = json.loads(message)
        for module in request.get("modules", ()):
            with contextlib.suppress(Exception):  # the program itself will meet the same error
                # Pulumi's packages load when something is read of them, and a module of theirs
                # that is imported before that leaves them with half their names.
                getattr(importlib.import_module(module), "any_name", None)
        if streams:
            _fork(control, streams)


def _set_up_grpc() -> None:
    """Let gRPC set itself up here, once, and not in each process: that takes a third of a run.

    It does so with the first channel, which connects nowhere before it is used. Its threads end
    with the channel: this process has to be alone when it forks.
    """
    grpc.insecure_channel("localhost:1").close()
    for _ in range(_LOOKS):
        if len(os.listdir("/proc/self/task")) == 1:  # noqa: PTH208 - no paths are wanted
            return
        time.sleep(_LOOK_SECONDS)


def _fork(control: socket.socket, streams: list[int]) -> None:
    """Start one run, and tell the engine which process it is."""
    pid = os.fork()
    if pid == 0:
        control.close()
        _serve_run(streams)
    handle = os.pidfd_open(pid)
    socket.send_fds(control, [b"started"], [handle])
    for stream in (handle, *streams):
        os.close(stream)


def _serve_run(streams: list[int]) -> NoReturn:
    """What a forked process does; it never returns."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for number, stream in enumerate(streams[:3]):
            os.dup2(stream, number)
            os.close(stream)
        orders = json.loads(sys.stdin.readline())
        threading.Thread(target=_end_with_engine, daemon=True).start()
        outcome = _run(orders)
        outcome["modules"] = sorted(name for name in sys.modules if name.startswith(_SHARED))
        sys.stdout.flush()
        sys.stderr.flush()
        with os.fdopen(streams[3], "w", encoding="utf-8") as file:
            json.dump(outcome, file)
        code = 0
    finally:
        # Skips the interpreter's tear-down: everything that matters has been sent.
        os._exit(code)


def _end_with_engine() -> None:
    sys.stdin.read()
    os._exit(1)


def _run(orders: dict[str, Any]) -> dict[str, Any]:
    address, program = orders["address"], orders["program"]
    os.environ.update(orders["environment"])
    os.chdir(orders["folder"])
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
    sys.argv = [program]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(orders["parallel"] * _CALLS_PER_STEP))
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run_program(program)))
    except BaseException as error:
        return _failure(error)
    return {"ok": True}


def _run_program(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _failure(error: BaseException) -> dict[str, Any]:
    """What went wrong, with the lines that led there, SDK and interpreter left out."""
    if isinstance(error, SystemExit) and not error.code:
        return {"ok": True}
    frames = [
        f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "site-packages" not in frame.filename
        and not frame.filename.startswith("<")
        and not Path(frame.filename).is_relative_to(Path(os.__file__).parent)
        and frame.filename != __file__
    ]
    kind = "" if isinstance(error, pulumi.RunError) else f"{type(error).__name__}: "
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(f"{error.filename}:{error.lineno}: {(error.text or '').strip()}")
    return {"ok": False, "error": f"{kind}{error}", "trace": frames[-_TRACE_LINES:]}


class _Engine:
    """The engine without debug messages: the SDK sends several for each resource."""

    def __init__(self, stub: engine_pb2_grpc.EngineStub) -> None:
        self._stub = stub

    def Log(self, request: Any) -> Any:  # noqa: N802 - Pulumi's contract
        return None if request.severity == engine_pb2.DEBUG else self._stub.Log(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)


if __name__ == "__main__":
    main()
