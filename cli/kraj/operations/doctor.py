"""Examines the machine: Python, processors, memory, disk, what the lab and the engines need."""

from __future__ import annotations

import contextlib
import enum
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.places import STATE_URL, open_bucket, trial
from kraj.engine.passphrase import source_of_passphrase
from kraj.errors import KrajError, KrajErrors
from kraj.model.sources import display
from kraj.model.yaml_files import read_document
from kraj.operations.project import find_project

GIB = 1024**3

#: What the lab with all services uses at most (measured, see benchmarks/lab), with room for kraj.
LAB_MEMORY_GIB = 4
LAB_DISK_GIB = 4


class Verdict(enum.StrEnum):
    GOOD = "good"
    NOTE = "note"  #: works, but something optional is missing
    BAD = "bad"  #: kraj cannot work like this


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    verdict: Verdict
    found: str
    advice: str = ""


def examine() -> list[Finding]:
    """All findings, in the order in which a person would look."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python,
        _system,
        _processors,
        _memory,
        _project,
        _disk,
        _state,
        _passphrase,
        _lab_servers,
        _pulumi,
    )
    return [look() for look in looks]


def _python() -> Finding:
    return Finding("Python", Verdict.GOOD, f"{platform.python_version()} ({sys.executable})")


def _system() -> Finding:
    name = platform.system()
    if name == "Linux":
        try:
            name = platform.freedesktop_os_release()["PRETTY_NAME"]
        except OSError:
            name = "Linux"
        return Finding("system", Verdict.GOOD, name)
    return Finding("system", Verdict.NOTE, name, "The lab runs on Linux only; clouds are reached.")


def _processors() -> Finding:
    count = os.cpu_count() or 1
    if count >= 2:
        return Finding("processors", Verdict.GOOD, str(count))
    return Finding("processors", Verdict.NOTE, "1", "The lab starts in minutes with 2 or more.")


def _memory() -> Finding:
    import psutil  # noqa: PLC0415 - slow to load, and used here alone

    free = psutil.virtual_memory().available / GIB
    if free >= LAB_MEMORY_GIB:
        return Finding("memory", Verdict.GOOD, f"{free:.1f} GiB free")
    return Finding(
        "memory", Verdict.NOTE, f"{free:.1f} GiB free", f"The lab wants {LAB_MEMORY_GIB} GiB free."
    )


def _project() -> Finding:
    try:
        root = find_project().root
    except KrajError as error:
        return Finding("project", Verdict.NOTE, error.message, error.hint)
    regions = sorted(path.parent.name for path in (root / "inventories").glob("*/region.yaml"))
    return Finding("project", Verdict.GOOD, f"{root} with regions {', '.join(regions) or 'none'}")


def _disk() -> Finding:
    try:
        folder = find_project().root
    except KrajError:
        folder = Path.cwd()
    free = shutil.disk_usage(folder).free / GIB
    if free >= LAB_DISK_GIB:
        return Finding("disk", Verdict.GOOD, f"{free:.0f} GiB free")
    return Finding(
        "disk", Verdict.NOTE, f"{free:.1f} GiB free", f"The lab wants {LAB_DISK_GIB} GiB free."
    )


def _state() -> Finding:
    """Whether the places of states that the environment or the regions name can be used."""
    try:
        places = _named_places()
    except KrajError as error:
        return Finding("state", Verdict.BAD, str(error), error.hint)
    if not places:
        return Finding("state", Verdict.GOOD, "files on this machine")
    seconds = []
    for bucket in places:
        try:
            seconds.append(trial(bucket))
        except KrajError as error:
            return Finding("state", Verdict.BAD, str(error), error.hint)
    shown = ", ".join(
        f"{bucket.url} is writable ({took * 1000:.0f} ms)"
        for bucket, took in zip(places, seconds, strict=True)
    )
    return Finding("state", Verdict.GOOD, shown)


def _passphrase() -> Finding:
    """Where the passphrase of the states comes from, never what it is."""
    try:
        source = source_of_passphrase()
    except KrajError as error:
        return Finding("passphrase", Verdict.BAD, str(error), error.hint)
    return Finding("passphrase", Verdict.GOOD, source or "kraj's own file beside the states")


def _named_places() -> list[Bucket]:
    """KRAJ_STATE_URL's place, else those of the project's regions. Raises KRJ1xx, KRJ320."""
    named = os.environ.get(STATE_URL)
    if named:
        return [open_bucket(named)]
    try:
        inventories = find_project().inventories
    except KrajError:
        return []
    found: dict[str, Bucket] = {}
    for file in sorted(inventories.glob("*/region.yaml")):
        # Only this block: `kraj region validate` checks the whole file, and tells what is wrong.
        with contextlib.suppress(KrajErrors):
            url = read_document(file, display(file)).text(("state", "url"))
            if url:
                bucket = open_bucket(url)
                found.setdefault(bucket.url, bucket)
    return list(found.values())


def _lab_servers() -> Finding:
    programs = {
        "mariadb-server": ("mariadbd",),
        "rabbitmq-server": ("rabbitmq-server",),
        "memcached": ("memcached",),
    }
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/rabbitmq/bin"))
    missing = [
        package
        for package, names in programs.items()
        if not any(shutil.which(name, path=path) for name in names)
    ]
    if not missing:
        return Finding("lab servers", Verdict.GOOD, "MariaDB, RabbitMQ, memcached")
    if os.geteuid() == 0 or shutil.which("sudo"):
        return Finding(
            "lab servers",
            Verdict.NOTE,
            f"not installed yet: {', '.join(missing)}",
            "`kraj lab up` installs them from the distribution.",
        )
    return Finding(
        "lab servers",
        Verdict.NOTE,
        f"not installed: {', '.join(missing)}",
        f"As root: apt-get install --no-install-recommends {' '.join(missing)}",
    )


def _pulumi() -> Finding:
    found = shutil.which("pulumi")
    if found:
        return Finding("Pulumi CLI", Verdict.GOOD, found)
    return Finding(
        "Pulumi CLI",
        Verdict.NOTE,
        "not on PATH: the local engine applies the stacks",
        "Optional: `kraj engine install` downloads it.",
    )
