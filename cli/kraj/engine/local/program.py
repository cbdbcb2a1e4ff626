"""Starting a stack program and learning how it ended; what it prints becomes remarks of the run.

Its process is started before anything slow is loaded here, so that both load at the same time.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import yaml

from kraj.engine.base import StackSpec
from kraj.engine.errors import BAD_STACK, PROGRAM_FAILED
from kraj.engine.inherited import inherited
from kraj.engine.local.hosts import ProgramHosts
from kraj.errors import KrajError

_OUTPUT_LINES = 400  #: of what a program prints, the lines that are kept
_LAST_WORDS_SECONDS = 2.0  #: for reading what a program that has ended printed


def read_project(spec: StackSpec) -> tuple[Path, dict[str, str]]:
    """Folder of the program and the project's default configuration, from its Pulumi.yaml.

    Raises KRJ314 where the file does not fit the stack.
    """
    path = spec.program / "Pulumi.yaml"
    try:
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise KrajError(BAD_STACK, f"cannot read {path}: {error}") from error
    if not isinstance(project, dict) or project.get("name") != spec.project:
        found = project.get("name") if isinstance(project, dict) else None
        raise KrajError(
            BAD_STACK, f"{path} is of the project {found!r}, the stack of {spec.project!r}"
        )
    runtime = project.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise KrajError(BAD_STACK, f"{path}: the local engine runs python, not {language!r}")
    folder = (spec.program / project.get("main", ".")).resolve()
    if folder.is_dir() and not (folder / "__main__.py").is_file():
        raise KrajError(BAD_STACK, f"{folder} has no __main__.py")
    return folder, _defaults(project.get("config") or {}, spec.project)


def _defaults(declared: Mapping[str, Any], project: str) -> dict[str, str]:
    values = {}
    for key, item in declared.items():
        value = item.get("default", item.get("value")) if isinstance(item, dict) else item
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            values[key if ":" in key else f"{project}:{key}"] = text
    return values


class Program:
    """One run of a stack program in a process of its own."""

    def __init__(self, spec: StackSpec, hosts: ProgramHosts, note: Callable[[str], None]) -> None:
        self._spec = spec
        self._hosts = hosts
        self._note = note
        self._folder, self._defaults = read_project(spec)
        self._outcome: dict[str, Any] | None = None
        self._process = hosts.start()
        self._threads = [
            self._thread(self._read_outcome, self._process.outcome),
            self._thread(self._read_output, self._process.stdout),
            self._thread(self._read_output, self._process.stderr),
        ]

    def _thread(self, work: Callable[[IO[str]], None], stream: IO[str]) -> threading.Thread:
        thread = threading.Thread(target=work, args=(stream,), daemon=True)
        thread.start()
        return thread

    def _read_outcome(self, stream: IO[str]) -> None:
        with stream, contextlib.suppress(ValueError):
            self._outcome = json.loads(stream.read())

    def _read_output(self, stream: IO[str]) -> None:
        with stream:
            for number, line in enumerate(stream):
                if line.strip() and number < _OUTPUT_LINES:
                    self._note(line.rstrip())

    def start(self, address: str, *, preview: bool, parallel: int) -> None:
        """Let the program run against the services at `address`."""
        spec = self._spec
        folder = self._folder if self._folder.is_dir() else self._folder.parent
        orders = {
            "address": address,
            "project": spec.project,
            "stack": spec.stack,
            "program": str(self._folder),
            "folder": str(folder),
            "root": str(spec.program.resolve()),
            "environment": {**inherited(os.environ), **spec.environment},
            "config": {**self._defaults, **spec.config, **spec.secret_config},
            "secret_keys": sorted(spec.secret_config),
            "preview": preview,
            "parallel": parallel,
        }
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(orders) + "\n")
            self._process.stdin.flush()

    def wait(self) -> KrajError | None:
        """Wait for the program's end; its own error, if it had one."""
        self._threads[0].join()
        if self._outcome is None:
            return KrajError(
                PROGRAM_FAILED, f"the program of {self._spec.label} ended without a result"
            )
        self._hosts.load_ahead(self._outcome.get("modules", ()))
        if self._outcome.get("ok"):
            return None
        return KrajError(
            PROGRAM_FAILED,
            f"the program of {self._spec.label} failed: {self._outcome.get('error')}",
            causes=self._outcome.get("trace", ()),
        )

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """End the process, whatever it does, and take its last words."""
        if self._outcome is None:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        for thread in self._threads:
            thread.join(timeout=_LAST_WORDS_SECONDS)
