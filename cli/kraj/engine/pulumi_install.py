"""Installs Pulumi's command line and OpenStack plugin, and tells what of them is there.

From Pulumi's releases, or from a mirror for regions without internet: a web server or a folder that
holds both archives under their release names and a SHA256SUMS made with `sha256sum *.tar.gz`. What
has no checksum, or another one, is not installed. (Pulumi's own installer, which
`PulumiCommand.install` runs, is a shell script from the net and checks none.)
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from kraj.engine.inherited import inherited
from kraj.engine.pulumi_cli import (
    CLI_MINIMUM,
    CLI_VERSION,
    CliInfo,
    find_cli,
    pulumi_home,
    read_cli,
)
from kraj.engine.pulumi_errors import CHECKSUM_WRONG, DOWNLOAD_FAILED, INSTALL_FAILED
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter

RELEASES: Final = "https://github.com/pulumi/pulumi/releases/download"
PLUGIN: Final = "openstack"
MIRROR_SUMS: Final = "SHA256SUMS"

_ACTION = "engine install"
_TIMEOUT_SECONDS = 60  #: without a byte
_BLOCK_BYTES = 1 << 20
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def plugin_version() -> str:
    """The plugin that the Python package of OpenStack's types asks for: its own version."""
    return metadata.version("pulumi_openstack")


def archive_name(version: str = CLI_VERSION) -> str:
    """Pulumi's name of the command line's archive for this machine. Raises KRJ354 on others."""
    return f"pulumi-v{version}-{sys.platform}-{_machine()}.tar.gz"


def plugin_archive_name(version: str) -> str:
    """Pulumi's name of the OpenStack plugin's archive for this machine. Raises KRJ354 on others."""
    machine = {"x64": "amd64"}.get(_machine(), _machine())
    return f"pulumi-resource-{PLUGIN}-v{version}-{sys.platform}-{machine}.tar.gz"


def install_cli(folder: Path | None, mirror: str | None, report: Reporter) -> CliInfo:
    """Install the pinned command line into `<folder>/bin`, and the plugin into Pulumi's home.

    `folder` is `~/.pulumi` where none is given (kraj finds the command there also without PATH);
    `mirror` is the address or the path of a mirror. What is there already is left alone. Raises
    KRJ352 to KRJ354.
    """
    root = (folder or pulumi_home()).absolute()
    cli = _install_command(root, mirror, report)
    _install_plugin(cli, plugin_version(), mirror, report)
    return cli


