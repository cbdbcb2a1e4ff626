"""Serving a resource provider as a process of its own, as Pulumi's command line expects a plugin.

The local engine calls a provider's servicer in its own process; here the same object is served over
gRPC. `python -m kraj.engine.plugin <module>:<factory>` is the process, and `write_plugin` makes the
folder that `plugins.providers[].path` of a Pulumi.yaml names. No rule of any provider stands here.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any, TypeAlias

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.proto.provider_pb2_grpc import (
    ResourceProviderServicer,
    add_ResourceProviderServicer_to_server,
)

from kraj.events import Event, Reporter, ignore
from kraj.files import write_atomically

#: Makes a servicer, given whom it reports to and its environment variables.
Factory: TypeAlias = Callable[[Reporter, Mapping[str, str]], ResourceProviderServicer]

_MESSAGE_BYTES = 400 * 1024 * 1024  #: Pulumi's own limit of one message
_CALLS = 64  #: at once; more wait


@contextlib.contextmanager
def serving_provider(servicer: ResourceProviderServicer) -> Iterator[int]:
    """Serve on a free port of this machine alone; gives the port."""
    options = [
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ("grpc.so_reuseport", 0),
    ]
    server = grpc.server(futures.ThreadPoolExecutor(_CALLS), options=options)
    add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def write_plugin(folder: Path, package: str, factory: str, search: tuple[Path, ...] = ()) -> Path:
    """Make the plugin of a package from `module:name` of its factory; gives the plugin's folder.

    The plugin runs with the interpreter that runs kraj; `search` are further folders for its
    imports.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join(str(item) for item in search)
    words = [sys.executable, "-P", "-m", "kraj.engine.plugin", factory]
    lines = ["#!/bin/sh"]
    if path:
        lines.append(f'export PYTHONPATH={shlex.quote(path)}"${{PYTHONPATH:+:$PYTHONPATH}}"')
    lines.append(f'exec {shlex.join(words)} "$@"')
    program = folder / f"pulumi-resource-{package}"
    write_atomically(program, "\n".join(lines) + "\n", mode=0o755)
    return folder


def load_factory(name: str) -> Factory:
    """What `module:name` names. Raises ImportError, AttributeError."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]


def main(arguments: list[str]) -> None:
    """Serve until the process that started this one ends: `<module>:<name> [<engine's address>]`.

    The port is all that goes to standard output, as Pulumi's engine expects.
    """
    parent = os.pidfd_open(os.getppid())
    factory, *rest = (word for word in arguments if not word.startswith("-"))
    report = engine_reporter(rest[0]) if rest else ignore
    with serving_provider(load_factory(factory)(report, os.environ)) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        select.select([parent], [], [])


def engine_reporter(address: str) -> Reporter:
    """Passes remarks of a provider on to Pulumi's engine at that address, as information."""
    engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
    lock = threading.Lock()

    def report(event: Event) -> None:
        if not event.message:
            return
        message: Any = engine_pb2.LogRequest(
            severity=engine_pb2.INFO, message=event.message, urn=event.resource
        )
        # A remark that cannot be delivered must not fail what it is about.
        with lock, contextlib.suppress(grpc.RpcError):
            engine.Log(message)

    return report


if __name__ == "__main__":
    main(sys.argv[1:])
