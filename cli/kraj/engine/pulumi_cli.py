"""Pulumi's command line on this machine: where it is, and whether its version will do.

Light on purpose: the choice of an engine reads only this. Running it: `kraj.engine.pulumi_command`.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kraj.engine.inherited import inherited
from kraj.engine.pulumi_errors import CLI_UNUSABLE
from kraj.errors import KrajError

CLI_VERSION = "3.250.0"  #: what `kraj engine install` installs; the tests run with it
#: The first that sends its events over gRPC (pulumi.automation: `Stack._setup_event_log`).
CLI_MINIMUM = "3.206.0"

_VERSION_SECONDS = 60  #: a first start on a busy machine can be slow
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)\S*")


@dataclass(frozen=True, slots=True)
class CliInfo:
    """A `pulumi` command of this machine."""

    path: Path
    version: str  #: without a leading `v`

    def __str__(self) -> str:
        return f"{self.path} (version {self.version})"


def find_cli(environ: Mapping[str, str] = os.environ) -> CliInfo | None:
    """The `pulumi` command on PATH, else in Pulumi's own folder (`~/.pulumi/bin`); None without.

    Raises KRJ350 where there is one that does not run.
    """
    own = str(pulumi_home(environ) / "bin")
    found = shutil.which("pulumi", path=environ.get("PATH", os.defpath))
    found = found or shutil.which("pulumi", path=own)
    return read_cli(Path(found).absolute()) if found else None


def pulumi_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where Pulumi keeps its plugins: PULUMI_HOME, else `~/.pulumi`."""
    named = environ.get("PULUMI_HOME")
    return Path(named).absolute() if named else Path.home() / ".pulumi"


def read_cli(path: Path) -> CliInfo:
    """The command at a path, with its version. Raises KRJ350 where it does not run."""
    try:
        return _read_cli(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise KrajError(CLI_UNUSABLE, f"{path} does not run: {error.strerror}") from error


@functools.lru_cache
def _read_cli(path: Path, _modified: int) -> CliInfo:
    try:
        done = subprocess.run(
            [path, "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_VERSION_SECONDS,
            env={**inherited(os.environ), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip().splitlines()
        raise KrajError(
            CLI_UNUSABLE, f"`{path} version` fails with exit code {error.returncode}", causes=said
        ) from error
    except subprocess.TimeoutExpired as error:
        raise KrajError(
            CLI_UNUSABLE, f"`{path} version` gives no answer in {_VERSION_SECONDS} seconds"
        ) from error
    text = done.stdout.strip()
    if not _VERSION.fullmatch(text):
        raise KrajError(CLI_UNUSABLE, f"`{path} version` prints no version: {text[:80]!r}")
    return CliInfo(path, text.removeprefix("v"))


def ensure_usable(cli: CliInfo) -> CliInfo:
    """The same command. Raises KRJ350 where it is too old."""
    if _numbers(cli.version) < _numbers(CLI_MINIMUM):
        raise KrajError(
            CLI_UNUSABLE,
            f"{cli.path} is version {cli.version}; kraj needs {CLI_MINIMUM} or newer",
            details={"version": cli.version, "minimum": CLI_MINIMUM},
        )
    return cli


def _numbers(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    return tuple(int(part) for part in match.groups()) if match else ()