def engine_status(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Versions, places and what is missing: for people and as JSON. Raises nothing."""
    wanted = plugin_version()
    plugin = find_plugin(wanted, environ)
    status: dict[str, Any] = {
        "pulumi": "not installed",
        "pulumi_minimum": CLI_MINIMUM,
        "pulumi_installed_by_kraj": CLI_VERSION,
        "pulumi_sdk": metadata.version("pulumi"),
        "openstack_plugin": str(plugin) if plugin else "not installed",
        "openstack_plugin_version": wanted,
    }
    try:
        cli = find_cli(environ)
    except KrajError as error:
        status["pulumi"] = error.message
    else:
        if cli is not None:
            status |= {"pulumi": str(cli.path), "pulumi_version": cli.version}
    if environ.get("PULUMI_BACKEND_URL"):
        status["pulumi_backend"] = environ["PULUMI_BACKEND_URL"]
    return status


def find_plugin(version: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The plugin of that version in Pulumi's home, else one on PATH; None without."""
    program = f"pulumi-resource-{PLUGIN}"
    own = pulumi_home(environ) / "plugins" / f"resource-{PLUGIN}-v{version}" / program
    if own.is_file():
        return own
    found = shutil.which(program, path=environ.get("PATH", os.defpath))
    return Path(found) if found else None


# -- the command line


def _install_command(root: Path, mirror: str | None, report: Reporter) -> CliInfo:
    command = root / "bin" / "pulumi"
    if command.exists():
        present = read_cli(command)
        if present.version == CLI_VERSION:
            report(_done("pulumi", f"{present.version} is installed in {command.parent}"))
            return present
    name = archive_name()
    source = mirror or f"{RELEASES}/v{CLI_VERSION}"
    sums_name = MIRROR_SUMS if mirror else f"pulumi-{CLI_VERSION}-checksums.txt"
    with tempfile.TemporaryDirectory(prefix="kraj-pulumi-") as temporary:
        archive = Path(temporary) / name
        expected = _checksum_of(name, f"{source}/{sums_name}")
        _download(f"{source}/{name}", archive, report)
        _verify(archive, expected, f"{source}/{name}")
        _unpack(archive, command.parent)
    report(_done("pulumi", f"{CLI_VERSION} installed in {command.parent}"))
    return read_cli(command)


def _unpack(archive: Path, target: Path) -> None:
    """Put the programs of the archive's folder `pulumi/` into `target`, each in one step."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        # On the target's own file system, so that each program is moved there whole.
        with tempfile.TemporaryDirectory(prefix=".kraj-", dir=target) as temporary:
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            programs = sorted((Path(temporary) / "pulumi").iterdir())
            # The command itself last: where it is, all that it needs is there.
            for program in sorted(programs, key=lambda path: path.name == "pulumi"):
                program.replace(target / program.name)
    except (OSError, tarfile.TarError) as error:
        raise KrajError(INSTALL_FAILED, f"cannot install into {target}: {error}") from error


# -- the plugin


def _install_plugin(cli: CliInfo, version: str, mirror: str | None, report: Reporter) -> None:
    present = find_plugin(version)
    if present is not None:
        report(_done(f"{PLUGIN} plugin", f"{version} is installed: {present}"))
        return
    command = [str(cli.path), "--non-interactive", "plugin", "install", "resource", PLUGIN, version]
    with tempfile.TemporaryDirectory(prefix="kraj-pulumi-") as temporary:
        if mirror:
            name = plugin_archive_name(version)
            archive = Path(temporary) / name
            expected = _checksum_of(name, f"{mirror}/{MIRROR_SUMS}")
            _download(f"{mirror}/{name}", archive, report)
            _verify(archive, expected, f"{mirror}/{name}")
            command += ["--file", str(archive)]
        else:
            report(_progress(f"{PLUGIN} plugin", f"pulumi downloads version {version}"))
        _run_plugin_install(command, DOWNLOAD_FAILED if mirror is None else INSTALL_FAILED)
    report(_done(f"{PLUGIN} plugin", f"{version} installed in {pulumi_home() / 'plugins'}"))


def _run_plugin_install(command: list[str], code: Any) -> None:
    token = os.environ.get("GITHUB_TOKEN")  # lifts the limit that GitHub sets to downloads
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={
            **inherited(os.environ),
            **({"GITHUB_TOKEN": token} if token else {}),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
    )
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise KrajError(
            code, f"`pulumi plugin install` failed with exit code {done.returncode}", causes=said
        )


# -- files from elsewhere


def _address(source: str) -> str:
    """A path becomes a `file:` address; an address stays as it is."""
    if source.startswith(("https://", "http://")):
        return source
    return Path(source).absolute().as_uri()


def _open(source: str) -> Any:
    """A file of a server or a folder. Raises KRJ352."""
    try:
        return urllib.request.urlopen(_address(source), timeout=_TIMEOUT_SECONDS)  # noqa: S310
    except OSError as error:
        # HTTPError and URLError are kinds of OSError.
        reason = getattr(error, "reason", None) or error
        status = f"HTTP {error.code} " if isinstance(error, urllib.error.HTTPError) else ""
        raise KrajError(
            DOWNLOAD_FAILED,
            f"cannot get {source}: {status}{reason}",
            details={"address": source},
        ) from error


def _download(source: str, target: Path, report: Reporter) -> None:
    subject = target.name
    with _open(source) as response, target.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        mebibytes = f" ({size / 2**20:.0f} MiB)" if size else ""
        report(_progress(subject, f"downloading {source}{mebibytes}"))
        try:
            while block := response.read(_BLOCK_BYTES):
                file.write(block)
        except OSError as error:
            raise KrajError(
                DOWNLOAD_FAILED, f"the download of {source} broke off: {error}"
            ) from error
    if size and target.stat().st_size != size:
        raise KrajError(
            DOWNLOAD_FAILED,
            f"the download of {source} broke off: {target.stat().st_size} of {size} bytes came",
        )


def _checksum_of(name: str, source: str) -> str:
    """The SHA-256 of a file, from a list in the format of `sha256sum`. Raises KRJ352, KRJ353."""
    with _open(source) as response:
        text = response.read().decode(errors="replace")
    for line in text.splitlines():
        checksum, _, listed = line.strip().partition(" ")
        if listed.strip().lstrip("*").removeprefix("./") == name:
            return str(checksum.lower())
    raise KrajError(CHECKSUM_WRONG, f"{source} has no checksum for {name}")


def _verify(file: Path, expected: str, source: str) -> None:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise KrajError(
            CHECKSUM_WRONG,
            f"{source} has the SHA-256 {found}, not {expected}",
            details={"found": found, "expected": expected},
        )


def _machine() -> str:
    machine = _MACHINES.get(platform.machine().lower())
    if machine is None or sys.platform not in ("linux", "darwin"):
        raise KrajError(
            INSTALL_FAILED,
            f"Pulumi has no release for {sys.platform} on {platform.machine()}",
            hint="Use `--engine local`, which needs no other program.",
        )
    return machine


def _progress(subject: str, message: str) -> Event:
    return Event(EventKind.PROGRESS, _ACTION, subject, message)


def _done(subject: str, message: str) -> Event:
    return Event(EventKind.DONE, _ACTION, subject, message)
