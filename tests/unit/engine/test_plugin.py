"""A provider as a process of its own, as Pulumi's engine starts and ends it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from kraj.engine.plugin import engine_reporter, serving_provider, write_plugin
from kraj.events import Event, EventKind
from kraj.openstack.provider import OpenStackProvider

FACTORY = "kraj.openstack.provider:OpenStackProvider"

#: Starts the plugin as Pulumi does, tells the plugin's port, and ends when its input does.
PARENT = """
import subprocess, sys
plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
print(plugin.stdout.readline(), plugin.pid, flush=True)
sys.stdin.read()
"""


def version_at(port: int) -> str:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = ResourceProviderStub(channel)
        return str(stub.GetPluginInfo(empty_pb2.Empty(), timeout=60).version)


def test_a_servicer_is_served_on_a_port_of_this_machine() -> None:
    with serving_provider(OpenStackProvider()) as port:
        assert version_at(port).startswith("5.")


def test_a_plugin_tells_its_port_and_ends_with_who_started_it(tmp_path: Path) -> None:
    program = (
        write_plugin(tmp_path / "a folder", "openstack", FACTORY) / "pulumi-resource-openstack"
    )
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(program), "127.0.0.1:1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        port, pid = int(parent.stdout.readline()), int(parent.stdout.readline())
        assert version_at(port).startswith("5.")
        plugin = os.pidfd_open(pid)
        parent.kill()
    readable, _, _ = select.select([plugin], [], [], 60)
    os.close(plugin)
    assert readable


class Engine(engine_pb2_grpc.EngineServicer):
    """What a plugin reports to."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str, str]] = []

    def Log(self, request: Any, _context: Any) -> Any:
        self.said.append((request.severity, request.message, request.urn))
        return empty_pb2.Empty()


def test_remarks_of_a_provider_reach_pulumis_engine() -> None:
    engine = Engine()
    server = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    report = engine_reporter(address)
    report(Event(EventKind.PROGRESS, "create", "s", "trying again", resource="urn:x"))
    report(Event(EventKind.DONE, "create", "s"))
    server.stop(None).wait()
    assert engine.said == [(engine_pb2.INFO, "trying again", "urn:x")]
    report(Event(EventKind.PROGRESS, "create", "s", "nobody is there"))
