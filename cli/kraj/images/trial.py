"""Boots a sealed image in a fresh container without network, and looks whether it is well.

What is booted is the written file, not the tree that it was made from; the disk for clouds, where
there is one, in a virtual machine. What a role starts only when a tenant's values are known is not
there yet: its health check is skipped with that reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.images.machine import Machine
from kraj.images.manifest import FILE_NAMES, Check, Manifest, Trial
from kraj.images.sealing import leftovers
from kraj.images.store import ImageStore
from kraj.images.tools import check_machine, missing, run
from kraj.images.virtual import EFI_PROGRAMS, PROGRAMS, Firmware, boot_disk
from kraj.model.service import HealthCheck

_FIRMWARES: Final[tuple[Firmware, ...]] = ("BIOS", "EFI")
_ANSWER_SECONDS: Final = 30
#: Asks the service from inside; a certificate of the tenant's own is not there yet.
_ASK: Final = """
import ssl, sys, urllib.request
trust = ssl._create_unverified_context()
print(urllib.request.urlopen(sys.argv[1], timeout=20, context=trust).status)
"""
_LAST_LINES: Final = 15


def try_image(
    manifest: Manifest,
    store: ImageStore,
    health: HealthCheck | None,
    tests: Path | None,
    report: Reporter,
) -> Trial:
    """Boot it and check it; `tests` is a folder with testinfra tests. Raises KRJ800, 805, 808."""
    check_machine()
    began = time.monotonic()
    with store.in_use():
        report(Event(EventKind.STARTED, "image test", manifest.image, message="unpacking"))
        work = store.new_work("trial")
        with _mounted(store.folder(manifest) / FILE_NAMES["root"], work) as tree:
            checks = _Checks(manifest.image, report)
            checks.add("sealed", lambda: _nothing(leftovers(tree)))
            checks.add("boots", lambda: _boot(manifest, tree, work, store, health, tests, checks))
        for firmware in _FIRMWARES:
            name = f"disk boots by {firmware}"
            checks.add(name, partial(_disk_boots, manifest, firmware, store, work))
        made = tuple(checks.made)
        trial = Trial(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 1),
            checks=made,
        )
        store.rewrite(manifest.model_copy(update={"trial": trial}))
        kind = EventKind.DONE if trial.passed else EventKind.FAILED
        report(Event(kind, "image test", manifest.image, seconds=trial.seconds))
    return trial


class _Failed(Exception):  # noqa: N818 - a verdict, not an error
    """A check did not hold, with what was found."""


class _Skipped(Exception):  # noqa: N818 - a verdict, not an error
    """A check could not be made, with the reason."""


class _Checks:
    """Takes the outcome of each check and tells it."""

    def __init__(self, image: str, report: Reporter) -> None:
        self.made: list[Check] = []
        self._image = image
        self._report = report

    def add(self, name: str, look: Callable[[], str]) -> None:
        began = time.monotonic()
        place = len(self.made)
        try:
            result, message = "passed", look()
        except _Failed as failed:
            result, message = "failed", str(failed)
        except _Skipped as skipped:
            result, message = "skipped", str(skipped)
        except KrajError as error:
            result, message = "failed", "\n".join([error.message, *error.causes])
        check = Check.model_validate(
            {
                "name": name,
                "result": result,
                "message": message,
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        self.made.insert(place, check)  # a check that made others stands before them
        words = f"{name} {result}" + (f": {message}" if message else "")
        self._report(Event(EventKind.PROGRESS, "image test", self._image, message=words))


def _boot(
    manifest: Manifest,
    tree: Path,
    work: Path,
    store: ImageStore,
    health: HealthCheck | None,
    tests: Path | None,
    checks: _Checks,
) -> str:
    began = time.monotonic()
    with Machine.for_test(f"kraj-test-{manifest.image}", tree, work, store) as machine:
        seconds = time.monotonic() - began
        checks.add("all units run", lambda: _nothing(machine.failed_units()))
        checks.add("ssh answers", lambda: _ssh(machine))
        checks.add("own identity", lambda: _own_identity(machine))
        checks.add("health check", lambda: _healthy(machine, health))
        checks.add("tests of the role", lambda: _testinfra(machine, tests, work))
    return f"after {seconds:.1f} s"


def _disk_boots(manifest: Manifest, firmware: Firmware, store: ImageStore, work: Path) -> str:
    """What clouds boot, in a virtual machine."""
    if "disk" not in manifest.outputs:
        raise _Skipped("it was built without a disk")
    absent = missing(PROGRAMS | (EFI_PROGRAMS if firmware == "EFI" else {}))
    if absent:
        raise _Skipped(f"not installed: {', '.join(absent)}")
    booted = boot_disk(store.folder(manifest) / FILE_NAMES["disk"], firmware, work)
    _nothing(booted.faults(firmware))
    return f"up and down again in {booted.seconds:.0f} s"


def _nothing(found: list[str]) -> str:
    if found:
        raise _Failed(", ".join(found))
    return ""


def _ssh(machine: Machine) -> str:
    options = [*machine.ssh_options(), "-i", str(machine.key)]
    return run(["/usr/bin/ssh", *options, f"root@{machine.name}", "uname", "-n"]).strip()


def _own_identity(machine: Machine) -> str:
    """systemd gave this machine an identity, which the image did not have."""
    identity = machine.execute("cat", "/etc/machine-id").strip()
    if len(identity) != 32:
        raise _Failed(f"/etc/machine-id is {identity!r}")
    return ""


def _healthy(machine: Machine, health: HealthCheck | None) -> str:
    if health is None:
        raise _Skipped("no service, no health check")
    listening = machine.execute("ss", "-Hltn", f"sport = :{health.port}")
    if not listening.strip():
        raise _Skipped(f"nothing listens on port {health.port} before the server is configured")
    if health.protocol == "tcp":
        return "the port is open"
    address = f"{health.protocol}://localhost:{health.port}{health.path}"
    return f"{address} answers {machine.execute('python3', '-c', _ASK, address).strip()}"


def _testinfra(machine: Machine, tests: Path | None, work: Path) -> str:
    found = sorted(tests.glob("test_image*.py")) if tests else []
    if not found:
        raise _Skipped("the role has no tests/test_image*.py")
    settings = work / "ssh_config"
    settings.write_text(_ssh_settings(machine), encoding="utf-8")
    command = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider",
        f"--rootdir={work}", f"--ssh-config={settings}", f"--hosts=ssh://{machine.name}",
        *map(str, found),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0:
        raise _Failed("\n".join(lines[-_LAST_LINES:] or [done.stderr.strip()]))
    return lines[-1]


def _ssh_settings(machine: Machine) -> str:
    """The machine's options in the form of a file."""
    options = machine.ssh_options()
    lines = [f"Host {machine.name}", "User root", f"IdentityFile {machine.key}"]
    lines += [value.replace("=", " ", 1) for option, value in pairwise(options) if option == "-o"]
    return "\n".join(lines) + "\n"


@contextmanager
def _mounted(image: Path, work: Path) -> Iterator[Path]:
    """The files of an image, in a copy that may be written to."""
    raw, tree = work / "root.raw", work / "tree"
    run(["/usr/bin/qemu-img", "convert", "-O", "raw", str(image), str(raw)])
    tree.mkdir()
    run(["/bin/mount", "-o", "loop", str(raw), str(tree)])
    try:
        (tree / "lost+found").rmdir()
        yield tree
    finally:
        run(["/bin/umount", str(tree)])
        raw.unlink()
