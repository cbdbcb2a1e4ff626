"""Runs Pulumi's command line for the Automation API, and passes Ctrl-C on to it.

The Automation API's own `PulumiCommand` gives the process all of this process's environment, and at
Ctrl-C leaves it behind. Here the process gets only what it is meant to have; it is in a session of
its own, so that Ctrl-C at a terminal reaches kraj alone and is passed on once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from kraj.engine.pulumi_cli import CliInfo

OnOutput = Callable[[str], Any]


class Command(PulumiCommand):
    """The `pulumi` command for one stack; `environment` is all of the process's environment."""

    def __init__(self, cli: CliInfo, environment: Mapping[str, str]) -> None:
        # Not the base's: it would run `pulumi version` again.
        self.command = str(cli.path)
        self.version = VersionInfo.parse(cli.version)
        self.last_words = ""  #: what the last command that failed printed as its error
        self.interrupted = False  #: whether it was ever told to stop
        self._interruptions = 0
        self._environment = dict(environment)
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end. Raises the Automation API's CommandError.

        KeyboardInterrupt is passed on, and then the end is awaited; see `interrupt`.
        """
        with self._started(["--non-interactive", *args], cwd, additional_env) as process:
            output = _Reader(process.stdout, on_output)
            errors = _Reader(process.stderr, on_error)
            while True:
                try:
                    code = process.wait()
                    break
                except KeyboardInterrupt:
                    self.interrupt()
            result = CommandResult(output.text(), errors.text(), code)
        if code != 0:
            self.last_words = result.stderr
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Tell the running command to stop, from any thread.

        The first time running steps may end, the second they are left to themselves (both are
        Pulumi's own ways), the third time the process is killed.
        """
        with self._lock:
            self.interrupted = True
            self._interruptions += 1
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(
                    signal.SIGINT if self._interruptions < 3 else signal.SIGKILL
                )

    def resume(self) -> None:
        """Let commands run again after an interruption, to tidy up."""
        with self._lock:
            self._interruptions = 0

    @contextlib.contextmanager
    def _started(
        self, arguments: list[str], cwd: str, additional: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        # The language host and the bundled plugins are found beside the command.
        folders = [str(Path(self.command).parent), self._environment.get("PATH", os.defpath)]
        environment = {
            **self._environment,
            **additional,
            "PATH": os.pathsep.join(folders),
            "PULUMI_AUTOMATION_API": "true",
        }
        with subprocess.Popen(
            [self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            with self._lock:
                self._process = process
                if self._interruptions:
                    process.send_signal(signal.SIGINT)
            try:
                yield process
            finally:
                with self._lock:
                    self._process = None


class _Reader:
    """Reads a stream of the command in a thread of its own."""

    def __init__(self, stream: IO[str] | None, callback: OnOutput | None) -> None:
        self._stream = stream
        self._callback = callback
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream or ():
            stripped = line.rstrip()
            if self._callback is not None:
                self._callback(stripped)
            self._lines.append(stripped)

    def text(self) -> str:
        """All of the stream, once it has ended."""
        self._thread.join()
        return "\n".join(self._lines)
