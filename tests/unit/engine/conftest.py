"""Small stacks for the engine's tests: programs as text, and the file provider to act on."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kraj.engine.base import Result, StackSpec
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.hosts import ProgramHosts
from kraj.events import Event

from .file_provider import FileProvider

PASSPHRASE = "correct horse battery staple"

#: What every program begins with: the resource class of the package `file`.
PRELUDE = """
import pulumi
from pulumi import Output, ResourceOptions

class Note(pulumi.CustomResource):
    path: Output[str]
    token: Output[str]
    text: Output[str]
    def __init__(self, name, opts=None, **inputs):
        for output in ("path", "token", "text"):
            inputs.setdefault(output, None)
        opts = ResourceOptions.merge(ResourceOptions(version="1.2.3"), opts)
        super().__init__("file:index:Note", name, inputs, opts)

class Files(pulumi.ProviderResource):
    def __init__(self, name, opts=None, **inputs):
        opts = ResourceOptions.merge(ResourceOptions(version="1.2.3"), opts)
        super().__init__("file", name, inputs, opts)

class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("test:index:Group", name, None, opts)
"""


@dataclass
class Lab:
    """A state folder, a folder that the file provider fills, and a program."""

    root: Path
    engine: LocalEngine
    events: list[Event] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "cloud"

    def spec(self, program: str | None = None, **changes: Any) -> StackSpec:
        """The stack; with `program`, the program becomes that text."""
        home = self.root / "program"
        if program is not None:
            home.mkdir(exist_ok=True)
            (home / "Pulumi.yaml").write_text("name: notes\nruntime: python\n")
            (home / "__main__.py").write_text(PRELUDE + textwrap.dedent(program))
        defaults: dict[str, Any] = {
            "project": "notes",
            "stack": "test.one",
            "label": "tenant:one",
            "program": home,
            "config": {"file:folder": str(self.folder)},
        }
        return StackSpec(**{**defaults, **changes})

    def up(self, program: str | None = None, *, refresh: bool = False, **changes: Any) -> Result:
        return self.engine.up(self.spec(program, **changes), self.events.append, refresh=refresh)

    def preview(self, program: str | None = None, **changes: Any) -> Result:
        return self.engine.preview(self.spec(program, **changes), self.events.append)

    def destroy(self) -> Result:
        return self.engine.destroy(self.spec(), self.events.append)

    def notes(self) -> dict[str, Any]:
        """What exists, by name without the random end."""
        files = self.folder.glob("*.json")
        return {p.stem.rsplit("-", 1)[0]: json.loads(p.read_text()) for p in files}

    def log(self) -> list[str]:
        """What the provider did, in order: `create begins one`, …"""
        path = self.folder / "log.jsonl"
        if not path.exists():
            return []
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return [f"{line['event']} {line['name']}" for line in lines]

    def forget_log(self) -> None:
        (self.folder / "log.jsonl").unlink(missing_ok=True)

    def state(self) -> dict[str, dict[str, Any]]:
        """The resources on disk by name."""
        deployment = self.engine.export_state(self.spec())["deployment"]
        return {item["urn"].split("::")[3]: item for item in deployment.get("resources", [])}

    @property
    def checkpoint(self) -> Path:
        return self.root / "state/.pulumi/stacks/notes/test.one.json"


def operations(result: Result) -> dict[str, str]:
    """Operations of a result by resource name, the stack left out."""
    return {s.name: s.operation.value for s in result.steps if s.type != "pulumi:pulumi:Stack"}


#: Shared by all engines of a test run: Pulumi's SDK is loaded once.
_HOSTS = ProgramHosts()


def make_engine(
    root: Path, environ: Mapping[str, str] | None = None, bucket: Bucket | None = None
) -> LocalEngine:
    return LocalEngine(
        root / "state",
        providers={"file": FileProvider},
        environ=environ or {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
        hosts=_HOSTS,
        bucket=bucket,
    )


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, make_engine(tmp_path))
