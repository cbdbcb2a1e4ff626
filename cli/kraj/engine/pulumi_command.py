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
from kraj.secrecy import without_secrets

OnOutput = Callable[[str], Any]


class Command(PulumiCommand):
    """The `pulumi` command for one stack.

    `environment` is all of the process's environment, but for what tells it the `passphrase`.
    """

    def __init__(
        self, cli: CliInfo, environment: Mapping[str, str], passphrase: str | None = None
    ) -> None:
        # Not the base's: it would run `pulumi version` again.
        self.command = str(cli.path)
        self.version = VersionInfo.parse(cli.version)
        self.last_words = ""  #: what the last command that failed printed as its error
        self.interrupted = False  #: whether it was ever told to stop
        self._interruptions = 0
        self._environment = dict(environment)
        self._passphrase = passphrase
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
            readers: list[_Reader] = []
            code = None
            while code is None:
                # Ctrl-C may come at any moment since the start, also before all of this is set up.
                try:
                    if not readers:
                        readers.append(_Reader(process.stdout, on_output))
                    if len(readers) == 1:
                        readers.append(_Reader(process.stderr, on_error))
                    code = process.wait()
                except KeyboardInterrupt:
                    self.interrupt()
            output, errors = (reader.text() for reader in readers)
            result = CommandResult(output, errors, code)
        if code != 0:
            # What the error says goes to people; only an answer may have secrets.
            self.last_words = without_secrets(result.stderr)
            raise create_command_error(
                CommandResult(without_secrets(result.stdout), self.last_words, code)
            )
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
        with (
            _handed_over(self._passphrase) as (variables, handles),
            subprocess.Popen(
                [self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env={**environment, **variables},
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                pass_fds=handles,
            ) as process,
        ):
            with self._lock:
                self._process = process
                if self._interruptions:
                    process.send_signal(signal.SIGINT)
            try:
                yield process
            finally:
                with self._lock:
                    self._process = None


@contextlib.contextmanager
def _handed_over(passphrase: str | None) -> Iterator[tuple[dict[str, str], tuple[int, ...]]]:
    """The variables, and open files, by which the command finds the passphrase.

    The file is in memory alone: nothing is left of it on the disk, whoever is killed. And unlike a
    variable it does not end up in what programs and providers tell of their environment.
    """
    if passphrase is None:
        yield {}, ()
    elif not passphrase or passphrase != passphrase.strip() or not hasattr(os, "memfd_create"):
        # Pulumi strips what it reads from a file. Only Linux has files without a place.
        yield {"PULUMI_CONFIG_PASSPHRASE": passphrase}, ()
    else:
        handle = os.memfd_create("kraj")
        try:
            os.write(handle, passphrase.encode())
            yield {"PULUMI_CONFIG_PASSPHRASE_FILE": f"/proc/self/fd/{handle}"}, (handle,)
        finally:
            os.close(handle)


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
